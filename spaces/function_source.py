"""A user's function as code that runs anywhere: it, and what it uses of the file that it is in."""

import ast
import importlib.util
import linecache
import symtable
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple, Self

from spaces.errors import SpaceError

_OURS = ("cifar_models", "search", "spaces")


@cache
def function_source(function: Callable[..., Any]) -> str:
    """Return code that defines the function and everything of its file that it uses.

    It has no comments, docstrings and formatting, so that only changes that matter change it.

    Raises:
        SpaceError: It is not a function at the top of a Python file, or uses another file of the
            user's.
    """
    name = getattr(function, "__name__", repr(function))
    if not isinstance(function, FunctionType) or function.__qualname__ != name:
        raise SpaceError(
            f"{name!r} must be a function that is defined by `def` at the top of a file, because "
            "its code is stored with the study"
        )
    file = function.__code__.co_filename
    linecache.checkcache(file)
    tree = drop_docstrings(ast.parse("".join(linecache.getlines(file))))
    statements = _used(tree.body, name)
    if not any(_defines(one, name) for one in statements):
        raise SpaceError(
            f"the code of function {name!r} was not found at the top of {file}: define it there by "
            "`def`, not inside `try`, `if` or another function"
        )
    for one in statements:
        _check_imports(one, name, Path(file))
    return ast.unparse(ast.Module(list(statements), []))


@cache
def load_function(name: str, source: str) -> Callable[..., Any]:
    """Return the function of that name after running the code of `function_source`."""
    names: dict[str, Any] = {}
    exec(compile(source, f"<{name}>", "exec"), names)  # noqa: S102 - the user's, as a space is
    function: Callable[..., Any] = names[name]
    return function


def drop_docstrings(tree: ast.Module) -> ast.Module:
    """Remove all docstrings from the tree, and return it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _drop_docstring(node)
    return tree


def _drop_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> None:
    if ast.get_docstring(node, clean=False) is not None:
        node.body = node.body[1:] or [ast.Pass()]


def _used(body: Sequence[ast.stmt], name: str) -> list[ast.stmt]:
    """Return the statements that bind the name, or names that these use, in the file's order."""
    scopes = [_Names.of(statement) for statement in body]
    kept = {i for i, one in enumerate(body) if _is_future(one)}
    wanted, pending = {name}, [name]
    while pending:
        current = pending.pop()
        for index, names in enumerate(scopes):
            if current in names.bound and index not in kept:
                kept.add(index)
                pending += sorted(names.used - wanted)
                wanted |= names.used
    return [body[index] for index in sorted(kept)]


class _Names(NamedTuple):
    """The names that a statement at the top of a file binds there, and those that it uses."""

    bound: frozenset[str]
    used: frozenset[str]

    @classmethod
    def of(cls, statement: ast.stmt) -> Self:
        table = symtable.symtable(ast.unparse(statement), "<statement>", "exec")
        top = table.get_symbols()
        bound = {one.get_name() for one in top if one.is_assigned() or one.is_imported()}
        used = {one.get_name() for one in top if one.is_referenced()}
        inner = [one for child in table.get_children() for one in _globals(child)]
        return cls(frozenset(bound), frozenset({*used, *inner}))


def _globals(table: symtable.SymbolTable) -> Iterator[str]:
    yield from (one.get_name() for one in table.get_symbols() if one.is_global())
    for child in table.get_children():
        yield from _globals(child)


def _defines(statement: ast.stmt, name: str) -> bool:
    return isinstance(statement, ast.FunctionDef) and statement.name == name


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _check_imports(statement: ast.stmt, name: str, file: Path) -> None:
    for module in _modules(statement):
        root = module.partition(".")[0]
        if not root or _is_beside(root, file):
            raise SpaceError(
                f"function {name!r} uses {module or 'a relative import'}, another file of yours; "
                f"accepted: what it needs stands in {file.name}, or in an installed package"
            )


def _modules(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "" if node.level else str(node.module)


def _is_beside(root: str, file: Path) -> bool:
    """Return whether a module is a file or package in the folder of `file`."""
    if root in _OURS:
        return False
    try:
        spec = importlib.util.find_spec(root)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return True  # only the space's own folder has it
    if spec.origin is None or spec.origin in ("built-in", "frozen"):
        return False
    origin, folder = Path(spec.origin).resolve(), file.resolve().parent
    return folder in (origin.parent, origin.parent.parent)
