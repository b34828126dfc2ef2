"""What plots share: series that are described once and drawn twice, and how they show trials.

matplotlib draws them on paper, plotly on the page, where colours of text and grid come from the
page's theme.
"""

import html
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import plotly.graph_objects as go
from matplotlib.axes import Axes

from search.metric import Metric
from search.plotting import BLUE, GREY, ORANGE, PURPLE, VERMILLION
from search.report.scoring import trial_score
from search.text import count, duration, score
from search.tuning.records import StudyRecord, TrialKind, TrialRecord
from spaces.candidate import describe_candidate

# The template "none" leaves colours to the page's script, which knows the theme.
_LAYOUT: dict[str, Any] = {
    "template": "none",
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"family": "system-ui, sans-serif", "size": 13},
    "margin": {"l": 60, "r": 16, "t": 16, "b": 48},
    "hovermode": "closest",
    "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
}


def new_chart_figure(**layout: Any) -> go.Figure:
    """Return an empty figure of the page with the shared layout."""
    figure = go.Figure(layout=_LAYOUT | layout)
    figure.update_xaxes(title_font_size=13, title_standoff=12)
    figure.update_yaxes(title_font_size=13, title_standoff=12)
    return figure


def escape(text: str) -> str:
    """Return a text that plotly shows as it is: plotly reads a subset of HTML in labels."""
    return html.escape(text, quote=False)


def wrap(text: str, width: int = 44) -> str:
    """Return an escaped text broken into lines that fit a hover label on a phone."""
    return "<br>".join(
        map(escape, textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False))
    )


def metric_format(metric: Metric) -> str:
    """Return plotly's tick format: shares are shown as percentages."""
    return ".2~%" if metric.is_share else ".3~g"


def whole_ticks(most: int) -> dict[str, int]:
    """Return plotly's settings of an axis that counts up to `most`: about eight whole numbers."""
    power = 10 ** max(0, len(str(max(most, 1) // 8)) - 1)
    steps = (factor * power for factor in (1, 2, 5, 10))
    return {"tick0": 0, "dtick": next(step for step in steps if 8 * step >= most)}


Dash = Literal["solid", "dash", "dot", "dashdot", "longdash"]
Marker = Literal[
    "circle", "circle-open", "diamond", "star", "triangle-down", "x-thin-open", "cross-thin-open"
]
_PAPER_DASHES: dict[Dash, Any] = {
    "solid": "-",
    "dash": "--",
    "dot": ":",
    "dashdot": "-.",
    "longdash": (0, (6, 1.5)),
}
_PAPER_MARKERS: dict[Marker, str] = {
    "circle": "o",
    "circle-open": "o",
    "diamond": "D",
    "star": "*",
    "triangle-down": "v",
    "x-thin-open": "x",
    "cross-thin-open": "+",
}
_POINTS = 0.6  # points on paper per pixel of a line's width
_MARKER_POINTS = 0.45  # likewise for a marker's size


@final
@dataclass(frozen=True)
class Series:
    """Points of a plot, joined by a line, marked, or both.

    Args:
        name: Its name in the legend, where series of the same name stand once.
        x: Positions of the points.
        y: Their heights; None is a gap in the line.
        colour: Of line and markers, "#rrggbb".
        width: Of the line in CSS pixels; 0 for no line.
        dash: How the line is broken.
        steps: Whether the line keeps each value until the next.
        marker: The shape of the points.
        size: Of the markers in CSS pixels; 0 for none.
        opacity: Of line and markers.
        texts: What hovering shows, in plotly's markup: one text per point.
        hover: plotly's template for that, in which `%{text}` is the point's text.
        numbers: The trial of each point, for `TRIAL_STORY` in `hover`.
        open_ended: Whether the last point only ends the line, without a mark of its own.
        in_legend: Whether the legend names it.
        clipped: Whether marks at the edge of the page's chart are cut off there.
    """

    name: str
    x: Sequence[float | None]
    y: Sequence[float | None]
    colour: str
    width: float = 0
    dash: Dash = "solid"
    steps: bool = False
    marker: Marker = "circle"
    size: float = 0
    opacity: float = 1
    texts: Sequence[str] = ()
    hover: str = "%{text}<extra></extra>"
    numbers: Sequence[int] = ()
    open_ended: bool = False
    in_legend: bool = True
    clipped: bool = True

    def trace(self, **more: Any) -> go.Scatter:
        """Make plotly's trace; `more` are further attributes of it."""
        silent = not self.texts and "%{text}" in self.hover
        sizes = [self.size] * (len(self.x) - 1) + [0] if self.open_ended else self.size
        return go.Scatter(
            x=list(self.x),
            y=list(self.y),
            mode="+".join(["lines"] * (self.width > 0) + ["markers"] * (self.size > 0)),
            name=escape(self.name),
            legendgroup=escape(self.name),
            line={
                "color": self.colour,
                "width": self.width,
                "dash": self.dash,
                "shape": "hv" if self.steps else "linear",
            },
            marker={
                "color": self.colour,
                "symbol": self.marker,
                "size": sizes,
                "line": {"color": self.colour, "width": 1.5 if "open" in self.marker else 0},
            },
            opacity=self.opacity,
            showlegend=self.in_legend,
            cliponaxis=self.clipped,
            text=self.texts or None,
            customdata=self.numbers or None,
            hoverinfo="skip" if silent else None,
            hovertemplate=None if silent else self.hover,
        ).update(more)

    def draw(self, axes: Axes, **more: Any) -> None:
        """Draw it with matplotlib; `more` are further properties of the line."""
        x: Any = self.x
        y: Any = self.y
        style: dict[str, Any] = {
            "label": self.name if self.in_legend else "_nolegend_",
            "color": self.colour,
            "alpha": self.opacity,
            "linewidth": _POINTS * self.width,
            "linestyle": _PAPER_DASHES[self.dash] if self.width else "none",
            "drawstyle": "steps-post" if self.steps else "default",
            "marker": _PAPER_MARKERS[self.marker] if self.size else "None",
            "markevery": slice(0, -1) if self.open_ended else None,
            "markersize": _MARKER_POINTS * self.size,
            "markerfacecolor": "none" if "open" in self.marker else self.colour,
        }
        axes.plot(x, y, **style | more)


def name_once(figure: go.Figure) -> go.Figure:
    """Let each name stand in the legend of a chart once."""
    named: set[str] = set()
    for trace in figure.data:
        trace.showlegend = trace.showlegend and trace.name not in named
        named.add(trace.name)
    return figure


def legend_once(axes: Axes) -> tuple[list[Any], list[str]]:
    """Return handles and labels for a legend on paper in which each label stands once."""
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    return list(once.values()), list(once)


KIND_NAMES: dict[TrialKind, str] = {
    "complete": "complete",
    "pruned": "pruned (at its last epoch)",
    "diverged": "diverged (chance)",
    "infeasible": "infeasible",
    "failed": "failed",
}
_KIND_LOOKS: dict[TrialKind, tuple[str, Marker]] = {
    "complete": (BLUE, "circle"),
    "pruned": (GREY, "circle-open"),
    "diverged": (VERMILLION, "x-thin-open"),
    "infeasible": (PURPLE, "triangle-down"),
    "failed": (ORANGE, "cross-thin-open"),
}

TRIAL_STORY = "%{customdata}<extra></extra>"
"""The hover template of a `Series` with `numbers`: each is replaced by its trial's hover text."""

HoverTexts = Mapping[int, str]  # by trial number, in the markup of plotly's labels


def trial_look(kind: TrialKind) -> dict[str, Any]:
    """Colour, marker and size of a `Series` of trials of this kind."""
    colour, marker = _KIND_LOOKS[kind]
    return {"colour": colour, "marker": marker, "size": 9}


def winner_look() -> dict[str, Any]:
    """Colour, marker and size of a `Series` of the winner alone."""
    return {"colour": VERMILLION, "marker": "star", "size": 14}


def trial_hover_texts(record: StudyRecord) -> HoverTexts:
    """What hovering over a trial shows: how it ended, its folds, its candidate and its size."""
    metric = record.metric
    return {t.number: "<br>".join(_lines(t, metric)) for t in record.trials}


def with_stories(figure: go.Figure, stories: HoverTexts) -> go.Figure:
    """Put hover texts in the place of trials' numbers, as the page's script does."""
    for trace in figure.data:
        if isinstance(trace, go.Scatter) and trace.customdata is not None:
            trace.customdata = [stories.get(number, number) for number in trace.customdata]
    return figure


def _lines(trial: TrialRecord, metric: Metric) -> Iterator[str]:
    scored = f"{trial.kind}: {score(trial_score(trial), metric)}{_epoch(trial)}"
    yield f"<b>trial {trial.number}</b>, {scored}"
    if len(trial.fold_scores) > 1:
        yield wrap("folds: " + ", ".join(score(value, metric) for value in trial.fold_scores))
    if trial.candidate is not None:
        yield wrap(describe_candidate(trial.candidate))
    if trial.n_parameters is not None:
        yield escape(f"{count(trial.n_parameters)} parameters, {duration(trial.seconds)}")
    if trial.same_as is not None:
        yield f"same candidate as trial {trial.same_as}, not trained again"
    if trial.reason:
        yield wrap(trial.reason)


def _epoch(trial: TrialRecord) -> str:
    n_epochs = len(trial.history.epochs)
    if trial.best_epoch is not None:
        return f" at E* = {trial.best_epoch}"
    return f" after epoch {n_epochs}" if n_epochs else ""
