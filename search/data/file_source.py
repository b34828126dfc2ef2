"""Datasets of image files: their size, their test set, how they are decoded, what is broken."""

import hashlib
import re
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import final

import joblib
import numpy as np

from search.data.dataset import Content, DatasetRequest, Images, Labels, Origins, Part, Source
from search.data.decoding import BrokenImage, decode_batches, upright_size
from search.data.group_splits import groups_of_paths, set_aside, shared_groups
from search.errors import UserError
from search.events import Listener, StepProgress
from search.text import listed_names

DEFAULT_SIDE = 64
MAX_SIDE = 512
TEST_SEED = 20_000  # fixed: the test set belongs to the files, not to a study

_FORMAT = 6  # increase it when files are decoded or split in another way
_SMALL_FILE_BYTES = 4096
_SAMPLE = 9  # images, spread over the files
_MUCH_LARGER = 2  # times the first image's size, or the other way round
_CHECK_SIDE = 16  # pixels; files are only checked
_MAX_BROKEN_LISTED = 20


@final
@dataclass(frozen=True)
class ImageFile:
    """A file as its folder shows it; `label` indexes the class names.

    `validation` says whether it was set aside for validation, `group` what it shows.
    """

    path: Path
    label: int
    size: int
    mtime_ns: int
    validation: bool = False
    group: str = ""

    @classmethod
    def of(cls, path: Path, label: int, *, validation: bool = False) -> "ImageFile":
        """Return the file at a path; raises OSError.

        A link that leads nowhere and what is no file, such as a pipe, are broken files, and told
        with the others when they are decoded.
        """
        try:
            status = path.stat()
        except FileNotFoundError:
            if not path.is_symlink():
                raise
            return cls(path, label, 0, 0, validation)
        return cls(path, label, status.st_size, status.st_mtime_ns, validation)


@final
@dataclass(frozen=True)
class FileList:
    """The files of a dataset, in order.

    Attributes:
        class_names: The classes; labels index them.
        train: The files to train and validate on.
        test: The test set; None if it is still to be set aside.
        notices: One line for everything that the user may not have intended.
    """

    class_names: tuple[str, ...]
    train: tuple[ImageFile, ...]
    test: tuple[ImageFile, ...] | None
    notices: tuple[str, ...] = ()

    def without(self, broken: set[Path]) -> "FileList":
        """Return the list without some files; raises UserError if it takes all of a class."""
        train = tuple(file for file in self.train if file.path not in broken)
        test = self.test and tuple(file for file in self.test if file.path not in broken)
        kept = {file.label for file in train}
        lost = [name for label, name in enumerate(self.class_names) if label not in kept]
        if lost:
            raise UserError(f"dataset: no image of {listed_names(lost)} can be decoded")
        return replace(self, train=train, test=test)


class FileSource(Source):
    """Image files; a subclass says which there are, and of which class.

    Without a test set, a stratified `test_fraction` of the images is set aside before anything is
    decoded. Images become square with `image_size`, or as large as the first training image; if
    most are larger than 64 pixels (with `resize` "stretch": 512), they become 64 pixels square.
    """

    grouped = True

    def __init__(self, root: Path, request: DatasetRequest) -> None:
        self._root = root.resolve()
        self._request = request

    @abstractmethod
    def list_files(self) -> FileList:
        """Return the files; raises UserError if they are not a dataset."""

    def groups_of(self, files: Sequence[ImageFile], groups: str) -> tuple[str, ...]:
        """Return the group of each file; raises UserError if one has none."""
        return groups_of_paths([self._shown(file.path).as_posix() for file in files], groups)

    @property
    def name(self) -> str:
        return dataset_name(self._root.name)

    def fingerprint(self) -> str:
        """Return a hash of the settings and of each file's label, path, size and time of change.

        Of files set aside for validation that is hashed, too.
        """
        files, request = self._files, self._request
        fraction = request.test_fraction if files.test is None else None
        digest = hashlib.sha256()
        settings = (request.image_size, request.resize, request.skip_broken, fraction)
        grouped = () if request.groups is None else (request.groups,)
        for fact in (_FORMAT, self._root, *settings, TEST_SEED, files.class_names, *grouped):
            digest.update(f"{fact}\n".encode(errors="surrogateescape"))
        for part in (files.train, files.test or ()):
            digest.update(f"{len(part)} files\n".encode())
            for file in part:
                line = f"{file.label} {file.size} {file.mtime_ns} {file.path} {file.group}"
                line += " validation\n" if file.validation else "\n"
                digest.update(line.encode(errors="surrogateescape"))
        return digest.hexdigest()

    def notices(self) -> Iterator[str]:
        files = self._files
        yield from files.notices
        train, test = self._origins(files.train), self._origins(files.test or ())
        yield from shared_groups(train.groups, test.groups)

    def watched_files(self) -> Sequence[Path]:
        files = self._files
        return [file.path for file in (*files.train, *(files.test or ()))]

    def read(self, listener: Listener) -> Content:
        files, found, n_left_out = self._files, list[str](), 0
        if self._request.skip_broken:
            broken = self._check(listener)
            files = files.without({one.path for one in broken})
            n_left_out = len(broken)
            if broken:
                found.append(self._told(broken, "are left out, as they cannot be decoded"))
        train, test = self._parts(files)
        size = self._size([file.path for file in train], found)
        progress = _Progress(listener, f"Decoding {self.name}", len(train) + len(test))
        broken = []
        return Content(
            class_names=files.class_names,
            image_shape=(3, *size),
            train=Part(
                _labels(train),
                self._train(train, test, size, progress, broken),
                self._origins(train),
            ),
            test=Part(_labels(test), self._test(test, size, progress, broken), self._origins(test)),
            found=found,
            n_left_out=n_left_out,
        )

    @cached_property
    def _files(self) -> FileList:
        files, groups = self.list_files(), self._request.groups
        if groups is None:
            return files
        every = (*files.train, *(files.test or ()))
        found = self.groups_of(every, groups)
        of_group = [replace(file, group=group) for file, group in zip(every, found, strict=True)]
        train, test = tuple(of_group[: len(files.train)]), tuple(of_group[len(files.train) :])
        return replace(files, train=train, test=None if files.test is None else test)

    def _parts(self, files: FileList) -> tuple[Sequence[ImageFile], Sequence[ImageFile]]:
        if files.test is not None:
            return files.train, files.test
        groups = self._origins(files.train).groups
        (split,) = set_aside(
            _labels(files.train), groups, self._request.test_fraction, TEST_SEED, files.class_names
        )
        return [files.train[i] for i in split.train], [files.train[i] for i in split.validation]

    def _size(self, paths: Sequence[Path], found: list[str]) -> tuple[int, int]:
        """Return the height and width that images get; may add a line to `found`."""
        if self._request.image_size is not None:
            return self._request.image_size, self._request.image_size
        sample = list(filter(None, map(upright_size, paths[:: max(len(paths) // _SAMPLE, 1)])))
        if not sample:  # decoding will tell what is wrong
            return DEFAULT_SIDE, DEFAULT_SIDE
        height, width = sample[0]
        usual = [round(median(sizes)) for sizes in zip(*sample, strict=True)]
        words = f"about {usual[1]}x{usual[0]} pixels"
        if max(usual) > (MAX_SIDE if self._request.resize == "stretch" else DEFAULT_SIDE):
            found.append(
                f"dataset: most images are {words}; they are scaled to {DEFAULT_SIDE}x"
                f"{DEFAULT_SIDE} (image_size chooses another size, resize how they are fitted)"
            )
            return DEFAULT_SIDE, DEFAULT_SIDE
        sides = sorted((max(height, width), max(usual)))
        if sides[1] >= _MUCH_LARGER * sides[0] or max(height, width) > MAX_SIDE:
            raise UserError(
                f"image_size must be given, because all images would be scaled to the first, "
                f"{paths[0]}, which is {width}x{height} while most are {words}"
            )
        return height, width

    def _origins(self, files: Sequence[ImageFile]) -> Origins:
        return Origins(
            names=tuple(self._shown(file.path).as_posix() for file in files),
            groups=() if self._request.groups is None else tuple(file.group for file in files),
            validation=tuple(index for index, file in enumerate(files) if file.validation),
        )

    def _shown(self, path: Path) -> Path:
        """Return a file's path relative to the dataset's folder if it is inside."""
        return shown_path(path, self._root if self._root.is_dir() else self._root.parent)

    def _check(self, listener: Listener) -> list[BrokenImage]:
        """Return the files that cannot be decoded."""
        files = [*self._files.train, *(self._files.test or ())]
        progress = _Progress(listener, f"Checking {self.name}", len(files))
        broken: list[BrokenImage] = []
        for _ in self._decode(files, (_CHECK_SIDE, _CHECK_SIDE), progress, broken):
            pass
        return broken

    def _train(
        self,
        train: Sequence[ImageFile],
        test: Sequence[ImageFile],
        size: tuple[int, int],
        progress: "_Progress",
        broken: list[BrokenImage],
    ) -> Iterator[Images]:
        """Yield the training images; if any is broken, look for all others before raising."""
        yield from self._decode(train, size, progress, broken)
        if broken:
            yield from self._test(test, size, progress, broken)

    def _test(
        self,
        test: Sequence[ImageFile],
        size: tuple[int, int],
        progress: "_Progress",
        broken: list[BrokenImage],
    ) -> Iterator[Images]:
        yield from self._decode(test, size, progress, broken)
        if broken:
            raise UserError(
                f"{self._told(broken, 'cannot be decoded')}; replace or remove them, or set "
                "skip_broken to leave them out"
            )

    def _decode(
        self,
        files: Sequence[ImageFile],
        size: tuple[int, int],
        progress: "_Progress",
        broken: list[BrokenImage],
    ) -> Iterator[Images]:
        """Yield batches of whole images, and add the broken ones to `broken`."""
        paths = [file.path for file in files]
        for images, failed in decode_batches(paths, size, self._request.resize, _threads(files)):
            progress.add(len(images) + len(failed))
            broken += failed
            yield images

    def _told(self, broken: Sequence[BrokenImage], words: str) -> str:
        """Return how many files are broken, which, and why."""
        total = len(self._files.train) + len(self._files.test or ())
        listed = broken[:_MAX_BROKEN_LISTED]
        of_reason: dict[str, list[str]] = {}
        for one in listed:
            of_reason.setdefault(one.reason, []).append(repr(str(self._shown(one.path))))
        groups = [f"{', '.join(files)} ({reason})" for reason, files in of_reason.items()]
        more = len(broken) - len(listed)
        names = ", ".join(groups) + (f" and {more} more" if more else "")
        return f"dataset: {len(broken):,} of {total:,} images {words}: {names}"


@final
@dataclass
class _Progress:
    """Reports how many images are done."""

    listener: Listener
    step: str
    total: int
    done: int = field(default=0, init=False)

    def add(self, n: int) -> None:
        self.done += n
        self.listener(StepProgress(self.step, self.done, self.total))


def dataset_name(text: str) -> str:
    """Return a folder's or file's name with underscores instead of unusual characters."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text)[:40] or "folder"


def shown_path(path: Path, root: Path) -> Path:
    """Return a path relative to a folder if it is inside."""
    return path.relative_to(root) if path.is_relative_to(root) else path


def _labels(files: Sequence[ImageFile]) -> Labels:
    return np.array([file.label for file in files], dtype=np.int64)


def _threads(files: Sequence[ImageFile]) -> int:
    """Return 1 for small files: decoding them is mostly Python, so threads would only queue.

    Measured with JPEGs on 2 cores: two threads took twice as long at 1 KB a file, as long at
    3 KB, and three quarters of the time at 8 KB.
    """
    mean_bytes = sum(file.size for file in files) / max(len(files), 1)
    return 1 if mean_bytes < _SMALL_FILE_BYTES else int(joblib.cpu_count())
