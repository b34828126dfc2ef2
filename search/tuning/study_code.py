"""The code that decides a study's results: what is stored of it, and what changed since."""

import platform
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from importlib.metadata import version
from os.path import commonprefix
from typing import Self, final

from search.recipe import Recipe
from search.tuning.records import StudyRecord
from search.tuning.samplers import get_sampler
from search.user_metric import metric_helpers, metric_source
from spaces import BUILT_IN, Space, space_identity
from spaces.load import describe_space, space_changes, space_helpers


@final
@dataclass(frozen=True)
class Code:
    """The code that decides a study's results, together with its settings.

    Attributes:
        space: The space's identity (see `spaces.space_identity`); None if none was stored.
        versions: Those of Python, the libraries and this program, by name.
        sampler: The code of the user's sampler, if there is one.
        metric: The code of the user's metric, likewise.
        helpers: By setting ("space", "sampler", "metric"), the code of the user's modules that its
            file imports, by their file; None if none was stored.
        effect: What a user's space does, as `describe_space` says; what that file reads at run time
            shows there.
    """

    space: str | None
    versions: Mapping[str, str]
    sampler: str | None = None
    metric: str | None = None
    helpers: Mapping[str, Mapping[str, str]] | None = None
    effect: str | None = None

    @classmethod
    def of(cls, stored: StudyRecord) -> Self:
        """Return the code that a study was last run by."""
        return cls(
            stored.space_code,
            stored.versions,
            stored.sampler_code,
            stored.metric_code,
            stored.helper_code,
            stored.space_effect,
        )


def current_code(recipe: Recipe, space: Space) -> Code:
    """Return the code by which a study of this recipe is trained now; `space` is its space."""
    sampler = get_sampler(recipe.sampler)
    helpers = {
        "space": space_helpers(recipe.space),
        "sampler": sampler.helpers(),
        "metric": metric_helpers(recipe.metric),
    }
    return Code(
        space_identity(recipe.space),
        code_versions(),
        sampler.source(),
        metric_source(recipe.metric),
        {setting: files for setting, files in helpers.items() if files},
        None if recipe.space in BUILT_IN else describe_space(space),
    )


def code_versions() -> dict[str, str]:
    """Return the versions that decide a result: Python's, the libraries' and this program's."""
    names = ("torch", "torchvision", "optuna", "scikit-learn", "numpy", "cifar-search")
    return {"python": platform.python_version()} | {name: version(name) for name in names}


def describe_changes(setting: str, then: Code, now: Code) -> tuple[str, ...]:
    """Return each change: of the space, which is named as the `setting` says, and of versions.

    What either lacks is not compared, nor are patch releases of Python.
    """
    changes = [
        *(f"space {setting!r}: {change}" for change in _space_changes(setting, then, now)),
        *_helper_changes(then.helpers, now.helpers or {}),
    ]
    for name in ("sampler", "metric"):
        old, new = getattr(then, name), getattr(now, name)
        if old is not None and new is not None and old != new:
            changes.append(f"{name}: {first_difference(old, new)}")
    if not changes and then.effect is not None and now.effect is not None:
        effects = space_changes(setting, then.effect, now.effect)
        changes += [f"space {setting!r}, by what it reads: {change}" for change in effects]
    changes += [
        f"{name} {version} -> {now.versions[name]}"
        for name, version in then.versions.items()
        if name in now.versions and _decisive(name, version) != _decisive(name, now.versions[name])
    ]
    return tuple(changes)


def metric_changes(then: Code, now: Code) -> tuple[str, ...]:
    """Return each change of the user's metric, and of what its file imports."""
    only = [
        Code(None, {}, metric=one.metric, helpers={"metric": (one.helpers or {}).get("metric", {})})
        for one in (then, now)
    ]
    return describe_changes("", *only)


def _space_changes(setting: str, then: Code, now: Code) -> tuple[str, ...]:
    if then.space is None or now.space is None or then.space == now.space:
        return ()
    if setting in BUILT_IN:
        return space_changes(setting, then.space, now.space)
    return (first_difference(then.space, now.space),)


def _helper_changes(
    then: Mapping[str, Mapping[str, str]] | None, now: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    """Yield what changed in modules that a user's file imports."""
    for setting, old in (then or {}).items():
        new = now.get(setting, {})
        for file in dict.fromkeys((*old, *new)):
            what = f"{file}, which {setting} imports"
            if file not in new:
                yield f"{what}: it is not imported any more"
            elif file not in old:
                yield f"{what}: it was not imported before"
            elif old[file] != new[file]:
                yield f"{what}: {first_difference(old[file], new[file])}"


def _decisive(name: str, version: str) -> str:
    """Return the part of a version that may decide a result: of Python major and minor."""
    return ".".join(version.split(".")[:2]) if name == "python" else version


_WIDTH, _LEAD = 60, 24  # characters shown of a line, and how many of them before the difference


def first_difference(then: str, now: str) -> str:
    """Return the first changed lines of two different texts, each cut to what differs."""
    old, new = ([line for line in source.split("\n") if line] for source in (then, now))
    opcodes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    changed = [(old[i:m], new[j:n]) for kind, i, m, j, n in opcodes if kind != "equal"]
    removed, added = changed[0]
    shown = " ".join(f'"{line}"' for line in _excerpts(removed[:1], added[:1]))
    hidden = sum(len(a) + len(b) for a, b in changed) - len(removed[:1]) - len(added[:1])
    return f"{shown} (and {hidden} more {'line' if hidden == 1 else 'lines'})" if hidden else shown


def _excerpts(removed: list[str], added: list[str]) -> list[str]:
    """Return the lines with their signs; of long ones the part around the first difference."""
    lines = textwrap.dedent("\n".join(removed + added)).split("\n")
    alike = len(commonprefix(lines)) if len(lines) == 2 else 0  # noqa: RUF071 - no paths
    signs = ["-"] * len(removed) + ["+"] * len(added)
    return [f"{sign} {_excerpt(line, alike)}" for sign, line in zip(signs, lines, strict=True)]


def _excerpt(line: str, alike: int) -> str:
    start = max(alike - _LEAD, 0) if len(line) > _WIDTH else 0
    end = start + _WIDTH
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")
