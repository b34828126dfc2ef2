"""The best validation figure over the hours of a search, and what hand tuning reaches. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from search.report.info_repeats import repeats_info
from search.report.kinds import is_better, model_kind
from search.report.search_clock import search_clock
from search.study.records import StudyRecord
from search.training.history import Metric, best_epoch

_Score = tuple[datetime, float]


class Point(NamedTuple):
    """A validation figure, an accuracy (fraction) or a loss, reached after `seconds` of search."""

    seconds: float
    value: float


class BestSoFar(NamedTuple):
    """A search's improvements, oldest first; `total` is the whole search in seconds.

    `points` are of complete trials, at E*. A fold race tells all of them at its end, so that its
    only point is the winner; until then `first_fold` shows the best on the first fold alone, on
    which every trial is trained. Without racing that is empty.
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


def best_so_far(record: StudyRecord, metric: Metric) -> BestSoFar:
    """Return the improvements, in the order in which trials ended."""
    clock = search_clock(record)

    def improvements(scores: Iterable[_Score]) -> tuple[Point, ...]:
        points: list[Point] = []
        for moment, value in sorted(scores):
            if not points or is_better(value, points[-1].value, metric):
                points.append(Point(clock.at(moment), value))
        return tuple(points)

    first_fold = _first_fold_scores(record, metric) if record.recipe.racing else ()
    return BestSoFar(
        study=record.name,
        points=improvements(_scores(record, metric)),
        total=clock.total(),
        first_fold=improvements(first_fold),
    )


def _scores(record: StudyRecord, metric: Metric) -> Iterator[_Score]:
    best_first = record.complete()
    for trial in best_first[:1] if record.recipe.racing else best_first:
        if trial.finished is not None and trial.best_epoch is not None and trial.history.epochs:
            yield trial.finished, trial.history.mean_curve(metric)[trial.best_epoch - 1]


def _first_fold_scores(record: StudyRecord, metric: Metric) -> Iterator[_Score]:
    """Yield the best of each whole first fold, and when it ended: its seconds after the start."""
    for trial in record.trials:
        whole = len(trial.history.epochs) == record.recipe.epochs and not trial.diverged
        if whole and trial.started is not None and trial.finished is not None:
            first = [folds[0] for folds in trial.history.epochs]
            end = trial.started + timedelta(seconds=sum(epoch.seconds for epoch in first))
            curve = [epoch.score(metric) for epoch in first]
            yield min(end, trial.finished), curve[best_epoch(curve, metric) - 1]


def baseline_levels(baselines: Sequence[StudyRecord], metric: Metric) -> tuple[BaselineLevel, ...]:
    """Return one level a baseline study that has a figure, each with a label of its own."""
    names = Counter(_network(record) for record in baselines)
    return tuple(
        BaselineLevel(record.name, _label(record, alone=names[_network(record)] == 1), value)
        for record in baselines
        if (value := _mean(record, metric)) is not None
    )


def _mean(record: StudyRecord, metric: Metric) -> float | None:
    repeats = repeats_info(record)
    if repeats is None:
        return None
    mean = repeats.mean
    return mean.validation_accuracy if metric == "accuracy" else mean.validation_loss


def _network(record: StudyRecord) -> str:
    return f"hand-tuned {(model_kind(record) or 'network').upper()}"


def _label(record: StudyRecord, *, alone: bool) -> str:
    return _network(record) if alone else f"{_network(record)} ({record.name})"
