"""A folder of images, one subfolder per class, as a dataset."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import Self, final

import joblib
import numpy as np

from search.data.dataset import Content, DatasetRequest, Images, Part, Source
from search.data.image_files import EXTENSIONS, decode_batches, decode_image
from search.data.splits import holdout
from search.errors import UserError
from search.events import Listener, StepProgress

MAX_SIDE = 512
TEST_SEED = 20_000  # fixed: the test set belongs to the folder, not to a study

_FORMAT = 2  # raise it when files are decoded or split in another way
_SMALL_FILE_BYTES = 4096
_SAMPLE = 9  # images, spread over the folder
_MUCH = 2  # times as large as the first
_SHOWN = 5


@final
@dataclass(frozen=True)
class ImageFile:
    """A file as the directory shows it; `label` indexes the class names."""

    path: Path
    label: int
    size: int
    mtime_ns: int


@final
@dataclass(frozen=True)
class FolderScan:
    """The files of a folder, in order; `test` is None where there is no test/.

    A part whose files are numbered through all its classes (`cat/00029.jpg`, `dog/00030.jpg`) is
    in the order of these numbers, so that a copy of a dataset keeps the order of the original;
    any other is ordered by class, then by name.
    """

    class_names: tuple[str, ...]
    train: tuple[ImageFile, ...]
    test: tuple[ImageFile, ...] | None


def scan_folder(root: Path) -> FolderScan:
    """Return what `root/train/<class>/*` and, where it is there, `root/test/<class>/*` hold.

    Without train/ and test/ the classes may lie in the root itself: `root/<class>/*`.
    Hidden names, other extensions, files beside the class folders and folders inside them are
    passed over. Raises UserError for a missing train/, a test/ that is no folder, fewer than two
    classes, an empty or unreadable class, and a test class that train/ does not have.
    """
    try:
        return _scan(root)
    except OSError as error:
        raise UserError(f"dataset: cannot read {error.filename}: {error.strerror}") from error


def _scan(root: Path) -> FolderScan:
    train = train_folder(root)
    names = _class_names(train)
    if len(names) < 2:
        found = f"only {names[0]!r}" if names else "none"
        raise UserError(f"dataset: {train} must hold at least 2 class folders, got {found}")
    parted = train != root and os.path.lexists(root / "test")
    test = _scan_test(root / "test", names) if parted else None
    return FolderScan(names, _files(train, names, names), test)


def train_folder(root: Path) -> Path:
    """Return the folder of the training classes: train/, or the root where they lie in it.

    Raises UserError where it is neither, OSError where a folder cannot be read.
    """
    if (root / "train").is_dir():
        return root / "train"
    folders = [path for path in root.glob("[!.]*") if path.is_dir()]
    if len(folders) < 2 or not all(map(_holds_image, folders)):
        raise UserError(
            f"dataset: {root} has no folder train/ (expected train/<class>/<image>, or folders of "
            "images alone, one a class: <class>/<image>)"
        )
    return root


def _holds_image(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return any(map(is_image, entries))


def _scan_test(folder: Path, names: tuple[str, ...]) -> tuple[ImageFile, ...]:
    if not folder.is_dir():
        raise UserError(f"dataset: {folder} is no folder; put class folders there or remove it")
    found = _class_names(folder)
    unknown = [name for name in found if name not in names]
    if unknown:
        raise UserError(f"dataset: {folder} has classes that train/ has not: {', '.join(unknown)}")
    if not found:
        raise UserError(f"dataset: {folder} has no class folders; fill it or remove it")
    return _files(folder, found, names)


def _class_names(folder: Path) -> tuple[str, ...]:
    names = sorted(one.name for one in folder.iterdir() if one.name[0] != "." and one.is_dir())
    for name in names:
        if not name.isprintable():  # also what is not valid UTF-8
            raise UserError(
                f"dataset: class folder {name!r} in {folder} must have a printable name"
            )
    return tuple(names)


def _files(folder: Path, found: tuple[str, ...], names: tuple[str, ...]) -> tuple[ImageFile, ...]:
    files = [file for name in found for file in _class_files(folder / name, names.index(name))]
    return tuple(_in_order(files))


def _in_order(files: list[ImageFile]) -> list[ImageFile]:
    stems = [file.path.stem for file in files]
    if not all(stem.isdecimal() and stem.isascii() for stem in stems):
        return files
    numbers = [int(stem) for stem in stems]
    if len(set(numbers)) < len(numbers):  # each class has numbers of its own
        return files
    return [file for _, file in sorted(zip(numbers, files, strict=True), key=itemgetter(0))]


def _class_files(folder: Path, label: int) -> list[ImageFile]:
    with os.scandir(folder) as entries:
        found = [_image_file(entry, label) for entry in entries if is_image(entry)]
    if not found:
        kinds = ", ".join(EXTENSIONS)
        raise UserError(f"dataset: class folder {folder} is empty; images are {kinds}")
    return sorted(found, key=lambda file: file.path.name)


def is_image(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry of a class folder is taken for an image, by its name alone."""
    hidden = entry.name.startswith(".")
    return not hidden and entry.name.lower().endswith(EXTENSIONS) and not entry.is_dir()


def _image_file(entry: os.DirEntry[str], label: int) -> ImageFile:
    status = entry.stat()
    if not stat.S_ISREG(status.st_mode):  # a pipe would block the reader
        raise UserError(f"dataset: {entry.path} is not a regular file")
    return ImageFile(Path(entry.path), label, status.st_size, status.st_mtime_ns)


def check_first_size(paths: Sequence[Path]) -> tuple[int, int]:
    """Return the first image's height and width.

    Raises UserError where it is much smaller than most of a sample: all would be shrunk to it.
    """
    sample = [decode_image(path).shape[1:] for path in paths[:: max(len(paths) // _SAMPLE, 1)]]
    height, width = sample[0]
    usual = [round(median(sizes)) for sizes in zip(*sample, strict=True)]
    if max(usual) >= _MUCH * max(height, width):
        raise UserError(
            f"image_size must be given, as all images would be scaled to the first, {paths[0]}, "
            f"which is {width}x{height} where most are about {usual[1]}x{usual[0]}"
        )
    return height, width


def folder_notices(root: Path, scan: FolderScan) -> Iterator[str]:
    """Yield one line a doubt: what is taken for classes, which the test leaves out, what is unused.

    Raises OSError where a folder cannot be read.
    """
    train = train_folder(root)
    if train == root:
        classes = _listed(list(scan.class_names))
        yield f"dataset: {root} has no train/, so its folders are taken for the classes: {classes}"
    untested = _untested(scan)
    if untested:
        yield (
            f"dataset: {root / 'test'} has no image of {_listed(untested)}: the test accuracy "
            "leaves these classes out"
        )
    parts, places = [train, root / "test"], "train/<class>/ and test/<class>/"
    if train == root:
        parts, places = [root], "<class>/"
    unused = [name for part in parts for name in _unused(root, part)]
    if unused:
        yield (
            f"dataset: passed over in {root}, as images lie in {places} under names such as "
            f"1.png: {_listed(unused)}"
        )


def _untested(scan: FolderScan) -> list[str]:
    if scan.test is None:
        return []
    tested = {file.label for file in scan.test}
    return [name for label, name in enumerate(scan.class_names) if label not in tested]


def _unused(root: Path, part: Path) -> Iterator[str]:
    """Yield the visible entries beside class folders, and within them those that are no images."""
    for path in sorted(part.glob("[!.]*")):
        name = path.relative_to(root)
        if not path.is_dir():
            yield f"{name}"
            continue
        with os.scandir(path) as entries:
            names = [one.name for one in entries if one.name[0] != "." and not is_image(one)]
        yield from (f"{name}/{one}" for one in sorted(names))


def _listed(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:_SHOWN]))  # repr: a name may hold anything
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


@final
class FolderSource(Source):
    """`root/train/<class>/*` and `root/test/<class>/*`, or `root/<class>/*` alone.

    Without test/, a stratified `test_fraction` of the images is set aside before anything is
    decoded. Images become RGB, `image_size` square or as large as the first training image,
    which then may have at most MAX_SIDE pixels a side.
    """

    accepts = "an existing image folder (PATH/train/<class>/<image> or PATH/<class>/<image>)"
    title = "the image folder"

    @classmethod
    def find(cls, request: DatasetRequest) -> Self | None:
        """Return the source if the request names a folder."""
        with suppress(OSError, ValueError):  # a path that cannot even be looked at
            if request.dataset and Path(request.dataset).is_dir():
                return cls(Path(request.dataset), request.image_size, request.test_fraction)
        return None

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

    def read(self, listener: Listener) -> Content:
        """Return the content; both parts report their progress as one."""
        train, test = self._parts()
        size = self._size([file.path for file in train])
        progress = _Progress(listener, f"Decoding {self.name}", len(train) + len(test))
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

    def __init__(self, listener: Listener, description: str, total: int) -> None:
        self._listener, self._description, self._total = listener, description, total
        self._done = 0

    def add(self, n: int) -> None:
        self._done += n
        self._listener(StepProgress(self._description, self._done, self._total))


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
