"""What must not change when a study is resumed: settings, data, code and versions."""

import platform
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from importlib.metadata import version
from typing import final

from search import text
from search.data.dataset import DatasetInfo
from search.errors import UserError
from search.recipe import Recipe
from search.tuning.records import StudyRecord
from spaces import BUILT_IN, space_identity
from spaces.load import space_changes

_WIDTH, _LEAD = 60, 24  # characters shown of a line, and how many of them before the difference


@final
@dataclass(frozen=True)
class Code:
    """The code that decides a study's results, together with its settings.

    `space` is the space's identity (see `spaces.space_identity`), None where none was stored;
    `versions` are those of Python, the libraries and this program, by name.
    """

    space: str | None
    versions: Mapping[str, str]


def describe_changes(setting: str, then: Code, now: Code) -> tuple[str, ...]:
    """Return each change: the space's, which is named as the `setting` says, and the versions'.

    What either lacks is not compared, nor are patch releases of Python.
    """
    changes = []
    if then.space is not None and now.space is not None and then.space != now.space:
        if setting in BUILT_IN:
            found = space_changes(setting, then.space, now.space)
        else:
            found = (first_difference(then.space, now.space),)
        changes += [f"space {setting!r}: {change}" for change in found]
    changes += [
        f"{name} {version} -> {now.versions[name]}"
        for name, version in then.versions.items()
        if name in now.versions and _decisive(name, version) != _decisive(name, now.versions[name])
    ]
    return tuple(changes)


def first_difference(then: str, now: str) -> str:
    """Return the first changed lines of two different texts, each cut to what differs."""
    old, new = ([line for line in text.split("\n") if line] for text in (then, now))
    opcodes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    changed = [(old[i:m], new[j:n]) for kind, i, m, j, n in opcodes if kind != "equal"]
    removed, added = changed[0]
    shown = " ".join(f'"{line}"' for line in _excerpts(removed[:1], added[:1]))
    hidden = sum(len(a) + len(b) for a, b in changed) - len(removed[:1]) - len(added[:1])
    return f"{shown} (and {hidden} more {'line' if hidden == 1 else 'lines'})" if hidden else shown


def _excerpts(removed: list[str], added: list[str]) -> list[str]:
    """Return the lines with their signs; of long ones the part around the first difference."""
    lines = textwrap.dedent("\n".join(removed + added)).split("\n")
    alike = _alike(*lines) if len(lines) == 2 else 0
    signs = ["-"] * len(removed) + ["+"] * len(added)
    return [f"{sign} {_excerpt(line, alike)}" for sign, line in zip(signs, lines, strict=True)]


def _alike(one: str, other: str) -> int:
    """Return how many characters two lines begin with in common."""
    differ = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differ, min(len(one), len(other)))


def _excerpt(line: str, alike: int) -> str:
    start = max(alike - _LEAD, 0) if len(line) > _WIDTH else 0
    end = start + _WIDTH
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")


def _decisive(name: str, version: str) -> str:
    """Return the part of a version that may decide a result: of Python major and minor."""
    return ".".join(version.split(".")[:2]) if name == "python" else version


DECIDING = (
    "space",
    "sampler",
    "pruner",
    "epochs",
    "validation",
    "holdout_fraction",
    "folds",
    "racing",
    "metric",
    "seed",
    "with_baseline",
    "max_parameters",
    "device",
    "precision",
    "threads",
)


def check_same_study(
    stored: Recipe, stored_dataset: DatasetInfo, requested: Recipe, dataset: DatasetInfo
) -> None:
    """Raise UserError, showing each difference, unless the study may go on with the request."""
    pairs = [(name, getattr(stored, name), getattr(requested, name)) for name in DECIDING]
    then_id, now_id = (f"{one.name} ({one.fingerprint[:12]})" for one in (stored_dataset, dataset))
    pairs.append(("dataset", then_id, now_id))
    differences = [
        f"{name} {text.setting(then)} is now {text.setting(now)}"
        for name, then, now in pairs
        if then != now
    ]
    if differences:
        raise UserError(
            f"study {requested.study_name!r} exists with other settings: {'; '.join(differences)}; "
            "give the old settings to resume it, or another --study-name"
        )


def check_code(stored: StudyRecord, code: Code, *, accept: bool) -> tuple[str, ...]:
    """Return what changed in the code since the study started, one text per change.

    Raises UserError, showing each change, unless there is none or the user accepts them.
    """
    then = Code(stored.space_code, stored.versions)
    changes = describe_changes(stored.recipe.space, then, code)
    if changes and not accept:
        raise UserError(
            f"study {stored.name!r} started with other code: {'; '.join(changes)}; accepted: "
            "another --study-name, or --accept-changes to go on with this one"
        )
    return changes


def current_code(space: str) -> Code:
    """Return the code that a study with this setting of `space` is trained by now."""
    return Code(space_identity(space), code_versions())


def code_versions() -> dict[str, str]:
    """Return the versions that decide a result: Python's, the libraries' and this program's."""
    names = ("torch", "torchvision", "optuna", "scikit-learn", "numpy", "cifar-search")
    return {"python": platform.python_version()} | {name: version(name) for name in names}
