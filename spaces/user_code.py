"""The code of a user's file and of every module of theirs that it imports, as text.

Which modules these are is read from the import statements, those inside functions included. So the
code is known without running it, can be compared and stored, and runs wherever its text is: in a
worker process, or from another folder. Its modules are private to it: two files may each import a
`helpers` of their own.
"""

import ast
import builtins
import contextlib
import hashlib
import linecache
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import decode_source, resolve_name
from pathlib import Path
from types import ModuleType
from typing import Any, Self, final

from spaces.function_source import drop_docstrings
from spaces.user_output import prints_to_stderr

_OURS = ("cifar_models", "spaces", "search")
"""Packages of this program, whose version is compared instead."""

_PREFIX = "user_code_"


@final
@dataclass(frozen=True)
class UserCode:
    """A user's file, and the modules of theirs that it imports.

    Attributes:
        path: Where the file is or was, for messages.
        files: The text of each by its path below the folder that it is imported from, such as
            "nets/blocks.py"; first that of the file itself.
    """

    path: str
    files: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the code of a file.

        Raises:
            OSError: It cannot be read.
            SyntaxError, ValueError: It, or a module that it imports, is not valid Python.
        """
        files = {path.name: decode_source(path.read_bytes())}
        finder, pending = _Finder(path), [path.name]
        while pending:
            file = pending.pop()
            for name in _imported(files[file], file):
                for found, text in finder.files(name):
                    if found not in files:
                        files[found] = text
                        pending.append(found)
        main, *helpers = files
        return cls(str(path), tuple((file, files[file]) for file in (main, *sorted(helpers))))

    def run(self) -> ModuleType:
        """Return the module of the file; the same code runs once in a process.

        What it prints goes to standard error, as standard output may be read by a program.
        """
        return _run(self)

    def bare(self) -> str:
        """Return the file's code without comments, docstrings and formatting."""
        return bare_source(self.files[0][1])

    def bare_helpers(self) -> dict[str, str]:
        """Return the imported modules' code by file, as `bare` does."""
        return {file: bare_source(text) for file, text in self.files[1:]}

    def filenames(self) -> dict[str, str]:
        """Return what messages call each file of a traceback; "" is the main one."""
        return {_filename(self, file): file for file, _ in self.files[1:]} | {self.path: ""}


def place_in_user_code(error: BaseException) -> str:
    """Return the last line of any user's code that an error passed through; "" for none."""
    place, trace = "", error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if str(frame.f_globals.get("__name__")).startswith(_PREFIX):
            place = f" ({Path(frame.f_code.co_filename).name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return place


def bare_source(source: str) -> str:
    """Return Python code without comments, docstrings and formatting.

    Raises SyntaxError or ValueError if it is not valid Python.
    """
    return ast.unparse(drop_docstrings(ast.parse(source)))


# Finding what is imported


def _imported(source: str, file: str) -> Iterator[str]:
    """Yield the dotted name of everything that may be a module and is imported."""
    package = ".".join(Path(file).parts[:-1])
    for node in ast.walk(ast.parse(source, file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (package or not node.level):
            base = resolve_name("." * node.level + (node.module or ""), package or None)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


@final
class _Finder:
    """Finds the user's modules: next to a file, and on Python's path except for what is installed.

    Args:
        path: The file that imports them.
    """

    def __init__(self, path: Path) -> None:
        folder = path.resolve().parent
        top = folder
        while (top / "__init__.py").is_file():  # so that a package's file may import its siblings
            top = top.parent
        installed = _installed_folders()
        known = [Path(entry) for entry in sys.path]
        self._folders = [folder, top, *(one for one in known if not _is_within(one, installed))]

    def files(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield path and text of each of the user's files that importing a dotted name runs."""
        parts = name.split(".")
        if parts[0] in _OURS or parts[0] in sys.stdlib_module_names:
            return
        folders = self._folders
        for depth, part in enumerate(parts, start=1):
            file, folders = _locate(part, folders)
            if file is not None:
                end = "/__init__.py" if folders else ".py"
                yield "/".join(parts[:depth]) + end, decode_source(file.read_bytes())


def _locate(name: str, folders: Sequence[Path]) -> tuple[Path | None, list[Path]]:
    """Return a module's file, if there is one, and the folders of its submodules, as Python does.

    A folder without `__init__.py` counts where there is nothing better.
    """
    for folder in folders:
        package = folder / name / "__init__.py"
        if package.is_file():
            return package, [package.parent]
        if (file := folder / f"{name}.py").is_file():
            return file, []
    return None, [folder / name for folder in folders if (folder / name).is_dir()]


@cache
def _installed_folders() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    found = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    found |= {*site.getsitepackages(), site.getusersitepackages()}
    return tuple(Path(one).resolve() for one in found)


def _is_within(path: Path, folders: Sequence[Path]) -> bool:
    return any(path.resolve().is_relative_to(folder) for folder in folders)


# Running it


def _filename(code: UserCode, file: str) -> str:
    """Return the file name that tracebacks show."""
    return code.path if file == code.files[0][0] else str(Path(code.path).parent / file)


@cache
def _run(code: UserCode) -> ModuleType:
    program = _Program(code)
    try:
        with prints_to_stderr():
            return program.main()
    except BaseException:
        program.forget()
        raise


@final
class _Program:
    """Modules made of text, which import one another and whatever is installed.

    They are registered with Python under names that nothing else imports, as dataclasses and
    pydantic look up the module of a class.
    """

    def __init__(self, code: UserCode) -> None:
        self._code, self._texts = code, dict(code.files)
        (main, text), *helpers = code.files
        content = repr((code.path, code.files)).encode()
        self._root = f"{_PREFIX}{hashlib.sha256(content).hexdigest()[:16]}"
        self._main, self._modules = main.removesuffix(".py"), dict[str, ModuleType]()
        self._tops = {_top(file) for file, _ in helpers}
        if self._main not in {name.partition(".")[0] for name in _imported(text, main)}:
            self._tops.add(self._main)  # a file that imports its own name means another module
        self._tops -= {*_OURS, *sys.stdlib_module_names}

    def main(self) -> ModuleType:
        """Run the user's file."""
        return self._load(self._main)

    def forget(self) -> None:
        """Remove what has been registered."""
        for module in self._modules.values():
            sys.modules.pop(module.__name__, None)

    def _load(self, name: str) -> ModuleType:
        """Return a module by its dotted name; ModuleNotFoundError if it is not the user's."""
        if name in self._modules:
            return self._modules[name]
        parent, _, own = ("", "", name) if name == self._main else name.rpartition(".")
        if parent:
            self._load(parent)
        file, is_package = self._file(name)
        module = ModuleType(f"{self._root}.{name}")
        package = name if is_package else parent
        module.__package__ = f"{self._root}.{package}" if package else ""
        vars(module)["__builtins__"] = vars(builtins) | {"__import__": self._import}
        if is_package:
            module.__path__ = []
        self._modules[name] = sys.modules[module.__name__] = module
        if file is not None:
            self._execute(module, name, file)
        if parent:
            setattr(self._modules[parent], own, module)
        return module

    def _file(self, name: str) -> tuple[str | None, bool]:
        """Return the file of a module, if it has one, and whether it is a package."""
        if name == self._main:
            return self._code.files[0][0], False
        path = name.replace(".", "/")
        if f"{path}.py" in self._texts:
            return f"{path}.py", False
        if f"{path}/__init__.py" in self._texts:
            return f"{path}/__init__.py", True
        if any(file.startswith(f"{path}/") for file in self._texts):
            return None, True
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    def _execute(self, module: ModuleType, name: str, file: str) -> None:
        module.__file__, text = _filename(self._code, file), self._texts[file]
        # what shows or stores the code of a function finds it there, also if the file is gone
        linecache.cache[module.__file__] = (len(text), None, text.splitlines(True), module.__file__)
        try:
            exec(compile(text, module.__file__, "exec"), vars(module))  # noqa: S102
        except BaseException:
            self._modules.pop(name, None)
            sys.modules.pop(module.__name__, None)
            raise

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - as Python calls it
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Do what an import statement of the user's modules asks for."""
        package = str((globals or {}).get("__package__") or "")
        if level and package:
            name = resolve_name("." * level + name, package).removeprefix(f"{self._root}.")
        elif level or name.partition(".")[0] not in self._tops:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        module = self._load(name)
        if not fromlist:
            return self._modules[name.partition(".")[0]]
        wanted = getattr(module, "__all__", ()) if "*" in fromlist else fromlist
        for one in wanted:
            if not hasattr(module, one):
                with contextlib.suppress(ModuleNotFoundError):
                    self._load(f"{name}.{one}")
        return module


def _top(file: str) -> str:
    return Path(file).parts[0].removesuffix(".py")
