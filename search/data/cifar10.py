"""CIFAR-10: downloaded, and recognized by its content.

The md5 of every file is checked before anything is unpickled. torchvision is imported only where
files are obtained or read, because it takes seconds.
"""

import hashlib
import queue
import shutil
import tarfile
import threading
import urllib.request
import warnings
import zlib
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any, Self, final

import numpy as np
from filelock import FileLock

from search.data.cache import CachePaths
from search.data.dataset import Content, DatasetInfo, DatasetRequest, Part, Source
from search.errors import MachineError, UserError
from search.events import Listener, StepProgress
from search.files import atomic_write

IMAGE_SIZE = 32
_PATIENCE_SECONDS = 30.0
_STALL_SECONDS = 30.0
_CHUNK_BYTES = 1 << 18
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


@final
class Cifar10Source(Source):
    """CIFAR-10 in `data_dir`, as torchvision lays it out; downloaded when absent."""

    keyword = "cifar10"
    accepts = "cifar10"
    title = "CIFAR-10"
    own_size = IMAGE_SIZE
    automatic = True

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._published = _published()
        self._batches = data_dir / self._published.base_folder
        self._archive = data_dir / self._published.filename

    @classmethod
    def find(cls, request: DatasetRequest) -> Self | None:
        return cls(request.data_dir) if request.dataset == cls.keyword else None

    @property
    def name(self) -> str:
        return "cifar10"

    def fingerprint(self) -> str:
        """Return a hash of the md5s that the files must have: no other content is accepted."""
        return hashlib.sha256(f"cifar10 1 {list(self._checksums())}".encode()).hexdigest()

    def obtain(self, listener: Listener, patience: float = _PATIENCE_SECONDS) -> None:
        if self._has_batches():
            return
        self._data_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(self._data_dir / ".cifar10.lock"):
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
        try:
            download(
                self._published.url,
                self._archive,
                self._published.tgz_md5,
                patience=patience,
                progress=lambda done, n: listener(StepProgress("Downloading CIFAR-10", done, n)),
            )
        except MachineError as error:
            raise MachineError(
                f"dataset cifar10: {error}; nothing half-written was kept; put "
                f"{self._archive.name} into {self._data_dir} and run again, or use another dataset"
            ) from error

    def _check(self, path: Path, md5: str) -> None:
        if _md5(path) != md5:
            raise UserError(
                f"dataset cifar10: {path} is corrupt (its md5 is not {md5}); "
                "delete it and run again to have it replaced"
            )

    def _extract(self) -> None:
        """Unpack elsewhere, then move file by file, so that no batch file is ever incomplete."""
        partial = self._data_dir / ".cifar10.partial"
        shutil.rmtree(partial, ignore_errors=True)  # what a killed run left
        try:
            partial.mkdir()
            self._unpack(partial)
            self._batches.mkdir(exist_ok=True)
            for path in partial.iterdir():
                path.replace(self._batches / path.name)
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise MachineError(
                f"dataset cifar10: cannot unpack {self._archive}: {error}"
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


def _published() -> Any:
    """Return torchvision's class, which knows the published files and their checksums."""
    from torchvision.datasets import CIFAR10  # noqa: PLC0415 - takes seconds

    return CIFAR10


def _part(dataset: Any) -> Part:
    images = np.ascontiguousarray(dataset.data.transpose(0, 3, 1, 2))
    return Part(np.array(dataset.targets, dtype=np.int64), iter([images]))


def _md5(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def download(
    url: str, path: Path, md5: str, *, patience: float, progress: Callable[[int, int], None]
) -> None:
    """Download `url` to `path`, atomically and only if its md5 is right.

    Args:
        url: The file.
        path: Where it is written.
        md5: Its checksum.
        patience: Seconds that the server may take to answer.
        progress: Gets the number of bytes so far and in total.

    Raises:
        MachineError: The download failed; nothing half-written is kept.
    """
    try:
        with _open_within(url, patience) as answer, atomic_write(path) as file:
            found = _copy(answer, file, progress)
            if found != md5:
                raise OSError(f"the file is incomplete or changed (md5 {found}, expected {md5})")
    except (OSError, HTTPException) as error:
        raise MachineError(f"download of {url} failed: {_reason(error)}") from error


def _open_within(url: str, seconds: float) -> Any:
    """Open `url`; the time limit includes name resolution, which sockets do not limit."""
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        request = urllib.request.Request(url, headers={"User-Agent": "cifar-search"})  # noqa: S310
        try:
            answers.put(urllib.request.urlopen(request, timeout=_STALL_SECONDS))  # noqa: S310
        except (OSError, HTTPException) as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _copy(answer: Any, file: IO[bytes], progress: Callable[[int, int], None]) -> str:
    """Copy the answer's body and return its md5 in hex."""
    digest, done = hashlib.md5(usedforsecurity=False), 0
    total = int(answer.headers.get("Content-Length") or 0)
    while chunk := answer.read(_CHUNK_BYTES):
        file.write(chunk)
        digest.update(chunk)
        done += len(chunk)
        progress(done, max(done, total))
    return digest.hexdigest()


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", error)  # of a URLError
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return " ".join(text.split())
