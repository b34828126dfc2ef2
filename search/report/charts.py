"""All the charts of a page by name, those that apply."""

from collections.abc import Iterator

from search.report.charts_base import Chart
from search.report.charts_parallel import parallel_coordinates_chart
from search.report.charts_result import confusion_chart, learning_curves_chart
from search.report.charts_study import (
    importances_chart,
    optimization_history_chart,
)
from search.report.info import ReportInfo


def draw_charts(info: ReportInfo) -> Iterator[Chart]:
    """Yield the charts that the study has something to show for."""
    if info.history.points:
        yield optimization_history_chart(info.history)
    if info.curves is not None:
        yield learning_curves_chart(info.curves)
    if info.confusion is not None:
        yield confusion_chart(info.confusion)
    if info.importances.reason is None:
        yield importances_chart(info.importances)
    if info.parallel.reason is None:
        yield parallel_coordinates_chart(info.parallel)
