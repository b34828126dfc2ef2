"""All the figures of a report by name, those that apply."""

from collections.abc import Iterator

from matplotlib.figure import Figure

from search.report.figures_result import (
    draw_confusion_matrix,
    draw_learning_curves,
    draw_mistakes,
)
from search.report.figures_study import (
    draw_importances,
    draw_optimization_history,
    draw_parallel_coordinates,
)
from search.report.info import ReportInfo

FIGURE_NAMES = (
    "optimization-history",
    "learning-curves",
    "confusion-matrix",
    "importances",
    "parallel-coordinates",
    "mistakes",
)


def draw_figures(info: ReportInfo) -> Iterator[tuple[str, Figure]]:
    """Yield (name, figure) for each of FIGURE_NAMES that the study has something to show for."""
    if info.history.points:
        yield "optimization-history", draw_optimization_history(info.history)
    if info.curves is not None:
        yield "learning-curves", draw_learning_curves(info.curves)
    if info.confusion is not None:
        yield "confusion-matrix", draw_confusion_matrix(info.confusion)
    if info.importances.reason is None:
        yield "importances", draw_importances(info.importances)
    if info.parallel.reason is None:
        yield "parallel-coordinates", draw_parallel_coordinates(info.parallel)
    if info.mistakes is not None:
        yield "mistakes", draw_mistakes(info.mistakes)
