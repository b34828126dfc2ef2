"""Ablations of whole studies: what is trained, kept and continued."""

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search.ablation.ablate import ablate
from search.ablation.path import Ablation
from search.errors import MachineError, UserError
from search.paths import RunPaths
from search.pipeline import OpenRun, open_run, run_study
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.extra_trainings import (
    ExtraTraining,
    ExtraTrainings,
    StoppedEarly,
    StoredScores,
)
from search.tuning.records import StudyRecord
from search.tuning.store import read_study
from tests.study_fixtures import EventRecorder, recipe_maker

Maker = Callable[..., Recipe]
SEED = 3


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, image_folder: Path, data_dir: Path
) -> Recipe:
    """Return the recipe of a finished study whose winner differs in two settings."""
    make = recipe_maker(tmp_path_factory.mktemp("study"), image_folder, data_dir)
    recipe = make(validation="kfold", folds=2, trials=4, epochs=2, pruner="none", seed=SEED)
    run_study(recipe, EventRecorder(), executor="inline")
    return recipe


@pytest.fixture
def recipe(finished: Recipe) -> Recipe:
    """Return the recipe of the study, without what another test has found."""
    paths = RunPaths(finished.runs_dir, str(finished.study_name))
    paths.ablation.unlink(missing_ok=True)
    paths.extra_scores.unlink(missing_ok=True)
    return finished


def opened(recipe: Recipe, listener: EventRecorder, stop: StopRequest | None = None) -> Any:
    return open_run(recipe, listener, stop or StopRequest(), executor="inline", searching=False)


def run_ablation(run: OpenRun, **settings: Any) -> Ablation:
    return ablate(run.opened, run.workers, run.listener, run.stop, **settings)


def stored(run: OpenRun) -> StudyRecord:
    return read_study(run.opened.study)


@pytest.mark.slow
def test_the_path_ends_at_the_winner(recipe: Recipe, listener: EventRecorder) -> None:
    """It is kept with the study; what was trained is not trained again."""
    with opened(recipe, listener) as run:
        found, winner = run_ablation(run), stored(run).winner()
        assert winner is not None
        assert (found.winner, found.start) == (winner.number, "the hand-tuned network")
        assert found.path.steps[-1].score == winner.mean
        assert Ablation.load(run.opened.paths.ablation) == found
        lines = run.opened.paths.extra_scores.read_text().splitlines()
        assert len(lines) == found.path.trained - 1  # the winner's score was known
        assert run_ablation(run) == found
        assert run.opened.paths.extra_scores.read_text().splitlines() == lines


@pytest.mark.slow
def test_candidates_are_trained_as_the_winner_was(
    recipe: Recipe, listener: EventRecorder, tmp_path: Path
) -> None:
    """The winner itself comes to the same score, bit for bit."""
    with opened(recipe, listener) as run:
        winner = stored(run).winner()
        assert winner is not None
        assert winner.candidate is not None
        trainings = ExtraTrainings(
            run.opened,
            run.workers,
            listener,
            StopRequest(),
            step="Test",
            most=2,
            scores=StoredScores(tmp_path / "scores"),
        )
        same = ExtraTraining.of(winner.candidate, winner.plan, recipe.seed)
        other = replace(same, seed=recipe.seed + 1)
        found = trainings.scores([same, other, same])
        assert found[0] == found[2] == winner.mean
        assert found[1] != winner.mean


@pytest.mark.slow
def test_the_path_may_begin_at_a_trial(recipe: Recipe, listener: EventRecorder) -> None:
    """Such as the runner-up; only trials with a candidate, and no winner itself."""
    with opened(recipe, listener) as run:
        record = stored(run)
        winner = record.winner()
        assert winner is not None
        other = next(one for one in record.complete() if one.number != winner.number)
        assert run_ablation(run, start_trial=other.number).start == f"trial {other.number}"
        with pytest.raises(UserError, match="does not differ from"):
            run_ablation(run, start_trial=winner.number)
        with pytest.raises(UserError, match="no trial 77; its trials: 0 to 3"):
            run_ablation(run, start_trial=77)


@pytest.mark.slow
def test_a_stopped_ablation_continues(recipe: Recipe, listener: EventRecorder) -> None:
    """After the training that runs; what is finished is not repeated."""
    stop = StopRequest()

    def request(event: object) -> None:
        listener(event)  # type: ignore[arg-type]
        if getattr(event, "step", "") == "Ablation":
            stop.request()

    with opened(recipe, listener, stop) as run:
        scores = run.opened.paths.extra_scores
        with pytest.raises(StoppedEarly):
            ablate(run.opened, run.workers, request, stop)
        kept = scores.read_text().splitlines()
        assert len(kept) == 1
        assert not run.opened.paths.ablation.exists()
        scores.write_text("\n".join([*kept, '{"candidate": "{}']))  # cut off by a kill
    with opened(recipe, listener) as run:
        found = run_ablation(run)
        assert len(found.path.steps) == 2
        torn, *further = scores.read_text().splitlines()[1:]
        assert torn == '{"candidate": "{}'
        assert 1 + len(further) == found.path.trained - 1


def test_without_a_winner_there_is_no_path(make_recipe: Maker, listener: EventRecorder) -> None:
    """The line says why; a damaged file is named."""
    with (
        opened(make_recipe(trials=1), listener) as run,
        pytest.raises(UserError, match="has no winner"),
    ):
        run_ablation(run)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """A path that was never found is none."""
    assert Ablation.load(tmp_path / "ablation.json") is None
    (tmp_path / "ablation.json").write_text("{")
    with pytest.raises(MachineError, match=r"ablation\.json is damaged"):
        Ablation.load(tmp_path / "ablation.json")


@pytest.mark.slow
def test_a_worker_that_dies_is_a_machine_failure(
    recipe: Recipe, listener: EventRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says what is kept and how to continue; the same call then trains what is missing."""
    with opened(recipe, listener) as run:
        submit, submitted = run.workers.submit, []

        def dying(slot: int, job: Any) -> Any:
            submitted.append(job)
            if len(submitted) != 2:
                return submit(slot, job)
            future: Future[Any] = Future()
            future.set_exception(BrokenProcessPool("killed"))
            return future

        monkeypatch.setattr(run.workers, "submit", dying)
        with pytest.raises(MachineError, match=r"the worker died .*: run the same command"):
            run_ablation(run)
        kept = run.opened.paths.extra_scores.read_text().splitlines()
        assert len(kept) == 1
        found = run_ablation(run)
        assert len(submitted) == 1 + found.path.trained - 1
