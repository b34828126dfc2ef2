"""An object in a user's Python file that a setting names: `path/to/file.py:NAME`."""

import ast
import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Self, final

from pydantic import ValidationError

from cifar_models import FAMILIES
from spaces.function_source import drop_docstrings


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
        path = Path(file)
        if not path.is_file():
            raise ValueError(f"{setting} {text!r}: file {file!r} does not exist or is not a file")
        return cls(setting, text, path, name)

    def run(self) -> ModuleType:
        """Run the file and return its module, which is not kept among those of Python.

        Raises:
            ValueError: The file raised an error; the message has its line.
        """
        with self.one_line_errors():
            return _run(self.path)

    def source(self) -> str:
        """Return the file's code without comments, docstrings and formatting.

        Raises:
            ValueError: It is not valid Python.
        """
        with self.one_line_errors():
            return _bare_source(self.path.read_bytes())

    @contextmanager
    def one_line_errors(self) -> Iterator[None]:
        """Turn any error of the user's code into a ValueError of one line, with the place."""
        try:
            yield
        except (Exception, SystemExit) as error:
            what = f"{type(error).__name__}: {_what(error)}{_place(error, self.path)}"
            raise ValueError(f"{self.setting} {self.text!r}: {what}") from error


def _bare_source(source: str | bytes) -> str:
    """Return Python code without comments, docstrings and formatting.

    Raises SyntaxError or ValueError if it is not valid Python.
    """
    return ast.unparse(drop_docstrings(ast.parse(source)))


@final
class _Uncached(SourceFileLoader):
    """Compiles the current file, and leaves no bytecode next to it."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        return self.source_to_code(self.get_data(self.path), self.path)


def _run(path: Path) -> ModuleType:
    name = f"user_space_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    loader = _Uncached(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        loader.exec_module(module)
    finally:
        sys.modules.pop(name, None)
    return module


def _what(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in (error.title, *first["loc"]))
        return f"{field}: {first['msg']}, got {first['input']!r}"
    return " ".join(str(error).split()) + _arguments(error)


def _arguments(error: BaseException) -> str:
    """Return the arguments of a network that was given an unknown one."""
    for kind in FAMILIES:
        if str(error).startswith(f"{kind.__name__}.__init__() got an unexpected keyword"):
            names = [name for name in inspect.signature(kind).parameters if name != "kind"]
            return f"; it takes {', '.join(names)}"
    return ""


def _place(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError):
        return ""  # its text already ends with file and line
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return f" (line {lines[-1]})" if lines else ""
