"""All the figures of a report by name, those that apply."""

from collections.abc import Iterator

from matplotlib.figure import Figure

from search.report.figures.curves import draw_learning_curves
from search.report.figures.result import draw_confusion_matrix, draw_mistakes
from search.report.figures.versus import draw_versus_baseline
from search.report.findings import FINDINGS
from search.report.info.report import ReportInfo
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
    for one in info.found:
        yield from ((plot.name, plot.paper()) for plot in one.plots() if plot.paper)
