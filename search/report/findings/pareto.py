"""What does a better score cost, and by which rule was the winner chosen among the objectives?"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Self, final

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from search.objectives import Cost, Objectives
from search.plotting import BLUE, GREY, VERMILLION, metric_axis, new_figure
from search.report.blocks import Block, Chart, Paragraph, Plot, Table
from search.report.charts import (
    TRIAL_STORY,
    Series,
    escape,
    legend_once,
    metric_format,
    name_once,
    new_chart_figure,
)
from search.report.evidence import Evidence
from search.report.finding import WHY, Finding, Number, ReportPart, Unlisted
from search.text import listed, plural
from search.tuning.records import StudyRecord, TrialRecord

_NAMES = ("pareto-front", "pareto-front-2", "pareto-front-3")


@final
class Objective(ReportPart):
    """One objective."""

    name: str
    """Its name, as `--objective` calls it."""
    direction: str
    """"maximize" or "minimize"."""


@final
class ParetoTrial(ReportPart):
    """A complete trial that no other one beats in one objective without being worse in another."""

    trial: int
    """Its number."""
    values: tuple[Number, ...]
    """Its values, in the order of the objectives: shares are fractions, a latency is in ms."""
    allowed: bool
    """Whether it keeps to the limits of the rule for the winner."""


@final
class ParetoFront(Finding):
    """The trials that are best at some price, where a study has several objectives."""

    key = "pareto"
    section = WHY
    title = "Pareto front"
    brief = True
    figures = _NAMES

    objectives: tuple[Objective, ...]
    """All objectives, the metric first."""
    rule: str
    """The rule by which the winner is chosen."""
    winner: int | None
    """The trial that wins by it; null if none keeps to its limits."""
    front: tuple[ParetoTrial, ...]
    """The trials of the front, the best score first."""
    n_trials: int
    """Complete trials that were compared."""
    meant: Unlisted[Objectives]
    record: Unlisted[StudyRecord]

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Find the front; None with a single objective, and before a trial is complete."""
        record = evidence.record
        meant, trials = record.objectives, record.complete()
        if not meant.several or not trials:
            return None
        on_front = pareto_front([meant.losses(one.values(meant)) for one in trials])
        front = [one for one, best in zip(trials, on_front.tolist(), strict=True) if best]
        front.sort(key=lambda one: meant.losses(one.values(meant)))
        winner = record.winner()
        pairs = zip(meant.names, meant.maximized(), strict=True)
        return cls(
            objectives=tuple(
                Objective(name=name, direction="maximize" if high else "minimize")
                for name, high in pairs
            ),
            rule=record.recipe.choose or f"best {meant.metric.name}",
            winner=None if winner is None else winner.number,
            front=tuple(_part(one, meant) for one in front),
            n_trials=len(trials),
            meant=meant,
            record=record,
        )

    def summary(self) -> tuple[str, ...]:
        """Say who is on the front, and how the winner was chosen."""
        n, on = len(self.front), listed([str(one.trial) for one in self.front[:8]])
        more = f" and {n - 8} more" if n > 8 else ""
        names = listed([str(self.meant.metric), *(cost.words for cost in self.meant.costs)])
        chosen = f"The rule “{self.rule}” chooses trial {self.winner}."
        if self.winner is None:
            chosen = f"No trial meets the rule “{self.rule}”."
        return (
            f"{chosen} {n} of {plural(self.n_trials, 'trial')} {'is' if n == 1 else 'are'} on the "
            f"Pareto front (best {self.meant.metric} first: {on}{more}): of {names}, no other "
            "trial is better in one without being worse in another.",
        )

    def blocks(self) -> Iterator[Block]:
        yield from map(Paragraph, self.summary())
        for name, place in zip(_NAMES, range(1, len(self.objectives)), strict=False):
            cost = self.meant.costs[place - 1]
            yield Plot(
                name,
                f"Validation {self.meant.metric} of {plural(self.n_trials, 'trial')} by "
                f"{cost.words}; {plural(len(self.front), 'trial')} on the Pareto front",
                partial(self._draw, place),
                partial(self._chart, place),
            )
        yield self._table()

    def _table(self) -> Table:
        heads = (self.meant.metric.title, *(cost.words.capitalize() for cost in self.meant.costs))
        rows = (
            (str(one.trial), *self.meant.written(_known(one.values)), self._remark(one))
            for one in self.front
        )
        return Table(
            caption="The trials of the Pareto front, the best score first",
            header=("Trial", *heads, ""),
            rows=tuple(rows),
            align="r" * (len(heads) + 1) + "l",
        )

    def _remark(self, one: ParetoTrial) -> str:
        if one.trial == self.winner:
            return "winner"
        return "" if one.allowed else "beyond a limit of the rule"

    def _series(self, place: int) -> Iterator[Series]:
        """Yield all trials, the front as a line, and the winner: the metric by one cost."""
        trials = self.record.complete()
        values = {one.number: one.values(self.meant) for one in trials}
        by_cost = sorted((one.trial for one in self.front), key=lambda n: values[n][place])
        shown: list[tuple[str, Sequence[int], str, float]] = [
            ("complete trial", list(values), GREY, 0.0),
            ("Pareto front", by_cost, BLUE, 1.5 if len(self.objectives) == 2 else 0.0),
        ]
        if self.winner is not None:
            shown.append(("winner", [self.winner], VERMILLION, 0.0))
        for name, numbers, colour, width in shown:
            yield Series(
                name,
                [values[number][place] for number in numbers],
                [values[number][0] for number in numbers],
                colour,
                width=width,
                marker="star" if name == "winner" else "circle",
                size=14 if name == "winner" else 8,
                hover=TRIAL_STORY,
                numbers=list(numbers),
            )

    def _draw(self, place: int) -> Figure:
        figure = new_figure(2.6)
        axes = figure.add_subplot()
        for series in self._series(place):
            series.draw(axes)
        if self._is_wide(place):
            axes.set_xscale("log")
        metric_axis(axes, self.meant.metric)
        axes.set_xlabel(_label(self.meant.costs[place - 1]))
        axes.set_ylabel(f"validation {self.meant.metric}")
        figure.legend(*legend_once(axes), loc="outside lower center", ncols=3)
        return figure

    def _chart(self, place: int) -> Chart:
        metric = self.meant.metric
        figure = new_chart_figure(
            xaxis={
                "title": escape(_label(self.meant.costs[place - 1])),
                "type": "log" if self._is_wide(place) else "linear",
            },
            yaxis={"title": f"validation {metric}", "tickformat": metric_format(metric)},
            margin={"l": 60, "r": 16, "t": 48, "b": 48},
        )
        figure.add_traces([series.trace() for series in self._series(place)])
        return Chart(name_once(figure), 400)

    def _is_wide(self, place: int) -> bool:
        """Return whether the cost spans more than a factor of ten, so that a log axis suits it."""
        costs = [one.values(self.meant)[place] for one in self.record.complete()]
        return 0 < 10 * min(costs) < max(costs)


def pareto_front(losses: Sequence[Sequence[float]]) -> npt.NDArray[np.bool_]:
    """Return which of N points nothing dominates, bool (N,).

    One point dominates another if it is nowhere higher and somewhere lower.

    Args:
        losses: (N, objectives), lower is better.
    """
    points = np.asarray(losses, dtype=np.float64)
    dominated = [
        bool(((points <= one).all(axis=1) & (points < one).any(axis=1)).any()) for one in points
    ]
    return ~np.array(dominated, dtype=np.bool_)


def _part(trial: TrialRecord, meant: Objectives) -> ParetoTrial:
    values = trial.values(meant)
    return ParetoTrial(trial=trial.number, values=values, allowed=meant.keeps_limits(values))


def _known(values: Sequence[float | None]) -> list[float]:
    return [float("inf") if value is None else value for value in values]


def _label(cost: Cost) -> str:
    return f"{cost.words}, ms" if cost.name == "latency" else cost.words
