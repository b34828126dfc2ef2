"""A folder of images, with one subfolder per class, as a dataset."""

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
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
from search.data.decoding import decode_batches, decode_image
from search.data.image_files import EXTENSIONS
from search.data.splits import holdout
from search.errors import UserError
from search.events import Listener, StepProgress

MAX_SIDE = 512
TEST_SEED = 20_000  # fixed: the test set belongs to the folder, not to a study

_FORMAT = 3  # increase it when files are decoded or split in another way
_SMALL_FILE_BYTES = 4096
_SAMPLE = 9  # images, spread over the folder
_MUCH_LARGER = 2  # times the first image's size
_MAX_LISTED = 5


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
    """The files of a folder, in order; `test` is None if there is no test/.

    If all files are numbered without repetition (`cat/00029.jpg`, `dog/00030.jpg`), they are
    ordered by number, so that a copy of a dataset keeps the original's order. Otherwise they are
    ordered by class, then by name.
    """

    train_dir: Path
    class_names: tuple[str, ...]
    train: tuple[ImageFile, ...]
    test: tuple[ImageFile, ...] | None


@final
class FolderSource(Source):
    """`root/train/<class>/*` and `root/test/<class>/*`, or only `root/<class>/*`.

    Without test/, a stratified `test_fraction` of the images is set aside before anything is
    decoded. Images become RGB, and square with `image_size` or as large as the first training
    image, which may then have at most MAX_SIDE pixels per side.
    """

    accepts = "an existing image folder (PATH/train/<class>/<image> or PATH/<class>/<image>)"
    title = "the image folder"

    @classmethod
    def find(cls, request: DatasetRequest) -> Self | None:
        with suppress(OSError, ValueError):  # not a valid path
            if request.dataset and Path(request.dataset).is_dir():
                return cls(Path(request.dataset), request.image_size, request.test_fraction)
        return None

    def __init__(self, root: Path, image_size: int | None, test_fraction: float) -> None:
        self._root = root.resolve()
        self._image_size = image_size
        self._test_fraction = test_fraction

    @property
    def name(self) -> str:
        """The folder's name, with underscores for characters other than [A-Za-z0-9._-]."""
        return re.sub(r"[^A-Za-z0-9._-]+", "_", self._root.name)[:40] or "folder"

    def fingerprint(self) -> str:
        """Return a hash of the settings and of every file's path, size and modification time."""
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
        return _notices(self._root, self._scan)

    def read(self, listener: Listener) -> Content:
        train, test = self._parts()
        size = self._size([file.path for file in train])
        total, done = len(train) + len(test), 0

        def add(n: int) -> None:
            nonlocal done
            done += n
            listener(StepProgress(f"Decoding {self.name}", done, total))

        return Content(
            class_names=self._scan.class_names,
            image_shape=(3, *size),
            train=Part(_labels(train), _decode(train, size, add)),
            test=Part(_labels(test), _decode(test, size, add)),
        )

    @cached_property
    def _scan(self) -> FolderScan:
        return scan_folder(self._root)

    def _parts(self) -> tuple[Sequence[ImageFile], Sequence[ImageFile]]:
        files, test = self._scan.train, self._scan.test
        if test is not None:
            return files, test
        (split,) = holdout(_labels(files), self._test_fraction, TEST_SEED, setting="test_fraction")
        return [files[i] for i in split.train], [files[i] for i in split.validation]

    def _size(self, paths: Sequence[Path]) -> tuple[int, int]:
        if self._image_size is not None:
            return self._image_size, self._image_size
        height, width = _first_size(paths)
        if max(height, width) > MAX_SIDE:
            raise UserError(
                f"image_size must be given, at most {MAX_SIDE}, for larger images: "
                f"{paths[0]} is {width}x{height}"
            )
        return height, width


def _first_size(paths: Sequence[Path]) -> tuple[int, int]:
    """Return the first image's height and width.

    Raises UserError if most of a sample are much larger: all would be shrunk to it.
    """
    sample = [decode_image(path).shape[1:] for path in paths[:: max(len(paths) // _SAMPLE, 1)]]
    height, width = sample[0]
    usual = [round(median(sizes)) for sizes in zip(*sample, strict=True)]
    if max(usual) >= _MUCH_LARGER * max(height, width):
        raise UserError(
            f"image_size must be given, because all images would be scaled to the first, "
            f"{paths[0]}, which is {width}x{height} while most are about {usual[1]}x{usual[0]}"
        )
    return height, width


def _labels(files: Sequence[ImageFile]) -> np.ndarray:
    return np.array([file.label for file in files], dtype=np.int64)


def _decode(
    files: Sequence[ImageFile], size: tuple[int, int], add: Callable[[int], None]
) -> Iterator[Images]:
    """Yield batches of decoded images, and call `add` with the size of each."""
    paths = [file.path for file in files]
    for images, broken in decode_batches(paths, size, "stretch", _n_threads(files)):
        if broken:
            raise UserError(broken[0].line)
        add(len(images))
        yield images


def _n_threads(files: Sequence[ImageFile]) -> int:
    """Return 1 for small files: decoding them is mostly Python, so threads would only queue.

    Measured with JPEGs on 2 cores: two threads took twice as long at 1 KB a file, as long at
    3 KB, and three quarters of the time at 8 KB.
    """
    mean_bytes = sum(file.size for file in files) / len(files)
    return 1 if mean_bytes < _SMALL_FILE_BYTES else int(joblib.cpu_count())


def scan_folder(root: Path) -> FolderScan:
    """Return the images of `root/train/<class>/*` and, if there is one, `root/test/<class>/*`.

    Without train/ and test/ the classes may be in the root itself: `root/<class>/*`. Hidden files,
    other extensions, files next to the class folders and folders inside them are skipped.

    Raises:
        UserError: train/ is missing, test/ is not a folder, there are fewer than two classes, a
            class is empty or unreadable, or test/ has a class that train/ does not have.
    """
    try:
        train_dir = _train_folder(root)
        names = _class_names(train_dir)
        if len(names) < 2:
            found = f"only {names[0]!r}" if names else "none"
            raise UserError(f"dataset: {train_dir} must hold at least 2 class folders, got {found}")
        has_test = train_dir != root and os.path.lexists(root / "test")
        test = _scan_test(root / "test", names) if has_test else None
        return FolderScan(train_dir, names, _files(train_dir, names, names), test)
    except OSError as error:
        raise UserError(f"dataset: cannot read {error.filename}: {error.strerror}") from error


def _train_folder(root: Path) -> Path:
    """Return the folder of the training classes: train/, or the root if it holds the classes."""
    if (root / "train").is_dir():
        return root / "train"
    folders = [path for path in root.glob("[!.]*") if path.is_dir()]
    if len(folders) < 2 or not all(map(_holds_image, folders)):
        raise UserError(
            f"dataset: {root} has no folder train/ (expected train/<class>/<image>, or only "
            "folders of images, one per class: <class>/<image>)"
        )
    return root


def _holds_image(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return any(map(_is_image, entries))


def _is_image(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry of a class folder counts as an image, judging by its name."""
    hidden = entry.name.startswith(".")
    return not hidden and entry.name.lower().endswith(EXTENSIONS) and not entry.is_dir()


def _scan_test(folder: Path, names: tuple[str, ...]) -> tuple[ImageFile, ...]:
    if not folder.is_dir():
        raise UserError(f"dataset: {folder} is not a folder; put class folders there or remove it")
    found = _class_names(folder)
    unknown = [name for name in found if name not in names]
    if unknown:
        raise UserError(f"dataset: {folder} has classes missing from train/: {', '.join(unknown)}")
    if not found:
        raise UserError(f"dataset: {folder} has no class folders; fill it or remove it")
    return _files(folder, found, names)


def _class_names(folder: Path) -> tuple[str, ...]:
    names = sorted(one.name for one in folder.iterdir() if one.name[0] != "." and one.is_dir())
    for name in names:
        if not name.isprintable():  # this includes names that are not valid UTF-8
            raise UserError(
                f"dataset: class folder {name!r} in {folder} must have a printable name"
            )
    return tuple(names)


def _files(folder: Path, found: tuple[str, ...], names: tuple[str, ...]) -> tuple[ImageFile, ...]:
    files = [file for name in found for file in _class_files(folder / name, names.index(name))]
    stems = [file.path.stem for file in files]
    if not all(stem.isdecimal() and stem.isascii() for stem in stems):
        return tuple(files)
    numbers = [int(stem) for stem in stems]
    if len(set(numbers)) < len(numbers):  # each class has its own numbers
        return tuple(files)
    return tuple(file for _, file in sorted(zip(numbers, files, strict=True), key=itemgetter(0)))


def _class_files(folder: Path, label: int) -> list[ImageFile]:
    with os.scandir(folder) as entries:
        found = [_image_file(entry, label) for entry in entries if _is_image(entry)]
    if not found:
        kinds = ", ".join(EXTENSIONS)
        raise UserError(f"dataset: class folder {folder} is empty; images are {kinds}")
    return sorted(found, key=lambda file: file.path.name)


def _image_file(entry: os.DirEntry[str], label: int) -> ImageFile:
    status = entry.stat()
    if not stat.S_ISREG(status.st_mode):  # a pipe would block the reader
        raise UserError(f"dataset: {entry.path} is not a regular file")
    return ImageFile(Path(entry.path), label, status.st_size, status.st_mtime_ns)


def _notices(root: Path, scan: FolderScan) -> Iterator[str]:
    """Yield what may not be intended: guessed classes, untested classes, and skipped files."""
    folders, layout = [scan.train_dir, root / "test"], "train/<class>/ and test/<class>/"
    if scan.train_dir == root:
        folders, layout = [root], "<class>/"
        classes = _listed(scan.class_names)
        yield f"dataset: {root} has no train/, so its folders are taken for the classes: {classes}"
    tested = None if scan.test is None else {file.label for file in scan.test}
    untested = (
        []
        if tested is None
        else [name for label, name in enumerate(scan.class_names) if label not in tested]
    )
    if untested:
        yield (
            f"dataset: {root / 'test'} has no image of {_listed(untested)}: the test accuracy "
            "leaves these classes out"
        )
    skipped = [name for folder in folders for name in _skipped(root, folder)]
    if skipped:
        yield (
            f"dataset: skipped in {root}, because images must be in {layout} with names like "
            f"1.png: {_listed(skipped)}"
        )


def _skipped(root: Path, part: Path) -> Iterator[str]:
    """Yield the visible files next to class folders, and those in class folders but no images."""
    for path in sorted(part.glob("[!.]*")):
        name = path.relative_to(root)
        if not path.is_dir():
            yield f"{name}"
            continue
        with os.scandir(path) as entries:
            names = [one.name for one in entries if one.name[0] != "." and not _is_image(one)]
        yield from (f"{name}/{one}" for one in sorted(names))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_MAX_LISTED]))  # repr: a name may hold anything
    more = len(names) - _MAX_LISTED
    return f"{shown} and {more} more" if more > 0 else shown
