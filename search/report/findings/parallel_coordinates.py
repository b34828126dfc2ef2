"""How do the parameters of good and bad trials differ, all of them at once?"""

import math
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Self, final

import numpy as np
import plotly.graph_objects as go
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial
from plotly.colors import sample_colorscale

from search.metric import Metric
from search.plotting import GREY, metric_axis, new_figure, short
from search.report.blocks import Block, Chart, Explorer, Paragraph, Plot
from search.report.charts import TRIAL_STORY, escape, new_chart_figure
from search.report.csv_text import csv_text
from search.report.evidence import Evidence
from search.report.explorer import explorer_content
from search.report.finding import TRIALS, Finding, Unlisted
from search.report.findings.importances import Importances
from search.report.scales import Scale, linear_scale, parameter_scale, value_text
from search.report.scoring import (
    ENDED,
    MISSING,
    After,
    comparable_trials,
    last_attempts,
    reached,
    trial_score,
)
from search.report.thinning import drawn, drawn_words
from search.text import count, listed, plural, score
from search.tuning.records import StudyRecord

_FEWEST = 2  # trials that lines can show
_SHADES = 8  # trials of one shade share a trace, so that thousands of lines draw quickly
_AXIS = 84  # least distance between axes in pixels
_ANGLE = 25  # degrees by which names are turned, so that they do not overlap
_NAME = 24  # characters in a line of a name
_MOST_ON_PAPER = 7
_TICK: dict[str, Any] = {
    "showarrow": False,
    "xanchor": "left",
    "xshift": 3,
    "borderpad": 1,
    "font": {"size": 11},
}


UNUSED = "not used"
TABLE = "parallel-coordinates.csv"
_EXPLORING = (
    "Drag along an axis to keep only trials in that range, and click it to undo that. The table "
    "shows what is left. The score of a trial that was stopped early is its last one."
)


class Dimension(NamedTuple):
    """One axis: each trial's position in 0..1 and value as text, and (position, label) ticks.

    Attributes:
        floor: Where the parameter's own values start.
        unused: Trials without the parameter, as places among the positions. They stand at 0, which
            the first tick names.
        is_range: Whether it is a range of numbers, beyond whose ends there is nothing.
        values: The values themselves, None where a trial has none.
    """

    name: str
    positions: tuple[float, ...]
    labels: tuple[str, ...]
    ticks: tuple[tuple[float, str], ...]
    floor: float = 0.0
    unused: frozenset[int] = frozenset()
    is_range: bool = False
    values: tuple[Any, ...] = ()


@final
class ParallelCoordinates(Finding):
    """The scored trials as lines through their parameters.

    There is an axis for each parameter, the most important first, then one for the score, which
    also gives the colour. A trial without a conditional parameter is placed at the tick "not used".
    """

    key = "trials.parameters"
    section = TRIALS
    figures = ("parallel-coordinates",)
    file_names = (TABLE,)

    metric: Unlisted[Metric]
    numbers: Unlisted[tuple[int, ...]] = ()
    dimensions: Unlisted[tuple[Dimension, ...]] = ()
    values: Unlisted[tuple[float, ...]] = ()
    after: Unlisted[After | None] = None
    total: Unlisted[int] = 0
    content: Unlisted[Callable[[], Mapping[str, Any]] | None] = None
    reason: Unlisted[str | None] = None
    ended: Unlisted[str] = ""  # how many trials are complete, and how they scored

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Place the trials that can be compared on the axes; None for a baseline study."""
        importances = evidence.once(Importances.of)
        if importances is None:
            return None
        return cls.ordered(evidence, [*importances.beyond_chance, *importances.common])

    @classmethod
    def ordered(cls, evidence: Evidence, first: Sequence[str]) -> Self:
        """Place the trials on the axes; those of the parameters named in `first` come first."""
        metric, compared = evidence.record.metric, comparable_trials(evidence.record)
        frozen = evidence.frozen_trials()
        pairs = zip(compared.trials, compared.values, strict=True)
        scored = [(frozen[t.number], value) for t, value in pairs if t.number in frozen]
        total = len(scored)
        scored = [scored[place] for place in drawn([value for _, value in scored], metric)]
        trials, values = [t for t, _ in scored], tuple(v for _, v in scored)
        if not trials:
            return cls(metric=metric, reason="no trial is complete yet")
        write = partial(score, metric=metric)
        scale = linear_scale(min(values), max(values), write)
        names = _ordered(trials, first)
        ranges = [frozen[number].distributions for number in sorted(frozen)]
        return cls(
            metric=metric,
            numbers=tuple(trial.number for trial in trials),
            dimensions=(
                *(_parameter(name, trials) for name in names),
                _dimension(_score_name(metric, compared.after), values, scale, write),
            ),
            values=values,
            after=compared.after,
            total=total,
            content=partial(explorer_content, evidence.record, ranges, names, compared),
            ended=_ended(evidence.record),
        )

    def blocks(self) -> Iterator[Block]:
        if self.ended:
            yield Paragraph(self.ended, "large")
        reason = self.reason
        if reason is None and len(self.values) < _FEWEST:
            reason = "there is one trial to compare"
        if reason is not None:
            yield Paragraph(f"Parallel coordinates are not shown: {reason}.", "quiet")
            return
        yield Plot(
            name="parallel-coordinates",
            alt=f"{len(self.values)} trials as lines through their parameters",
            paper=self._draw,
            page=self._chart,
            data=TABLE,
            explorer=None if self.content is None else Explorer(self.content, _EXPLORING),
            caption=(
                f"Each line is a trial{reached(self.after)}; the stronger its colour, the better "
                "its score. “Not used” means that the trial has no such parameter. "
                f"{drawn_words(len(self.values), self.total)}"
            ).rstrip(),
        )

    def file_texts(self) -> Mapping[str, str]:
        """Write what the lines go through, every parameter included."""
        if not self.dimensions:
            return {}
        *parameters, last = self.dimensions
        header = ("trial", *(one.name for one in parameters), last.name)
        columns = (self.numbers, *(one.values for one in parameters), self.values)
        return {TABLE: csv_text(header, zip(*columns, strict=True))}

    def _chart(self) -> Chart:
        """Plain lines: plotly's own kind of this plot needs WebGL, and does not print."""
        # The score comes first, for screens that show only some of the axes.
        axes = (self.dimensions[-1], *self.dimensions[:-1])
        n, beyond = len(axes), _beyond(axes[-1])
        figure = new_chart_figure(
            showlegend=False,
            margin={"l": 8, "r": beyond, "t": 90, "b": 16},
            xaxis={
                "side": "top",
                "tickvals": list(range(n)),
                "ticktext": [escape(_in_lines(axis.name)).replace("\n", "<br>") for axis in axes],
                "tickangle": -_ANGLE,
                "range": [-0.2, n - 1],
                "showgrid": False,
                "zeroline": False,
                "fixedrange": True,
            },
            yaxis={"range": [-0.04, 1.04], "visible": False, "fixedrange": True},
        )
        line = {"type": "line", "y0": 0, "y1": 1, "line": {"color": GREY, "width": 1}}
        # All at once: plotly checks those before again with each that is added.
        figure.update_layout(
            shapes=[{**line, "x0": place, "x1": place} for place in range(n)],
            annotations=[
                {"x": place, "y": position, "text": escape(label), **_TICK}
                for place, axis in enumerate(axes)
                for position, label in axis.ticks
            ],
        )
        for shade, trials in enumerate(self._by_shade()):
            if trials:
                figure.add_trace(self._lines(axes, trials, shade / (_SHADES - 1)))
        return Chart(figure, 440, _AXIS * n + beyond)

    def _by_shade(self) -> list[list[int]]:
        """The trials in groups of equal width in score, the best group last."""
        low, high = min(self.values), max(self.values)
        groups: list[list[int]] = [[] for _ in range(_SHADES)]
        for trial, value in enumerate(self.values):
            share = (value - low) / (high - low) if high > low else 1.0
            goodness = share if self.metric.higher_is_better or high == low else 1 - share
            groups[min(int(goodness * _SHADES), _SHADES - 1)].append(trial)
        return groups

    def _lines(
        self, axes: Sequence[Dimension], trials: Sequence[int], goodness: float
    ) -> go.Scatter:
        """The lines of some trials as one trace, with a gap after each."""
        places = [*range(len(axes)), None]
        heights: list[float | None] = []
        texts: list[str] = []
        numbers: list[int | None] = []
        for trial in trials:
            heights += [*(axis.positions[trial] for axis in axes), None]
            texts += [*(escape(f"{axis.name}: {axis.labels[trial]}") for axis in axes), ""]
            numbers += [*(self.numbers[trial] for _ in axes), None]
        # The best trials are the darkest on paper and the brightest in the dark.
        on_light, on_dark = sample_colorscale(
            "Viridis", [0.88 * (1 - goodness), 0.2 + 0.8 * goodness]
        )
        return go.Scatter(
            x=places * len(trials),
            y=heights,
            text=texts,
            customdata=numbers,
            mode="lines",
            line={"color": on_light, "width": 1 + goodness},
            meta={"colour_on_dark": on_dark},
            hovertemplate=f"%{{text}}<br>{TRIAL_STORY}",
        )

    def _draw(self) -> Figure:
        *parameters, last = self.dimensions
        dimensions = [*parameters[:_MOST_ON_PAPER], last]
        figure = new_figure(3.2, width=7.1)
        axes = figure.add_subplot()
        # viridis without its yellow end, which is invisible on white paper
        shades = colormaps["viridis"](np.linspace(0.0, 0.88, 256))
        best_is_dark = ListedColormap(shades[::-1] if self.metric.higher_is_better else shades)
        colours = ScalarMappable(Normalize(min(self.values), max(self.values)), best_is_dark)
        for place, dimension in enumerate(dimensions):
            _draw_axis(axes, place, dimension)
        places = range(len(dimensions))
        rgba = colours.to_rgba(np.array(self.values))
        sign = 1 if self.metric.higher_is_better else -1
        best_last = sorted(range(len(self.values)), key=lambda trial: sign * self.values[trial])
        lines = [
            [(place, dimension.positions[trial]) for place, dimension in enumerate(dimensions)]
            for trial in best_last
        ]
        axes.add_collection(LineCollection(lines, colors=rgba[best_last], linewidths=1, alpha=0.85))
        axes.set_xticks(places, [textwrap.fill(d.name.replace("_", " "), 14) for d in dimensions])
        axes.tick_params(axis="x", length=0, pad=6)
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.set_xlim(-0.25, len(dimensions) - 0.45)
        axes.set_ylim(-0.03, 1.03)
        bar = figure.colorbar(colours, ax=axes, label=last.name, pad=0.01, aspect=30)
        metric_axis(bar.ax, self.metric)
        bar.outline.set_visible(False)
        return figure


def _ended(record: StudyRecord) -> str:
    """Say how many trials are complete, how they scored, and how the others ended; "" for none."""
    metric = record.metric
    known = [value for one in record.complete() if (value := trial_score(one)) is not None]
    if not known:
        return ""
    worst_first = sorted(known, reverse=not metric.higher_is_better)
    worst, best = score(worst_first[0], metric), score(worst_first[-1], metric)
    kinds = Counter(one.kind for one in last_attempts(record) if one.kind in ENDED)
    are = "is" if len(known) == 1 else "are"
    values = best if best == worst else f"{worst} to {best}"
    sentence = (
        f"{count(len(known))} of {plural(kinds.total(), 'trial')} {are} complete, with a "
        f"validation {metric} of {values}"
    )
    others = [f"{count(kinds[kind])} {kind}" for kind in ENDED[1:] if kinds[kind]]
    if copies := sum(one.same_as is not None for one in record.complete()):
        others.append(f"{count(copies)} of the complete ones copied from the same candidate")
    return f"{sentence}; {listed(others)}." if others else f"{sentence}."


def _score_name(metric: Metric, after: After | None) -> str:
    unbroken = f" after {after}".replace("epoch ", "epoch\N{NO-BREAK SPACE}")
    return f"validation {metric}" + (unbroken if after else "")


def _ordered(trials: Sequence[FrozenTrial], order: Sequence[str]) -> list[str]:
    """The names of the trials' parameters: those in `order` first, then the others by name."""
    names = {name for trial in trials for name in trial.params}
    first = [name for name in order if name in names]
    return first + sorted(names.difference(first))


def _parameter(name: str, trials: Sequence[FrozenTrial]) -> Dimension:
    distribution = next(t.distributions[name] for t in trials if name in t.distributions)
    values = [trial.params.get(name, MISSING) for trial in trials]
    present = [value for value in values if value is not MISSING]
    raw = tuple(None if value is MISSING else value for value in values)
    scale = parameter_scale(distribution, present)
    is_range = not isinstance(distribution, CategoricalDistribution)
    if len(present) == len(values):
        return _dimension(name, values, scale)._replace(is_range=is_range, values=raw)
    above = scale.lifted()
    return Dimension(
        name=name,
        positions=tuple(0.0 if value is MISSING else above(value) for value in values),
        labels=tuple(UNUSED if value is MISSING else value_text(value) for value in values),
        ticks=((0.0, UNUSED), *above.ticks()),
        floor=above.floor,
        unused=frozenset(i for i, value in enumerate(values) if value is MISSING),
        is_range=is_range,
        values=raw,
    )


def _dimension(
    name: str, values: Sequence[Any], scale: Scale, write: Callable[[Any], str] = value_text
) -> Dimension:
    positions = tuple(scale(value) for value in values)
    return Dimension(name, positions, tuple(write(value) for value in values), scale.ticks())


def _in_lines(name: str) -> str:
    return textwrap.fill(name, _NAME)


def _beyond(last: Dimension) -> int:
    """Pixels to the right of the last axis for its name and ticks."""
    name = 7 * math.cos(math.radians(_ANGLE)) * max(map(len, _in_lines(last.name).split("\n")))
    ticks = 6.5 * max(len(label) for _, label in last.ticks)
    return round(max(name, ticks)) + 16


def _draw_axis(axes: Axes, place: int, dimension: Dimension) -> None:
    axes.axvline(place, color=GREY, linewidth=0.6, zorder=1)
    box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.6}
    for position, label in dimension.ticks:
        axes.plot([place - 0.02, place], [position, position], color=GREY, linewidth=0.6)
        name = short(label, 14)
        axes.text(place + 0.03, position, name, va="center", fontsize=6, bbox=box, zorder=4)
