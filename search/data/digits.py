"""scikit-learn's handwritten digits, which need no network and no files."""

import hashlib
from typing import Self, final

import numpy as np
import torch

from search.data.dataset import Content, DatasetRequest, Images, Labels, Part, Source
from search.data.splits import holdout
from search.events import Listener

IMAGE_SIZE = 32
_TEST_FRACTION = 0.2
_TEST_SEED = 20_000  # fixed: every study on digits has the same test set


@final
class DigitsSource(Source):
    """1,797 grey 8x8 digits, upsampled to 3x32x32; a stratified 20% is the test set."""

    keyword = "digits"
    accepts = "digits"
    title = "scikit-learn's embedded DIGITS dataset (1,797 grey 8x8 digits, upsampled)"
    own_size = IMAGE_SIZE
    automatic = True

    @classmethod
    def find(cls, request: DatasetRequest) -> Self | None:
        return cls() if request.dataset == cls.keyword else None

    @property
    def name(self) -> str:
        return "digits"

    def fingerprint(self) -> str:
        """Return a constant: the digits are part of scikit-learn."""
        settings = f"digits 1 {IMAGE_SIZE} {_TEST_FRACTION} {_TEST_SEED}"
        return hashlib.sha256(settings.encode()).hexdigest()

    def read(self, listener: Listener) -> Content:  # noqa: ARG002 - nothing to say
        from sklearn.datasets import load_digits  # noqa: PLC0415 - takes a second

        digits = load_digits()
        images, labels = _upsample(digits.images), digits.target.astype(np.int64)
        (split,) = holdout(labels, _TEST_FRACTION, _TEST_SEED)
        return Content(
            class_names=tuple(str(name) for name in digits.target_names),
            image_shape=(3, IMAGE_SIZE, IMAGE_SIZE),
            train=_part(images, labels, split.train),
            test=_part(images, labels, split.validation),
        )


def _upsample(grey: np.ndarray) -> Images:
    """Return (N, 8, 8) greys of 0..16 as uint8 (N, 3, 32, 32); exact in float32."""
    small = torch.from_numpy(grey).float().unsqueeze(1)
    large = torch.nn.functional.interpolate(small, (IMAGE_SIZE, IMAGE_SIZE), mode="bilinear")
    scaled = (large * 255 / 16).round().to(torch.uint8)
    images: Images = scaled.expand(-1, 3, -1, -1).contiguous().numpy()
    return images


def _part(images: Images, labels: Labels, indices: np.ndarray) -> Part:
    return Part(labels[indices], iter([images[indices]]))
