"""What a space does, as a text that can be stored and compared.

The text of a space stays the same as long as the space makes the same candidates of the same
parameters, however its code is written.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from optuna.distributions import distribution_to_json, json_to_distribution

from spaces.parameters import parameters_of, probe
from spaces.ranges import describe_range
from spaces.space import Space

_FORMAT = 1
_N_CANDIDATES = 128


def describe_space(space: Space) -> str:
    """Return the space's parameters, baseline, grid and a hash of candidates, as JSON.

    The candidates are those of fixed points; their hash stands for what the space makes of its
    parameters.
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
    """Return in words what changed in a built-in space between two of its descriptions.

    What is no such description is the code of version 0.1, which stored that instead.
    """
    if then == now:
        return ()
    old, new = _read(then) or _description_of_0_1(name), _read(now)
    if old is None or new is None:
        return ("it is described in a way that this version does not know",)
    changes = [
        *_parameter_changes(old["parameters"], new["parameters"]),
        *_value_changes("baseline", old["baseline"] or {}, new["baseline"] or {}),
        *_value_changes("grid levels", old["grid"], new["grid"]),
    ]
    if not changes and old["candidates"] != new["candidates"]:
        changes.append("the same parameters make other candidates")
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
            yield f"parameter {name!r} is gone"
        elif name not in old:
            yield f"parameter {name!r} is new"
        elif old[name] != new[name]:
            yield f"parameter {name!r}: {_range(*old[name])} is now {_range(*new[name])}"
    if list(old) != list(new) and set(old) == set(new):
        yield "parameters come in another order"


def _range(distribution: str, condition: str | None) -> str:
    words = describe_range(json_to_distribution(distribution))
    return words if condition is None else f"{words}, if {condition}"


def _value_changes(what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in [*old, *(name for name in new if name not in old)]:
        then, now = old.get(name), new.get(name)
        if then != now:
            yield f"{what} of {name!r}: {then!r} is now {now!r}"
