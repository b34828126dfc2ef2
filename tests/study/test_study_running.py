"""`search.run` and the steps of a study: what each does, keeps and leaves closed."""

import dataclasses
import logging
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import torch

import search
from search.events import Event, Notice
from search.metric import ACCURACY
from search.pipeline import run_study
from search.stopping import StopRequest
from search.study.interrupts import SearchInterrupted, interruptible
from search.study.listening import EVENT_KINDS
from search.study.runner import _how_to_continue
from search.tuning.run_events import EVENTS, EpochEnded, TrialEnded
from search.user_metric import FunctionMetric
from tests.conftest import Command, FolderMaker
from tests.study.conftest import RunMaker, suggest


def scores(study: search.Study) -> list[tuple[Any, ...]]:
    return [(one.number, one.state, one.params, one.curve) for one in study.trials]


@pytest.mark.slow
def test_steps_open_the_test_set_last_and_once(run: RunMaker) -> None:
    """A search and a refit leave it closed; a second test, report and load do not open it again."""
    study = run()
    assert (study.record.openings, study.result, study.record.refit) == ((), None, None)
    with pytest.raises(search.UserError, match="no model of its winner yet"):
        _ = study.model
    model = study.refit()
    assert (study.record.openings, study.result) == ((), None)
    result = study.test()
    assert study.result == result == study.test()
    study.report()
    loaded = search.load_study(study.name, runs_dir=study.recipe.runs_dir)
    assert len(loaded.record.openings) == 1
    assert loaded.test() == result
    pairs = zip(
        loaded.model.network.state_dict().values(), model.network.state_dict().values(), strict=True
    )
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.slow
def test_steps_give_what_one_run_gives(run: RunMaker, tmp_path: Path) -> None:
    """Trials, network and test result are those of the command line's run, bit for bit."""
    study = run(study_name="steps")
    study.refit()
    study.test()
    recipe = study.recipe.model_copy(update={"study_name": "whole"})
    whole = run_study(recipe, lambda _: None, executor="inline").record
    timeless = [dataclasses.replace(one.record, seconds=0) for one in study.trials]
    for ours, theirs in zip(timeless, whole.trials, strict=True):
        assert (ours.params, ours.fold_scores) == (theirs.params, theirs.fold_scores)
    assert study.result == whole.test
    weights = [
        (study.recipe.runs_dir / name / "model" / "weights.safetensors").read_bytes()
        for name in ("steps", "whole")
    ]
    assert weights[0] == weights[1]


@pytest.mark.slow
def test_a_refit_is_not_repeated(run: RunMaker) -> None:
    """A second refit loads the network; of another winner, or a lost one, it trains again."""
    study = run()
    study.refit()
    weights = study.folder / "model" / "weights.safetensors"
    before = weights.stat().st_mtime_ns
    study.refit()
    assert weights.stat().st_mtime_ns == before
    weights.write_bytes(b"damaged")
    study.refit()
    assert weights.stat().st_mtime_ns != before
    assert search.load_model(weights.parent).card.trial == study.best.number


@pytest.mark.slow
def test_the_same_call_continues(run: RunMaker) -> None:
    """Nothing is trained twice, more trials are added, and other settings are refused."""
    first = run(trials=2)
    ended: list[Event] = []
    again = run(trials=4, on={"trial_ended": ended.append})
    assert len(ended) == 2
    assert scores(again)[:2] == scores(first)
    assert scores(again) == scores(run(trials=4, study_name="whole"))
    assert len(again.run(trials=5).trials) == 5
    with pytest.raises(search.UserError, match="epochs"):
        again.run(epochs=7)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("data", np.zeros((2, 8, 8, 3), np.uint8)),
        ("study_name", "copy"),
        ("runs_dir", "elsewhere"),
        ("storage", "postgresql://ann:s3cret@host/studies"),
    ],
)
def test_what_makes_another_study_is_refused(
    finished: search.Study, setting: str, value: Any
) -> None:
    """The study is not extended instead, and no password is shown; None changes nothing."""
    with pytest.raises(search.UserError, match=rf"^{setting}: .*search\.run\(") as error:
        finished.run(**{setting: value}, trials=100)
    assert "\n" not in str(error.value)
    assert "s3cret" not in str(error.value)
    assert len(finished.trials) == finished.recipe.trials == 6


@pytest.mark.slow
def test_a_study_takes_what_a_run_takes(run: RunMaker) -> None:
    """Its validation as an object, and whether other code is accepted, once."""
    first = run(trials=1, epochs=1, validation=search.KFold(2))
    study = search.load_study(first.name, first.recipe.runs_dir, executor="inline")
    assert len(study.run(trials=2, validation=search.KFold(2)).trials) == 2
    with pytest.raises(search.UserError, match="folds 2 is now 3"):
        study.run(trials=3, validation=search.KFold(3))
    with pytest.raises(search.UserError, match=r"^validation: .*, got 5"):
        study.run(validation=5)  # type: ignore[arg-type]
    study.optuna.set_user_attr("versions", {**study.record.versions, "torch": "0.1"})
    with pytest.raises(search.UserError, match="`accept_changes`"):
        study.run(trials=3)
    assert len(study.run(trials=3, accept_changes=True).trials) == 3
    assert study.record.changes


@pytest.mark.slow
def test_a_study_stays_where_it_is(
    image_folder: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps after a change of folder continue the same study, and write nothing elsewhere."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    monkeypatch.chdir(first)
    study = search.run(
        suggest, image_folder, data_dir=data_dir, runs_dir="mine", trials=2, epochs=2, workers=1,
        executor="inline",
    )  # fmt: skip
    monkeypatch.chdir(second)
    study.run(trials=3)
    assert len(study.trials) == 3
    assert study.refit().card.study == study.name
    assert study.test() == study.result
    assert study.report() == first / "mine" / study.name / "report" / "report.html"
    assert study.plot.history().save("here.png").is_file()
    assert [path.name for path in second.iterdir()] == ["here.png"]
    assert Path.cwd() == second
    loaded = search.load_study(study.name, runs_dir=first / "mine")
    assert (len(loaded.trials), len(loaded.record.openings)) == (3, 1)


@pytest.mark.slow
def test_a_result_is_that_of_the_present_winner(run: RunMaker) -> None:
    """Once another trial has won, neither model nor result of the earlier one stands beside it."""
    study = run(trials=2, epochs=1, study_name="grows")
    first, result = study.best.number, study.test()
    assert study.result == result
    while study.best.number == first:
        study.run(trials=len(study.trials) + 2)
    assert study.result is None
    assert "winner not tested yet" in repr(study)
    assert f"{result.accuracy:.2%}" not in study.verdict
    with pytest.raises(search.UserError, match="no model of its winner"):
        _ = study.model
    (listed,) = search.list_studies(study.recipe.runs_dir)
    assert listed.test is None
    assert repr(listed).startswith("<ListedStudy 'grows': space ")
    assert len(repr(listed)) < 300
    study.report()
    second = study.test()
    assert study.result == second
    assert study.model.card.trial == study.best.number
    assert len(study.record.openings) == 2


def edited(trial: Any) -> search.Candidate:
    width = trial.suggest_categorical("width", (2, 4, 8))
    model = search.MLPConfig(hidden_widths=(2 * width,), dropouts=(0.0,))
    return search.Candidate(model=model, optimizer=search.AdamConfig(learning_rate=0.01))


@pytest.mark.slow
def test_a_loaded_study_keeps_its_budget_unless_told_how_much(run: RunMaker) -> None:
    """Which may be the hour of a call that said nothing."""
    study = run(trials=2)
    stored = dict(study.optuna.user_attrs["recipe"]) | {"budget": 3600.0}
    study.optuna.set_user_attr("recipe", stored)
    loaded = search.load_study(study.name, study.recipe.runs_dir, executor="inline")
    assert loaded.run().recipe.budget == 3600
    assert loaded.run(trials=3).recipe.budget is None


@pytest.mark.slow
def test_an_edited_function_leaves_stored_studies_alone(run: RunMaker) -> None:
    """Whether a study of the edited one is made or refused, or its change is accepted."""
    study = run(trials=2, study_name="first")
    with pytest.raises(search.UserError, match="started with other code"):
        run(space=edited, trials=2, study_name="first")
    other = run(space=edited, trials=2, study_name="other")
    assert study.refit().card.trial == study.best.number
    assert len(study.run(trials=3).trials) == 3
    assert search.load_study("first", study.recipe.runs_dir).test() is not None
    assert len(other.run(trials=3).trials) == 3
    accepted = run(space=edited, trials=4, study_name="first", accept_changes=True)
    assert len(accepted.trials) == 4
    assert accepted.record.changes
    with pytest.raises(search.UserError, match="started with other code"):
        run(trials=4, study_name="first")


@pytest.mark.slow
def test_the_command_line_continues_a_study_of_a_function(
    run: RunMaker, command: Command, image_folder: Path, data_dir: Path
) -> None:
    """The function's code was stored, so another process can search on, refit and test."""
    study = run(trials=2, study_name="mine")
    recipe = study.folder / "recipe.toml"
    recipe.write_text(study.recipe.toml())
    ended = command("run", recipe, "--trials", "3", "--quiet", "--workers", "1")
    assert ended.status == 0, ended.err
    loaded = search.load_study("mine", study.recipe.runs_dir)
    assert len(loaded.trials) == 3
    assert loaded.result is not None


@pytest.mark.slow
def test_nothing_is_printed_unless_asked(run: RunMaker, capfd: pytest.CaptureFixture[str]) -> None:
    """Search, refit, test and report are silent; with `progress`, stderr has lines."""
    study = run()
    study.refit()
    study.test()
    study.report()
    assert capfd.readouterr() == ("", "")
    run(study_name="shown", progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "3 of 3 done" in err


@pytest.mark.slow
def test_notices_are_logged(
    run: RunMaker, caplog: pytest.LogCaptureFixture, make_folder: FolderMaker, tmp_path: Path
) -> None:
    """What the user should know is not lost without a display."""
    folder = make_folder(tmp_path / "pets", {"cat": 12, "dog": 12})
    (folder / "notes").mkdir()
    with caplog.at_level(logging.INFO, "search"):
        run(data=folder, trials=1, epochs=1)
    assert any("notes" in text for text in caplog.messages)


@pytest.mark.slow
def test_functions_hear_of_events(run: RunMaker) -> None:
    """Callbacks hear everything, functions by kind only that, also in later steps."""
    heard: list[Event] = []
    epochs: list[Event] = []
    ended: list[Event] = []
    study = run(callbacks=[heard.append], on={"epoch": epochs.append})
    assert [one.kind for one in heard][-1] == "ended"
    assert epochs == [one for one in heard if isinstance(one, EpochEnded)]
    assert len(epochs) >= 3
    assert study.on("trial_ended", ended.append).run(trials=4) is study
    assert [one.trial.number for one in ended if isinstance(one, TrialEnded)] == [3]
    study.test()
    assert [one.kind for one in heard][-2:] == ["refit", "test"]


def test_every_kind_of_event_can_be_heard() -> None:
    """Kinds are distinct, and those of the JSON lines."""
    assert len(set(EVENT_KINDS)) == len(EVENTS)


@pytest.mark.slow
def test_errors_of_callbacks_end_the_run_as_they_are(run: RunMaker) -> None:
    """What is finished is kept, and the run can be continued."""

    def fail(_: Event) -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        run(on={"trial_ended": fail})
    assert [one.state for one in run().trials].count("complete") >= 1


@pytest.mark.slow
def test_failed_trials_are_tried_again_if_asked(run: RunMaker) -> None:
    """By the same call, and by the study; usually they are not."""
    heard: list[Event] = []

    def retried() -> bool:
        texts = [one.text for one in heard if isinstance(one, Notice)]
        heard.clear()
        return "0 failed trials to try again" in texts

    study = run(callbacks=[heard.append])
    assert not retried()
    study.run(retry_failed=True)
    assert retried()
    run(callbacks=[heard.append], retry_failed=True)
    assert retried()


@pytest.mark.slow
def test_a_stored_study_trains_where_it_is_told(run: RunMaker) -> None:
    """Arguments of `load_study` are those of `run`."""
    study = run()
    for arguments, words in (
        ({"executor": "dask"}, "needs a cluster"),
        ({"cluster": "tcp://10.0.0.1:8786"}, "not encrypted"),
        ({"tls_keys": "x"}, "tls_keys: is no argument, got 'x'; did you mean 'tls_key'"),
    ):
        with pytest.raises(search.UserError, match=words):
            search.load_study(study.name, study.recipe.runs_dir, **arguments).run(trials=4)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_function_can_stop_the_search(run: RunMaker) -> None:
    """`stop` ends it after the epoch; the rest is trained by the next call."""
    study = run(trials=1)
    study.on("trial_ended", lambda _: study.stop()).run(trials=6)
    assert len([one for one in study.trials if one.state != "waiting"]) < 6
    assert len(run(trials=6).trials) == 6


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"trails": 3}, "trails is not a setting of a recipe: did you mean trials?"),
        ({"dataset": "digits"}, "dataset: give it as data, got 'digits'"),
        ({"trials": 0}, "trials: .*greater than or equal to 1, got 0"),
        ({"validation": "kfolds"}, "validation: .*did you mean 'kfold'"),
        ({"space": "cmn"}, "space must be .* got 'cmn'"),
        ({"space": 3}, "space: must be a name, a Space or a function, got 3"),
        ({"sampler": "tpo"}, "sampler: .*did you mean 'tpe'"),
        ({"validation": 5}, r"validation: must be search\.KFold\(5\), .*, got 5"),
        ({"callbacks": 3}, "callbacks: must be functions"),
        ({"on": {"trial_end": print}}, "'trial_end' is no kind of event; did you mean"),
        ({"on": {"epoch": 3}}, "needs a function that takes an event, got 3"),
        ({"on": ["epoch"]}, r"on: must be functions by kind of event, got \['epoch'\]"),
        ({"callbacks": [search.TensorBoard]}, r"TensorBoard is a class; give TensorBoard\(\)"),
        ({"sampler": optuna.samplers.TPESampler}, "sampler: must make a sampler from a seed, got"),
        ({"sampler": optuna.samplers.RandomSampler()}, r"such as lambda seed: .*\(seed=seed\)"),
        ({"executor": "cloud"}, "executor must be one of processes, inline, dask, got 'cloud'"),
        ({"data": "nowhere"}, "^data: 'nowhere' is neither"),
        ({"data": None}, "^data: must be .* got None"),
        ({"runs_dir": 3}, "^runs_dir: .*got 3"),
        ({"progress": "yes"}, "^progress must be True or False, got 'yes'"),
        ({"executor": "dask"}, "needs a cluster: give `cluster` tcp://HOST:PORT"),
        (
            {"executor": None, "cluster": "tcp://10.0.0.1:8786"},
            "accept that with `insecure_cluster`",
        ),
        ({"cluster": "tcp://localhost:1"}, "cluster is only for executor 'dask', got .*'inline'"),
        ({"worker_timeout": 3}, "worker_timeout is only for executor 'dask'"),
    ],
)
def test_mistakes_are_one_line(run: RunMaker, settings: dict[str, Any], words: str) -> None:
    """The line names the argument, its value and what is accepted."""
    with pytest.raises(search.UserError, match=words) as error:
        run(**settings)
    assert "\n" not in str(error.value)
    assert error.value._render_traceback_() == [f"UserError: {error.value}"]


def failing(trial: Any) -> search.Candidate:
    return edited(trial) if trial.suggest_int("zero", 0, 0) else 1 / 0  # type: ignore[return-value]


def never_a_number(truth: Any, probabilities: Any) -> float:
    del truth, probabilities
    return "none"  # type: ignore[return-value]


def no_sampler(seed: int) -> optuna.samplers.BaseSampler:
    return seed  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"space": failing, "study_name": "of-mine"}, "^space 'failing': ZeroDivisionError"),
        ({"space": search.Space("named", failing)}, "^space 'named': ZeroDivisionError"),
        ({"metric": never_a_number}, "^metric 'never_a_number': .* finite number, got 'none'$"),
        ({"sampler": no_sampler}, "^sampler 'no_sampler' must return a sampler .* got int$"),
    ],
)
def test_functions_are_called_by_their_names(
    run: RunMaker, settings: dict[str, Any], words: str
) -> None:
    """Not by the files in which their code is kept."""
    with pytest.raises(search.UserError, match=words):
        run(**settings)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: search.KFold(1), "folds: .*greater than or equal to 2, got 1"),
        (lambda: search.KFold("5"), "folds: .*integer, got '5'"),  # type: ignore[arg-type]
        (lambda: search.Holdout(0.0), "holdout_fraction: .*greater than 0, got 0.0"),
        (lambda: search.Holdout(5), "holdout_fraction: .*less than 1, got 5"),
    ],
)
def test_nonsense_is_refused_when_it_is_made(make: Callable[[], object], words: str) -> None:
    with pytest.raises(search.UserError, match=words):
        make()


@pytest.mark.slow
def test_messages_name_arguments(run: RunMaker) -> None:
    """Settings have their names in Python, not those of options."""
    run(study_name="here")
    with pytest.raises(search.UserError, match=r"or another `study_name`$") as error:
        run(study_name="here", epochs=2)
    assert "--" not in str(error.value)
    with pytest.raises(search.UserError, match="give `space` with mlp") as error:
        search.run(None, "digits")  # type: ignore[arg-type]
    assert "--" not in str(error.value)


@pytest.mark.slow
def test_fewer_trials_than_are_done(run: RunMaker) -> None:
    """A study of 3 is not "3 of 1 trial done"."""
    run()
    study = run(trials=1)
    assert "3 trials done, 1 requested" in repr(study)


@pytest.mark.slow
def test_notices_are_told_by_one_step_only(
    run: RunMaker, caplog: pytest.LogCaptureFixture, make_folder: FolderMaker, tmp_path: Path
) -> None:
    """Each step prepares the dataset; what it says of it is known after the first."""
    folder = make_folder(tmp_path / "pets", {"cat": 12, "dog": 12})
    (folder / "notes").mkdir()
    with caplog.at_level(logging.INFO, "search"):
        study = run(data=folder, trials=1, epochs=1)
        told = [*caplog.messages]
        study.refit()
        study.test()
    assert [text for text in told if "notes" in text]
    assert not [text for text in caplog.messages[len(told) :] if text in told]


def test_a_wrong_setting_leaves_nothing_behind(run: RunMaker, tmp_path: Path) -> None:
    """Settings are checked before an object's code or arrays are written."""
    with pytest.raises(search.UserError):
        run(trials=-1)
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_unknown_studies_are_named(tmp_path: Path, run: RunMaker) -> None:
    """Loading, and deleting, name what is there."""
    study = run(study_name="there")
    runs_dir = study.recipe.runs_dir
    assert [one.study for one in search.list_studies(runs_dir)] == ["there"]
    with pytest.raises(search.UserError, match="known studies: there"):
        search.load_study("elsewhere", runs_dir)
    with pytest.raises(search.UserError, match="known studies: there"):
        search.delete_study("elsewhere", runs_dir)
    search.delete_study("there", runs_dir)
    assert search.list_studies(runs_dir) == []
    assert not study.folder.exists()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: search.list_studies(5), "^runs_dir: must be a path, got 5"),  # type: ignore[arg-type]
        (lambda: search.list_studies(""), "^runs_dir: must be a path, got ''"),
        (lambda: search.list_studies(storage=5), "^storage: .*string, got 5"),  # type: ignore[arg-type]
        (lambda: search.load_study("x", 5), "^runs_dir: must be a path, got 5"),  # type: ignore[arg-type]
        (lambda: search.load_study("x", storage=5), "^storage: .*string, got 5"),  # type: ignore[arg-type]
        (lambda: search.load_study("x", tls_ca=5), "^tls_ca: must be a path, got 5"),
        (lambda: search.delete_study("x", 5), "^runs_dir: must be a path, got 5"),  # type: ignore[arg-type]
        (lambda: search.delete_study("x", storage=5), "^storage: .*string, got 5"),  # type: ignore[arg-type]
        (lambda: search.delete_study(5), "^name: must be a study's name, got 5"),  # type: ignore[arg-type]
        (lambda: search.list_studies(None), "^runs_dir: 'runs' holds no studies yet"),
    ],
)
def test_places_of_other_types_are_one_line(
    call: Callable[[], object], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line names the argument and its value; None is the default."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(search.UserError, match=words) as error:
        call()
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_a_home_folder_is_the_same_everywhere(
    run: RunMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was made below "~" is found by the same text, and deleted."""
    monkeypatch.setenv("HOME", str(tmp_path))
    study = run(runs_dir="~/mine", trials=1, epochs=1, study_name="it")
    assert study.folder == tmp_path / "mine" / "it"
    assert [one.study for one in search.list_studies("~/mine")] == ["it"]
    loaded = search.load_study("it", "~/mine")
    assert loaded.folder == study.folder
    assert loaded.report("~/copy") == tmp_path / "copy" / "report.html"
    search.delete_study("it", "~/mine")
    assert not study.folder.exists()


@pytest.mark.slow
def test_none_is_the_default_of_a_cluster_setting(run: RunMaker) -> None:
    """As it is of every other argument."""
    study = run(trials=1, epochs=1, tls_ca=None, worker_timeout=None)
    loaded = search.load_study(study.name, study.recipe.runs_dir, tls_ca=None)
    assert len(loaded.trials) == 1


@pytest.mark.slow
def test_lists_and_numbers_of_numpy_are_taken(run: RunMaker) -> None:
    """As settings, and as settings of networks."""

    def listed(trial: Any) -> search.Candidate:
        width = trial.suggest_categorical("width", (2, 4))
        model = search.MLPConfig(hidden_widths=[np.int64(width)], dropouts=[0.1])  # type: ignore[arg-type]
        return search.Candidate(model=model, optimizer=search.AdamConfig(learning_rate=0.01))

    study = run(
        space=listed,
        trials=np.int64(2),
        seed=np.int32(3),
        validation=search.KFold(np.int64(2)),  # type: ignore[arg-type]
    )
    assert study.recipe.seed == 3
    best = study.best.candidate
    assert best is not None
    assert isinstance(best.model, search.MLPConfig)
    assert best.model.hidden_widths in ((2,), (4,))


def diverging(trial: Any) -> search.Candidate:
    trial.suggest_categorical("width", (4,))
    model = search.MLPConfig(hidden_widths=(4,), dropouts=(0.0,), batch_norm=False)
    return search.Candidate(model=model, optimizer=search.SGDConfig(learning_rate=1e30))


@pytest.mark.slow
def test_a_study_without_a_winner_says_why(run: RunMaker) -> None:
    """`best` and `refit` raise the reason instead of returning nothing."""
    study = run(space=diverging, trials=1)
    assert [one.state for one in study.trials] == ["diverged"]
    assert "no winner" in repr(study)
    assert "<table>" not in study._repr_html_()
    with pytest.raises(search.UserError, match=r"has no winner: .*\(1 diverged\)"):
        _ = study.best
    with pytest.raises(search.UserError, match="has no winner"):
        study.refit()


@pytest.mark.slow
def test_samplers_are_functions_too(run: RunMaker) -> None:
    """A function of the session makes Optuna's sampler, and the study knows its code."""
    study = run(sampler=make_sampler, trials=3)
    assert study.record.sampler_code is not None
    assert "n_startup_trials=1" in study.record.sampler_code
    assert len(study.trials) == 3


@pytest.mark.slow
def test_a_value_that_cannot_be_stored_is_one_line(run: RunMaker) -> None:
    """Such as a set that a sampler notes; whoever gave it is told so."""
    with pytest.raises(search.UserError, match=r"cannot be stored .*TypeError") as error:
        run(sampler=noting_a_set)
    assert "\n" not in str(error.value)
    with pytest.raises(search.UserError, match=r"cannot be stored .*UnicodeEncodeError"):
        search.load_study("b\udcc3", run(study_name="it").recipe.runs_dir)


def noting_a_set(seed: int) -> optuna.samplers.BaseSampler:
    class Noting(optuna.samplers.RandomSampler):
        def before_trial(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
            study._storage.set_trial_system_attr(trial._trial_id, "noted", {1})  # type: ignore[arg-type]

    return Noting(seed=seed)


def make_sampler(seed: int) -> optuna.samplers.BaseSampler:
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=1)


def share_of_right(labels: Any, probabilities: Any) -> float:
    return float((probabilities.argmax(1) == labels).mean())


@pytest.mark.slow
def test_metrics_are_functions_too(run: RunMaker) -> None:
    """A function of the session scores the trials."""
    study, usual = run(metric=share_of_right), run(metric=ACCURACY, study_name="usual")
    mine = FunctionMetric(share_of_right, high=1.0, low=0.0, words="share of right answers")
    named = run(metric=mine, study_name="named")
    assert named.record.metric.words == "share of right answers"
    assert usual.recipe.metric == "accuracy"
    assert "argmax" in (study.record.metric_code or "")
    assert [one.score for one in study.trials] == pytest.approx([one.score for one in usual.trials])


@pytest.mark.slow
def test_the_baseline_is_tested_without_a_refit(run: RunMaker) -> None:
    """A replication has a test result and a model, and no refit to ask for."""
    study = run(space="mlp", sampler="baseline", trials=1, epochs=1)
    with pytest.raises(search.UserError, match="tested as they are"):
        study.refit()
    assert study.test().n_images == 30
    assert study.model.card.trial == 0


# Interrupts


@pytest.mark.parametrize("times", [1, 2])
def test_an_interrupt_says_how_to_continue(times: int) -> None:
    """The first one is honoured at the end of the epoch, a second one at once."""
    stop, honoured = StopRequest(), False

    def work() -> None:
        nonlocal honoured
        with stop.accepted():
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.01)
            honoured = stop.requested()

    with (
        pytest.raises(SearchInterrupted, match="kept") as error,
        interruptible(stop, lambda: "kept"),
    ):
        work()
    assert honoured == (times == 1)
    assert error.value._render_traceback_() == ["kept"]
    assert isinstance(error.value, KeyboardInterrupt)


@pytest.fixture
def heard_hangups() -> Iterator[None]:
    """Have SIGHUP end a process, even if the tests run under `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("heard_hangups")
@pytest.mark.parametrize("stopped", [False, True])
def test_notices_do_not_hurry_an_interrupt(*, stopped: bool) -> None:
    """The epoch still ends, after `stop()` too; another signal ends it at once."""
    stop, ended = StopRequest(), []

    def work(*numbers: int) -> None:
        with interruptible(stop, lambda: "kept"), stop.accepted():
            for number in numbers:
                os.kill(os.getpid(), number)
                time.sleep(0.01)
            ended.append(stop.requested())

    if stopped:
        stop.request()
    with pytest.raises(SearchInterrupted, match="kept"):
        work(signal.SIGHUP, signal.SIGHUP, signal.SIGUSR1)
    assert ended == [True]
    with pytest.raises(SearchInterrupted, match="kept"):
        work(signal.SIGTERM)
    assert ended == [True]


@pytest.mark.slow
def test_an_interrupt_names_a_call_that_continues(run: RunMaker, tmp_path: Path) -> None:
    """In another folder and another database, too."""
    storage = f"sqlite:///{tmp_path / 'other.db'}"
    with pytest.raises(SearchInterrupted) as error:
        run(storage=storage, study_name="it", on={"epoch": lambda _: signal.raise_signal(2)})
    call = str(error.value).partition(", or ")[2]
    study = eval(call.replace("run()", "run(trials=1)"), {"search": search})  # noqa: S307 - ours
    assert (study.name, study.recipe.storage) == ("it", storage)
    assert study.best.score is not None


@pytest.mark.parametrize(
    ("storage", "end"),
    [
        ("postgresql://ann@host/studies", "storage='postgresql://ann@host/studies').run()"),
        (
            "postgresql://ann:s3cret@host/studies",
            "storage='postgresql://ann@host/studies').run() "
            "(with the database password in the URL or in PGPASSWORD)",
        ),
    ],
)
def test_that_call_has_no_password(storage: str, end: str) -> None:
    """Where one was left out, the message says how to give it."""
    recipe = search.Recipe(space="mlp", storage=storage)
    assert _how_to_continue("it", recipe, searching=True).endswith(f"search.load_study('it', {end}")


_SCRIPT = """
import search

def suggest(trial):
    model = search.MLPConfig(hidden_widths=(trial.suggest_int("width", 2, 8),), dropouts=(0.1,))
    return search.Candidate(model=model, optimizer=search.AdamConfig(learning_rate=0.01))

def note(event):
    print(event.kind, flush=True)

study = search.run(suggest, "digits", trials=2, epochs={epochs}, workers=2, on={{"epoch": note}})
print(study.test().n_images)
"""


def _start(folder: Path, epochs: int) -> "subprocess.Popen[str]":
    script = folder / "script.py"
    script.write_text(textwrap.dedent(_SCRIPT.format(epochs=epochs)))
    return subprocess.Popen(
        [sys.executable, str(script)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.slow
def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    """Workers do not run the script again, and find what they need of its function."""
    out, err = _start(tmp_path, 2).communicate(timeout=120)
    assert err == ""
    assert out.split()[-1] == "360"
    assert len(out.split()) <= 5


@pytest.mark.slow
def test_an_interrupted_script_keeps_its_study(tmp_path: Path) -> None:
    """Its last line says how to continue, and the same call does."""
    process = _start(tmp_path, 100_000)
    assert process.stdout is not None
    assert process.stdout.readline() == "epoch\n"
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode != 0
    last = err.strip().splitlines()[-1]
    assert "everything so far is kept" in last
    assert "search.load_study('suggest-random-digits').run()" in last
    study = search.load_study("suggest-random-digits", tmp_path / "runs")
    assert {one.state for one in study.trials} <= {"interrupted", "waiting"}
