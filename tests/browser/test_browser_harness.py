"""What drives the browser: what it says where there is none, and what it writes."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.browser.__main__ import app
from tests.browser.chromium import find_chromium
from tests.browser.conftest import write_page
from tests.browser.pipe import Pipe, ProtocolError
from tests.browser.tab import Tab
from tests.chaos.unavailable import UnavailableError


def test_missing_chromium_is_said_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a browser tests are skipped with the command that installs one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match=r"python -m tests\.browser install"):
        find_chromium()
    page = tmp_path / "page.html"
    page.touch()
    result = CliRunner().invoke(app, ["shots", str(tmp_path), str(page)])
    assert result.exit_code == 1
    assert "Chromium is not installed" in result.output
    result = CliRunner().invoke(app, ["install"])
    assert result.exit_code == 1
    assert "installed with apt-get, by root" in result.output


def test_refused_command_is_an_error(pipe: Pipe) -> None:
    """What the browser does not know is said with the command's name."""
    with pytest.raises(ProtocolError, match=r"Page\.fly"):
        pipe.call("Page.fly")


def test_complaints_and_requests_are_seen(tab: Tab, tmp_path: Path) -> None:
    """Errors of every kind and requests for other files do not pass unnoticed."""
    script = "<script>console.error('odd'); throw Error('worse')</script>"
    address = write_page(tmp_path, f"<!DOCTYPE html><img src='gone.png'>{script}")
    tab.open(address)
    told = " ".join(tab.complaints())
    assert all(part in told for part in ("odd", "worse", "ERR_FILE_NOT_FOUND"))
    assert tab.requests() == [address, address.replace("page.html", "gone.png")]


def test_shots_are_pictures_and_a_pdf(pipe: Pipe, tmp_path: Path) -> None:
    """People get the page light, dark, on a telephone and printed."""
    path = tmp_path / "page.html"
    path.write_text("<!DOCTYPE html><title>page</title><p>text", encoding="utf-8")
    result = CliRunner().invoke(app, ["shots", str(tmp_path / "shots"), str(path)])
    assert result.exit_code == 0, result.output
    names = {shot.name for shot in (tmp_path / "shots").iterdir()}
    pictures = {f"{name}.png" for name in ("light", "dark", "telephone", "telephone-dark")}
    assert names == pictures | {"print.pdf"}
