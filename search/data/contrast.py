"""Images that show little or nothing: of one colour, or of few levels of brightness."""

from collections.abc import Iterator
from typing import final

import numpy as np
import numpy.typing as npt

from search.data.dataset import Images

FEW_LEVELS = 16  # of 256: what is this dark, bright or flat was often scaled wrongly before
_CHUNK = 4096


@final
class ContrastCheck:
    """Looks at batches of images, and says in the end how many show little."""

    def __init__(self) -> None:
        self._n, self._n_plain, self._n_flat = 0, 0, 0

    def add(self, images: Images) -> None:
        """Look at uint8 (n, C, H, W)."""
        if images.shape[2:] == (1, 1):
            return  # a single pixel always has one colour
        for start in range(0, len(images), _CHUNK):
            spread = levels(images[start : start + _CHUNK])
            self._n += len(spread)
            self._n_plain += int((spread == 1).sum())
            self._n_flat += int(((spread > 1) & (spread < FEW_LEVELS)).sum())

    def lines(self) -> Iterator[str]:
        """Yield what should be known, one line each."""
        if self._n_plain:
            yield f"{self._n_plain:,} of {self._n:,} training images are of one colour only"
        if self._n_flat:
            yield (
                f"{self._n_flat:,} of {self._n:,} training images have fewer than {FEW_LEVELS} of "
                "256 levels between their darkest and brightest value: very dark, very bright, or "
                "scaled wrongly"
            )


def levels(images: Images) -> npt.NDArray[np.int64]:
    """Return the levels from each image's darkest to its brightest value, int64 (n,).

    The largest of its channels counts; an image of one colour has 1.
    """
    pixels = images.reshape(*images.shape[:2], -1)
    spread = pixels.max(axis=2).astype(np.int64) - pixels.min(axis=2)
    return np.asarray(spread.max(axis=1) + 1)
