"""An image folder as a dataset."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import final

import joblib
import numpy as np

from search.data.decoding import decode_batches
from search.data.folder_notices import folder_notices
from search.data.folder_scan import FolderScan, ImageFile, scan_folder
from search.data.folder_sizes import check_first_size
from search.data.observer import DataObserver
from search.data.source import Content, Images, Part, Source
from search.data.splits import holdout
from search.errors import UserError

MAX_SIDE = 512
TEST_SEED = 20_000  # fixed: the test part belongs to the folder, not to a study

_FORMAT = 2  # raise it when files are decoded or split in another way
_SMALL_FILE_BYTES = 4096


@final
class FolderSource(Source):
    """`root/train/<class>/*` and `root/test/<class>/*`, or `root/<class>/*` alone.

    Without test/, a stratified `test_fraction` of the images is set aside before anything is
    decoded. Images become RGB, `image_size` square or as large as the first training image,
    which then may have at most MAX_SIDE pixels a side.
    """

    def __init__(self, root: Path, image_size: int | None, test_fraction: float) -> None:
        self._root = root.resolve()
        self._image_size = image_size
        self._test_fraction = test_fraction

    @property
    def name(self) -> str:
        """Return the folder's name, other characters than [A-Za-z0-9._-] as underscores."""
        return re.sub(r"[^A-Za-z0-9._-]+", "_", self._root.name)[:40] or "folder"

    def fingerprint(self) -> str:
        """Return a hash of the settings and of every file's path, size and time of change."""
        scan = self._scan
        fraction = self._test_fraction if scan.test is None else None
        digest = hashlib.sha256()
        for fact in (_FORMAT, self._root, self._image_size, fraction, TEST_SEED):
            digest.update(f"{fact}\n".encode(errors="surrogateescape"))
        for file in scan.train + (scan.test or ()):
            line = f"{file.size} {file.mtime_ns} {file.path}\n"
            digest.update(line.encode(errors="surrogateescape"))
        return digest.hexdigest()

    def notices(self) -> Iterator[str]:
        """Yield what the user may have meant otherwise, a line each; raises as `fingerprint`."""
        return folder_notices(self._root, self._scan)

    def read(self, observer: DataObserver) -> Content:
        """Return the content; both parts report their progress as one."""
        train, test = self._parts()
        size = self._size([file.path for file in train])
        progress = _Progress(observer, f"Decoding {self.name}", len(train) + len(test))
        return Content(
            class_names=self._scan.class_names,
            image_shape=(3, *size),
            train=_part(train, size, progress),
            test=_part(test, size, progress),
        )

    @cached_property
    def _scan(self) -> FolderScan:
        return scan_folder(self._root)

    def _parts(self) -> tuple[Sequence[ImageFile], Sequence[ImageFile]]:
        files, test = self._scan.train, self._scan.test
        if test is not None:
            return files, test
        labels = np.array([file.label for file in files], dtype=np.int64)
        (split,) = holdout(labels, self._test_fraction, TEST_SEED, setting="test_fraction")
        return [files[i] for i in split.train], [files[i] for i in split.validation]

    def _size(self, paths: Sequence[Path]) -> tuple[int, int]:
        if self._image_size is not None:
            return self._image_size, self._image_size
        height, width = check_first_size(paths)
        if max(height, width) > MAX_SIDE:
            raise UserError(
                f"image_size must be given, at most {MAX_SIDE}, where images are larger: "
                f"{paths[0]} is {width}x{height}"
            )
        return height, width


@final
class _Progress:
    """Counts the images of several parts towards one total."""

    def __init__(self, observer: DataObserver, description: str, total: int) -> None:
        self._observer, self._description, self._total = observer, description, total
        self._done = 0

    def add(self, n: int) -> None:
        self._done += n
        self._observer.progress(self._description, self._done, self._total)


def _n_threads(files: Sequence[ImageFile]) -> int:
    """Return 1 for small files: they are mostly Python, and threads would only queue for it.

    Measured with JPEGs on 2 cores: two threads took twice as long at 1 KB a file, as long at
    3 KB, and three quarters of the time at 8 KB.
    """
    mean_bytes = sum(file.size for file in files) / len(files)
    return 1 if mean_bytes < _SMALL_FILE_BYTES else int(joblib.cpu_count())


def _part(files: Sequence[ImageFile], size: tuple[int, int], progress: _Progress) -> Part:
    labels = np.array([file.label for file in files], dtype=np.int64)
    return Part(labels, _decoded(files, size, progress))


def _decoded(
    files: Sequence[ImageFile], size: tuple[int, int], progress: _Progress
) -> Iterator[Images]:
    for batch in decode_batches([file.path for file in files], size, _n_threads(files)):
        progress.add(len(batch))
        yield batch
