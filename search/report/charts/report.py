"""All the charts of a page by name, those that apply."""

from collections.abc import Iterator

from search.report.charts.base import Chart
from search.report.charts.confusion import confusion_chart
from search.report.charts.curves import learning_curves_chart
from search.report.charts.versus import versus_chart
from search.report.info.report import ReportInfo


def draw_charts(info: ReportInfo) -> Iterator[Chart]:
    """Yield the charts that the study has something to show for."""
    if info.versus is not None:
        yield versus_chart(info.versus)
    if info.curves is not None:
        yield learning_curves_chart(info.curves)
    if info.confusion is not None:
        yield confusion_chart(info.confusion)
