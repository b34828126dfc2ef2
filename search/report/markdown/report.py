"""report.md: what the page says, to be read anywhere and pasted into a pull request. Pure."""

from collections.abc import Collection

from search.report.info.report import ReportInfo
from search.report.markdown.result import fails, sure
from search.report.markdown.versus import good
from search.report.render import markdown


def report_markdown(info: ReportInfo, figures: Collection[str]) -> str:
    """Return the report in the page's order; every text from outside is escaped.

    `figures` are the names of those that lie beside it as PNG.
    """
    more = {
        "good": list(good(info, figures)),
        "sure": list(sure(info, figures)),
        "failures": list(fails(info, figures)) if info.record.test else [],
    }
    return markdown.report_markdown(info.record, info.found, figures, more)
