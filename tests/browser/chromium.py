"""Debian's Chromium: found, installed, and driven by Playwright."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.chaos.unavailable import UnavailableError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_INSTALL = [
    "apt-get",
    "install",
    "--yes",
    "--no-install-recommends",
    "chromium",
    "fonts-liberation",
]
_OPTIONS = ["--force-color-profile=srgb"]  # colors that do not depend on the screen


def find_chromium() -> str:
    """Return the program's path.

    Raises:
        UnavailableError: Chromium is not installed.
    """
    if path := next(filter(None, map(shutil.which, _NAMES)), None):
        return path
    raise UnavailableError("Chromium is not installed: run `python -m tests.browser install`")


def install_chromium() -> None:
    """Install Chromium with apt-get, unless it is already there.

    Raises:
        UnavailableError: There is no apt-get, this user is not root, or the installation failed.
    """
    if any(map(shutil.which, _NAMES)):
        return
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise UnavailableError("Only root can install Chromium, with apt-get")
    status = subprocess.run(_INSTALL, check=False, stdin=subprocess.DEVNULL).returncode
    if status != 0:
        raise UnavailableError(f"apt-get could not install Chromium: exit status {status}")


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start Chromium without a window, and end it afterwards.

    Raises:
        UnavailableError: Chromium or Playwright is not installed.
    """
    program = find_chromium()
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - an optional dependency
    except ModuleNotFoundError as error:
        message = "Playwright is not installed: run `pip install -e '.[browser]'`"
        raise UnavailableError(message) from error
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_OPTIONS)
        try:
            yield browser
        finally:
            browser.close()
