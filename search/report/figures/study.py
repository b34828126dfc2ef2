"""Figures of the search: info -> matplotlib."""

import textwrap
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize, to_rgba
from matplotlib.figure import Figure

from search.plotting import BLUE, GREY, integer_axis, metric_axis, new_figure, short
from search.report.info.history import OptimizationHistoryInfo, TrialPoint
from search.report.info.importances import ImportancesInfo
from search.report.info.parallel import Dimension, ParallelCoordinatesInfo
from search.report.kinds import ENDED, KIND_COLOURS, KIND_NAMES
from search.tuning.records import TrialKind

MOST_BARS = 12
MOST_AXES = 7
_MARKERS: dict[TrialKind, str] = {
    "complete": "o",
    "pruned": "o",
    "diverged": "x",
    "infeasible": "v",
    "failed": "+",
}


def draw_optimization_history(info: OptimizationHistoryInfo) -> Figure:
    """Return every ended trial's score in the plan's order, with the best so far."""
    figure = new_figure(2.7)
    axes = figure.add_subplot()
    for kind in ENDED:
        points = [p for p in info.points if p.kind == kind]
        if points:
            _scatter(axes, points, kind)
    best = [(p.plan, p.best) for p in info.points if p.best is not None]
    if best:
        plans, values = zip(*best, strict=True)
        axes.step(plans, values, where="post", color="black", linewidth=1, label="best so far")
    integer_axis(axes)
    metric_axis(axes, info.metric)
    axes.set_xlabel("trial, in the plan's order")
    axes.set_ylabel(f"validation {info.metric}")
    figure.legend(loc="outside lower center", ncols=3, handletextpad=0.4, columnspacing=1.2)
    return figure


def mark_style(kind: TrialKind) -> dict[str, Any]:
    """Return how a trial of which that became is marked: open where it was pruned."""
    colour = KIND_COLOURS[kind]
    fill = {"facecolors": "none", "edgecolors": colour} if kind == "pruned" else {"color": colour}
    return {"marker": _MARKERS[kind], "s": 16, "linewidths": 1, **fill}


def _scatter(axes: Axes, points: list[TrialPoint], kind: TrialKind) -> None:
    valued = [(p.plan, p.value) for p in points if p.value is not None]
    style = mark_style(kind)
    if valued:
        plans, values = zip(*valued, strict=True)
        axes.scatter(plans, values, label=KIND_NAMES[kind], zorder=3, **style)
    bare = [p.plan for p in points if p.value is None]
    if bare:
        # Trials without a score stand on the axis: they have a place but no height.
        on_axis = axes.get_xaxis_transform()
        label = None if valued else KIND_NAMES[kind]
        axes.scatter(
            bare, [0.03] * len(bare), transform=on_axis, clip_on=False, label=label, **style
        )


def draw_importances(info: ImportancesInfo) -> Figure:
    """Return the most important parameters as bars, the most important on top."""
    names, values = info.names[:MOST_BARS], info.values[:MOST_BARS]
    figure = new_figure(1.0 + 0.2 * len(names))
    axes = figure.add_subplot()
    places = np.arange(len(names))
    grey: dict[str, Any] = {"color": to_rgba(GREY, 0.22), "edgecolor": GREY, "linewidth": 0.6}
    axes.barh(places, info.chance[:MOST_BARS], height=0.86, label="by chance at most", **grey)
    bars = axes.barh(places, values, color=BLUE, height=0.5, label="importance")
    axes.bar_label(bars, [f"{value:.2f}" for value in values], padding=2, fontsize=7)
    axes.set_yticks(places, [short(name, 24) for name in names])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.12 * max(values))
    after = f", after {info.after}" if info.after else ""
    among = f"the best {info.quantile:.0%} of {info.n_trials} trials{after}"
    axes.set_xlabel(f"importance for being among\n{among}")
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def draw_parallel_coordinates(info: ParallelCoordinatesInfo) -> Figure:
    """Return the trials as lines through the most important parameters and the score."""
    *parameters, score = info.dimensions
    dimensions = [*parameters[:MOST_AXES], score]
    figure = new_figure(3.2, width=7.1)
    axes = figure.add_subplot()
    colours = ScalarMappable(Normalize(min(info.values), max(info.values)), _best_is_dark(info))
    for place, dimension in enumerate(dimensions):
        _draw_axis(axes, place, dimension)
    places = range(len(dimensions))
    rgba = colours.to_rgba(np.array(info.values))
    for trial in _best_last(info):
        line = [dimension.positions[trial] for dimension in dimensions]
        axes.plot(places, line, color=rgba[trial], linewidth=1, alpha=0.85)
    axes.set_xticks(places, [_in_lines(d.name) for d in dimensions])
    axes.tick_params(axis="x", length=0, pad=6)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_xlim(-0.25, len(dimensions) - 0.45)
    axes.set_ylim(-0.03, 1.03)
    bar = figure.colorbar(colours, ax=axes, label=score.name, pad=0.01, aspect=30)
    metric_axis(bar.ax, info.metric)
    bar.outline.set_visible(False)
    return figure


def _in_lines(name: str) -> str:
    return textwrap.fill(name.replace("_", " "), width=14)


def _draw_axis(axes: Axes, place: int, dimension: Dimension) -> None:
    axes.axvline(place, color=GREY, linewidth=0.6, zorder=1)
    box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.6}
    for position, label in dimension.ticks:
        axes.plot([place - 0.02, place], [position, position], color=GREY, linewidth=0.6)
        text = short(label, 14)
        axes.text(place + 0.03, position, text, va="center", fontsize=6, bbox=box, zorder=4)


def _best_is_dark(info: ParallelCoordinatesInfo) -> ListedColormap:
    # viridis without its yellow end, which does not show on white paper
    colours = colormaps["viridis"](np.linspace(0.0, 0.88, 256))
    return ListedColormap(colours[::-1] if info.metric == "accuracy" else colours)


def _best_last(info: ParallelCoordinatesInfo) -> list[int]:
    """Return the trials so that the best is drawn over the others."""
    sign = 1 if info.metric == "accuracy" else -1
    return sorted(range(len(info.values)), key=lambda trial: sign * info.values[trial])
