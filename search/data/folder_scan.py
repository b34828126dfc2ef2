"""Which images an image folder holds; opens none of them."""

import os
import stat
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import final

from search.data.decoding import EXTENSIONS
from search.errors import UserError



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
