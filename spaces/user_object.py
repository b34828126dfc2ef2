"""An object in a user's Python file that a setting names: `path/to/file.py:NAME`."""

import inspect
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from textwrap import shorten
from types import ModuleType
from typing import Self, final

from cifar_models import FAMILIES
from search.errors import UserError
from spaces.errors import reason_of
from spaces.user_code import UserCode

_WIDEST_CODE = 80  # characters of a line that an error shows


@final
class UserCodeError(Exception):
    """An error of a user's code, in one line that names the setting and the place.

    Not a ValueError, as a space may raise those to reject a point.
    """


@final
@dataclass(frozen=True)
class UserObject:
    """An object in a user's file.

    Attributes:
        setting: The setting that names it, for error messages.
        text: The setting's value.
        path: The file.
        name: The object's name in the file.
    """

    setting: str
    text: str
    path: Path
    name: str

    @classmethod
    def parse(cls, setting: str, text: str) -> Self | None:
        """Return the object that a text names; None if it is not of the form `FILE.py:NAME`.

        Raises:
            ValueError: There is no such file.
        """
        file, _, name = text.rpartition(":")
        if not file.endswith(".py") or not name:
            return None
        path = Path(file).expanduser()
        if not path.is_file():
            raise ValueError(f"{setting} {text!r}: file {file!r} does not exist or is not a file")
        return cls(setting, text, path, name)

    @cached_property
    def code(self) -> UserCode:
        """The file and the modules that it imports, as they were when this was first asked for.

        Raises:
            ValueError: One of them is not valid Python.
        """
        with self.one_line_errors():
            return UserCode.read(self.path)

    def run(self) -> ModuleType:
        """Run the file and return its module, which nothing else can import.

        Raises:
            ValueError: The file raised an error; the message has its line.
        """
        code = self.code
        with self.one_line_errors():
            return code.run()

    def source(self) -> str:
        """Return the file's code without comments, docstrings and formatting.

        Raises:
            ValueError: It is not valid Python.
        """
        return self.code.bare()

    def helpers(self) -> dict[str, str]:
        """Return the same of every module of the user's that the file imports, by its file.

        Raises:
            ValueError: One is not valid Python.
        """
        return self.code.bare_helpers()

    def describe(self, error: BaseException) -> str:
        """Return an error of the user's code in one line, with the setting and the place."""
        kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
        return f"{self.setting} {self.text!r}: {kind}{self.reason(error)}"

    def reason(self, error: BaseException) -> str:
        """Return an error's message in one line, with the place in the user's code."""
        return f"{_what(error)}{self._place(error)}"

    @contextmanager
    def one_line_errors(self) -> Iterator[None]:
        """Turn any error of the user's code into a ValueError of one line, with the place."""
        try:
            yield
        except UserCodeError as error:  # which says all that already
            raise ValueError(str(error)) from error
        except (Exception, SystemExit) as error:
            raise ValueError(self.describe(error)) from error

    def _place(self, error: BaseException) -> str:
        """Return the last line of the user's code that an error passed through."""
        if isinstance(error, SyntaxError):
            return ""  # its text already ends with file and line
        code: UserCode | None = vars(self).get("code")
        names = {str(self.path): ""} if code is None else code.filenames()
        frames = traceback.extract_tb(error.__traceback__)
        own = [one for one in frames if one.filename in names]
        if not own:
            return ""
        file = names[own[-1].filename]
        return f" ({file and f'{file}, '}line {own[-1].lineno}{_code(own[-1].line)})"


def _code(line: str | None) -> str:
    """Return a line of code, by which a function of a notebook is found, as it has no numbers.

    A `raise` is left out: it says again what the error says.
    """
    if not line or line.startswith("raise"):
        return ""
    return f": {shorten(line, _WIDEST_CODE, placeholder=' ...')}"


def _what(error: BaseException) -> str:
    return reason_of(error) + _arguments(error)


def _arguments(error: BaseException) -> str:
    """Return the arguments of a network that was given an unknown one."""
    for kind in FAMILIES:
        if str(error).startswith(f"{kind.__name__}.__init__() got an unexpected keyword"):
            names = [name for name in inspect.signature(kind).parameters if name != "kind"]
            return f"; it takes {', '.join(names)}"
    return ""
