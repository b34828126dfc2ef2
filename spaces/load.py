"""A space by name or from a user's own file, and its identity: a text to store and compare."""

import ast
import difflib
import hashlib
import importlib.util
import inspect
import json
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from importlib.resources import files
from pathlib import Path
from types import CodeType, MappingProxyType, ModuleType
from typing import Any, final

from optuna.distributions import distribution_to_json, json_to_distribution
from pydantic import ValidationError

from cifar_models import FAMILIES
from spaces.cnn import CNN_SPACE
from spaces.mlp import MLP_SPACE
from spaces.parameters import describe_range, parameters_of, probe
from spaces.space import Space

_FORMAT = 1
_N_CANDIDATES = 128


def describe_space(space: Space) -> str:
    """Return the space's parameters, baseline, grid and a hash of candidates, as JSON.

    The candidates are those of fixed points; the hash shows whether `suggest` has changed.
    """
    probes = probe(space.suggest)
    candidates = "\n".join(one.model_dump_json() for _, one in probes[:_N_CANDIDATES])
    return json.dumps(
        {
            "format": _FORMAT,
            "parameters": {
                one.name: [distribution_to_json(one.distribution), one.condition]
                for one in parameters_of([trial for trial, _ in probes])
            },
            "baseline": None if space.baseline_params is None else dict(space.baseline_params),
            "grid": {name: list(levels) for name, levels in space.grid_levels.items()},
            "candidates": hashlib.sha256(candidates.encode()).hexdigest(),
        }
    )


def space_changes(name: str, then: str, now: str) -> tuple[str, ...]:
    """Return in words what changed in a built-in space between two descriptions.

    Version 0.1 stored the space's code instead of a description.
    """
    if then == now:
        return ()
    old, new = _read(then) or _description_of_0_1(name), _read(now)
    if old is None or new is None:
        return ("its description has a format that this version does not know",)
    changes = [
        *_parameter_changes(old["parameters"], new["parameters"]),
        *_value_changes("baseline", old["baseline"] or {}, new["baseline"] or {}),
        *_value_changes("grid levels", old["grid"], new["grid"]),
    ]
    if not changes and old["candidates"] != new["candidates"]:
        changes.append("the same parameters give other candidates")
    return tuple(changes)


def _read(text: str) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
    except ValueError:
        return None
    known = isinstance(content, dict) and content.get("format") == _FORMAT
    return content if known else None


def _description_of_0_1(name: str) -> dict[str, Any] | None:
    stored = json.loads(files("spaces").joinpath("built_in_0_1.json").read_text("utf-8"))
    found: dict[str, Any] | None = stored.get(name)
    return found


def _parameter_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in new:
            yield f"parameter {name!r} was removed"
        elif name not in old:
            yield f"parameter {name!r} is new"
        elif old[name] != new[name]:
            yield f"parameter {name!r}: {_range(*old[name])} is now {_range(*new[name])}"
    if list(old) != list(new) and set(old) == set(new):
        yield "the order of parameters has changed"


def _range(distribution: str, condition: str | None) -> str:
    words = describe_range(json_to_distribution(distribution))
    return words if condition is None else f"{words}, if {condition}"


def _value_changes(what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in [*old, *(name for name in new if name not in old)]:
        then, now = old.get(name), new.get(name)
        if then != now:
            yield f"{what} of {name!r}: {then!r} is now {now!r}"


def bare_source(source: str | bytes) -> str:
    """Return Python code without comments, docstrings and formatting.

    Raises SyntaxError or ValueError if it is not valid Python.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _drop_docstring(node)
    return ast.unparse(tree)


def _drop_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> None:
    if ast.get_docstring(node, clean=False) is not None:
        node.body = node.body[1:] or [ast.Pass()]


BUILT_IN: Mapping[str, Space] = MappingProxyType(
    {space.name: space for space in (MLP_SPACE, CNN_SPACE)}
)


def load_space(text: str) -> Space:
    """Return the built-in space of that name, or the one in `path/to/file.py:NAME`.

    The file is run, and a user's space is tried out, so that mistakes show before a study starts.
    Raises ValueError, which says what is wrong and, for code, in which line.
    """
    if text in BUILT_IN:
        return BUILT_IN[text]
    path, name = _split(text)
    with _one_line_errors(text, path):
        module = _run(path)
    space = _find(module, path, name)
    with _one_line_errors(text, path):
        _try_out(space)
    return space


def space_identity(text: str) -> str:
    """Return what must not change about a space when a study is resumed.

    For a built-in space that is what it does (see `describe_space`), for a user's file its code
    without comments, docstrings and formatting. Raises ValueError if there is no such space.
    """
    if text in BUILT_IN:
        return describe_space(BUILT_IN[text])
    path, _ = _split(text)
    with _one_line_errors(text, path):
        return bare_source(path.read_bytes())


def _split(text: str) -> tuple[Path, str]:
    file, _, name = text.rpartition(":")
    if not file.endswith(".py") or not name:
        raise ValueError(f"space must be {_accepted(text)}, got {text!r}")
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"space {text!r}: file {file!r} does not exist or is not a file")
    return path, name


def _accepted(text: str) -> str:
    accepted = f"{', '.join(BUILT_IN)} or FILE.py:NAME"
    nearest = difflib.get_close_matches(text.lower(), BUILT_IN, n=1, cutoff=0.5)
    return f"{accepted} (did you mean {nearest[0]}?)" if nearest else accepted


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


def _find(module: ModuleType, path: Path, name: str) -> Space:
    space = vars(module).get(name)
    if isinstance(space, Space):
        return space
    found = [key for key, value in vars(module).items() if isinstance(value, Space)]
    there = f"its spaces: {', '.join(found)}" if found else "it has no Space"
    if name in vars(module):
        raise ValueError(f"{name} of {path} has type {type(space).__name__}, not Space; {there}")
    raise ValueError(f"{path} has no {name!r}; {there}")


def _try_out(space: Space) -> None:
    known = [parameter.name for parameter in space.parameters()]
    for name in space.grid_levels:
        if name not in known:
            names = ", ".join(known)
            raise ValueError(f"grid_levels has {name!r}, which is not a parameter; known: {names}")
    space.candidate(next(space.grid()))
    space.baseline()


@contextmanager
def _one_line_errors(text: str, path: Path) -> Iterator[None]:
    try:
        yield
    except (Exception, SystemExit) as error:
        kind = type(error).__name__
        raise ValueError(f"space {text!r}: {kind}: {_what(error)}{_place(error, path)}") from error


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
