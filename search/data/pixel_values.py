"""What the numbers of arrays of images mean: their range, and that all are finite."""

from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from search.data.dataset import Images
from search.errors import UserError

_BATCH = 1024  # images looked at a time

Array = npt.NDArray[Any]


@final
@dataclass(frozen=True)
class Scale:
    """How values become 0..255: `(value + offset) * factor`."""

    offset: float
    factor: float

    @classmethod
    def of(cls, images: Array, named: str = "dataset: images") -> Self:
        """Return the scale of the range that the values use; raises UserError.

        Args:
            images: The images.
            named: What messages call them.
        """
        kind = images.dtype.kind
        if kind not in "iubf":
            raise UserError(f"{named} must be numbers, got {images.dtype}")
        if not images.size:
            raise UserError(f"{named} must have pixels, got the shape {images.shape}")
        check_finite(images, named)
        low, high = float(images.min()), float(images.max())
        if images.dtype == np.uint8 or (kind == "f" and 1 < high <= 255 and low >= 0):
            return cls(0, 1)
        if kind == "b" or (kind == "f" and low >= 0 and high <= 1):
            return cls(0, 255)
        if kind == "f" and low >= -1 and high <= 1:
            return cls(1, 127.5)
        if kind in "iu" and low >= 0 and high < 1 << 16:
            depth = next(bits for bits in (8, 10, 12, 14, 16) if high < 1 << bits)
            return cls(0, 2.0 ** (8 - depth))
        raise UserError(
            f"{named} must be whole numbers in 0..65535 or floats in 0..1, -1..1 or "
            f"0..255, got {images.dtype} in {low:g}..{high:g}"
        )

    def applied(self, images: Array) -> Images:
        """Return the values as uint8."""
        if images.dtype == np.uint8 and self == Scale(0, 1):
            return images
        scaled = (images.astype(np.float64) + self.offset) * self.factor
        whole = np.round(scaled) if images.dtype.kind == "f" else np.floor(scaled)
        pixels: Images = np.clip(whole, 0, 255).astype(np.uint8)
        return pixels


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
