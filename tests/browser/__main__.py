"""`python -m tests.browser`: install Chromium, and take screenshots of a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tests.browser.chromium import install_chromium, running_chromium
from tests.browser.pages import desktop, open_drawn, phone
from tests.chaos.unavailable import UnavailableError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

_DRAWING_MS = 500  # until charts are drawn, after the window or its colors have changed


@app.callback()
def browser() -> None:
    """Exit status 1 if Chromium or Playwright is missing."""


@app.command()
def install() -> None:
    """Install Chromium from Debian's packages, if it is missing; needs root."""
    try:
        install_chromium()
    except UnavailableError as error:
        typer.echo(error)
        raise typer.Exit(1) from error


@app.command()
def shots(
    folder: Annotated[Path, typer.Argument(help="Where to write the screenshots.")],
    page: Annotated[Path, typer.Argument(help="An HTML file.", exists=True, dir_okay=False)],
) -> None:
    """Take screenshots of a page (light, dark, on a phone), and print it as PDF."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with running_chromium() as browser:
            _shoot(browser, page.resolve().as_uri(), folder)
    except UnavailableError as error:
        typer.echo(error)
        raise typer.Exit(1) from error


def _shoot(browser: Browser, url: str, folder: Path) -> None:
    for prefix, window in (("", desktop(browser)), ("phone-", phone(browser))):
        page = window.new_page()
        open_drawn(page, url)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(_DRAWING_MS)
            page.screenshot(path=folder / f"{prefix}{scheme}.png", full_page=True)
        if not prefix:
            page.pdf(path=folder / "print.pdf", print_background=True, prefer_css_page_size=True)
        window.close()


if __name__ == "__main__":
    app()
