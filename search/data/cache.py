"""The decoded arrays on disk, once written."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from search.checksums import check_sums
from search.data.dataset import DatasetInfo, TrainSplit
from search.data.npy import ArrayLayout, map_array
from search.errors import MachineError


@final
@dataclass(frozen=True)
class CachePaths:
    """The one owner of the file names in a dataset's cache folder.

    Images are uint8 (N, 3, H, W), labels int64 (N,). The test arrays are written with the others
    and opened by search/final/test_set.py alone.
    """

    cache_dir: Path

    @classmethod
    def of(cls, data_dir: Path, name: str, source_fingerprint: str) -> Self:
        """Return the paths for one state of one source."""
        folder = data_dir / "cache" / f"{name}-{source_fingerprint[:16]}"
        return cls(folder.absolute())  # workers may run in another folder

    @property
    def lock(self) -> Path:
        """Return the lock that the writer holds, beside the folder."""
        return self.cache_dir.with_name(self.cache_dir.name + ".lock")

    @property
    def partial(self) -> "CachePaths":
        """Return the folder that is written before it takes its name."""
        return CachePaths(self.cache_dir.with_name(self.cache_dir.name + ".partial"))

    @property
    def info(self) -> Path:
        """Return the description, a StoredInfo."""
        return self.cache_dir / "dataset.json"

    @property
    def train_images(self) -> Path:
        """Return the images that may be learned from."""
        return self.cache_dir / "train_images.npy"

    @property
    def train_labels(self) -> Path:
        """Return their labels."""
        return self.cache_dir / "train_labels.npy"

    @property
    def test_images(self) -> Path:
        """Return the sealed images."""
        return self.cache_dir / "test_images.npy"

    @property
    def test_labels(self) -> Path:
        """Return the sealed labels."""
        return self.cache_dir / "test_labels.npy"


@final
class StoredInfo(BaseModel):
    """dataset.json: a DatasetInfo without its folder, and the state of its source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    fingerprint: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    n_train: int
    n_test: int
    source_fingerprint: str

    def located(self, cache_dir: Path) -> DatasetInfo:
        """Return the description as everyone else knows it."""
        facts = self.model_dump(exclude={"source_fingerprint"})
        return DatasetInfo(**facts, cache_dir=cache_dir)


def open_cache(paths: CachePaths, source_fingerprint: str) -> DatasetInfo:
    """Return what the cache holds, its description and training arrays checked by their SHA-256.

    Raises FileNotFoundError where there is no such folder, and ValueError, with the reason,
    where it is damaged: a file is missing, of another size or changed, or the description is
    of another source. Of the test arrays only the sizes are looked at.
    """
    if not paths.cache_dir.is_dir():
        raise FileNotFoundError(paths.cache_dir)
    check_sums([paths.info])
    stored = _read_info(paths)
    if stored.source_fingerprint != source_fingerprint:
        raise ValueError("it is of another source")
    info = stored.located(paths.cache_dir)
    for path, layout in _arrays(info):
        if not path.is_file() or path.stat().st_size != layout.file_bytes:
            raise ValueError(f"{path.name} is missing or of the wrong size")
    check_sums([paths.train_images, paths.train_labels])
    return info


def load_train_split(info: DatasetInfo) -> TrainSplit:
    """Return the training images, memory-mapped copy-on-write, and labels, as CPU tensors.

    Raises MachineError where the cache was removed or damaged since `info` was made.
    """
    try:
        images, labels = _map_train(info)
    except (OSError, ValueError) as error:
        raise MachineError(
            f"the cache {info.cache_dir} is gone or damaged: {error}; run again to rebuild it"
        ) from error
    return TrainSplit(torch.from_numpy(images), torch.from_numpy(labels))


def _read_info(paths: CachePaths) -> StoredInfo:
    try:
        return StoredInfo.model_validate_json(paths.info.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{paths.info.name} is garbled") from error


def _map_train(info: DatasetInfo) -> tuple[np.ndarray, np.ndarray]:
    (images, image_array), (labels, label_array), *_ = _arrays(info)
    return map_array(images, image_array), map_array(labels, label_array)


def _arrays(info: DatasetInfo) -> tuple[tuple[Path, ArrayLayout], ...]:
    """Return each array file and what it must hold, the training images and labels first."""
    paths = CachePaths(info.cache_dir)
    return (
        (paths.train_images, ArrayLayout("|u1", (info.n_train, *info.image_shape))),
        (paths.train_labels, ArrayLayout("<i8", (info.n_train,))),
        (paths.test_images, ArrayLayout("|u1", (info.n_test, *info.image_shape))),
        (paths.test_labels, ArrayLayout("<i8", (info.n_test,))),
    )
