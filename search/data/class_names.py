"""Names of classes that may not be what the user intended."""

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from search.text import listed, plural

_MISSING = ("nan", "null", "none", "n/a", "<na>")  # how programs write that there is nothing
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")


def class_name_notices(names: Sequence[str]) -> Iterator[str]:
    """Yield a line if names seem to be of one class, and for each that seems to be of none."""
    yield from _alike(names, _without_capitals, "differ in capitals and spaces only")
    others = [*{_without_capitals(name): name for name in names}.values()]
    yield from _alike(others, _number, "are the same number")
    for name in names:
        if _without_capitals(name) in _MISSING:
            yield (
                f"dataset: one class is called {name!r}; if these images have no label, leave them "
                "out"
            )


def _alike(names: Sequence[str], key: Callable[[str], object], how: str) -> Iterator[str]:
    """Yield a line if several names have the same key; those without one have None."""
    groups: dict[object, list[str]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    same = [alike for one, alike in groups.items() if one is not None and len(alike) > 1]
    if same:
        also = f" (as in {plural(len(same) - 1, 'other group')})" if len(same) > 1 else ""
        yield f"dataset: classes {listed([*map(repr, same[0])])} {how}{also}; are they one?"


def _without_capitals(name: str) -> str:
    return " ".join(name.split()).lower()


def _number(name: str) -> Decimal | None:
    text = name.strip()
    return Decimal(text) if _NUMBER.fullmatch(text) else None
