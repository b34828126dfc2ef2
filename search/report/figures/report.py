"""All the figures of a report by name, those that apply."""

from collections.abc import Iterator

from matplotlib.figure import Figure

from search.report.figures.curves import draw_learning_curves
from search.report.figures.result import draw_confusion_matrix, draw_mistakes
from search.report.figures.slices import draw_slices
from search.report.figures.study import (
    draw_optimization_history,
    draw_parallel_coordinates,
)
from search.report.figures.versus import draw_versus_baseline
from search.report.findings import FINDINGS
from search.report.findings.blocks import Plot
from search.report.info.report import ReportInfo, SearchInfo
from search.report.trials import MODEL_KINDS, ModelKind


def learning_curve_name(kind: ModelKind) -> str:
    """Return the hand-tuned report's name for the learning curve of such a network."""
    return f"{kind}-learning-curve"


def confusion_matrix_name(kind: ModelKind) -> str:
    """Return the hand-tuned report's name for the confusion matrix of such a network."""
    return f"{kind}-confusion-matrix"


FIGURE_NAMES = (
    "versus-baseline",
    *(learning_curve_name(kind) for kind in MODEL_KINDS),
    *(confusion_matrix_name(kind) for kind in MODEL_KINDS),
    "mistakes",
    "optimization-history",
    "slices",
    "parallel-coordinates",
    *(name for one in FINDINGS for name in one.figures),
)


def draw_figures(info: ReportInfo) -> Iterator[tuple[str, Figure]]:
    """Yield (name, figure) for each of FIGURE_NAMES that the study has something to show for."""
    if info.versus is not None:
        yield "versus-baseline", draw_versus_baseline(info.versus)
    if info.kind is not None and info.curves is not None:
        yield learning_curve_name(info.kind), draw_learning_curves(info.curves)
    if info.kind is not None and info.confusion is not None:
        yield confusion_matrix_name(info.kind), draw_confusion_matrix(info.confusion)
    if info.mistakes is not None:
        yield "mistakes", draw_mistakes(info.mistakes)
    if info.search is not None:
        yield from _draw_search(info.search)
    for one in info.found:
        for block in one.blocks():
            if isinstance(block, Plot):
                yield block.name, block.paper()


def _draw_search(search: SearchInfo) -> Iterator[tuple[str, Figure]]:
    if search.history.points:
        yield "optimization-history", draw_optimization_history(search.history)
    if search.slices.reason is None:
        yield "slices", draw_slices(search.slices)
    if search.parallel.reason is None:
        yield "parallel-coordinates", draw_parallel_coordinates(search.parallel)
