"""A user's space: run from its file, checked once, and guarded whenever it is asked."""

import ast
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from types import ModuleType
from typing import Any, final

from optuna.exceptions import TrialPruned
from optuna.trial import BaseTrial

from cifar_models import FAMILIES
from spaces.candidate import Candidate, candidate_differences
from spaces.errors import SpaceError, reason_of
from spaces.families import FamilySource, check_family
from spaces.parameters import OfflineTrial, ParamValue
from spaces.space import Space
from spaces.storable import StorableTrial, storable_levels, storable_point
from spaces.user_object import UserCodeError, UserObject
from spaces.user_output import FirstPrints

_GRID_TRIED = 10_000
_REPLAYED = 64  # probes at least, so that dice show in a space of few points, too


@final
class RejectedPointError(ValueError):
    """A user's space rejects a point; one line, with the place in its file."""


def run_space(user: UserObject) -> Space:
    """Return the space that a user's file defines, after trying it out.

    Raises:
        ValueError: There is none, or it cannot be searched; one line, with the place in the file.
    """
    found = _find(user.run(), user)
    if inspect.iscoroutinefunction(found.suggest):
        raise ValueError(
            f"space {user.text!r}: suggest is `async def`; accepted: a plain function, `def`"
        )
    with user.one_line_errors():
        source = FamilySource(user.code.files, user.name) if found.families else None
        guarded = replace(found, suggest=_guarded(found.suggest, user), family_source=source)
        space = _with_storable_values(guarded)
        _try_out(space)
    return space


def _find(module: ModuleType, user: UserObject) -> Space:
    space = vars(module).get(user.name)
    if isinstance(space, Space):
        return space
    found = _names(module, user)
    there = f"its spaces: {', '.join(found)}" if found else "it has no Space"
    if not user.name:
        example = f", as in {user.text}:{found[0]}" if found else ""
        raise ValueError(f"space {user.text!r} must name a space of the file{example}; {there}")
    if user.name in vars(module):
        kind = type(space).__name__
        raise ValueError(f"{user.name} of {user.path} has type {kind}, not Space; {there}")
    raise ValueError(f"{user.path} has no {user.name!r}; {there}")


def space_names(user: UserObject) -> list[str]:
    """Return the names of all spaces of a user's file, in the order of the file.

    Raises:
        ValueError: It cannot be run; one line, with the place in the file.
    """
    return _names(user.run(), user)


def _names(module: ModuleType, user: UserObject) -> list[str]:
    """Return the names of the file's own spaces; of those that it imports if it has no others."""
    found = [key for key, value in vars(module).items() if isinstance(value, Space)]
    nodes = ast.walk(ast.parse(user.code.files[0][1]))
    aliases = [one for node in nodes if isinstance(node, ast.ImportFrom) for one in node.names]
    imported = {alias.asname or alias.name for alias in aliases}
    return [name for name in found if name not in imported] or found


def _guarded(
    suggest: Callable[[BaseTrial], Candidate], user: UserObject
) -> Callable[[BaseTrial], Candidate]:
    """Return a user's function with errors of one line, which prints to standard error only.

    It may be asked by any trial for any value that can be stored. To reject a point it raises a
    ValueError or `optuna.TrialPruned`, which become a `RejectedPointError`; any other error is a
    `UserCodeError`.
    """
    prints = FirstPrints("suggest")

    def guarded(trial: BaseTrial) -> Candidate:
        try:
            with prints.shown():
                return suggest(StorableTrial(trial))
        except SpaceError:
            raise
        except (ValueError, TrialPruned) as error:
            raise RejectedPointError(user.reason(error)) from error
        except Exception as error:
            raise UserCodeError(user.describe(error)) from error

    return guarded


def _with_storable_values(space: Space) -> Space:
    """Return the space with all points as they are stored."""
    baseline = space.baseline_params
    return replace(
        space,
        baseline_params=None if baseline is None else storable_point(baseline),
        grid_levels=_levels(space.grid_levels),
        portfolio=tuple(storable_point(point) for point in space.portfolio),
    )


def _levels(levels: Mapping[str, Sequence[Any]]) -> dict[str, tuple[ParamValue, ...]]:
    return {name: storable_levels(name, values) for name, values in levels.items()}


# Trying it out


def _try_out(space: Space) -> None:
    """Raise an error unless the space can be searched."""
    families: object = space.families
    if not isinstance(families, tuple | list):
        name = getattr(families, "__name__", type(families).__name__)
        raise SpaceError(f"families must be a tuple, such as ({name},), got {families!r}")
    for family in space.families:
        check_family(family)
    first: dict[str, Candidate] = {}  # of each point, by its values
    for place, (trial, candidate) in enumerate(space.probes.accepted):
        if not isinstance(candidate, Candidate):
            kind = type(candidate).__name__
            raise SpaceError(f"suggest of space {space.name!r} must return a Candidate, got {kind}")
        same = first.setdefault(repr(trial.params), candidate)
        if same is candidate:
            _check_storable(space, candidate)
        if same is candidate or place < _REPLAYED:
            _check_repeatable(space, trial, candidate)
        _check_same(space, same, candidate)
    known = [parameter.name for parameter in space.parameters()]
    for name in space.grid_levels:
        if name not in known:
            names = ", ".join(known)
            raise SpaceError(f"grid_levels has {name!r}, which is not a parameter; known: {names}")
    next((one for one in islice(space.visit_grid(), _GRID_TRIED) if one.rejected is None), None)
    try:
        space.baseline()
    except RejectedPointError as error:
        raise SpaceError(f"baseline_params: {error}") from error


def _check_storable(space: Space, candidate: Candidate) -> None:
    """Raise an error unless the candidate can be stored, and made again by another process."""
    family = type(candidate.model)
    if family not in FAMILIES and family not in space.families:
        raise SpaceError(
            f"space {space.name!r} has networks of family {family.__name__}, which it does not "
            f"list: Space(..., families=({family.__name__},))"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydantic's, of what is told below
            again = candidate.with_families(space.families)
    except (ValueError, TypeError) as error:  # pydantic's own are among both
        reason = reason_of(error)
        raise SpaceError(f"family {family.__name__} cannot be stored as JSON: {reason}") from error
    if again.model != candidate.model:
        raise SpaceError(
            f"family {family.__name__} is another network after JSON: {again.model!r} instead of "
            f"{candidate.model!r}; accepted: fields of plain types, and tuples of them"
        )
    for name in Candidate.model_fields:
        stored, given = getattr(again, name), getattr(candidate, name)
        if stored != given:
            raise SpaceError(
                f"a candidate of space {space.name!r} has {name} {given!r}, which is stored as "
                f"{stored!r}; make it with Candidate(...), which checks it (model_copy does not)"
            )


def _check_repeatable(space: Space, trial: OfflineTrial, candidate: Candidate) -> None:
    """Raise SpaceError unless the same values make the same candidate again."""
    try:
        again = space.candidate(trial.params)
    except RejectedPointError as error:
        raise SpaceError(_changing(space, "a candidate, then rejects them", str(error))) from error
    _check_same(space, candidate, again)


def _check_same(space: Space, candidate: Candidate, again: Candidate) -> None:
    """Raise SpaceError unless both candidates, which the same values made, are the same."""
    differences = () if again == candidate else candidate_differences(candidate, again)
    if differences:
        field, first, second = differences[0]
        raise SpaceError(_changing(space, "two candidates", f"{field} {first} and {second}"))


def _changing(space: Space, what: str, how: str) -> str:
    return (
        f"suggest of space {space.name!r} makes of the same values {what} ({how}): it must depend "
        "on nothing but the trial, such as trial.suggest_categorical instead of random.choice"
    )
