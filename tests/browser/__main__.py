"""`python -m tests.browser`: Chromium installed, and pictures of a page for people to look at."""

from pathlib import Path
from typing import Annotated

import typer

from tests.browser.chromium import install_chromium, running_chromium
from tests.browser.tab import Scheme, Tab
from tests.chaos.unavailable import UnavailableError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

_DESKTOP, _TELEPHONE = (1280, 900), (390, 844)


@app.callback()
def browser() -> None:
    """Exit status 1 where there is no Chromium."""


@app.command()
def install() -> None:
    """Install Chromium from Debian's packages, where it is not there; needs root."""
    try:
        install_chromium()
    except UnavailableError as error:
        typer.echo(error)
        raise typer.Exit(1) from error


@app.command()
def shots(
    folder: Annotated[Path, typer.Argument(help="Where the pictures go.")],
    page: Annotated[Path, typer.Argument(help="An HTML file.", exists=True, dir_okay=False)],
) -> None:
    """Write pictures of a page: light, dark, on a telephone, and printed as PDF."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with running_chromium() as pipe:
            tab = Tab(pipe)
            tab.open(page.resolve().as_uri())
            _shoot(tab, folder / "light.png", "light", _DESKTOP)
            _shoot(tab, folder / "dark.png", "dark", _DESKTOP)
            _shoot(tab, folder / "telephone.png", "light", _TELEPHONE)
            _shoot(tab, folder / "telephone-dark.png", "dark", _TELEPHONE)
            (folder / "print.pdf").write_bytes(tab.pdf())
    except UnavailableError as error:
        typer.echo(error)
        raise typer.Exit(1) from error


def _shoot(tab: Tab, path: Path, scheme: Scheme, size: tuple[int, int]) -> None:
    tab.resize(*size, mobile=size == _TELEPHONE)
    tab.prefer(scheme)
    tab.wait_until("new Promise(done => requestAnimationFrame(() => setTimeout(done, 500, true)))")
    path.write_bytes(tab.screenshot())


if __name__ == "__main__":
    app()
