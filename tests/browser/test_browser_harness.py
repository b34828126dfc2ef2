"""What drives the browser: what it says if there is none, what it hears, and what it writes."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from tests.browser.__main__ import app
from tests.browser.chromium import find_chromium, running_chromium
from tests.browser.conftest import write_page
from tests.browser.pages import PageLog
from tests.chaos.unavailable import UnavailableError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def test_missing_chromium_is_said_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a browser, tests are skipped with the command that installs one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match=r"python -m tests\.browser install"):
        find_chromium()
    page = tmp_path / "page.html"
    page.touch()
    for arguments in (["shots", str(tmp_path), str(page)], ["install"]):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 1
        assert "Chromium" in result.output


def test_missing_playwright_is_said_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without Playwright, tests are skipped with the extra that installs it."""
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    chromium = tmp_path / "chromium"
    chromium.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match=r"\.\[browser\]"), running_chromium():
        pass


@pytest.mark.slow
def test_complaints_and_requests_are_seen(page: Page, tmp_path: Path) -> None:
    """Errors of every kind and requests for other files do not pass unnoticed."""
    script = "<script>console.error('odd'); throw Error('worse')</script>"
    address = write_page(tmp_path, f"<!DOCTYPE html><img src='gone.png'>{script}")
    log = PageLog(page)
    page.goto(address)
    complaints = " ".join(log.complaints())
    assert all(part in complaints for part in ("odd", "worse", "ERR_FILE_NOT_FOUND"))
    assert log.requests() == [address, address.replace("page.html", "gone.png")]


@pytest.mark.slow
def test_shots_are_pictures_and_a_pdf(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """People get the page light, dark, on a phone and printed."""
    monkeypatch.setattr("tests.browser.__main__.running_chromium", lambda: nullcontext(browser))
    path = tmp_path / "page.html"
    path.write_text("<!DOCTYPE html><title>page</title><p>text", encoding="utf-8")
    result = CliRunner().invoke(app, ["shots", str(tmp_path / "shots"), str(path)])
    assert result.exit_code == 0, result.output
    names = {shot.name for shot in (tmp_path / "shots").iterdir()}
    pictures = {f"{name}.png" for name in ("light", "dark", "phone-light", "phone-dark")}
    assert names == pictures | {"print.pdf"}
