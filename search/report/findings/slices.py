"""How does the score depend on each of the most important parameters?"""

import math
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any, NamedTuple, Self, final

import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from search.plotting import GREY, metric_axis, new_figure, short
from search.report.blocks import Block, Chart, Paragraph, Plot
from search.report.charts import (
    TRIAL_STORY,
    Series,
    escape,
    metric_format,
    new_chart_figure,
    trial_look,
    winner_look,
)
from search.report.evidence import Evidence
from search.report.finding import WHY, Finding, Unlisted
from search.report.findings.importances import Importances
from search.report.findings.parallel_coordinates import (
    TABLE,
    UNUSED,
    Dimension,
    ParallelCoordinates,
)
from search.report.scoring import ENDED, reached
from search.tuning.records import StudyRecord, TrialKind

MOST = 6
_WIDEST = 0.2  # share of an axis that trials with the same value may take at most
_SHADE = 0.15  # opacity of that band
_SHARE = 0.5  # share of the way to the next value, likewise
_BEYOND = 0.12  # margin of a panel beyond both ends of its axis
_BAND = 0.2  # width of the band of trials without the parameter
_OPACITY = 0.65  # so that points at the same place show
_GOLDEN = (5**0.5 - 1) / 2

_COLUMNS = 3
_NARROWEST = 270  # pixels of a panel's width
_PANEL, _GAP = 200, 104  # pixels of a panel's height, and between two
_TOP, _BOTTOM = 92, 60  # pixels for the legend with a title, and for tick labels
_CORNER = {"xref": "container", "x": 0, "yref": "container", "y": 1, "yanchor": "top"}
_NAME, _SCORE, _TICK = 32, 20, 12  # characters in a line of each
_INCHES = 2.36  # of a panel's width on paper: three fill both columns
_CHARACTER = 0.034  # width of a character of a tick label on paper, as a share of an axis


class Slice(NamedTuple):
    """One parameter: its axis, and the places of the trials on it.

    The places are the axis's positions, except that trials with the same choice stand side by side,
    and those without the parameter in a `band` of their own, given by its ends.
    """

    axis: Dimension
    places: tuple[float, ...]
    importance: float | None  # None where that could not be tested
    beyond_chance: bool
    band: tuple[float, float] | None = None

    @property
    def reach(self) -> tuple[float, float]:
        """Both ends of the panel, which includes values from an earlier, wider range."""
        low = min(0.0, *self.places) - _BEYOND if self.band is None else self.band[0]
        return low, max(1.0, *self.places) + _BEYOND

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """The axis's ticks, with that of the band in its middle."""
        if self.band is None:
            return self.axis.ticks
        return ((fmean(self.band), UNUSED), *self.axis.ticks[1:])

    @property
    def weight(self) -> str:
        """How much the parameter matters, in words."""
        if self.importance is None:
            return "importance not known"
        chance = "beyond chance" if self.beyond_chance else "within chance"
        return f"importance {self.importance:.2f}, {chance}"


@final
class Slices(Finding):
    """The trials' scores over each of the most important parameters."""

    key = "importances.parameters"
    section = WHY
    title = "Score by parameter"
    folded = True
    figures = ("slices",)

    parallel: Unlisted[ParallelCoordinates]  # the same trials, with the axes of all parameters
    importances: Unlisted[Importances]
    kinds: Unlisted[tuple[TrialKind, ...]] = ()
    slices: Unlisted[tuple[Slice, ...]] = ()
    winner: Unlisted[int | None] = None
    reason: Unlisted[str | None] = None

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Take parameters that matter beyond chance first, then by importance.

        None for a baseline study.
        """
        importances = evidence.once(Importances.of)
        parallel = evidence.once(ParallelCoordinates.of)
        if importances is None or parallel is None:
            return None
        return cls.along(evidence.record, importances, parallel)

    @classmethod
    def along(
        cls, record: StudyRecord, importances: Importances, parallel: ParallelCoordinates
    ) -> Self:
        """Place a study's trials along the axes of their parallel coordinates."""
        reason = None if importances.untested else importances.reason
        if reason := reason or parallel.reason:
            return cls(parallel=parallel, importances=importances, reason=reason)
        kinds = {trial.number: trial.kind for trial in record.trials}
        winner = record.winner()
        slices = tuple(choose_slices(importances, parallel.dimensions[:-1]))
        if not slices:
            return cls(parallel=parallel, importances=importances, reason="no parameter was varied")
        return cls(
            parallel=parallel,
            kinds=tuple(kinds[number] for number in parallel.numbers),
            importances=importances,
            slices=slices,
            winner=None if winner is None else winner.number,
        )

    def of_parameters(self, names: Sequence[str]) -> Self:
        """Return the same for some parameters, in their order, whatever they matter."""
        slices = choose_slices(self.importances, self.parallel.dimensions[:-1], names)
        return self.model_copy(update={"slices": tuple(slices)})

    @property
    def score(self) -> str:
        """The name of the axis that all panels share."""
        return self.parallel.dimensions[-1].name

    def of_kind(self, kind: TrialKind) -> list[int]:
        """Trials of this kind, as positions among those of the parallel coordinates."""
        return [place for place, one in enumerate(self.kinds) if one == kind]

    def blocks(self) -> Iterator[Block]:
        if self.reason is not None:
            yield Paragraph(f"Not shown: {self.reason}.", "quiet")
            return
        names = ", ".join(one.axis.name for one in self.slices)
        yield Plot(
            name="slices",
            alt=(
                f"The score of {len(self.parallel.numbers)} trials over each of {len(self.slices)} "
                f"parameters: {names}"
            ),
            paper=self._draw,
            page=self._chart,
            data=TABLE,
            caption=(
                f"Each point is a trial{reached(self.parallel.after)}; the star is the winner. "
                f"{self._order()} Trials with the same choice stand side by side; those without "
                "the parameter stand in the grey band."
            ),
        )

    def _order(self) -> str:
        if any(one.beyond_chance for one in self.slices):
            return "Parameters beyond chance come first."
        if self.importances.untested:
            return "Which parameters matter is not known."
        return "None separates the best trials beyond chance; these come closest to it."

    def _chart(self) -> Chart:
        """A panel for each parameter with the trials as points; all share the score's axis."""
        n = len(self.slices)
        rows = -(-n // _COLUMNS)
        height = rows * _PANEL + (rows - 1) * _GAP
        figure = self._panels(height)
        for place, one in enumerate(self.slices):
            row, column = divmod(place, _COLUMNS)
            at = {"row": row + 1, "col": column + 1}
            figure.update_xaxes(_axis(one), **at)
            for series in self._series(one):
                figure.add_trace(series.trace(showlegend=place == 0), **at)
            if one.band is not None:
                low, high = one.band
                look: dict[str, Any] = {"fillcolor": GREY, "opacity": _SHADE, "line_width": 0}
                figure.add_vrect(low, high, layer="below", **look, **at)
        return Chart(figure, _TOP + height + _BOTTOM, _NARROWEST * min(n, _COLUMNS))

    def _panels(self, height: int) -> go.Figure:
        """The empty panels under their titles."""
        n = len(self.slices)
        figure = new_chart_figure(
            margin={"l": 84, "r": 16, "t": _TOP, "b": _BOTTOM},
            legend={"orientation": "h", **_CORNER},
        )
        figure.set_subplots(
            -(-n // _COLUMNS),
            min(n, _COLUMNS),
            subplot_titles=[
                f"<b>{_in_lines(one.axis.name, _NAME)}</b><br>{one.weight}" for one in self.slices
            ],
            shared_yaxes="all",
            horizontal_spacing=0.06,
            vertical_spacing=_GAP / height,
        )
        figure.update_annotations(font_size=12)
        # Each panel has its own ticks, because a phone shows one panel at a time.
        tick_format = metric_format(self.parallel.metric)
        figure.update_yaxes(zeroline=False, showticklabels=True, nticks=5, tickformat=tick_format)
        title = _in_lines(self.score, _SCORE)
        figure.update_yaxes(title=title, title_font_size=12, title_standoff=26, col=1)
        return figure

    def _series(self, one: Slice) -> Iterator[Series]:
        """Yield the trials by kind, then the winner on top."""

        def series(name: str, trials: Sequence[int], **look: Any) -> Series:
            return Series(
                name,
                [one.places[trial] for trial in trials],
                [self.parallel.values[trial] for trial in trials],
                texts=[escape(f"{one.axis.name}: {one.axis.labels[trial]}") for trial in trials],
                hover=f"%{{text}}<br>{TRIAL_STORY}",
                numbers=[self.parallel.numbers[trial] for trial in trials],
                **look,
            )

        for kind in ENDED:
            if trials := self.of_kind(kind):
                yield series(kind, trials, **trial_look(kind) | {"size": 8, "opacity": _OPACITY})
        if self.winner in self.parallel.numbers:
            place = self.parallel.numbers.index(self.winner)
            yield series("winner", [place], **winner_look())

    def _draw(self) -> Figure:
        n = len(self.slices)
        rows, columns = -(-n // _COLUMNS), min(n, _COLUMNS)
        figure = new_figure(0.4 + 1.85 * rows, _INCHES * columns)
        panels = list(figure.subplots(rows, columns, sharey=True, squeeze=False).flat)
        for axes, one in zip(panels, self.slices, strict=False):
            for series in self._series(one):
                series.draw(axes)
            axes.set_title(f"{short(one.axis.name, 30)}\n{one.weight}", fontsize=7)
            axes.set_xlim(one.reach)
            if one.band is not None:
                axes.axvspan(*one.band, color=GREY, alpha=_SHADE, linewidth=0)
            _ticks(axes, one)
            metric_axis(axes, self.parallel.metric)
        for axes in panels[n:]:
            axes.set_visible(False)
        figure.supylabel(self.score, fontsize=8)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, handletextpad=0.2)
        return figure


def choose_slices(
    importances: Importances, axes: Sequence[Dimension], names: Sequence[str] = ()
) -> Iterator[Slice]:
    """Yield these parameters; without names the most important ones, beyond chance first.

    Where no importance is known, the first axes are taken.
    """
    by_name = {axis.name: axis for axis in axes}
    known = {one.name: one for one in importances.parameters}
    first = sorted(importances.parameters, key=lambda one: not one.beyond_chance)
    for name in names or [one.name for one in first[:MOST]] or list(by_name)[:MOST]:
        axis, one = by_name[name], known.get(name)
        share = None if one is None else one.importance
        beyond = one is not None and one.beyond_chance
        used = [p for i, p in enumerate(axis.positions) if i not in axis.unused]
        among = iter(used) if axis.is_range else side_by_side(used)
        if not axis.unused:
            yield Slice(axis, tuple(among), share, beyond)
            continue
        edge = min(axis.floor, *used) - _BEYOND
        band = (edge - _BAND, edge)
        apart = side_by_side([fmean(band)] * len(axis.unused), (band[0] + 0.04, band[1] - 0.04))
        places = tuple(
            next(apart if i in axis.unused else among) for i in range(len(axis.positions))
        )
        yield Slice(axis, places, share, beyond, band)


def side_by_side(
    positions: Sequence[float], ends: tuple[float, float] = (-math.inf, math.inf)
) -> Iterator[float]:
    """Yield the positions, with equal ones spread around their place, but not beyond the ends.

    The first of them stays in place. Steps of the golden ratio, modulo 1, keep successive ones
    apart, however many there are.
    """
    widths, seen = _widths(positions), Counter[float]()
    for position in positions:
        left, right = (
            min(widths[position] / 2, max(room, 0.0))
            for room in (position - ends[0], ends[1] - position)
        )
        width = left + right
        turn = (_GOLDEN * seen[position] + (left / width if width else 0.0)) % 1
        yield position - left + turn * width if seen[position] else position
        seen[position] += 1


def _widths(positions: Sequence[float]) -> dict[float, float]:
    """How far each position may be spread without touching its neighbours."""
    places = sorted(set(positions))
    gaps = [math.inf, *(high - low for low, high in pairwise(places)), math.inf]
    nearest = (min(left, right) for left, right in pairwise(gaps))
    return {p: min(_WIDEST, _SHARE * gap) for p, gap in zip(places, nearest, strict=True)}


def _in_lines(text: str, width: int) -> str:
    """An escaped text in at most two lines."""
    return "<br>".join(map(escape, textwrap.wrap(text, width, max_lines=2, placeholder="…")))


def _axis(one: Slice) -> dict[str, Any]:
    return {
        "range": one.reach,
        "tickvals": [position for position, _ in one.ticks],
        "ticktext": [_in_lines(label, _TICK) for _, label in one.ticks],
        "tickfont": {"size": 11},
        "zeroline": False,
    }


def _ticks(axes: Axes, one: Slice) -> None:
    positions = [position for position, _ in one.ticks]
    labels = [short(label, 12) for _, label in one.ticks]
    leaning: dict[str, Any] = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(positions, labels, **({} if _fit(positions, labels) else leaning))


def _fit(positions: list[float], labels: list[str]) -> bool:
    """Whether labels centred below these positions do not overlap."""
    lengths = [_CHARACTER * len(label) for label in labels]
    return all(
        right - left > (one + other) / 2 + _CHARACTER / 2
        for (left, right), (one, other) in zip(pairwise(positions), pairwise(lengths), strict=True)
    )
