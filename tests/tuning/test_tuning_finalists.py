"""Finalists: which trials are trained again, and which of them wins."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from search.events import Event, StepProgress
from search.pipeline import open_run, run_study
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.after_search import Finalist
from search.tuning.records import StudyRecord
from search.tuning.store import read_study
from tests.study_fixtures import EventRecorder
from tests.tuning.searches import Priced

Maker = Callable[..., Recipe]


@pytest.fixture
def make(make_recipe: Maker) -> Maker:
    """Return a maker of recipes of three finalists of two repeats each."""

    def recipe(**settings: Any) -> Recipe:
        defaults: dict[str, Any] = {"trials": 5, "epochs": 2, "pruner": "none"}
        return make_recipe(**{**defaults, "finalists": 3, "repeats": 2, **settings})

    return recipe


def searched(recipe: Recipe, listener: EventRecorder) -> StudyRecord:
    with open_run(recipe, listener, StopRequest(), executor="inline") as run:
        assert run.search()
        return read_study(run.opened.study)


@pytest.mark.slow
def test_the_best_mean_wins(make: Maker, listener: EventRecorder) -> None:
    """Each is trained on all folds with other seeds; the winner is refitted and tested."""
    outcome = run_study(make(validation="kfold", folds=2), listener, executor="inline")
    record = outcome.record
    best = [one.number for one in record.complete()[:3]]
    assert [one.trial for one in record.finalists] == best
    means = {one.trial: one.mean() for one in record.finalists}
    assert all(len(one.scores) == 2 for one in record.finalists)
    winner = record.winner()
    assert winner is not None
    assert means[winner.number] == max(value or 0.0 for value in means.values())
    assert record.refit is not None
    assert record.refit.trial == winner.number
    assert record.is_tested()
    steps = [event for event in listener.all(StepProgress) if event.step == "Finalists"]
    assert (steps[-1].done, steps[-1].total) == (6, 6)


@pytest.mark.slow
def test_their_trainings_take_time_besides_a_budget(
    make: Maker, listener: EventRecorder, priced: Priced
) -> None:
    """What is left for the refit and the test stays theirs."""
    priced(1e-6)
    recipe = make(budget=300.0)
    with open_run(recipe, listener, StopRequest(), executor="inline") as run:
        assert run.budget is not None
        assert run.budget.seconds == 300
        assert run.search()
        assert run.budget.seconds > 300
        assert len(read_study(run.opened.study).finalists) == 3


@pytest.mark.slow
def test_other_seeds_give_other_scores(make: Maker, listener: EventRecorder) -> None:
    """Repeats differ from one another and from the trial; the same command trains none again."""
    recipe = make()
    record = searched(recipe, listener)
    trials = {one.number: one for one in record.trials}
    for one in record.finalists:
        histories = {*one.scores, trials[one.trial].mean}
        assert len(histories) > 1
    listener.events.clear()
    assert searched(recipe, listener).finalists == record.finalists
    steps = [event for event in listener.all(StepProgress) if event.step == "Finalists"]
    assert [one.done for one in steps] == [6]


@pytest.mark.slow
def test_more_trials_may_have_other_finalists(make: Maker, listener: EventRecorder) -> None:
    """Until they are trained again the best trial wins."""
    record = searched(make(finalists=2, trials=3), listener)
    assert record.best_finalist() is not None
    further = searched(make(finalists=None, trials=8), listener)
    best = [one.number for one in further.complete()[:2]]
    if best != [one.trial for one in further.finalists]:
        assert further.current_finalists() == ()
        winner = further.winner()
        assert winner is not None
        assert winner.number == best[0]
    again = searched(make(finalists=2, trials=8), listener)
    assert [one.trial for one in again.current_finalists()] == best


@pytest.mark.slow
def test_a_stop_keeps_what_is_trained(make: Maker, listener: EventRecorder) -> None:
    """The study has no finalists yet; the same command goes on."""
    recipe, stop = make(finalists=2), StopRequest()

    def request(event: Event) -> None:
        listener(event)
        if isinstance(event, StepProgress) and event.step == "Finalists":
            stop.request()

    with open_run(recipe, request, stop, executor="inline") as run:
        assert not run.search()
        assert read_study(run.opened.study).finalists == ()
    listener.events.clear()
    assert len(searched(recipe, listener).finalists) == 2
    steps = [event for event in listener.all(StepProgress) if event.step == "Finalists"]
    assert steps[0].done >= 1


@pytest.mark.slow
def test_a_finalist_that_diverged_does_not_win(make: Maker, listener: EventRecorder) -> None:
    """If all did, the best trial wins; a tie is the better trial's."""
    record = searched(make(), listener)
    first, second, third = (one.trial for one in record.finalists)

    def winner(*scores: tuple[float | None, ...]) -> int | None:
        numbers = first, second, third
        found = tuple(Finalist(n, one) for n, one in zip(numbers, scores, strict=True))
        best = replace(record, finalists=found).winner()
        return None if best is None else best.number

    assert winner((0.9, None), (0.5, 0.5), (0.6, 0.5)) == third
    assert winner((0.9, None), (None, None), (0.1, None)) == first
    assert winner((0.4, 0.6), (0.5, 0.5), (0.5, 0.5)) == first


@pytest.mark.slow
def test_copies_of_a_candidate_are_one_finalist(make: Maker, listener: EventRecorder) -> None:
    """The first of them, which is the best."""
    record = searched(make(finalists=2), listener)
    trials = [replace(one, candidate=record.trials[0].candidate) for one in record.trials]
    copies = replace(record, trials=tuple(trials))
    assert [one.number for one in copies.best_different(3)] == [copies.complete()[0].number]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"objective": "accuracy,parameters"}, "objective 'accuracy,parameters'"),
        ({"sampler": "baseline", "pruner": "none"}, "sampler 'baseline'"),
    ],
)
def test_other_searches_have_no_finalists(
    make: Maker, settings: dict[str, Any], words: str
) -> None:
    """The line says what does not go with them."""
    with pytest.raises(ValidationError, match=f"finalists needs .*{words}"):
        make(**settings)
