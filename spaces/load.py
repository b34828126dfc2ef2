"""A space by name or from a user's own file, and its identity: a text to store and compare."""

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from optuna.distributions import distribution_to_json, json_to_distribution

from spaces.cnn import CNN_SPACE
from spaces.mlp import MLP_SPACE
from spaces.parameters import describe_range
from spaces.pretrained import PRETRAINED_SPACE
from spaces.probing import parameters_of
from spaces.ranges import parse_ranges
from spaces.resnet import RESNET_SPACE
from spaces.space import Space
from spaces.user_object import UserObject
from spaces.user_space import run_space, space_names

_FORMAT = 1
_N_CANDIDATES = 128


def describe_space(space: Space) -> str:
    """Return the space's parameters, baseline, grid and a hash of candidates, as JSON.

    The candidates are those of fixed points; the hash shows whether `suggest` has changed.
    """
    probes = space.probes.accepted
    candidates = "\n".join(one.portable().model_dump_json() for _, one in probes[:_N_CANDIDATES])
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


BUILT_IN: Mapping[str, Space] = MappingProxyType(
    {space.name: space for space in (MLP_SPACE, CNN_SPACE, RESNET_SPACE, PRETRAINED_SPACE)}
)


def load_space(text: str) -> Space:
    """Return the built-in space of that name, or the one in `path/to/file.py:NAME`.

    The file is run, and a user's space is tried out, so that mistakes show before a study starts.
    Raises ValueError, which says what is wrong and, for code, in which line.
    """
    return BUILT_IN[text] if text in BUILT_IN else run_space(_user_space(text))


def listed_spaces(text: str | None) -> list[str]:
    """Return the settings that name a space each: one, all of a file `FILE.py`, or all built in.

    Raises:
        ValueError: The file cannot be run, or has no space.
    """
    if text is None:
        return list(BUILT_IN)
    user = _whole_file(text)
    if user is None:
        return [text]
    names = space_names(user)
    return [f"{text}:{name}" for name in names] or [text]  # which is an error that says so


def read_ranges(space: Space, settings: Sequence[str]) -> dict[str, Any]:
    """Return the ranges for `Space.with_ranges` that texts like "sgd_lr=1e-4..1" mean.

    Raises SpaceError if a text is none.
    """
    return parse_ranges(space.parameters(), settings)


def space_identity(text: str) -> str:
    """Return what must not change about a space when a study is resumed.

    For a built-in space that is what it does (see `describe_space`), for a user's file its code
    without comments, docstrings and formatting (see also `space_helpers`). Raises ValueError if
    there is no such space.
    """
    if text in BUILT_IN:
        return describe_space(BUILT_IN[text])
    return _user_space(text).source()


def space_helpers(text: str) -> dict[str, str]:
    """Return the same of each module of the user's that a space's file imports, by its file.

    Raises ValueError if there is no such space.
    """
    return {} if text in BUILT_IN else _user_space(text).helpers()


def _user_space(text: str) -> UserObject:
    found = UserObject.parse("space", text) or _whole_file(text)
    if found is None:
        raise ValueError(f"space must be {_accepted(text)}, got {text!r}")
    return found


def _whole_file(text: str) -> UserObject | None:
    """Return a file without the name of a space in it; None if the text is none."""
    path = Path(text).expanduser()
    return UserObject("space", text, path, "") if path.suffix == ".py" and path.is_file() else None


def _accepted(text: str) -> str:
    accepted = f"{', '.join(BUILT_IN)} or FILE.py:NAME"
    nearest = difflib.get_close_matches(text.lower(), BUILT_IN, n=1, cutoff=0.5)
    return f"{accepted} (did you mean {nearest[0]}?)" if nearest else accepted
