"""Stopping a search: trainings finish and keep their epoch; the next run resumes there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import pytest

from search.events import Event
from search.pipeline import Outcome, locked_run, open_run, run_and_report, run_study
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.endings import end_info
from search.tuning.records import StudyRecord
from tests.study_fixtures import EventRecorder, recipe_maker

pytestmark = pytest.mark.slow

Maker = Callable[..., Recipe]


@final
class Impatient:
    """Asks to stop at the first event of a kind, and hears everything else in silence."""

    def __init__(self, kind: str, stop: StopRequest) -> None:
        self._kind, self._stop, self.heard = kind, stop, list[str]()

    def __call__(self, event: Event) -> None:
        self.heard.append(event.kind)
        if event.kind == self._kind and not self._stop.requested():
            self._stop.request()


def _run(recipe: Recipe, kind: str, *, executor: str = "processes") -> tuple[Outcome, list[str]]:
    """Run until an event of the kind stops it."""
    stop = StopRequest()
    listener = Impatient(kind, stop)
    with locked_run(recipe, listener, stop, executor=executor) as outcome:
        return outcome, listener.heard


def _results(record: StudyRecord) -> list[tuple[Any, ...]]:
    ended = [t for t in record.trials if t.state in ("complete", "pruned")]
    return sorted((t.plan, t.state, t.value, t.best_epoch, t.fold_scores) for t in ended)


@pytest.fixture(
    scope="module",
    params=[
        {},
        {"validation": "kfold", "folds": 3},
        {"validation": "kfold", "folds": 3, "racing": True},
        {"pruner": "asha", "epochs": 7, "trials": 7},
        {"sampler": "tpe", "trials": 12, "batch": 2},
    ],
    ids=["holdout", "kfold", "racing", "rounds", "batches"],
)
def undisturbed(
    request: pytest.FixtureRequest,
    image_folder: Path,
    data_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, Any], StudyRecord]:
    """Return settings, and what a search with them comes to that nothing stops."""
    make = recipe_maker(tmp_path_factory.mktemp("undisturbed"), image_folder, data_dir)
    settings: dict[str, Any] = request.param
    return settings, run_study(make(**settings), EventRecorder(), executor="inline").record


@pytest.mark.parametrize("kind", ["trial_started", "epoch", "trial_ended"])
def test_a_stopped_search_ends_with_the_same_result(
    kind: str,
    undisturbed: tuple[dict[str, Any], StudyRecord],
    make_recipe: Maker,
    listener: Any,
) -> None:
    """Whenever it is stopped, the study ends with the same trials and test result."""
    settings, whole = undisturbed
    recipe = make_recipe(study_name="stopped", **settings)
    outcome, heard = _run(recipe, kind, executor="inline")
    assert outcome.stopped
    assert "stopping" in heard
    assert {t.state for t in outcome.record.trials} <= {"complete", "pruned", "waiting", "failed"}
    assert {t.reason for t in outcome.record.trials if t.state == "failed"} <= {"interrupted"}
    resumed = run_study(recipe, listener, executor="inline").record
    assert _results(resumed) == _results(whole)
    assert resumed.test is not None
    assert whole.test is not None
    assert resumed.test.loss == whole.test.loss


def test_workers_end_their_epoch_and_no_epoch_is_trained_twice(
    make_recipe: Maker, listener: Any
) -> None:
    """With processes that train at the time, and checkpoints rarer than epochs, all is kept."""
    recipe = make_recipe(epochs=200, checkpoint_every=50, workers=2, pruner="none", trials=2)
    outcome, _ = _run(recipe, "epoch")
    assert outcome.stopped
    kept = list((outcome.paths.checkpoints_dir).glob("plan-*/fold-0.ckpt"))
    assert kept, "what trained has left a checkpoint"
    record = run_study(recipe, listener).record
    complete = [t for t in record.trials if t.state == "complete"]
    assert [t.fold_epochs for t in complete] == [200] * 2
    assert sum(t.fold_epochs for t in record.trials) == 400


def test_a_stopped_refit_goes_on(make_recipe: Maker, listener: Any) -> None:
    """A refit that is stopped leaves a checkpoint, no test, and the next run ends it alike."""
    whole = run_study(make_recipe(study_name="whole"), listener, executor="inline").record
    recipe = make_recipe(study_name="stopped", checkpoint_every=3)
    outcome, heard = _run(recipe, "search_ended", executor="inline")
    assert outcome.stopped
    assert outcome.record.test is None
    assert outcome.record.openings == ()
    assert "stopping" not in heard, "the search itself had ended"
    resumed = run_study(recipe, listener, executor="inline").record
    assert whole.test is not None
    assert resumed.test is not None
    assert resumed.test.loss == whole.test.loss


def test_a_request_is_heeded_once_and_only_where_something_looks() -> None:
    """Outside a block that accepts it, and the second time, the caller has to act."""
    stop = StopRequest()
    with stop.accepted():
        assert not stop.requested()
        assert stop.request()
        assert stop.requested()
        assert not stop.request()
    assert not StopRequest().request()


def test_a_stopped_search_gives_a_model_of_what_ended(make_recipe: Maker, listener: Any) -> None:
    """With as many trials as have ended the refit begins at once, and the best of them has won."""
    outcome, _ = _run(make_recipe(), "trial_ended", executor="inline")
    n_ended = len(_results(outcome.record))
    assert 0 < n_ended < 5
    record = run_study(make_recipe(trials=n_ended), listener, executor="inline").record
    assert _results(record) == _results(outcome.record)
    assert record.test is not None
    further = run_study(make_recipe(), listener, executor="inline").record
    assert len(_results(further)) == 5


def test_an_interrupted_extension_of_a_tested_study_is_not_done(
    make_recipe: Maker, listener: Any
) -> None:
    """The winner's test of an earlier run does not stand for the trials that are missing."""
    first = run_study(make_recipe(trials=3), listener, executor="inline").record
    stop = StopRequest()
    outcome, report = run_and_report(
        make_recipe(trials=8), Impatient("trial_started", stop), stop, executor="inline"
    )
    assert outcome.record.test == first.test is not None
    assert outcome.stopped
    assert report is None
    assert end_info(outcome.record, stopped=outcome.stopped).reason == "interrupted"
    resumed = run_study(make_recipe(trials=8), listener, executor="inline")
    assert not resumed.stopped
    assert len(_results(resumed.record)) == 8


def test_an_interrupted_ensemble_of_a_tested_winner_is_not_done(
    make_recipe: Maker, listener: Any
) -> None:
    """The winner was tested by an earlier run, its ensemble is not."""
    alone = run_study(make_recipe(pruner="none"), listener, executor="inline").record
    outcome, _ = _run(make_recipe(pruner="none", ensemble=2), "search_ended", executor="inline")
    assert outcome.record.test == alone.test is not None
    assert outcome.record.tested_ensemble() is None
    assert outcome.stopped


def test_a_stop_after_the_test_comes_too_late(make_recipe: Maker) -> None:
    """The run is done, as everything it was asked for is there."""
    stop = StopRequest()
    with open_run(make_recipe(trials=2), lambda _: None, stop, executor="inline") as run:
        assert not run.ended
        assert run.search()
        run.finish()
        stop.request()
        assert not run.outcome().stopped
