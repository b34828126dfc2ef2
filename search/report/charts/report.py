"""All the charts of a page by name, those that apply."""

from collections.abc import Iterator

from search.report.charts.base import Chart
from search.report.charts.confusion import confusion_chart
from search.report.charts.curves import learning_curves_chart
from search.report.charts.parallel import parallel_coordinates_chart
from search.report.charts.slices import slices_chart
from search.report.charts.study import optimization_history_chart
from search.report.charts.versus import versus_chart
from search.report.info.report import ReportInfo, SearchInfo
from search.report.plots.trials import HoverTexts, trial_hover_texts


def draw_charts(info: ReportInfo) -> Iterator[Chart]:
    """Yield the charts that the study has something to show for."""
    if info.versus is not None:
        yield versus_chart(info.versus)
    if info.curves is not None:
        yield learning_curves_chart(info.curves)
    if info.confusion is not None:
        yield confusion_chart(info.confusion)
    if info.search is not None:
        yield from _search_charts(info.search, trial_hover_texts(info.record))


def _search_charts(search: SearchInfo, stories: HoverTexts) -> Iterator[Chart]:
    if search.history.points:
        yield optimization_history_chart(search.history, stories)
    if search.slices.reason is None:
        yield slices_chart(search.slices, stories)
    if search.parallel.reason is None:
        yield parallel_coordinates_chart(search.parallel, stories)
