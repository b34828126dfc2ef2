"""The sections of the page that are no findings yet. Pure."""

from collections.abc import Iterable

from search import text
from search.reference.reported import reported_note
from search.report import study_words as facts
from search.report.charts.base import Chart
from search.report.findings.winner import Winner
from search.report.info.fold_rows import fold_rows
from search.report.info.report import ReportInfo
from search.report.page.thumbnails import data_uri
from search.report.render import html
from search.report.words.optimism import optimism_words


def render_page(info: ReportInfo, charts: Iterable[Chart]) -> str:
    """Return the page as HTML; every name from outside is escaped."""
    metric, winner = info.record.recipe.metric, info.evidence.once(Winner.of)
    more = {
        "charts": {chart.name: chart for chart in charts},
        "chart_json": html.figure_json,
        "info": info,
        "winner": winner,
        "test": info.record.test,
        "metric": metric,
        "text": text,
        "facts": facts,
        "thumbnails": () if info.mistakes is None else [data_uri(i) for i in info.mistakes.images],
        "reported_note": reported_note(info.record) if info.reported else "",
        "fold_rows": () if winner is None else fold_rows(winner, metric),
        "optimism_words": () if info.optimism is None else optimism_words(info.optimism),
    }
    return html.render_page(info.record, info.found, more)
