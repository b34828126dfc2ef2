"""The best validation figure so far as a search goes on, and what hand tuning reaches. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from search.metric import Metric, is_better
from search.report.findings.repeats import Repeats
from search.report.search_clock import search_clock
from search.report.trials import ENDED, model_kind
from search.training.history import best_epoch
from search.tuning.records import StudyRecord, TrialRecord
from spaces.candidate import describe_candidate

_Score = tuple[TrialRecord, float]


class Point(NamedTuple):
    """A validation figure, an accuracy (fraction) or a loss, and the trial that reached it.

    `at` is how far the search had come: in seconds, or in trials of the plan. `words` are of the
    trial's candidate.
    """

    at: float
    value: float
    trial: int
    words: str


class BestSoFar(NamedTuple):
    """A search's improvements in order; `total` is how far the whole search came.

    `points` are of complete trials, at E*. A race scores all its trials at its end, so its only
    point is the winner; `first_fold` shows the best on the first fold until then, on which every
    trial is trained. It is empty without racing.
    """

    study: str
    points: tuple[Point, ...]
    total: float
    first_fold: tuple[Point, ...] = ()


class BaselineLevel(NamedTuple):
    """A baseline study's mean validation figure, named in a few words."""

    study: str
    label: str
    value: float


def shared_metric(records: Iterable[StudyRecord]) -> Metric:
    """Return what the studies are compared by: the loss where all of them are scored by it."""
    return "loss" if {record.recipe.metric for record in records} == {"loss"} else "accuracy"


def best_over_time(record: StudyRecord, metric: Metric) -> BestSoFar:
    """Return the improvements in the order in which trials ended, over seconds of search."""
    clock = search_clock(record)
    scores = (
        _point(clock.at(trial.finished), trial, value)
        for trial, value in _scores(record, metric)
        if trial.finished is not None
    )
    first_fold = (
        _point(clock.at(end), trial, value)
        for trial, value in _first_fold_scores(record, metric)
        if (end := _first_fold_end(trial)) is not None
    )
    return BestSoFar(
        record.name, _improvements(scores, metric), clock.total(), _improvements(first_fold, metric)
    )


def best_over_trials(record: StudyRecord, metric: Metric) -> BestSoFar:
    """Return the improvements in the plan's order, which no number of workers changes."""

    def placed(scores: Iterable[_Score]) -> tuple[Point, ...]:
        points = (_point(trial.plan + 1, trial, value) for trial, value in scores)
        return _improvements(points, metric)

    return BestSoFar(
        study=record.name,
        points=placed(_scores(record, metric)),
        total=max((trial.plan + 1 for trial in record.trials if trial.kind in ENDED), default=0),
        first_fold=placed(_first_fold_scores(record, metric)),
    )


def _point(at: float, trial: TrialRecord, value: float) -> Point:
    words = "" if trial.candidate is None else describe_candidate(trial.candidate)
    return Point(at, value, trial.number, words)


def _improvements(points: Iterable[Point], metric: Metric) -> tuple[Point, ...]:
    better: list[Point] = []
    for point in sorted(points):
        if not better or is_better(point.value, better[-1].value, metric):
            better.append(point)
    return tuple(better)


def _scores(record: StudyRecord, metric: Metric) -> Iterator[_Score]:
    best_first = record.complete()
    for trial in best_first[:1] if record.recipe.racing else best_first:
        if trial.best_epoch is not None and trial.history.epochs:
            yield trial, trial.history.mean_curve(metric)[trial.best_epoch - 1]


def _first_fold_scores(record: StudyRecord, metric: Metric) -> Iterator[_Score]:
    """Yield the best of each whole first fold of a race."""
    for trial in record.trials if record.recipe.racing else ():
        if len(trial.history.epochs) == record.recipe.epochs and not trial.diverged:
            curve = [folds[0].score(metric) for folds in trial.history.epochs]
            yield trial, curve[best_epoch(curve, metric) - 1]


def _first_fold_end(trial: TrialRecord) -> datetime | None:
    """Return when the first fold ended: its seconds after the start, and not after the trial."""
    if trial.started is None or trial.finished is None:
        return None
    seconds = sum(folds[0].seconds for folds in trial.history.epochs)
    return min(trial.started + timedelta(seconds=seconds), trial.finished)


def baseline_levels(baselines: Sequence[StudyRecord], metric: Metric) -> tuple[BaselineLevel, ...]:
    """Return one level a baseline study that has a figure, each with a label of its own."""
    names = Counter(_network(record) for record in baselines)
    return tuple(
        BaselineLevel(record.name, _label(record, alone=names[_network(record)] == 1), value)
        for record in baselines
        if (value := _mean(record, metric)) is not None
    )


def _mean(record: StudyRecord, metric: Metric) -> float | None:
    repeats = Repeats.of_record(record)
    if repeats is None:
        return None
    mean = repeats.mean
    return mean.validation_accuracy if metric == "accuracy" else mean.validation_loss


def _network(record: StudyRecord) -> str:
    return f"hand-tuned {(model_kind(record) or 'network').upper()}"


def _label(record: StudyRecord, *, alone: bool) -> str:
    return _network(record) if alone else f"{_network(record)} ({record.name})"
