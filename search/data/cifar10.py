"""CIFAR-10 and CIFAR-100: downloaded, and recognized by their content.

The md5 of every file is checked before anything is unpickled. torchvision is imported only where
files are obtained or read, because it takes seconds.
"""

import hashlib
import shutil
import tarfile
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
from filelock import FileLock

from search.data.cache import CachePaths
from search.data.dataset import Content, DatasetInfo, DatasetRequest, Part, Source
from search.data.download import PATIENCE_SECONDS, download, md5_of
from search.errors import MachineError, UserError
from search.events import Listener, StepProgress

IMAGE_SIZE = 32
_N_TRAIN = 50_000
_CLASS_NAMES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
# What Cifar10Source.fingerprint() returns, kept here so that recognizing it needs no torchvision.
_FINGERPRINT = "f313d2db7ba8ed9f2a3e289ca7c074d08bfbf51f9a1ae2f21486c74d53aeccae"


def is_original_cifar10(dataset: DatasetInfo) -> bool:
    """Return whether the dataset is the published CIFAR-10, its pixels and their order.

    A cache's folder is named after its source's fingerprint, so the name says whether the cache was
    made from files with the published md5s. The folder need not exist any more.
    """
    original = CachePaths.of(Path(), "cifar10", _FINGERPRINT).cache_dir
    return dataset.cache_dir.name == original.name


def is_cifar10_copy(dataset: DatasetInfo) -> bool:
    """Return whether the dataset has CIFAR-10's classes and number of training images.

    That is true of the original, and of copies with compressed or resized images.
    """
    return dataset.class_names == _CLASS_NAMES and dataset.n_train == _N_TRAIN


class _CifarSource(Source):
    """A dataset in `data_dir`, as torchvision lays it out; downloaded when absent.

    `published` is torchvision's class, which knows the published files and their checksums.
    """

    own_size = IMAGE_SIZE
    published: ClassVar[str]

    def __init__(self, data_dir: Path) -> None:
        from torchvision import datasets  # noqa: PLC0415 - takes seconds

        self._data_dir = data_dir
        self._published: Any = getattr(datasets, self.published)
        self._batches = data_dir / self._published.base_folder
        self._archive = data_dir / self._published.filename

    @classmethod
    def find(cls, request: DatasetRequest) -> Self | None:
        return cls(request.data_dir) if request.dataset == cls.keyword else None

    @property
    def name(self) -> str:
        return str(self.keyword)

    def fingerprint(self) -> str:
        """Return a hash of the md5s that the files must have: no other content is accepted."""
        return hashlib.sha256(f"{self.name} 1 {list(self._checksums())}".encode()).hexdigest()

    def obtain(self, listener: Listener, patience: float = PATIENCE_SECONDS) -> None:
        if self._has_batches():
            return
        self._data_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(self._data_dir / f".{self.name}.lock"):
            if not self._archive.exists():
                self._download(listener, patience)
            self._check(self._archive, self._published.tgz_md5)
            self._extract()

    def read(self, listener: Listener) -> Content:
        self.obtain(listener)
        for name, md5 in self._checksums():
            self._check(self._batches / name, md5)
        with warnings.catch_warnings():
            # The batches were pickled with integer flags by an old NumPy; some new ones warn.
            warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)
            train, test = (self._published(self._data_dir, train=part) for part in (True, False))
        shape = (3, IMAGE_SIZE, IMAGE_SIZE)
        return Content(tuple(train.classes), shape, _part(train), _part(test))

    def _has_batches(self) -> bool:
        return all((self._batches / name).is_file() for name, _ in self._checksums())

    def _download(self, listener: Listener, patience: float) -> None:
        step = f"Downloading {self.title}"
        try:
            download(
                self._published.url,
                self._archive,
                self._published.tgz_md5,
                patience=patience,
                progress=lambda done, n: listener(StepProgress(step, done, n)),
            )
        except MachineError as error:
            raise MachineError(
                f"dataset {self.name}: {error}; nothing half-written was kept; put "
                f"{self._archive.name} into {self._data_dir} and run again, or use another dataset"
            ) from error

    def _check(self, path: Path, md5: str) -> None:
        if md5_of(path) != md5:
            raise UserError(
                f"dataset {self.name}: {path} is corrupt (its md5 is not {md5}); "
                "delete it and run again to have it replaced"
            )

    def _extract(self) -> None:
        """Unpack elsewhere, then move file by file, so that no batch file is ever incomplete."""
        partial = self._data_dir / f".{self.name}.partial"
        shutil.rmtree(partial, ignore_errors=True)  # what a killed run left
        try:
            partial.mkdir()
            self._unpack(partial)
            self._batches.mkdir(exist_ok=True)
            for path in partial.iterdir():
                path.replace(self._batches / path.name)
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise MachineError(
                f"dataset {self.name}: cannot unpack {self._archive}: {error}"
            ) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _unpack(self, folder: Path) -> None:
        """Write the batch files into `folder`, and nothing else.

        The archive's own paths are not used, so none can lead elsewhere. (tarfile's filters against
        that are missing before Python 3.11.4.)
        """
        names = {f"{self._batches.name}/{name}": name for name, _ in self._checksums()}
        with tarfile.open(self._archive, "r:gz") as tar:
            for member in tar:
                if member.name in names and member.isfile() and (file := tar.extractfile(member)):
                    (folder / names.pop(member.name)).write_bytes(file.read())
        if names:
            raise tarfile.ReadError(f"it lacks {', '.join(names.values())}")

    def _checksums(self) -> Iterator[tuple[str, str]]:
        """Yield every batch file's name and md5, including the file of class names."""
        yield from self._published.train_list + self._published.test_list
        yield self._published.meta["filename"], self._published.meta["md5"]


@final
class Cifar10Source(_CifarSource):
    """60,000 photographs of 32x32 pixels in 10 classes."""

    keyword = "cifar10"
    accepts = "cifar10"
    title = "CIFAR-10"
    automatic = True
    published = "CIFAR10"


@final
class Cifar100Source(_CifarSource):
    """60,000 photographs of 32x32 pixels in 100 classes."""

    keyword = "cifar100"
    accepts = "cifar100"
    title = "CIFAR-100"
    published = "CIFAR100"


def _part(dataset: Any) -> Part:
    images = np.ascontiguousarray(dataset.data.transpose(0, 3, 1, 2))
    return Part(np.array(dataset.targets, dtype=np.int64), iter([images]))
