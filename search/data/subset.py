"""Some of a dataset's training images as a dataset of its own, with others as its test set."""

import hashlib
from collections.abc import Iterator
from typing import final

import numpy as np

from search.data.cache import load_origins, load_train_split, read_info
from search.data.dataset import Content, DatasetInfo, Images, Labels, Part, Source
from search.data.splits import Fold, folds_hash
from search.events import Listener

_CHUNK = 1024


@final
class SubsetSource(Source):
    """A fold of a decoded dataset: what trains in it, with what validates as the test set.

    The dataset's own test images are not read.
    """

    title = "a part of the dataset"

    def __init__(self, dataset: DatasetInfo, fold: Fold, number: int, n_folds: int) -> None:
        self._dataset, self._fold = dataset, fold
        self._suffix = f"without-part-{number}-of-{n_folds}"

    @property
    def name(self) -> str:
        return f"{self._dataset.name}-{self._suffix}"

    def fingerprint(self) -> str:
        """Return a hash of that of the dataset's own source, of its content, and of the fold."""
        source = read_info(self._dataset.cache_dir).source_fingerprint
        text = f"subset 1 {source} {self._dataset.fingerprint} {folds_hash((self._fold,))}"
        return hashlib.sha256(text.encode()).hexdigest()

    def read(self, listener: Listener) -> Content:  # noqa: ARG002 - nothing takes long
        split, (origins, _) = load_train_split(self._dataset), load_origins(self._dataset)
        images, labels = split.images.numpy(), split.labels.numpy()
        train, test = (
            Part(labels[kept], _batches(images, kept), origins.of(kept.tolist()))
            for kept in (self._fold.train, self._fold.validation)
        )
        names, shape = self._dataset.class_names, self._dataset.image_shape
        scale = read_info(self._dataset.cache_dir).scale
        return Content(names, shape, train, test, scale=scale)


def _batches(images: Images, kept: Labels) -> Iterator[Images]:
    for start in range(0, len(kept), _CHUNK):
        yield np.ascontiguousarray(images[kept[start : start + _CHUNK]])
