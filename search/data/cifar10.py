"""CIFAR-10 through torchvision: md5 checked before anything is unpickled."""

import hashlib
import shutil
import tarfile
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import final

import numpy as np
from filelock import FileLock
from torchvision.datasets import CIFAR10
from torchvision.datasets.utils import check_integrity

from search.events import Listener, StepProgress
from search.data.download import download
from search.data.dataset import Content, Part, Source
from search.errors import MachineError, UserError

IMAGE_SIZE = 32
_PATIENCE_SECONDS = 30.0


@final
class Cifar10Source(Source):
    """CIFAR-10 in `data_dir`, as torchvision lays it out; downloaded when absent."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._batches = data_dir / CIFAR10.base_folder
        self._archive = data_dir / CIFAR10.filename

    @property
    def name(self) -> str:
        """Return "cifar10"."""
        return "cifar10"

    def fingerprint(self) -> str:
        """Return a hash of the md5s that the files must have: no other content is accepted."""
        return hashlib.sha256(f"cifar10 1 {list(_checksums())}".encode()).hexdigest()

    def obtain(self, listener: Listener, patience: float = _PATIENCE_SECONDS) -> None:
        """See that all batch files are there: as they are, from the archive, or downloaded.

        `patience` is how many seconds the server may take to answer. Raises MachineError where
        the download fails, UserError for a damaged archive and OSError where `data_dir` cannot
        be written.
        """
        if self._has_batches():
            return
        self._data_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(self._data_dir / ".cifar10.lock"):
            if not self._archive.exists():
                self._download(listener, patience)
            self._check(self._archive, CIFAR10.tgz_md5)
            self._extract()

    def read(self, listener: Listener) -> Content:
        """Return the content; raises UserError, naming the file, where one is corrupt."""
        self.obtain(listener)
        for name, md5 in _checksums():
            self._check(self._batches / name, md5)
        with warnings.catch_warnings():
            # Old NumPy pickled the batches with integer flags, which some new versions deplore.
            warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)
            train, test = (CIFAR10(self._data_dir, train=part) for part in (True, False))
        shape = (3, IMAGE_SIZE, IMAGE_SIZE)
        return Content(tuple(train.classes), shape, _part(train), _part(test))

    def _has_batches(self) -> bool:
        return all((self._batches / name).is_file() for name, _ in _checksums())

    def _download(self, listener: Listener, patience: float) -> None:
        try:
            download(
                CIFAR10.url,
                self._archive,
                CIFAR10.tgz_md5,
                patience=patience,
                progress=lambda done, n: listener(StepProgress("Downloading CIFAR-10", done, n)),
            )
        except MachineError as error:
            raise MachineError(
                f"dataset cifar10: {error}; nothing half-written was kept; put "
                f"{CIFAR10.filename} into {self._data_dir} and run again, or use another dataset"
            ) from error

    def _check(self, path: Path, md5: str) -> None:
        if not check_integrity(path, md5):
            raise UserError(
                f"dataset cifar10: {path} is corrupt (its md5 is not {md5}); "
                "delete it and run again to have it replaced"
            )

    def _extract(self) -> None:
        """Unpack beside, then move file by file, so that no half file ever has a batch's name."""
        partial = self._data_dir / ".cifar10.partial"
        shutil.rmtree(partial, ignore_errors=True)  # what a killed run left
        try:
            partial.mkdir()
            _unpack(self._archive, partial)
            self._batches.mkdir(exist_ok=True)
            for path in partial.iterdir():
                path.replace(self._batches / path.name)
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise MachineError(
                f"dataset cifar10: cannot unpack {self._archive}: {error}"
            ) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _checksums() -> Iterator[tuple[str, str]]:
    """Yield every batch file's name and md5; the class names' file is one of them."""
    yield from CIFAR10.train_list + CIFAR10.test_list
    yield CIFAR10.meta["filename"], CIFAR10.meta["md5"]


def _unpack(archive: Path, folder: Path) -> None:
    """Write the batch files into `folder`, and nothing else: no member says where it goes.

    So none can lead elsewhere; tarfile's filters against that are missing before Python 3.11.4.
    """
    names = {f"{CIFAR10.base_folder}/{name}": name for name, _ in _checksums()}
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            if member.name in names and member.isfile() and (file := tar.extractfile(member)):
                (folder / names.pop(member.name)).write_bytes(file.read())
    if names:
        raise tarfile.ReadError(f"it lacks {', '.join(names.values())}")


def _part(dataset: CIFAR10) -> Part:
    images = np.ascontiguousarray(dataset.data.transpose(0, 3, 1, 2))
    return Part(np.array(dataset.targets, dtype=np.int64), iter([images]))
