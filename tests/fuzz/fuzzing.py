"""How inputs are made up, tried and counted."""

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.errors import MachineError, UserError

FACTOR = int(os.environ.get("FUZZ_FACTOR", "1"))

Property = Callable[..., None]


def fuzz(examples: int, **inputs: st.SearchStrategy[Any]) -> Callable[[Property], Property]:
    """Return a decorator that tries a property with `examples` drawn inputs, times FUZZ_FACTOR.

    The same inputs every time; with a factor others each time. `tried` of the test's
    `hypothesis.inner_test` counts them.
    """

    def decorate(prop: Property) -> Property:
        @functools.wraps(prop)
        def counted(*args: Any, **kwargs: Any) -> None:
            vars(counted)["tried"] += 1
            prop(*args, **kwargs)

        vars(counted)["tried"] = 0
        profile = settings(
            max_examples=examples * FACTOR,
            derandomize=FACTOR == 1,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        return profile(given(**inputs)(counted))

    return decorate


def refusal(action: Callable[[], object]) -> str | None:
    """Return the words with which the program refuses, or None; any other error passes through."""
    try:
        action()
    except (UserError, MachineError) as error:
        words = str(error)
        assert words.strip()
        assert "\n" not in words
        return words
    return None


@final
@dataclass(frozen=True)
class Edit:
    """One change of a file; `at` is a fraction of its length."""

    kind: Literal["flip", "set", "insert", "cut", "zero"]
    at: float
    value: int


def edits(most: int = 4) -> st.SearchStrategy[list[Edit]]:
    """Return one to `most` changes."""
    kinds: list[Any] = ["flip", "flip", "set", "insert", "cut", "zero"]
    one = st.builds(
        Edit,
        kind=st.sampled_from(kinds),
        at=st.floats(0, 1, exclude_max=True),
        value=st.integers(0, 255),
    )
    return st.lists(one, min_size=1, max_size=most)


def damaged(content: bytes, changes: Sequence[Edit]) -> bytes:
    """Return the content after the changes."""
    for change in changes:
        content = _changed(content, change)
    return content


def _changed(content: bytes, change: Edit) -> bytes:
    at = int(change.at * len(content))
    before, after = content[:at], content[at:]
    match change.kind:
        case "flip":
            return before + bytes([after[0] ^ 1 << change.value % 8]) + after[1:] if after else b""
        case "set":
            return before + bytes([change.value]) + after[1:]
        case "insert":
            return before + bytes([change.value]) * 4 + after
        case "cut":
            return before
    return before + bytes(min(len(after), change.value)) + after[change.value :]
