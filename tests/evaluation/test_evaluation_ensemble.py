"""Ensembles: the mean of probabilities, their folders, and searches that make one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import search
from cifar_models import CNNConfig, build_model
from search.errors import UserError
from search.evaluation.description import ModelCard
from search.evaluation.ensemble import Ensemble, load_classifier, load_ensemble, mean_logits
from search.evaluation.model import ImageClassifier
from search.evaluation.predict import find_model, predict_images
from search.events import StepProgress
from search.executors.training_jobs import RefitJob, RefitOutcome
from search.files import remove_folder, write_checksums
from search.paths import EnsemblePaths, RunPaths
from search.pipeline import Outcome, open_run, run_study
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.store import read_study
from spaces import AdamConfig, Candidate
from tests.conftest import Command
from tests.study_fixtures import EventRecorder

Maker = Callable[..., Recipe]


SHAPE = (3, 8, 10)
MODEL = CNNConfig(channels=(4, 4))


def member(trial: int, **changes: Any) -> ImageClassifier:
    """Return a network with random weights of its own."""
    values: dict[str, Any] = {
        "candidate": Candidate(model=MODEL, optimizer=AdamConfig()),
        "class_names": ("ant", "bee", "cat"),
        "input_shape": SHAPE,
        "mean": (120.5, 110.25, 1 / 3),
        "std": (60.0, 61.0, 62.0),
        "study": "insects",
        "trial": trial,
    }
    with torch.random.fork_rng([]):
        torch.manual_seed(trial)
        network = build_model(MODEL, SHAPE, 3)
        network(torch.randn(16, *SHAPE) * 3)
    return ImageClassifier(ModelCard(**(values | changes)), network)


def random_images() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (5, *SHAPE), dtype=torch.uint8, generator=generator)


@given(
    n_networks=st.integers(1, 4),
    logits=st.lists(st.floats(-80, 80), min_size=12, max_size=12),
)
def test_probabilities_are_averaged(n_networks: int, logits: list[float]) -> None:
    """Exactly so, however sure the networks are."""
    values = torch.tensor(logits).reshape(4, 1, 3)[:n_networks]
    expected = values.double().softmax(2).mean(0)
    found = mean_logits(list(values)).softmax(1)
    assert torch.allclose(found.double(), expected, atol=1e-6)


def test_it_answers_as_one() -> None:
    """Array, files and the plain module give the mean of the members' probabilities."""
    members = [member(7), member(3), member(12)]
    ensemble, images = Ensemble(members), random_images()
    expected = np.mean([one.predict_proba(images) for one in members], axis=0)
    assert ensemble.predict_proba(images) == pytest.approx(expected, abs=1e-6)
    module = ensemble.to_module()(images).softmax(1).detach().numpy()
    assert module == pytest.approx(expected, abs=1e-5)
    assert ensemble.predict(images).tolist() == ensemble.classes_[expected.argmax(1)].tolist()
    assert ensemble.trials == (7, 3, 12)
    assert "trials 7, 3 and 12" in repr(ensemble)


def test_saved_ensembles_are_loaded(tmp_path: Path) -> None:
    """With the same probabilities, by both ways to load one."""
    ensemble, images = Ensemble([member(4), member(0)]), random_images()
    folder = ensemble.save(tmp_path / "mine")
    for again in (load_ensemble(folder), load_classifier(folder)):
        assert isinstance(again, Ensemble)
        assert again.trials == (4, 0)
        assert np.array_equal(again.predict_proba(images), ensemble.predict_proba(images))
    with pytest.raises(UserError, match="load_ensemble"):
        search.load_model(folder)
    with pytest.raises(UserError, match="is no ensemble's folder"):
        load_ensemble(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "text",
    ['{"format": 2, "trials": [4]}', '{"trials": []}', '{"trials": ["../x"]}', "[]", "{"],
)
def test_a_changed_card_is_refused(text: str, tmp_path: Path) -> None:
    """First by its checksum, and with a new one by what it says."""
    folder = Ensemble([member(4)]).save(tmp_path / "mine")
    card = EnsemblePaths(folder).card
    card.write_text(text)
    with pytest.raises(UserError, match="ensemble"):
        load_ensemble(folder)
    Ensemble([member(4)]).save(folder)
    card.write_text(text)
    write_checksums((card,))
    with pytest.raises(UserError, match="describes no ensemble"):
        load_ensemble(folder)


def test_a_network_of_another_study_is_refused(tmp_path: Path) -> None:
    """Also one of another trial, in the folder of one that belongs there."""
    folder = Ensemble([member(4), member(0)]).save(tmp_path / "mine")
    place = EnsemblePaths(folder).member(0)
    for wrong in (member(0, study="birds"), member(7)):
        wrong.save(place)
        with pytest.raises(UserError, match="another trial or study"):
            load_ensemble(folder)


def test_its_networks_must_fit_together() -> None:
    """The same classes and images; and there must be one."""
    with pytest.raises(UserError, match="resize"):
        Ensemble([member(0), member(1, resize="pad")])
    with pytest.raises(UserError, match="one network or more"):
        Ensemble([])


@pytest.fixture
def make(make_recipe: Maker) -> Maker:
    """Return a maker of recipes with an ensemble of three."""

    def recipe(**settings: Any) -> Recipe:
        defaults: dict[str, Any] = {"trials": 6, "epochs": 2, "pruner": "none"}
        return make_recipe(**{**defaults, "ensemble": 3, **settings})

    return recipe


@pytest.mark.slow
def test_a_search_makes_one(make: Maker, listener: EventRecorder, command: Command) -> None:
    """Of the winner and the next best, tested in one opening; the winner is what it is without."""
    outcome = run_study(make(), listener, executor="inline")
    record, tested = outcome.record, outcome.record.tested_ensemble()
    assert tested is not None
    best = [one.number for one in record.best_different(3)]
    assert list(tested.trials) == best
    assert not tested.left_out
    assert len(record.openings) == 1
    assert "ensemble" in record.openings[0].purpose
    assert record.test is not None
    assert tested.members[0].accuracy == record.test.accuracy
    n = record.test.n_images
    assert tested.both + tested.only_winner == round(record.test.accuracy * n)
    assert tested.both + tested.only_ensemble == round(tested.test.accuracy * n)
    alone = run_study(make(ensemble=None, study_name="alone"), listener, executor="inline").record
    assert alone.test == record.test
    assert alone.ensemble is None
    ensemble = load_ensemble(outcome.paths.ensemble_dir)
    assert ensemble.trials == tested.trials
    _its_folder_predicts(outcome, ensemble, command)


def _its_folder_predicts(outcome: Outcome, ensemble: Ensemble, command: Command) -> None:
    """`predict` takes the ensemble's folder; the study's name stays the winner."""
    folder, runs = outcome.paths.ensemble_dir, outcome.paths.runs_dir
    assert find_model(folder, runs) == folder
    assert find_model(Path(outcome.record.name), runs) == outcome.paths.model_dir
    images = sorted(Path(str(outcome.record.recipe.dataset)).rglob("*.png"))[:3]
    answered = predict_images(folder, images).answered
    assert [one.prediction.name for one in answered] == ensemble.predict(images).tolist()
    done = command("predict", folder, images[0], "--csv", "--runs-dir", runs)
    assert done.status == 0, done.err


@pytest.mark.slow
def test_the_same_command_changes_nothing(make: Maker, listener: EventRecorder) -> None:
    """Neither is a network trained again, nor the test set opened."""
    first = run_study(make(), listener, executor="inline").record
    listener.events.clear()
    again = run_study(make(), listener, executor="inline").record
    assert again.ensemble == first.ensemble
    assert again.openings == first.openings
    assert not [one for one in listener.all(StepProgress) if one.step.startswith("refit")]


@pytest.mark.slow
def test_one_that_is_asked_for_later_opens_the_test_set_again(
    make: Maker, listener: EventRecorder
) -> None:
    """On record; the winner's network is not trained again, and neither is its result changed."""
    first = run_study(make(ensemble=None), listener, executor="inline").record
    listener.events.clear()
    later = run_study(make(ensemble=2), listener, executor="inline").record
    assert (len(first.openings), len(later.openings)) == (1, 2)
    assert later.test == first.test
    steps = {one.step for one in listener.all(StepProgress) if one.step.startswith("refit")}
    tested = later.tested_ensemble()
    assert tested is not None
    assert steps == {f"refit of trial {tested.trials[1]}"}
    wider = run_study(make(ensemble=3, trials=8), listener, executor="inline")
    members = wider.record.tested_ensemble()
    assert members is not None
    kept = {one.name for one in EnsemblePaths(wider.paths.ensemble_dir).all_members()}
    assert kept == {f"trial-{number}" for number in members.trials}


@pytest.mark.slow
def test_a_study_keeps_its_ensemble(make: Maker, listener: EventRecorder) -> None:
    """Where it is run again without the setting; a damaged or missing folder is made again."""
    first = run_study(make(), listener, executor="inline")
    settings = make().model_dump(exclude_none=True, exclude={"ensemble"})
    plain = Recipe.from_sources(None, settings)
    again = run_study(plain, listener, executor="inline")
    assert again.record.ensemble == first.record.ensemble
    assert again.record.tested_ensemble() is not None
    folder = first.paths.ensemble_dir
    before = load_ensemble(folder).members[1].network.state_dict()
    (EnsemblePaths(folder).member(first.record.ensemble.trials[1]) / "model.json").unlink()  # type: ignore[union-attr]
    run_study(plain, listener, executor="inline")
    after = load_ensemble(folder).members[1].network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    remove_folder(folder)
    last = run_study(plain, listener, executor="inline").record
    assert load_ensemble(folder).trials == first.record.ensemble.trials  # type: ignore[union-attr]
    assert last.openings == first.record.openings


@pytest.mark.slow
def test_too_few_trials_are_told(make: Maker, listener: EventRecorder) -> None:
    """Three networks where five were asked for; none of one trial."""
    few = run_study(make(trials=2, ensemble=5), listener, executor="inline").record
    alone = run_study(make(trials=1, ensemble=2, study_name="one"), listener, executor="inline")
    told = [one for one in listener.notices() if "needs as many complete trials" in one]
    found = few.tested_ensemble()
    assert found is not None
    assert f"it has {len(found.trials)} networks" in told[0]
    assert "with 1 complete trial there is none" in told[1]
    assert alone.record.tested_ensemble() is None


@pytest.mark.slow
def test_a_stopped_refit_of_a_member_is_resumed(make: Maker, listener: EventRecorder) -> None:
    """What was trained is kept, the test set stays closed until all is there; bit for bit."""
    whole = run_study(make(study_name="whole", epochs=3), listener, executor="inline")
    stop, seen = StopRequest(), set()

    def stop_in_second(event: object) -> None:
        if isinstance(event, StepProgress) and event.step.startswith("refit"):
            seen.add(event.step)
            if len(seen) == 2:
                stop.request()

    with open_run(make(epochs=3), stop_in_second, stop, executor="inline") as run:
        assert run.search()
        run.finish()
        stopped = read_study(run.opened.study)
    assert stopped.refit is not None
    assert not stopped.openings
    resumed = run_study(make(epochs=3), listener, executor="inline")
    assert resumed.record.test == whole.record.test
    assert resumed.record.ensemble == whole.record.ensemble
    theirs = load_ensemble(resumed.paths.ensemble_dir).members
    for ours, other in zip(load_ensemble(whole.paths.ensemble_dir).members, theirs, strict=True):
        states = ours.network.state_dict(), other.network.state_dict()
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.slow
@pytest.mark.parametrize("n_diverging", [1, 2])
def test_members_that_diverge_are_left_out(
    n_diverging: int, make: Maker, listener: EventRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told and stored, so that the same command does not try again."""
    train, seen = RefitJob.run, list[int]()

    def run(job: RefitJob, channel: Any) -> RefitOutcome:
        outcome = train(job, channel)
        seen.append(job.index)
        return (
            replace(outcome, ended="diverged", reason="in epoch 1")
            if 1 < len(seen) <= (1 + n_diverging)
            else outcome
        )

    monkeypatch.setattr(RefitJob, "run", run)
    record = run_study(make(), listener, executor="inline").record
    tested = record.tested_ensemble()
    assert tested is not None
    assert (len(tested.trials), len(tested.left_out)) == (3 - n_diverging, n_diverging)
    assert not record.lacks_ensemble()
    told = [one for one in listener.notices() if "not in the ensemble" in one]
    assert len(told) == n_diverging
    run_study(make(), listener, executor="inline")
    assert len(seen) == 3


def test_studies_without_one_say_so(
    make: Maker, listener: EventRecorder, command: Command, tmp_path: Path
) -> None:
    """In one line, from Python and from the command line."""
    recipe = make(ensemble=None, trials=2, epochs=1)
    run_study(recipe, listener, executor="inline")
    study = search.load_study(recipe.study_name, runs_dir=recipe.runs_dir)
    with pytest.raises(UserError, match="has no ensemble: run"):
        _ = study.ensemble
    place = ("--runs-dir", recipe.runs_dir, "--output", tmp_path / "x.onnx")
    done = command("export", recipe.study_name, "--onnx", "--ensemble", *place)
    assert "has none" in done.error()
    assert "needs --onnx" in command("export", recipe.study_name, "--python", "--ensemble").error()
    assert not RunPaths(recipe.runs_dir, recipe.study_name).ensemble_dir.exists()
