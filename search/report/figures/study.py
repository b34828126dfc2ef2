"""Figures of the search: info -> matplotlib."""

import textwrap

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure

from search.plotting import GREY, integer_axis, metric_axis, new_figure, short
from search.report.info.history import OptimizationHistoryInfo, TrialPoint
from search.report.info.parallel import Dimension, ParallelCoordinatesInfo
from search.report.plots.trials import KIND_NAMES, paper_mark
from search.report.trials import ENDED
from search.tuning.records import TrialKind

MOST_AXES = 7


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


def _scatter(axes: Axes, points: list[TrialPoint], kind: TrialKind) -> None:
    valued = [(p.plan, p.value) for p in points if p.value is not None]
    style = paper_mark(kind)
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
