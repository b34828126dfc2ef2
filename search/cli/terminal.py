"""How commands print, react to signals, and end: exit status and the line that says why."""

import errno
import io
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import final

import typer
from rich.console import Console, RenderableType
from rich.text import Text
from typer.exceptions import TyperException

from search.checks import password_note, without_password
from search.command_lines import with_options
from search.errors import MachineError, UserError
from search.events import Failed, JsonWriter
from search.progress.steps import Progress, no_progress
from search.progress.wrapping import fold_command, wrap_under_label
from search.stopping import STOP_SIGNALS, StopRequest, is_notice, signals_handled
from search.text import one_line

_PIPE_WIDTH = 160
_OUTPUTS = (1, 2)  # file descriptors of standard output and standard error


def use_utf8() -> None:
    """Start the program again in UTF-8 mode if it would take file names for ASCII.

    Python does so in the C locale where it was told not to choose UTF-8 itself. Names with other
    letters could be neither stored nor shown.
    """
    if sys.getfilesystemencoding() == "ascii" and os.environ.get("PYTHONUTF8") != "1":
        again = [sys.executable, "-X", "utf8", *sys.orig_argv[1:]]
        os.execve(sys.executable, again, os.environ | {"PYTHONUTF8": "1"})  # noqa: S606 - itself


def make_console(*, stderr: bool = False) -> Console:
    """Return a console without markup, and with wide lines if there is no terminal."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # file names may not be valid text
            stream.reconfigure(errors="backslashreplace")
    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PIPE_WIDTH
    elif console.is_dumb_terminal and "COLUMNS" not in os.environ:  # rich assumes 80 columns
        console.width = shutil.get_terminal_size().columns
    return console


def print_all(renderables: Iterable[RenderableType], console: Console) -> None:
    """Print everything; in files, lines are not wrapped.

    On a terminal, texts are indented under their label, and commands are folded between words so
    that they can still be copied.
    """
    for one in renderables:
        if isinstance(one, str):
            folded = fold_command(one, console.width) if console.is_terminal else one
            console.print(folded, soft_wrap=True)
        elif isinstance(one, Text) and console.is_terminal:
            console.print(wrap_under_label(one, console))
        else:
            console.print(one, soft_wrap=isinstance(one, Text))


@contextmanager
def steps_shown(console: Console) -> Iterator[Progress]:
    """Show on a terminal how far a command is, until the block ends; in files, show nothing."""
    if not console.is_terminal:
        yield no_progress
        return
    from rich import progress as bars

    columns = (bars.TextColumn("{task.description}"), bars.BarColumn(), bars.MofNCompleteColumn())
    with bars.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("")
        yield lambda step: bar.update(
            task, description=step.words, completed=step.done, total=step.total
        )


def print_message(line: str, console: Console) -> None:
    """Print a message that may end with a command; in files, it is one line."""
    words, _, command = fold_command(line, console.width).partition("\n")
    if console.is_terminal and command:
        print_all([Text(words), *command.splitlines()], console)
    else:
        print_all([Text(line)], console)


@final
class _Stopped(KeyboardInterrupt):
    """A signal that stops at once.

    Where KeyboardInterrupt itself leaves a string that is executed, as pydantic's and other modules
    do while they are imported, Python ends by SIGINT, whatever is done about it.
    """


@final
class Interrupts:
    """The first signal requests a stop after the current epoch; a second one stops at once.

    If nothing is training, the first also stops at once, by KeyboardInterrupt. `status` is then
    the program's exit status, one of `INTERRUPTED`. Notices, such as that the terminal was closed,
    never hurry a stop: both the shell and the system send one.
    """

    def __init__(self) -> None:
        self.stop = StopRequest()
        self.status: int | None = None
        self._terminals = [one for one in _OUTPUTS if os.isatty(one)]

    def handled(self) -> AbstractContextManager[None]:
        """Return a context in which the signals are handled."""
        return signals_handled(self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if is_notice(number):
            _discard_output([one for one in self._terminals if not os.isatty(one)])
        if not self.stop.is_changed_by(number):
            return
        self.status = 128 + number
        if not self.stop.request():
            raise _Stopped


def _discard_output(outputs: list[int]) -> None:
    """Discard what is written to these file descriptors.

    Writing to a terminal that was closed fails, which must not keep a run from ending well.
    """
    for descriptor in outputs:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


_KEPT = "; everything stored so far is kept: run the same command again to resume"
_IN_THE_MIDDLE = (errno.ENOSPC, errno.EDQUOT, errno.EIO)  # others occur before anything starts
_PASSWORD = re.compile(r"(?<=:/)(/?[^\s/@:]*):[^\s/@]*@")
INTERRUPTED = tuple(128 + number for number in STOP_SIGNALS)  # typer does so for Ctrl-C


def run_to_end(app: typer.Typer, arguments: list[str]) -> tuple[int, str | None]:
    """Return the exit status of a command line, and the line to print if it failed."""
    status, failure = _run(app, arguments)
    return status, failure and _shown(failure)


@contextmanager
def failures_told(writer: JsonWriter | None) -> Iterator[None]:
    """Write an error of the block as an event, if there is a writer; it is raised in any case."""
    try:
        yield
    except Exception as error:
        failure = _failure(error)
        if writer is not None and failure is not None:
            writer.write(Failed(failure[0], _shown(failure[1])))
        raise


def _run(app: typer.Typer, arguments: list[str]) -> tuple[int, str | None]:
    try:
        status = app(arguments, standalone_mode=False) or 0
    except TyperException as error:
        return 2, error.format_message()
    except Exception as error:
        failure = _failure(error)
        if failure is None:
            raise
        return failure
    if status in INTERRUPTED:
        return status, f"interrupted; to resume: {_command(arguments)}"
    return status, None


def _failure(error: Exception) -> tuple[int, str] | None:
    """Return exit status and message of an expected error, None for any other."""
    if isinstance(error, UserError | MachineError):
        return error.exit_status, str(error)
    if isinstance(error, OSError):
        return 1, f"{error}{_KEPT if error.errno in _IN_THE_MIDDLE else ''}"
    if "optuna" not in sys.modules:
        return None
    from search.tuning.storage import storage_error

    known = storage_error(error)
    return None if known is None else (known.exit_status, str(known))


def _shown(failure: str) -> str:
    """Return the message on one line, with options, without passwords.

    Paths drop a slash of a URL.
    """
    return one_line(_PASSWORD.sub(r"\1@", with_options(failure)))


def _command(arguments: list[str]) -> str:
    """Return the command line without the password of a database."""
    shown = [*map(without_password, arguments)]
    return shlex.join(["python", "-m", "search", *shown]) + password_note(arguments, shown)
