"""What the numbers of arrays of images mean."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.data.pixel_values import Scale
from search.errors import UserError

BYTES = np.array([0, 1, 100, 255], np.uint8).reshape(1, 2, 2)
RANGES: dict[str, np.ndarray] = {
    "0..1": BYTES / 255,
    "-1..1": BYTES / 127.5 - 1,
    "0..255": BYTES.astype(np.float32),
    "12 bits": (BYTES.astype(np.uint16) << 4) + 15,
    "uint8": BYTES,
}


@pytest.mark.parametrize("images", RANGES.values(), ids=RANGES.keys())
def test_the_range_is_seen_from_the_values(images: np.ndarray) -> None:
    """All ways to write the same image are the same bytes."""
    scale = Scale.of(images)
    assert scale.applied(images).tolist() == BYTES.tolist()
    assert scale.low <= images.min()
    assert images.max() <= scale.high


@pytest.mark.parametrize("images", RANGES.values(), ids=RANGES.keys())
@given(place=st.integers(0, 3))
def test_a_known_range_holds_for_any_part(images: np.ndarray, place: int) -> None:
    """One grey pixel in 0..1 may be one in -1..1; what was learned from all of them decides."""
    part = images.reshape(-1)[place : place + 1].reshape(1, 1, 1)
    known = Scale.of(part, known=Scale.of(images))
    assert known == Scale.of(images)
    assert known.applied(part).item() == BYTES.reshape(-1)[place]


@pytest.mark.parametrize(
    ("images", "others", "words"),
    [
        (RANGES["0..1"], RANGES["0..255"], r"floats in 0\.\.1, as those .* trained on, got"),
        (RANGES["-1..1"], RANGES["0..255"], r"floats in -1\.\.1, as"),
        (RANGES["12 bits"], np.array([[[1 << 12]]]), r"whole numbers in 0\.\.4095, as"),
    ],
)
def test_values_beyond_the_known_range_are_refused(
    images: np.ndarray, others: np.ndarray, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        Scale.of(others, known=Scale.of(images))


def test_other_kinds_of_values_than_the_known_are_seen_by_themselves() -> None:
    """A network that was trained on floats takes bytes, one of 12 bits any floats."""
    for first in (one for name, one in RANGES.items() if name != "uint8"):
        for other in RANGES.values():
            if first.dtype.kind != other.dtype.kind:
                scale = Scale.of(other, known=Scale.of(first))
                assert scale.applied(other).tolist() == BYTES.tolist()


@pytest.mark.parametrize("value", [-2.0, 256.0, 300.5])
def test_floats_of_no_range_are_refused(value: float) -> None:
    with pytest.raises(UserError, match=r"floats in 0\.\.1, -1\.\.1 or 0\.\.255, got float64"):
        Scale.of(np.array([[[value, 0.5]]]))


def test_rounding_is_no_other_range() -> None:
    """A float32 just above 1 is white, and not nearly black."""
    images = np.array([[[0.0, np.nextafter(np.float32(1), np.float32(2))]]], np.float32)
    assert Scale.of(images).applied(images).tolist() == [[[0, 255]]]


@pytest.mark.parametrize("trained_on", [BYTES, BYTES.astype(np.int64)], ids=["uint8", "int64"])
@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.int64, np.float32])
def test_whole_numbers_to_255_fix_what_others_mean(trained_on: np.ndarray, kind: Any) -> None:
    """Whole numbers of any type stay as they are, and floats are shares of white."""
    known = Scale.of(trained_on)
    given = BYTES / 255 if kind == np.float32 else BYTES
    dark = given.reshape(-1)[:2].astype(kind).reshape(1, 1, 2)
    assert Scale.of(dark, known=known).applied(dark).tolist() == [[[0, 1]]]
    truths = np.array([[[False, True]]])
    assert Scale.of(truths, known=known).applied(truths).tolist() == [[[0, 255]]]
    words = r"must be floats of 0 to 1, or whole numbers of 0 to 255, as .*got \w+ in [-\d]"
    for wrong in (256,) if kind == np.uint16 else (-1, 256):
        with pytest.raises(UserError, match=words):
            Scale.of(np.array([[[0, wrong]]], kind), known=known)
