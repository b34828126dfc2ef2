"""A browser for all tests, and the report of a made-up study for it to open."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from search.report.charts.report import draw_charts
from search.report.info.evidence import Evidence
from search.report.info.report import report_info
from search.report.page.report import render_page
from tests.browser.chromium import running_chromium
from tests.browser.pipe import Pipe
from tests.browser.tab import Tab
from tests.chaos.unavailable import UnavailableError
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes


@pytest.fixture(scope="session")
def pipe() -> Iterator[Pipe]:
    try:
        with running_chromium() as pipe:
            yield pipe
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def tab(pipe: Pipe) -> Iterator[Tab]:
    tab = Tab(pipe)
    yield tab
    tab.close()


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of the report of a k-fold search beside a baseline."""
    fake = fakes.realistic(n_folds=5)
    record = fake.record
    predictions = fakes.model_predictions(record)
    evidence = Evidence(fakes.mistake_images(record), predictions, baseline_fakes.reproduction(3))
    info = report_info(*fake, evidence)
    return write_page(tmp_path_factory.mktemp("report"), render_page(info, draw_charts(info)))


@pytest.fixture(scope="session")
def opened(pipe: Pipe, page: str) -> Tab:
    """Return a tab with the report, opened once: it draws for seconds."""
    tab = Tab(pipe)
    tab.open(page)
    return tab


@pytest.fixture
def report(opened: Tab) -> Tab:
    """Return the tab with the report as it is on a light desktop, seen from its beginning."""
    opened.resize(1280, 900)
    opened.prefer("light")
    opened.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    return opened


def write_page(folder: Path, content: str) -> str:
    """Return the address of a page of this content."""
    path = folder / "page.html"
    path.write_text(content, encoding="utf-8")
    return path.as_uri()
