"""`show` and `export` on a stored study of made-up trials, and what they refuse."""

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from search.paths import RunPaths
from search.recipe import Recipe
from search.tuning.locks import study_lock
from search.tuning.storage import open_storage, storage_url
from spaces.cnn import CNN_SPACE
from tests.conftest import Command, CommandResult
from tests.report.report_fakes import complete_trial, history, other_trial, study_record, with_end
from tests.views.showing_fakes import store

_NAME = "cnn-random-photos"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Store a study of five trials: two complete, one pruned, one running, one waiting."""
    baseline = CNN_SPACE.baseline()
    trials = [
        complete_trial(0, [0.2, 0.5], [0.3, 0.6], candidate=baseline),
        complete_trial(1, [0.4, 0.7, 0.6], [0.5, 0.8, 0.7], candidate=baseline, same_as=0),
        other_trial(2, "pruned", value=0.1, history=history([[0.1]]), candidate=baseline),
        other_trial(3, "running", candidate=baseline),
        other_trial(4, "waiting"),
    ]
    settings = {"validation": "kfold", "folds": 2, "study_name": _NAME, "precision": "fp32"}
    store(study_record(trials, recipe=settings), tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def ask(runs: Path, command: Command) -> Any:
    """Return what runs a command on that study."""

    def run(name: str, *arguments: str | Path) -> CommandResult:
        return command(name, _NAME, *arguments, "--runs-dir", runs)

    return run


def test_the_leaderboard_ranks_the_complete_trials(ask: Any) -> None:
    """In a pipe one line a trial: rank, number, score, spread, epoch, size, time, folds, words."""
    out = ask("show").out
    assert "5 trials: 2 complete, 1 interrupted, 1 pruned, 1 waiting" in out
    lines = [line.split() for line in out.splitlines() if line.lstrip().startswith(("1 ", "2 "))]
    assert [line[:2] for line in lines] == [["1", "1"], ["2", "0"]]
    assert lines[0][2:10] == ["75.00%", "+-", "7.07%", "2/3", "114,186", "1", "min", "00"]
    assert lines[0][11:16] == ["70.00%", "80.00%", "As", "trial", "0:"]
    assert "the best 2 of 5 trials; --all lists every trial" in out


def test_all_lists_those_without_a_rank_too(ask: Any) -> None:
    """Each with how it ended."""
    out = ask("show", "--all").out
    assert "\ntrial 2 pruned after 1 epoch on 1 of 2 folds at 10.00%\n" in out
    assert "\ntrial 3 interrupted\n" in out
    assert "\ntrial 4 waiting\n" in out


@pytest.mark.slow
def test_a_study_runs_while_somebody_holds_it(ask: Any, runs: Path) -> None:
    """Its running trials are interrupted once nobody does, and show changes nothing."""
    with study_lock(RunPaths(runs, _NAME)):
        held = ask("show", "--all").out
    assert "status: running (process " in held
    assert "trial 3 running" in held
    assert "status: interrupted\n" in ask("show").out
    assert json.loads(ask("show", "--json").out)["trials"][3]["state"] == "interrupted"


@pytest.mark.slow
def test_a_running_trial_shows_its_epochs_so_far(ask: Any, runs: Path) -> None:
    """As it has reported them; once nobody runs it, where it was cut off."""
    backend = open_storage(storage_url(None, RunPaths(runs, _NAME).database))
    running = optuna.load_study(study_name=_NAME, storage=backend).trials[3]
    for epoch, value in ((2, 0.612), (1, 0.5)):
        backend.set_trial_intermediate_value(running._trial_id, epoch, value)
    with study_lock(RunPaths(runs, _NAME)):
        held = ask("show", "--trial", "3").out
    assert held.startswith(f"trial 3 of study {_NAME}: running: epoch 2 of 10 at 61.20%\n")
    assert "\nvalidation accuracy, as reported so far\n61.20% " in held
    assert "trained" not in held
    cut = ask("show", "--trial", "3").out
    assert cut.startswith(f"trial 3 of study {_NAME}: interrupted after 2 epochs at 61.20%\n")


@pytest.mark.slow
def test_attempts_are_no_further_trials(tmp_path: Path, command: Command) -> None:
    """A trial is a point of the plan, whatever was begun again; --all lists every attempt."""
    trials = [
        other_trial(0, "failed", reason="interrupted"),
        other_trial(1, "failed", reason="interrupted"),
        other_trial(2, "failed", reason="the worker died"),
        replace(other_trial(3, "failed", reason="interrupted"), plan=0, attempt=1),
        replace(other_trial(4, "waiting"), plan=0, attempt=2),
        replace(other_trial(5, "waiting"), plan=1, attempt=1),
        replace(other_trial(6, "waiting"), plan=2, attempt=1),
        replace(other_trial(7, "waiting"), plan=3),
    ]
    store(study_record(trials), tmp_path / "runs")
    out = command("show", _NAME, "--runs-dir", tmp_path / "runs").out
    retried = "1 failed attempt retried; 3 interrupted attempts retried"
    assert f"\n4 trials: 4 waiting; {retried}\n" in out
    assert "\nno rank for any of 4 trials; --all lists every trial\n" in out
    every = command("show", _NAME, "--all", "--runs-dir", tmp_path / "runs").out
    assert "\ntrial 2 failed: the worker died\n" in every
    assert "\ntrial 3 (retry of index 0) interrupted\n" in every


@pytest.mark.slow
def test_json_is_one_object_in_the_names_of_the_report(ask: Any) -> None:
    """Trials by rank, with their candidates; one trial with its curve and those of its folds."""
    shown = json.loads(ask("show", "--json").out)
    assert (shown["study"], shown["state"], shown["winner"]) == (_NAME, "interrupted", 1)
    assert [trial["number"] for trial in shown["trials"]] == [1, 0, 2, 3, 4]
    assert shown["recipe"]["folds"] == 2
    one = json.loads(ask("show", "--trial", "1", "--json").out)
    assert (one["rank"], one["trial"]["same_as"]) == (1, 0)
    assert one["curve"] == pytest.approx([0.45, 0.75, 0.65])
    assert one["fold_curves"] == [[0.4, 0.7, 0.6], [0.5, 0.8, 0.7]]


@pytest.mark.slow
def test_an_ended_study_says_so(tmp_path: Path, command: Command) -> None:
    """With its test result it has ended, whoever ran it."""
    record = study_record([complete_trial(0, [0.5], candidate=CNN_SPACE.baseline())])
    store(with_end(record), tmp_path / "runs")
    assert "status: ended\n" in command("show", _NAME, "--runs-dir", tmp_path / "runs").out


def test_the_result_comes_first_and_the_recipe_last(ask: Any) -> None:
    """Who asks for a study wants to know what came of it; the way on is a line of its own."""
    out = ask("show").out
    places = [out.index(words) for words in ("status: ", "best: trial 1", "rank", "recipe of ")]
    assert places == sorted(places)
    way_on = next(line for line in out.splitlines() if line.startswith("  python -m search run "))
    assert f"--study-name {_NAME}" in way_on


def test_numbers_of_trials_are_set_beside_points_of_the_plan(
    tmp_path: Path, command: Command
) -> None:
    """Where a kill has moved them apart: the point is what two machines have in common."""
    trial = complete_trial(0, [0.5], candidate=CNN_SPACE.baseline())
    again = replace(trial, number=1, attempt=1)
    cut = other_trial(0, "failed", reason="interrupted")
    store(study_record([cut, again]), tmp_path / "runs")
    out = command("show", _NAME, "--runs-dir", tmp_path / "runs").out
    assert re.search(r"rank +trial +index .*\n +1 +1 +0 ", out)
    assert "trial numbers depend on interruptions, indices in the plan do not" in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "way_out"),
    [
        ({"reason": "timed out: 2 s", "trial_timeout": 2.0}, "a --trial-timeout above 2s, or with"),
        (
            {"reason": "loss not finite", "diverged": True, "value": 0.1},
            "smaller learning rates, and another",
        ),
        (
            {"reason": "the worker died"},
            "fix the cause, then run it again with --retry-failed, and with --accept-changes too "
            "if that changed code",
        ),
    ],
)
def test_a_study_without_a_winner_has_ended_and_says_the_way_out(
    tmp_path: Path, command: Command, settings: dict[str, Any], way_out: str
) -> None:
    """Timed out, diverged or failed: no state in which the same command would go on."""
    state = "complete" if "diverged" in settings else "failed"
    trials = [replace(other_trial(i, state), plan=0, **settings) for i in range(3)]
    recipe = {"trials": 1, "trial_timeout": 2.0}
    store(study_record(trials, recipe=recipe), tmp_path / "runs")
    out = command("show", _NAME, "--runs-dir", tmp_path / "runs").out
    assert out.startswith("status: ended without a winner\n")
    assert way_out in out.splitlines()[1]
    assert "python -m search run" not in out
    listed = command("list", "--runs-dir", tmp_path / "runs").out
    assert re.search(r"1 of 1 .*no winner", listed)


@pytest.mark.slow
def test_one_trial_is_shown_whole(ask: Any, runs: Path) -> None:
    """How it ended, its folds, its curve, its candidate as code, and the commands to repeat it."""
    out = ask("show", "--trial", "1").out
    assert out.startswith(f"trial 1 of study {_NAME}: not trained again, same settings as trial 0")
    for words in (
        ", rank 1 of 2\n",
        "fold scores        70.00%, 80.00%; standard deviation 7.07 points\n",
        "same candidate as  trial 0, whose result was copied\n",
        "validation accuracy, mean of 2 folds; best after epoch 2\n",
        "75.00% ",
        "      model=CNNConfig(\n",
        f"--trial 1 --runs-dir {runs} --recipe --output {_NAME}-trial-1.toml\n",
        f"  python -m search run {_NAME}-trial-1.toml\n",
    ):
        assert words in out, words


@pytest.mark.slow
def test_a_trial_that_never_began_is_shown_too(ask: Any) -> None:
    """Without candidate, curve or command."""
    out = ask("show", "--trial", "4").out
    assert out.startswith(f"trial 4 of study {_NAME}: waiting\n")
    assert "python -m search" not in out


@pytest.mark.slow
@pytest.mark.parametrize("name", ["show", "export"])
def test_an_unknown_trial_is_one_line(ask: Any, name: str) -> None:
    """It names the trial and those there are."""
    flags = ("--python",) if name == "export" else ()
    error = ask(name, "--trial", "5", *flags).error()
    assert error == f"trial: study '{_NAME}' has no trial 5; its trials: 0 to 4"


@pytest.mark.slow
@pytest.mark.parametrize("owned", [True, False])
def test_a_deletion_says_what_went(
    ask: Any, runs: Path, monkeypatch: pytest.MonkeyPatch, *, owned: bool
) -> None:
    """The study, and its folder where that is not a namesake's in another storage."""
    monkeypatch.setattr("search.catalog.studies.owns", lambda *_: owned)
    folder = f" and its folder {runs / _NAME}" if owned else ""
    assert ask("delete", "--yes").out == f"deleted study {_NAME}{folder}\n"
    assert (runs / _NAME).exists() != owned


@pytest.mark.slow
def test_unknown_studies_are_told_in_the_same_words(runs: Path, command: Command) -> None:
    """Whichever command is asked."""
    words = f"study 'nope' does not exist; known studies: {_NAME}"
    for arguments in (("show",), ("export", "--python"), ("report",), ("delete", "--yes")):
        name, *flags = arguments
        assert command(name, "nope", *flags, "--runs-dir", runs).error() == words


def test_a_folder_without_its_study_is_told(runs: Path, command: Command) -> None:
    """The dashboard deletes studies too, and leaves their folders."""
    RunPaths(runs, "gone").study_dir.mkdir()
    error = command("delete", "gone", "--yes", "--runs-dir", runs).error()
    folder = str(RunPaths(runs, "gone").study_dir)
    assert error.endswith(
        f"the folder {folder!r} belongs to a deleted study or one in another storage"
    )


@pytest.mark.slow
def test_the_winner_is_exported_where_no_trial_is_named(ask: Any) -> None:
    """Printed: a recipe that is read again, and code that is one."""
    recipe = Recipe(**tomllib.loads(ask("export", "--recipe").out))
    assert recipe.study_name == f"{_NAME}-trial-1"
    script = ask("export", "--python").out
    assert script.startswith(f'"""Trial 1 of study {_NAME}, with only torch.')
    compile(script, "script", "exec")


@pytest.mark.slow
def test_files_are_written_once(ask: Any, tmp_path: Path) -> None:
    """A recipe with its space beside it; what is there stays unless --force is given."""
    path = tmp_path / "again.toml"
    first = ask("export", "--trial", "0", "--recipe", "--output", path)
    assert first.out == f"wrote {path}\nwrote {path.with_name(f'{path.stem}-space.py')}\n"
    assert ask("export", "--recipe", "--output", path).error().startswith("output: ")
    assert "Trial 0" in path.read_text(encoding="utf-8")
    assert ask("export", "--recipe", "--output", path, "--force").status == 0
    assert "Trial 1" in path.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ((), "export needs one of --recipe (trains the trial again here), --python (a script"),
        (("--recipe", "--onnx"), "(the trained network), got --recipe and --onnx"),
        (("--recipe", "--output", "x.py"), "'x.py' must end with .toml"),
        (("--trial", "4", "--python"), "trial: 4 has no candidate yet, it is waiting"),
        (("--trial", "0", "--onnx"), "trial: 0 has no exported model; accepted: the winner's"),
    ],
)
def test_mistakes_are_one_line(ask: Any, flags: tuple[str, ...], words: str) -> None:
    """Each names the setting, its value and what is accepted."""
    assert words in ask("export", *flags).error()


@pytest.mark.slow
def test_a_study_without_winner_needs_a_number(tmp_path: Path, command: Command) -> None:
    """It says why there is none."""
    store(study_record([other_trial(0, "failed", reason="no memory")]), tmp_path / "runs")
    error = command("export", _NAME, "--python", "--runs-dir", tmp_path / "runs").error()
    assert error.startswith(f"trial: study '{_NAME}' has no winner to export, no trial is complete")
    assert error.endswith("accepted: --trial N")
