"""What changed since a study began in the code that trains it, in words. Pure."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import final

_WIDTH, _LEAD = 60, 24  # characters shown of a line, and how many of them before the difference


@final
@dataclass(frozen=True)
class Code:
    """The code that decides a study's results beside its settings.

    `space` is the space's source (see `spaces.space_source`), None where it was not stored;
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
        changes.append(f"space {setting!r}: {first_difference(then.space, now.space)}")
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
