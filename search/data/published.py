"""Published datasets that torchvision knows: MNIST and its relatives, SVHN, STL-10.

torchvision's classes give addresses and checksums. Files lie where torchvision puts them, and are
read here, so that nothing is unpickled and nothing printed.
"""

import gzip
import hashlib
import tarfile
import zlib
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
from filelock import FileLock

from search.data.arrays import LabelledArrays, content_of_arrays
from search.data.dataset import Content, DatasetRequest, Source
from search.data.download import PATIENCE_SECONDS, download, md5_of
from search.errors import MachineError, UserError
from search.events import Listener, StepProgress

_IDX_BYTES = b"\0\0\x08"  # the start of a file of unsigned bytes
_IDX_TYPE = np.dtype(">u4")
_PARTS = ("train", "test")
_STL10_SHAPE = (3, 96, 96)


@final
@dataclass(frozen=True)
class PublishedFile:
    """A file that can be downloaded from any of several addresses."""

    path: Path
    urls: tuple[str, ...]
    md5: str


class PublishedSource(Source):
    """A dataset in `data_dir`, downloaded when absent; `published` is torchvision's class."""

    published: ClassVar[str]
    class_names: ClassVar[tuple[str, ...]]

    def __init__(self, request: DatasetRequest) -> None:
        from torchvision import datasets  # noqa: PLC0415 - takes seconds

        self._request = request
        self._published: Any = getattr(datasets, self.published)

    @classmethod
    def find(cls, request: DatasetRequest) -> Self | None:
        return cls(request) if request.dataset == cls.keyword else None

    @property
    def name(self) -> str:
        return str(self.keyword)

    @property
    @abstractmethod
    def files(self) -> tuple[PublishedFile, ...]:
        """The files that are needed."""

    @abstractmethod
    def arrays(self, part: str) -> LabelledArrays:
        """Return the images and labels of "train" or "test"; files have their checksums."""

    def fingerprint(self) -> str:
        """Return a hash of the settings and of the checksums that the files must have."""
        sums = [file.md5 for file in self.files]
        settings = (self.name, 1, self._request.image_size, self._request.resize, sums)
        return hashlib.sha256(f"{settings}".encode()).hexdigest()

    def obtain(self, listener: Listener, patience: float = PATIENCE_SECONDS) -> None:
        for file in self.files:
            file.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(file.path.with_name(f".{file.path.name}.lock")):
                if not file.path.exists():
                    self._download(file, listener, patience)

    def read(self, listener: Listener) -> Content:
        self.obtain(listener)
        for file in self.files:
            if md5_of(file.path) != file.md5:
                raise UserError(
                    f"dataset {self.name}: {file.path} is corrupt (its md5 is not {file.md5}); "
                    "delete it and run again to have it replaced"
                )
        try:
            train, test = (self.arrays(part) for part in _PARTS)
        except (OSError, EOFError, ValueError, KeyError, zlib.error, tarfile.TarError) as error:
            raise MachineError(f"dataset {self.name}: cannot read its files: {error}") from error
        return content_of_arrays(train, test, self._request, [], self.class_names)

    def _download(self, file: PublishedFile, listener: Listener, patience: float) -> None:
        step, failures = f"Downloading {file.path.name}", list[MachineError]()
        for url in file.urls:
            try:
                download(
                    url,
                    file.path,
                    file.md5,
                    patience=patience,
                    progress=lambda done, total: listener(StepProgress(step, done, total)),
                )
            except MachineError as error:
                failures.append(error)
            else:
                return
        raise MachineError(
            f"dataset {self.name}: {failures[0]}; nothing half-written was kept; put "
            f"{file.path.name} into {file.path.parent} and run again, or use another dataset"
        ) from failures[0]


class _IdxSource(PublishedSource):
    """70,000 grey images of 28x28 pixels, 10,000 of them for testing, in MNIST's format."""

    @property
    def files(self) -> tuple[PublishedFile, ...]:
        folder = self._request.data_dir / self.published / "raw"
        return tuple(
            PublishedFile(
                folder / name, tuple(f"{mirror}{name}" for mirror in self._published.mirrors), md5
            )
            for name, md5 in self._published.resources
        )

    def arrays(self, part: str) -> LabelledArrays:
        first = 2 * _PARTS.index(part)
        images, labels = (_read_idx(file.path) for file in self.files[first : first + 2])
        return LabelledArrays(images, labels)


def _read_idx(path: Path) -> np.ndarray:
    """Return the array of unsigned bytes in a compressed file of MNIST's format."""
    content = gzip.decompress(path.read_bytes())
    if content[:3] != _IDX_BYTES:
        raise ValueError(f"{path.name} is not an array of bytes")
    n_dimensions = content[3]
    shape = np.frombuffer(content, _IDX_TYPE, n_dimensions, 4).tolist()
    return np.frombuffer(content, np.uint8, offset=4 + 4 * n_dimensions).reshape(shape)


@final
class MnistSource(_IdxSource):
    """Handwritten digits."""

    keyword = "mnist"
    accepts = "mnist"
    title = "MNIST"
    published = "MNIST"
    class_names = tuple("0123456789")


@final
class FashionMnistSource(_IdxSource):
    """Pieces of clothing."""

    keyword = "fashion-mnist"
    accepts = "fashion-mnist"
    title = "Fashion-MNIST"
    published = "FashionMNIST"
    class_names = (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
        "Ankle boot",
    )  # fmt: skip


@final
class KmnistSource(_IdxSource):
    """Cursive Japanese characters."""

    keyword = "kmnist"
    accepts = "kmnist"
    title = "KMNIST"
    published = "KMNIST"
    class_names = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")


@final
class SvhnSource(PublishedSource):
    """99,289 photographs of house numbers, of 32x32 pixels, 26,032 of them for testing."""

    keyword = "svhn"
    accepts = "svhn"
    title = "SVHN"
    published = "SVHN"
    class_names = tuple("0123456789")

    @property
    def files(self) -> tuple[PublishedFile, ...]:
        published = (self._published.split_list[part] for part in _PARTS)
        folder = self._request.data_dir
        return tuple(PublishedFile(folder / name, (url,), md5) for url, name, md5 in published)

    def arrays(self, part: str) -> LabelledArrays:
        from scipy.io import loadmat  # noqa: PLC0415 - takes a while

        content = loadmat(self.files[_PARTS.index(part)].path)
        labels = content["y"].astype(np.int64) % 10  # the digit 0 is labelled 10
        return LabelledArrays(content["X"].transpose(3, 2, 0, 1), labels)


@final
class Stl10Source(PublishedSource):
    """13,000 labelled photographs of 96x96 pixels, 8,000 of them for testing."""

    keyword = "stl10"
    accepts = "stl10"
    title = "STL-10"
    published = "STL10"
    class_names = (
        "airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck",
    )  # fmt: skip

    @property
    def files(self) -> tuple[PublishedFile, ...]:
        known = self._published
        path = self._request.data_dir / known.filename
        return (PublishedFile(path, (known.url,), known.tgz_md5),)

    def arrays(self, part: str) -> LabelledArrays:
        folder = self._published.base_folder
        found: dict[str, np.ndarray] = {}
        with tarfile.open(self.files[0].path, "r:gz") as tar:
            for name in ("X", "y"):
                file = tar.extractfile(f"{folder}/{part}_{name}.bin")
                found[name] = np.frombuffer(b"" if file is None else file.read(), np.uint8)
        images = found["X"].reshape(-1, *_STL10_SHAPE).transpose(0, 1, 3, 2)  # columns come first
        return LabelledArrays(images, found["y"].astype(np.int64) - 1)
