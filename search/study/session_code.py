"""Functions and spaces that exist in a session only, written as a Python file of their own.

A study belongs to the code of its space, and workers, later sessions and the command line have to
find that code. So a function from a notebook or a script is written to a file together with what it
uses: imports, constants, and other functions and classes of the session. The file is what the
recipe names, and its code is the function's identity, as with a file that the user wrote.
"""

import ast
import builtins
import dataclasses
import enum
import functools
import hashlib
import inspect
import linecache
import symtable
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path, PurePath
from types import FunctionType, MethodType, ModuleType
from typing import Any, final

import numpy as np
from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from pydantic import BaseModel

from cifar_models import ModelConfig
from search.errors import UserError
from search.files import machine_failures, write_file
from spaces import Candidate

_DIGITS = 8  # of a file's digest
_HEAD = '''"""Written by search.run from an object of a session; it is written again by each run."""

'''


def write_object(setting: str, name: str, value: object, place: Callable[[str], Path]) -> str:
    """Write an object and all that it uses to a file; return the setting that names it.

    Args:
        setting: The setting, for error messages.
        name: What the file calls the object.
        value: The object.
        place: Returns the file, given a digest of its text: no other version is overwritten,
            because a stored study may need it.

    Raises:
        UserError: The object uses something whose code or value is unknown.
        MachineError: The file cannot be written.
    """
    module = _Module(setting)
    module.bind(name, value)
    content = _HEAD + module.text()
    path = place(hashlib.sha256(content.encode()).hexdigest()[:_DIGITS])
    with machine_failures(f"{path.parent} cannot be written", "make room and run again"):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, content)
    return f"{path}:{name}"


@final
class _Module:
    """The text of a module that defines objects and whatever they use, in the order of use."""

    def __init__(self, setting: str) -> None:
        self._setting = setting
        self._imports: dict[str, None] = {}
        self._statements: list[str] = []
        self._bound: dict[str, object] = {}

    def text(self) -> str:
        """Return the module's code."""
        parts = ["\n".join(self._imports), *self._statements]
        return "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"

    def bind(self, name: str, value: object) -> None:
        """Make a name of the module stand for a value."""
        if name in self._bound:
            if self._bound[name] is value or self._bound[name] == value:
                return
            raise UserError(f"{self._setting}: {name!r} stands for two objects; rename one of them")
        self._bound[name] = value
        if isinstance(value, ModuleType):
            self._import(f"import {value.__name__}", name, value.__name__)
        elif isinstance(value, FunctionType | type) or _is_importable(value):
            self._bind_definition(name, value)
        else:
            self._statements.append(f"{name} = {self._expression(value, name)}")

    def _bind_definition(self, name: str, value: Any) -> None:
        if _is_importable(value):
            module, qualified = value.__module__, value.__qualname__
            if "." in qualified:
                self._import(f"import {module}", name, f"{module}.{qualified}")
            elif qualified == name:
                self._imports[f"from {module} import {name}"] = None
            else:
                self._imports[f"from {module} import {qualified} as {name}"] = None
            return
        source = self._source(value, name)
        for used, one in _used(source, value):
            if one is not value:
                self.bind(used, one)
        if value.__name__ == "<lambda>":
            self._statements.append(f"{name} = {source}")
        else:
            self._statements.append(source)
            if value.__name__ != name:
                self._statements.append(f"{name} = {value.__name__}")

    def _import(self, line: str, name: str, dotted: str) -> None:
        self._imports[line] = None
        if name != dotted:
            self._statements.append(f"{name} = {dotted}")

    def _expression(self, value: Any, name: str) -> str:
        """Return code that makes an equal value; `name` is what the user calls it."""
        match value:
            case FunctionType() | type() | ModuleType():
                code = self._reference(value)
            case _ if _is_importable(value):  # built-in functions, wrapped ones, ...
                code = self._reference(value)
            case MethodType():
                code = f"{self._expression(value.__self__, name)}.{value.__name__}"
            case functools.partial():
                self.bind("functools", functools)
                given = [self._expression(one, name) for one in (value.func, *value.args)]
                code = f"functools.partial({', '.join([*given, *self._keywords(value.keywords)])})"
            case functools._lru_cache_wrapper():
                self.bind("functools", functools)
                size = value.cache_parameters()["maxsize"]
                code = f"functools.lru_cache({size})({self._expression(value.__wrapped__, name)})"
            case enum.Enum():
                code = f"{self._reference(type(value))}.{value.name}"
            case np.generic():
                code = self._expression(value.item(), name)
            case PurePath():
                code = f"{self._reference(type(value))}({str(value)!r})"
            case BaseDistribution():
                text = distribution_to_json(value)
                code = f"{self._reference(json_to_distribution)}({text!r})"
            case BaseModel():
                fields = {one: getattr(value, one) for one in sorted(value.model_fields_set)}
                code = self._call(type(value), fields)
            case _ if dataclasses.is_dataclass(value):
                code = self._call(type(value), dict(_changed_fields(value)))
            case _:
                code = self._literal(value, name)
        return code

    def _literal(self, value: Any, name: str) -> str:
        match value:
            case None | bool() | int() | str() | bytes() | complex():
                return repr(value)
            case float():
                return repr(value) if np.isfinite(value) else f"float({str(value)!r})"
            case tuple() | list() | set() | frozenset() if type(value).__module__ == "builtins":
                parts = [self._expression(one, name) for one in value]
                inside = ", ".join(sorted(parts) if isinstance(value, set | frozenset) else parts)
                return f"{type(value).__name__}([{inside}])"
            case Mapping():
                pairs = (
                    f"{self._expression(key, name)}: {self._expression(one, name)}"
                    for key, one in value.items()
                )
                return f"{{{', '.join(pairs)}}}"
            case _:
                kind = type(value).__name__
                raise UserError(
                    f"{self._setting}: it uses {name!r}, of type {kind}, which cannot be stored "
                    "with the study: make it inside the function, or put the code into a file and "
                    "give FILE.py:NAME"
                )

    def _call(self, kind: type, arguments: Mapping[str, object]) -> str:
        return f"{self._reference(kind)}({', '.join(self._keywords(arguments))})"

    def _keywords(self, arguments: Mapping[str, object]) -> Iterator[str]:
        for key, one in arguments.items():
            yield f"{key}={self._expression(one, key)}"

    def _reference(self, value: Any) -> str:
        """Return an expression for a function, class or module, which is bound to a name."""
        known = [key for key, one in self._bound.items() if one is value]
        if known:
            return known[0]
        own = str(value.__name__)
        name = own if own.isidentifier() else "function"
        while name in self._bound:
            name += "_"
        self.bind(name, value)
        return name

    def _source(self, value: FunctionType | type, name: str) -> str:
        try:
            return _source_of(value)
        except (OSError, TypeError, SyntaxError) as error:
            raise UserError(
                f"{self._setting}: the code of {name!r} is not known here; define it in a "
                "notebook, a script or a file"
            ) from error


def _is_importable(value: object) -> bool:
    """Return whether another process can import it, from wherever it runs.

    That is so for what is installed; a user's own modules are a part of the user's code.
    """
    name, qualified = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(name, str) or not isinstance(qualified, str):
        return False
    module = sys.modules.get(name)
    if module is None or name.partition(".")[0] not in _installed():
        return False
    found: object = module
    for part in qualified.split("."):
        found = getattr(found, part, None)
    return found is value


@functools.cache
def _installed() -> frozenset[str]:
    """Return the names of the packages that are installed, Python's and this program's too."""
    own = (__name__, Candidate.__module__, ModelConfig.__module__)
    packages = {name.partition(".")[0] for name in own}
    return frozenset(packages | sys.stdlib_module_names | packages_distributions().keys())


def _changed_fields(value: Any) -> Iterator[tuple[str, object]]:
    """Yield the fields of a dataclass that differ from their defaults."""
    for field in dataclasses.fields(value):
        one, factory = getattr(value, field.name), field.default_factory
        default = field.default if factory is dataclasses.MISSING else factory()
        if field.init and (default is dataclasses.MISSING or one != default):
            yield field.name, one


def _used(source: str, value: FunctionType | type) -> Iterator[tuple[str, object]]:
    """Yield the names that the code takes from outside, with what they stand for."""
    known: dict[str, object] = {}
    for function in _functions(value):
        known |= function.__globals__
    module = sys.modules.get(value.__module__)
    known |= {} if module is None else vars(module)
    for function in _functions(value):
        known |= inspect.getclosurevars(function).nonlocals
    for name in sorted(set(_free_names(symtable.symtable(source, "<session>", "exec")))):
        special = name.startswith("__")
        if name in known and known[name] is not getattr(builtins, name, None) and not special:
            yield name, known[name]


def _functions(value: FunctionType | type) -> list[FunctionType]:
    if isinstance(value, FunctionType):
        return [value]
    return [one for one in vars(value).values() if isinstance(one, FunctionType)]


def _free_names(table: symtable.SymbolTable) -> Iterator[str]:
    top = table.get_type() == "module"
    for symbol in table.get_symbols():
        outside = not symbol.is_assigned() if top else symbol.is_global()
        if symbol.is_referenced() and outside:
            yield symbol.get_name()
    for child in table.get_children():
        yield from _free_names(child)


def _source_of(value: FunctionType | type) -> str:
    """Return the code of a function or class, from its file or its notebook's cell.

    Raises OSError, TypeError or SyntaxError if it is not known.
    """
    if isinstance(value, type):
        return _class_source(value)
    text = textwrap.dedent(inspect.getsource(value))
    if value.__name__ != "<lambda>":
        return text
    found = [one for one in ast.walk(_parsed(text)) if isinstance(one, ast.Lambda)]
    if len(found) != 1:
        raise OSError("the line has several functions without a name")
    return ast.unparse(found[0])


def _parsed(text: str) -> ast.Module:
    """Parse a line that may be a part of a statement, as the argument of a call is."""
    try:
        return ast.parse(text)
    except SyntaxError:
        return ast.parse(f"({text.strip().rstrip(',')})")


def _class_source(value: type) -> str:
    try:
        return textwrap.dedent(inspect.getsource(value))
    except (OSError, TypeError):  # in a notebook, whose module has no file
        for text in _cells(value):
            found = [one for one in ast.walk(ast.parse(text)) if _defines(one, value)]
            if found:
                return ast.unparse(found[-1])
        raise


def _cells(value: type) -> Iterator[str]:
    """Yield the code that may define a class: where its methods are, then the latest cells."""
    methods = [function.__code__.co_filename for function in _functions(value)]
    for name in dict.fromkeys([*methods, *reversed(linecache.cache)]):
        lines = linecache.getlines(name)
        if f"class {value.__name__}" in "".join(lines):
            yield "".join(lines)


def _defines(node: ast.AST, value: type) -> bool:
    return isinstance(node, ast.ClassDef) and node.name == value.__name__
