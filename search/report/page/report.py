"""The page: info -> one HTML text that needs neither network nor other files. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from search import text
from search.reference.reported import reported_note
from search.report.charts.base import Chart
from search.report.info import facts
from search.report.info.cost import cost_facts
from search.report.info.report import ReportInfo, SearchInfo
from search.report.info.winner import fold_rows
from search.report.page.thumbnails import data_uri
from search.report.render.html import figure_json, render_template
from search.report.words.next import next_words
from search.report.words.optimism import optimism_words
from search.report.words.why import shared_words


def render_page(info: ReportInfo, charts: Iterable[Chart]) -> str:
    """Return the page as HTML; every name from outside is escaped."""
    shown = {"charts": {chart.name: chart for chart in charts}, "chart_json": figure_json}
    return render_template("page.html.jinja", shown | _figures(info) | _words(info))


def _figures(info: ReportInfo) -> dict[str, Any]:
    metric = info.record.recipe.metric
    return {
        "info": info,
        "found": {one.key: one for one in info.found},
        "record": info.record,
        "metric": metric,
        "text": text,
        "facts": facts,
        "cost": (*cost_facts(info.cost), facts.device_fact(info.record)),
        "command": "python -m search run recipe.toml",
        "thumbnails": () if info.mistakes is None else [data_uri(i) for i in info.mistakes.images],
        "reported_note": reported_note(info.record) if info.reported else "",
        "fold_rows": () if info.winner is None else fold_rows(info.winner, metric),
    }


def _words(info: ReportInfo) -> dict[str, Sequence[str]]:
    """Return what the page says in sentences; a baseline study has none of a search's."""
    return ({} if info.search is None else _search_words(info.search)) | {
        "optimism_words": () if info.optimism is None else optimism_words(info.optimism),
    }


def _search_words(search: SearchInfo) -> dict[str, Sequence[str]]:
    return {
        "shared_words": shared_words(search.shared),
        "next_words": next_words(search.advice),
    }
