"""One browser for all tests, and the report of a made-up study to open in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from search.report.evidence import Evidence
from search.report.findings import find_all
from search.report.render.html import render_page
from tests.browser.chromium import running_chromium
from tests.browser.pages import desktop, open_drawn, phone, unfold
from tests.chaos.unavailable import UnavailableError
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    try:
        with running_chromium() as browser:
            yield browser
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Yield an empty page on a desktop."""
    with desktop(browser) as window:
        yield window.new_page()


@pytest.fixture(scope="session")
def report_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of the report of a k-fold search that has a baseline to compare with."""
    fake = fakes.realistic(n_folds=5)
    record = fake.record
    predictions = fakes.model_predictions(record)
    evidence = Evidence(
        record,
        fake.study,
        fakes.mistake_images(record),
        predictions,
        baseline_fakes.reproduction(3),
    )
    page = render_page(record, find_all(evidence))
    return write_page(tmp_path_factory.mktemp("report"), page)


@pytest.fixture(scope="session")
def opened(browser: Browser, report_url: str) -> Page:
    """Return the report, opened once: it takes seconds to draw."""
    page = desktop(browser).new_page()
    open_drawn(page, report_url)
    unfold(page)
    return page


@pytest.fixture
def report(opened: Page) -> Page:
    """Return the report from its top, on a light desktop."""
    opened.emulate_media(media="screen", color_scheme="light", reduced_motion="no-preference")
    opened.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    return opened


@pytest.fixture(scope="session")
def phone_report(browser: Browser, report_url: str) -> Page:
    """Return the report on a phone, opened once."""
    page = phone(browser).new_page()
    open_drawn(page, report_url)
    unfold(page)
    return page


def write_page(folder: Path, content: str) -> str:
    """Return the address of a page with this content."""
    path = folder / "page.html"
    path.write_text(content, encoding="utf-8")
    return path.as_uri()
