"""The best validation score so far as a search goes on, and the level of hand tuning. Pure."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any, NamedTuple, final

from matplotlib.figure import Figure

from search.metric import ACCURACY, LOSS, Metric
from search.plotting import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    integer_axis,
    metric_axis,
    new_figure,
    short,
)
from search.report.blocks import Chart
from search.report.charts import Dash, Series, escape, metric_format, new_chart_figure, wrap
from search.report.evidence import model_kind
from search.report.findings.cost import search_clock
from search.report.findings.repeats import Repeats
from search.report.scoring import ENDED, at_best_epoch
from search.text import score
from search.tuning.records import StudyRecord, TrialRecord
from spaces.candidate import describe_candidate

_Score = tuple[TrialRecord, float]


class Point(NamedTuple):
    """A validation figure, an accuracy (fraction) or a loss, and the trial that reached it.

    `at` is how far the search had come: in seconds, or in trials of the plan. `words` describe the
    candidate.
    """

    at: float
    value: float
    trial: int
    words: str


class BestSoFar(NamedTuple):
    """A search's improvements in order; `total` is how far the whole search came.

    `points` are scores of complete trials at E*. A race scores all its trials at its end, so its
    only point is the winner; `first_fold` shows the best score on the first fold until then. It is
    empty without racing.
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
    """Return the metric to compare studies by: the one of all of them, otherwise the accuracy."""
    metrics = {record.metric for record in records}
    return metrics.pop() if len(metrics) == 1 else ACCURACY


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
        if not better or metric.is_better(point.value, better[-1].value):
            better.append(point)
    return tuple(better)


def _scores(record: StudyRecord, metric: Metric) -> Iterator[_Score]:
    best_first = record.complete()
    for trial in best_first[:1] if record.recipe.racing else best_first:
        value = at_best_epoch(trial, metric)
        if value is not None:
            yield trial, value


def _first_fold_scores(record: StudyRecord, metric: Metric) -> Iterator[_Score]:
    """Yield the best score on the first fold of each trial of a race that finished it."""
    for trial in record.trials if record.recipe.racing else ():
        if len(trial.history.epochs) == record.recipe.epochs and not trial.diverged:
            curve = [folds[0].score(metric) for folds in trial.history.epochs]
            yield trial, metric.best(curve)


def _first_fold_end(trial: TrialRecord) -> datetime | None:
    """Return when the trial's first fold ended."""
    if trial.started is None or trial.finished is None:
        return None
    seconds = sum(folds[0].seconds for folds in trial.history.epochs)
    return min(trial.started + timedelta(seconds=seconds), trial.finished)


def baseline_levels(
    baselines: Sequence[StudyRecord], metric: Metric, *, datasets: int = 1
) -> tuple[BaselineLevel, ...]:
    """Return a level for each baseline study that has a score, each with its own label.

    It names the data where there are several `datasets`.
    """
    names = [
        _network(record) + (f" on {record.dataset.name}" if datasets > 1 else "")
        for record in baselines
    ]
    labels = [
        name if names.count(name) == 1 else f"{name} ({record.name})"
        for name, record in zip(names, baselines, strict=True)
    ]
    return tuple(
        BaselineLevel(record.name, label, value)
        for label, record in zip(labels, baselines, strict=True)
        if (value := _mean(record, metric)) is not None
    )


def _mean(record: StudyRecord, metric: Metric) -> float | None:
    repeats = Repeats.of_record(record)
    if repeats is None:
        return None
    means = {
        ACCURACY.name: repeats.mean.validation_accuracy,
        LOSS.name: repeats.mean.validation_loss,
    }
    return means.get(metric.name)


def _network(record: StudyRecord) -> str:
    return f"hand-tuned {(model_kind(record) or 'network').upper()}"


_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
_DASHES: tuple[Dash, ...] = ("solid", "longdash", "dashdot", "dot")
_LEVEL_DASHES: tuple[Dash, ...] = ("dash", "dot", "dashdot")
_LEGEND_ROW = 0.14  # inches
_NAME = 48  # characters that fit next to a line


def _look(place: int) -> tuple[str, Dash]:
    """Return colour and dash of a curve: neighbours differ in both, 24 curves in either."""
    rounds = place // math.lcm(len(_COLOURS), len(_DASHES))
    return _COLOURS[place % len(_COLOURS)], _DASHES[(place + rounds) % len(_DASHES)]


@final
@dataclass(frozen=True)
class Courses:
    """Curves of searches along one axis, and the levels of the baselines.

    Args:
        curves: At least one, each with at least one point.
        levels: One for each baseline study.
        metric: What they measure.
        label: The label of the x axis.
        unit: What to divide a curve's `at` by to get positions on the axis.
    """

    curves: tuple[BestSoFar, ...]
    levels: tuple[BaselineLevel, ...]
    metric: Metric
    label: str
    unit: float = 1.0

    def y_limits(self, limits: tuple[float, float]) -> tuple[float, float]:
        """Limit the y axis so that poor early scores take at most about half of its height."""
        reached = [curve.points[-1].value for curve in self.curves]
        reached += [level.value for level in self.levels]
        low, high = min(reached), max(reached)
        room = max(high - low, 0.1 * high)
        bottom, top = limits
        if self.metric.higher_is_better:
            return max(bottom, low - room), top
        return bottom, min(top, high + room)

    def draw(self) -> Figure:
        """Draw steps with a dot at each improvement, and a flat line after the last one.

        Scores on the first fold of a race are a thin line. Early scores far below the best are cut
        off.
        """
        raced = any(curve.first_fold for curve in self.curves)
        rows = len(self.curves) + raced + len(self.levels)
        figure = new_figure(2.3 + _LEGEND_ROW * rows)
        axes = figure.add_subplot()
        for one in self._series():
            replace(one, name=short(one.name, _NAME)).draw(axes)
        if raced:
            label = "thin: the first fold only, until its race ends"
            Series(label, [], [], GREY, width=1).draw(axes)
        axes.set_xlim(left=0)
        axes.set_ylim(self.y_limits(axes.get_ylim()))
        metric_axis(axes, self.metric)
        if self.unit == 1:
            integer_axis(axes)
        axes.set_xlabel(self.label)
        axes.set_ylabel(f"best validation {self.metric} so far")
        figure.legend(loc="outside lower center", ncols=1, handlelength=3.2)
        return figure

    def chart(self) -> Chart:
        """Draw the same for the page; hovering shows each improvement's trial."""
        legend = 20 * (len(self.curves) + len(self.levels))  # a line each, on a phone
        figure = new_chart_figure(
            xaxis={"title": self.label, "rangemode": "tozero"},
            yaxis={
                "title": f"best validation {self.metric} so far",
                "tickformat": metric_format(self.metric),
                "range": self._range(),
            },
            legend={"orientation": "h", "yanchor": "top", "y": -0.2, "x": 0},
            margin={"l": 60, "r": 16, "t": 16, "b": 64 + legend},
        )
        figure.add_traces([one.trace() for one in self._series()])
        return Chart(figure, 360 + legend)

    def _range(self) -> tuple[float, float]:
        """The limits of the page's y axis, with some room around the values."""
        values = [p.value for curve in self.curves for p in (*curve.points, *curve.first_fold)]
        values += [level.value for level in self.levels]
        low, high = self.y_limits((min(values), max(values)))
        room = 0.06 * (high - low) or 0.01
        return low - room, high + room

    def _series(self) -> Iterator[Series]:
        """Yield each search's curves (in a race, first that of the first fold), then the levels."""
        for place, curve in enumerate(self.curves):
            colour, dash = _look(place)
            look: dict[str, Any] = {"colour": colour, "dash": dash}
            if curve.first_fold:
                thin: dict[str, Any] = look | {"width": 1, "in_legend": False}
                yield self._steps(curve, curve.first_fold, ", first fold", **thin)
            marks: dict[str, Any] = {"size": 7, "open_ended": True}
            yield self._steps(curve, curve.points, "", width=2.5, **look, **marks)
        end = max(curve.total for curve in self.curves) / self.unit
        for level, dash in zip(self.levels, cycle(_LEVEL_DASHES), strict=False):
            text = f"{escape(level.label)}: {score(level.value, self.metric)}"
            line, texts = (level.value, level.value), (text, text)
            yield Series(level.label, (0, end), line, GREY, width=1.4, dash=dash, texts=texts)

    def _steps(self, curve: BestSoFar, points: Sequence[Point], which: str, **look: Any) -> Series:
        ended = (*points, points[-1]._replace(at=curve.total))
        return Series(
            curve.study,
            [point.at / self.unit for point in ended],
            [point.value for point in ended],
            steps=True,
            texts=[self._hover(f"{curve.study}{which}", point) for point in ended],
            **look,
        )

    def _hover(self, study: str, point: Point) -> str:
        value = score(point.value, self.metric)
        head = f"<b>{escape(study)}</b>, trial {point.trial}: {value}"
        return "<br>".join((head, wrap(point.words))) if point.words else head
