"""Chromium without a window: found, installed, started and ended."""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.browser.pipe import Pipe, ProtocolError
from tests.chaos.unavailable import UnavailableError

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_INSTALL = [
    "apt-get",
    "install",
    "--yes",
    "--no-install-recommends",
    "chromium",
    "fonts-liberation",
]
_SETTINGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--no-default-browser-check",
    "--no-first-run",
)
_FREE = 10  # descriptors from here on cannot be the two that Chromium expects
_PATIENCE = 10.0  # seconds that Chromium gets to end by itself


def find_chromium() -> str:
    """Return the program's path; raises UnavailableError where there is none."""
    if path := next(filter(None, map(shutil.which, _NAMES)), None):
        return path
    raise UnavailableError("Chromium is not installed: `python -m tests.browser install` does it")


def install_chromium() -> None:
    """Install Chromium with apt-get where there is none; raises UnavailableError if that fails."""
    if any(map(shutil.which, _NAMES)):
        return
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise UnavailableError("Chromium is installed with apt-get, by root")
    status = subprocess.run(_INSTALL, check=False, stdin=subprocess.DEVNULL).returncode
    if status != 0:
        raise UnavailableError(f"apt-get could not install Chromium: exit status {status}")


@contextmanager
def running_chromium() -> Iterator[Pipe]:
    """Start Chromium with a profile of its own; yield the conversation with it."""
    program = find_chromium()
    with tempfile.TemporaryDirectory(prefix="chromium", ignore_cleanup_errors=True) as profile:
        commands, answers = os.pipe(), os.pipe()
        browser = _start([program, *_settings(Path(profile))], commands[0], answers[1])
        try:
            yield Pipe(answers[0], commands[1])
        finally:
            _end(browser, Pipe(answers[0], commands[1]))
            os.close(answers[0])
            os.close(commands[1])


def _settings(profile: Path) -> Iterator[str]:
    yield from _SETTINGS
    yield f"--user-data-dir={profile}"
    if os.geteuid() == 0:
        yield "--no-sandbox"  # its sandbox refuses to run as root
    yield "about:blank"


def _start(command: Sequence[str], reads: int, writes: int) -> subprocess.Popen[bytes]:
    """Start the command with these ends of the pipes as its descriptors 3 and 4; closes ours."""
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD, _FREE) for end in (reads, writes)]
    renumbered = f'exec "$0" "$@" 3<&{ends[0]} 4>&{ends[1]}'
    browser = subprocess.Popen(
        ["bash", "-c", renumbered, *command],  # noqa: S607 - dash knows no descriptors above 9
        pass_fds=ends,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    for end in (reads, writes, *ends):
        os.close(end)
    return browser


def _end(browser: subprocess.Popen[bytes], pipe: Pipe) -> None:
    """Ask Chromium to end, and make it end where it does not."""
    try:
        pipe.call("Browser.close")
        browser.wait(_PATIENCE)
    except (ProtocolError, BrokenPipeError, subprocess.TimeoutExpired):
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()
