"""What the tests of the analysis share: small datasets in memory."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from search.data.cache import CachePaths
from search.data.dataset import DatasetInfo, TrainSplit
from search.seeding import derive_seed

Dataset = tuple[DatasetInfo, TrainSplit]
DatasetMaker = Callable[..., Dataset]


@pytest.fixture
def make_dataset() -> DatasetMaker:
    """Return a maker of datasets of noise, classes in turn."""

    def make(
        n_images: int = 60,
        class_names: tuple[str, ...] = ("cat", "dog", "owl"),
        size: tuple[int, int] = (4, 5),
        name: str = "pets",
        source_fingerprint: str = "0" * 64,
    ) -> Dataset:
        shape = (3, *size)
        generator = torch.Generator().manual_seed(derive_seed(0, "images"))
        images = torch.randint(0, 256, (n_images, *shape), generator=generator, dtype=torch.uint8)
        labels = torch.arange(n_images) % len(class_names)
        cache = CachePaths.of(Path("data"), name, source_fingerprint).cache_dir
        info = DatasetInfo(name, "content", class_names, shape, n_images, 0, cache)
        return info, TrainSplit(images, labels)

    return make
