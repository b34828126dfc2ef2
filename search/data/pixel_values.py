"""What the numbers of arrays of images mean: their range, and that all are finite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from search.errors import UserError

_BATCH = 1024  # images looked at a time

Array = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]


Kind: TypeAlias = Literal["bytes", "truth values", "whole numbers", "floats"]


@final
@dataclass(frozen=True)
class Scale:
    """How values become 0..255: `(value + offset) * factor`.

    Attributes:
        kind: Of what values.
    """

    offset: float
    factor: float
    kind: Kind

    @classmethod
    def of(
        cls, images: Array, named: str = "dataset: images", known: "Scale | None" = None
    ) -> "Scale":
        """Return the scale of the range that the values use.

        Which range that is can be seen from many images, but not from any few of them.

        Args:
            images: The images.
            named: What messages call them.
            known: The scale of the images that a network was trained on, which holds for all
                further ones of the same kind; if it was that of whole numbers in 0..255, floats
                are in 0..1. None: it is not known.

        Raises:
            UserError: They are in no such range, or not in that of the known scale.
        """
        if images.dtype.kind not in "iubf":
            raise UserError(f"{named} must be numbers, got {images.dtype}")
        if not images.size:
            raise UserError(f"{named} must have pixels, got the shape {images.shape}")
        check_finite(images, named)
        low, high, kind = float(images.min()), float(images.max()), _kind(images)
        for one in _possible(kind, known):
            if one.low - _ROUNDING <= low and high <= one.high + _ROUNDING:
                return one
        accepted = _accepted(kind, known)
        raise UserError(f"{named} must be {accepted}, got {images.dtype} in {low:g}..{high:g}")

    @property
    def is_plain(self) -> bool:
        """Return whether it is that of whole numbers in 0..255, which stay as they are."""
        return self.kind in ("bytes", "whole numbers") and self.factor == 1

    @property
    def low(self) -> float:
        """Return the value that becomes 0."""
        return -self.offset

    @property
    def high(self) -> float:
        """Return the greatest value."""
        whole = self.kind == "whole numbers"
        return 256 / self.factor - 1 if whole else 255 / self.factor - self.offset

    def applied(self, images: Array) -> Bytes:
        """Return the values as uint8."""
        if images.dtype == np.uint8:
            return images
        scaled = (images.astype(np.float64) + self.offset) * self.factor
        whole = np.round(scaled) if images.dtype.kind == "f" else np.floor(scaled)
        pixels: Bytes = np.clip(whole, 0, 255).astype(np.uint8)
        return pixels


_ROUNDING = 1e-6
_RANGES: Mapping[Kind, Sequence[tuple[float, float]]] = {
    "bytes": ((0, 1),),
    "truth values": ((0, 255),),
    "whole numbers": tuple((0, 2.0 ** (8 - bits)) for bits in (8, 10, 12, 14, 16)),
    "floats": ((0, 255), (1, 127.5), (0, 1)),  # 0..1, -1..1 and 0..255
}
"""Offsets and factors; the first range counts that holds all values."""
_PLAIN_RANGES: Mapping[Kind, tuple[float, float]] = {
    "bytes": (0, 1),
    "truth values": (0, 255),
    "whole numbers": (0, 1),
    "floats": (0, 255),
}
"""What each kind means to a network that was trained on whole numbers in 0..255."""
PLAIN = Scale(0, 1, "bytes")  # that of files, too


def _possible(kind: Kind, known: Scale | None) -> Sequence[Scale]:
    """Return the scales that values of a kind may have."""
    if known is not None and known.is_plain:
        return [Scale(*_PLAIN_RANGES[kind], kind)]
    if known is not None and known.kind == kind:
        return [known]
    return [Scale(*one, kind) for one in _RANGES[kind]]


def _accepted(kind: Kind, known: Scale | None) -> str:
    """Return what the values of images may be, in words."""
    if known is not None and known.is_plain:
        span = "floats of 0 to 1, or whole numbers of 0 to 255"
    elif known is not None and known.kind == kind:
        span = f"{kind} in {known.low:g}..{known.high:g}"
    else:
        return "whole numbers in 0..65535 or floats in 0..1, -1..1 or 0..255"
    return f"{span}, as those that the network was trained on"


def _kind(images: Array) -> Kind:
    if images.dtype == np.uint8:
        return "bytes"
    kinds: Mapping[str, Kind] = {"b": "truth values", "f": "floats"}
    return kinds.get(images.dtype.kind, "whole numbers")


def check_finite(images: Array, named: str) -> None:
    """Raise UserError, which counts them, if some of the images (N, ...) are not finite."""
    if images.dtype.kind != "f":
        return
    broken = [
        start + int(index)
        for start in range(0, len(images), _BATCH)
        for index in np.flatnonzero(~_finite(images[start : start + _BATCH]))
    ]
    if broken:
        raise UserError(
            f"{named} must be finite numbers, but {len(broken):,} of {len(images):,} have NaN or "
            f"infinite values, the first at index {broken[0]}"
        )


def _finite(images: Array) -> Array:
    """Return whether each image has finite values only, (N,)."""
    return np.asarray(np.isfinite(images.reshape(len(images), -1)).all(axis=1))
