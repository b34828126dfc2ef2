"""Signals to stop: what trains is kept, the way on is printed, the exit status says why."""

import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import final

import pytest
import typer

from search.catalog.studies import open_stored
from search.checks import without_password
from search.cli.terminal import Interrupts, run_to_end
from search.tuning.store import read_study
from tests.conftest import FolderMaker

_RUN = ("run", "--space", "mlp", "--dataset", "pets", "--workers", "2", "--no-baseline")
_BUDGET = ("--trials", "2", "--pruner", "none", "--max-parameters", "200000", "--study-name", "it")


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": ":".join(sys.path)}


@pytest.fixture(autouse=True)
def heard_hangups() -> Iterator[None]:
    """Have SIGHUP end a process, as a terminal does, even if the tests run under `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@final
class Process:
    """`python -m search` in a process group of its own, as a terminal starts it."""

    def __init__(self, arguments: tuple[str, ...], cwd: Path) -> None:
        self._running = subprocess.Popen(
            [sys.executable, "-m", "search", *arguments],
            cwd=cwd,
            env=_environment(),
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def alive(self) -> bool:
        """Return whether it has not ended."""
        return self._running.poll() is None

    def signal(self, number: int) -> None:
        """Send the signal to the whole group, as a terminal's Ctrl-C or a service manager does."""
        os.killpg(self._running.pid, number)

    def end(self) -> tuple[int, str]:
        """Wait for its end; returns the status and what it wrote since."""
        try:
            rest, _ = self._running.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)  # or it would train on for hours
            self._running.communicate()
            raise
        return self._running.returncode, rest

    def others(self) -> list[int]:
        """Return the processes of its group that still live."""
        return _processes_of_group(self._running.pid)


def _processes_of_group(group: int) -> list[int]:
    """Return the processes that live a moment after the first of their group has ended."""
    end = time.monotonic() + 10
    while found := [pid for pid in _pids() if _group(pid) == group]:
        if time.monotonic() > end:
            break
        time.sleep(0.1)
    return found


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _show(terminal: int, closing: threading.Event) -> None:
    """Take what is written to a terminal until it is closed."""
    while not closing.is_set():
        if select.select([terminal], [], [], 0.05)[0]:
            os.read(terminal, 1 << 16)
    os.close(terminal)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGUSR1, 138)],
)
def test_a_signal_ends_a_run_that_goes_on_later(
    number: int, status: int, tmp_path: Path, make_folder: FolderMaker
) -> None:
    """The epoch is kept, no trial is left running, and the printed command ends the study."""
    make_folder(tmp_path / "pets", {"cat": 12, "dog": 12})
    process = Process((*_RUN, *_BUDGET, "--epochs", "100000"), tmp_path)
    checkpoints = tmp_path / "runs" / "it" / "checkpoints"
    while not list(checkpoints.glob("plan-*/*.ckpt")):
        assert process.alive()
        time.sleep(0.05)
    process.signal(number)
    ended, rest = process.end()
    assert ended == status, rest
    assert "Traceback" not in rest
    assert "Ctrl-C again stops at once" in rest
    way_on = re.search(r"(?m)^interrupted; to resume: python (.*)\n", rest)
    assert way_on is not None
    assert shlex.split(way_on[1])[:2] == ["-m", "search"]
    assert shlex.split(way_on[1])[2:] == [*_RUN, *_BUDGET, "--epochs", "100000"]
    record = read_study(open_stored("it", tmp_path / "runs", None))
    assert {(t.state, t.reason) for t in record.trials} == {
        ("failed", "interrupted"),
        ("waiting", None),
    }
    assert list(checkpoints.glob("plan-*/*.ckpt"))
    assert not process.others()


@pytest.mark.slow
def test_a_closed_terminal_ends_a_run_well(tmp_path: Path, make_folder: FolderMaker) -> None:
    """Nothing can be printed any more; the epoch is kept all the same, and no process stays."""
    make_folder(tmp_path / "pets", {"cat": 12, "dog": 12})
    command = [sys.executable, "-m", "search", *_RUN, *_BUDGET, "--epochs", "100000"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(sys.executable, command, _environment())  # noqa: S606 - no shell is needed
    closing = threading.Event()
    shown = threading.Thread(target=_show, args=(terminal, closing), daemon=True)
    shown.start()
    checkpoints = tmp_path / "runs" / "it" / "checkpoints"
    while not list(checkpoints.glob("plan-*/*.ckpt")):
        time.sleep(0.05)
    os.kill(pid, signal.SIGSTOP)  # the terminal is gone before it can react
    closing.set()
    shown.join()
    os.kill(pid, signal.SIGCONT)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 129
    record = read_study(open_stored("it", tmp_path / "runs", None))
    assert ("failed", "interrupted") in {(t.state, t.reason) for t in record.trials}
    assert not _processes_of_group(pid)


@pytest.mark.slow
def test_a_signal_during_an_import_ends_a_run_as_any_other(tmp_path: Path) -> None:
    """Modules execute strings while they are imported, where Python judges interrupts itself."""
    (tmp_path / "program.py").write_text(
        "import contextlib, sys; from search.cli.terminal import Interrupts\n"
        "interrupts = Interrupts()\n"
        "with contextlib.suppress(KeyboardInterrupt), interrupts.handled():\n"
        "    exec('import os, signal; os.kill(os.getpid(), signal.SIGTERM)')\n"
        "sys.exit(interrupts.status)"
    )
    command = [sys.executable, "-m", "program"]
    done = subprocess.run(command, cwd=tmp_path, env=_environment(), check=False)
    assert done.returncode == 143


def test_notices_do_not_hurry_a_stop() -> None:
    """The shell and the system both tell of a closed terminal; the epoch still ends."""
    interrupts = Interrupts()
    with interrupts.handled(), interrupts.stop.accepted():
        for number in (signal.SIGHUP, signal.SIGHUP, signal.SIGUSR1):
            os.kill(os.getpid(), number)
        assert interrupts.stop.requested()
        assert interrupts.status == 129
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_notice_that_is_ignored_stays_ignored() -> None:
    """`nohup` has the program outlive its terminal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        interrupts = Interrupts()
        with interrupts.handled(), interrupts.stop.accepted():
            os.kill(os.getpid(), signal.SIGHUP)
            assert not interrupts.stop.requested()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_signal_ends_at_once() -> None:
    """The first is heeded where something trains; the second raises, and so does any elsewhere."""
    interrupts = Interrupts()
    before = signal.getsignal(signal.SIGTERM)
    with interrupts.handled():
        with interrupts.stop.accepted():
            os.kill(os.getpid(), signal.SIGTERM)
            assert interrupts.stop.requested()
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.status == 130
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.status == 143
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_way_on_hides_a_password() -> None:
    """A database's password is not printed with the command."""
    url = "postgresql+psycopg://ann:s3cret@host:5432/studies"
    assert without_password(f"--storage={url}") == (
        "--storage=postgresql+psycopg://ann@host:5432/studies"
    )
    assert without_password("runs/a:b@c") == "runs/a:b@c"


def test_every_end_has_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted command says how to go on, whatever it was."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    app = typer.Typer()
    app.command()(interrupted)
    status, line = run_to_end(app, [])
    assert status == 130
    assert line == "interrupted; to resume: python -m search"
