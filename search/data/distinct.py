"""A dataset without copies among its training images."""

import hashlib
from typing import final

import numpy as np

from search.data.cache import load_copies, read_cache, read_info
from search.data.dataset import Content, DatasetInfo, Part, Source
from search.errors import UserError
from search.events import Listener
from search.text import plural

_CHUNK = 1024


@final
class DistinctSource(Source):
    """A decoded dataset, of whose training images those that are copies are left out.

    These are all that have a copy in the test set, and of other copies all but the first.
    """

    title = "the dataset without copies"

    def __init__(self, dataset: DatasetInfo) -> None:
        self._dataset = dataset

    @property
    def name(self) -> str:
        return self._dataset.name

    def fingerprint(self) -> str:
        """Return a hash of that of the dataset's own source, and of its content."""
        source = read_info(self._dataset.cache_dir).source_fingerprint
        text = f"distinct 2 {source} {self._dataset.fingerprint}"
        return hashlib.sha256(text.encode()).hexdigest()

    def read(self, listener: Listener) -> Content:  # noqa: ARG002 - nothing takes long
        content = read_cache(self._dataset.cache_dir)
        n_train = len(content.train.labels)
        left_out = load_copies(self._dataset).redundant(n_train)
        kept = np.delete(np.arange(n_train), left_out)
        labels = content.train.labels[kept]
        lost = np.setdiff1d(content.train.labels, labels)
        if len(lost):
            raise UserError(
                f"drop_duplicates leaves no training image of class "
                f"{content.class_names[lost[0]]!r}, as all have a copy in the test set"
            )
        images = next(content.train.batches)
        batches = (images[kept[i : i + _CHUNK]] for i in range(0, len(kept), _CHUNK))
        return Content(
            class_names=content.class_names,
            image_shape=content.image_shape,
            train=Part(labels, batches, content.train.origins.of(kept.tolist())),
            test=content.test,
            n_left_out=content.n_left_out,
            scale=content.scale,
            found=[
                f"dataset: {plural(len(left_out), 'training image')} left out, being copies of "
                "test images or of other training images"
            ],
        )
