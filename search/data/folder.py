"""A folder of images, with one subfolder per class, as a dataset."""

import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Self, final

from search.data.dataset import DatasetRequest
from search.data.file_source import FileList, FileSource, ImageFile, shown_path
from search.data.image_files import EXTENSIONS, is_image, is_junk
from search.errors import UserError
from search.text import listed_names, plural

# What folders may be called, in any capitals, and what they are for.
PARTS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
_ALSO_CLASSES = ("training", "testing")  # what a class may be called, too

_Classes = Mapping[str, Sequence[Path]]  # the folders of each class


@final
class FolderSource(FileSource):
    """`root/train/<class>/**` and `root/test/<class>/**`, or only `root/<class>/**`.

    Images in root/val join those in root/train; `PARTS` has other names of these folders.
    """

    accepts = "an existing image folder (PATH/train/<class>/<image> or PATH/<class>/<image>)"
    title = "the image folder"

    @classmethod
    def find(cls, request: DatasetRequest) -> Self | None:
        with suppress(OSError, ValueError):  # not a valid path
            if request.dataset and Path(request.dataset).is_dir():
                return cls(Path(request.dataset), request)
        return None

    def list_files(self) -> FileList:
        return list_folder(self._root)


def list_folder(root: Path) -> FileList:
    """Return the images anywhere in `root/train/<class>` and, if there is one, `root/test/<class>`.

    Without train/ and test/ the classes may be in the root itself. Hidden files, what file systems
    and archives leave behind, and files of other kinds are skipped.

    If all files are numbered without repetition (`cat/00029.jpg`, `dog/00030.jpg`), they are
    ordered by number, so that a copy of a dataset keeps the original's order. Otherwise they are
    ordered by class, then by name.

    Raises:
        UserError: train/ is missing, test/ is not a folder, there are fewer than two classes, a
            class is empty or unreadable, or test/ has a class that train/ does not have.
    """
    try:
        return _list(root, find_parts(root))
    except OSError as error:
        raise UserError(f"dataset: cannot read {error.filename}: {error.strerror}") from error


@final
@dataclass(frozen=True)
class FolderParts:
    """Where the images of a dataset's folder are; `unused` are its other folders."""

    train: tuple[Path, ...]
    test: Path | None
    unused: tuple[Path, ...] = ()


def find_parts(root: Path) -> FolderParts:
    """Return the folders of training and test images; raises OSError and UserError."""
    found: dict[str, list[Path]] = {"train": [], "val": [], "test": []}
    visible = [path for path in sorted(root.iterdir()) if not is_junk(path.name)]
    named = _named_parts(visible)
    for path, part in named.items():
        found[part].append(path)
    unused = [path for path in visible if path not in named and path.is_dir()]
    if not found["train"]:
        _check_classes(root, [path for path in visible if path.is_dir()])
        return FolderParts((root,), None)
    for part, paths in found.items():
        if len(paths) > 1:
            names = listed_names([path.name for path in paths])
            raise UserError(f"dataset: {root} has several {part} folders, {names}: keep one")
    return FolderParts(
        (*found["train"], *found["val"]), next(iter(found["test"]), None), (*unused,)
    )


def _named_parts(visible: Sequence[Path]) -> dict[Path, str]:
    """Return which part of a dataset each path is by its name, of those that are one.

    `training` and `testing` are no parts if they seem to be classes: `training` has images
    directly in it, or another class beside it; and not next to `train` without classes in them.
    """
    named = {
        path: PARTS[path.name.lower()]
        for path in visible
        if path.name.lower() in PARTS and (path.is_dir() or path.name.lower() == "test")
    }
    unsure = [path for path in named if path.name.lower() in _ALSO_CLASSES]
    if any(part == "train" and path not in unsure for path, part in named.items()):
        classes = [path for path in unsure if not _holds_classes(path)]
    else:
        others = [path for path in visible if path not in named and path.is_dir()]
        train = [path for path in unsure if named[path] == "train"]
        parted = len(named) > 1 or not any(map(_is_class, others))
        classes = [] if parted and all(map(_holds_classes, train)) else unsure
    return {path: part for path, part in named.items() if path not in classes}


def _check_classes(root: Path, folders: Sequence[Path]) -> None:
    """Raise UserError unless all folders hold images, as classes do."""
    if len(folders) == 1 and _is_class(folders[0]):
        raise UserError(
            f"dataset: {root} has images of one class only, {folders[0].name!r}; accepted: a "
            "folder of images for each of at least 2 classes"
        )
    others = [folder for folder in folders if not _is_class(folder)]
    flat = [one for one in others if not any(path.is_dir() for path in one.iterdir())]
    if flat and flat == others and len(flat) <= len(folders) // 2:
        raise UserError(
            f"dataset: {root} has folders of images, but there is no image in "
            f"{listed_names([one.name for one in flat])}; accepted: images in each, or train/ with "
            "the classes in it"
        )
    if len(folders) < 2 or others:
        raise UserError(
            f"dataset: {root} has no folder train/ (expected train/<class>/<image>, or only "
            f"folders of images, one per class: <class>/<image>){_instead(root)}"
        )


def _instead(root: Path) -> str:
    """Return what a folder without classes has, where that tells what to do."""
    files = list(_files_in(root))
    own = sum(is_image(file.name) for file in files if file.parent == root)
    if own:
        have = f"{plural(own, 'image')} directly in it"
        return f"; it has {have}: put those of each class into a folder"
    if any(is_image(file.name) for file in files):
        return ""
    kinds = ", ".join(EXTENSIONS)
    return f"; no file in it has the ending of an image ({kinds})" if files else "; it is empty"


def _is_class(folder: Path) -> bool:
    """Return whether a folder holds images; one called like a part, images of its own."""
    name = folder.name.lower()
    return _has_images(folder, directly=name in PARTS and name not in _ALSO_CLASSES)


def _holds_classes(part: Path) -> bool:
    """Return whether a folder has images in other folders, and none beside these."""
    return _has_images(part) and not _has_images(part, directly=True)


def _has_images(folder: Path, *, directly: bool = False) -> bool:
    files = _files_in(folder)
    return any(is_image(file.name) for file in files if not directly or file.parent == folder)


def _list(root: Path, parts: FolderParts) -> FileList:
    classes = _merged([_class_folders(part) for part in parts.train])
    names = tuple(sorted(classes))
    if len(names) < 2:
        found = f"only {names[0]!r}" if names else "none"
        raise UserError(
            f"dataset: {parts.train[0]} must hold at least 2 class folders, got {found}"
        )
    skipped: list[Path] = []
    train = _labelled(classes, names, skipped, parts.train[1:])
    counts = {file.label for file in train}
    for label, name in enumerate(names):
        if label not in counts:
            kinds = ", ".join(EXTENSIONS)
            raise UserError(
                f"dataset: class folder {classes[name][0]} is empty; images are {kinds}"
            )
    test = None if parts.test is None else _test_files(parts.test, names, skipped)
    skipped = sorted({*skipped, *(path for part in parts.train for path in _beside(part))})
    skipped += [] if parts.test is None else _beside(parts.test)
    notices = _notices(root, parts, names, test, [str(shown_path(one, root)) for one in skipped])
    return FileList(names, train, test, tuple(notices))


def _test_files(folder: Path, names: tuple[str, ...], skipped: list[Path]) -> tuple[ImageFile, ...]:
    if not folder.is_dir():
        raise UserError(f"dataset: {folder} is not a folder; put class folders there or remove it")
    classes = _class_folders(folder)
    unknown = [name for name in classes if name not in names]
    if unknown:
        raise UserError(f"dataset: {folder} has classes missing from train/: {', '.join(unknown)}")
    files = _labelled(classes, names, skipped)
    if not files:
        raise UserError(f"dataset: {folder} has no class folders with images; fill it or remove it")
    return files


def _class_folders(part: Path) -> _Classes:
    """Return the folders of each class; names are in Unicode's composed form (NFC)."""
    classes: dict[str, list[Path]] = {}
    for folder in sorted(part.iterdir()):
        if is_junk(folder.name) or not folder.is_dir():
            continue
        name = unicodedata.normalize("NFC", folder.name)
        if not name.isprintable():  # this includes names that are not valid UTF-8
            raise UserError(f"dataset: class folder {name!r} in {part} must have a printable name")
        classes.setdefault(name, []).append(folder)
    return classes


def _merged(parts: Sequence[_Classes]) -> _Classes:
    names = {name for classes in parts for name in classes}
    return {name: [one for classes in parts for one in classes.get(name, ())] for name in names}


def _labelled(
    classes: _Classes,
    names: tuple[str, ...],
    skipped: list[Path],
    validation: Sequence[Path] = (),
) -> tuple[ImageFile, ...]:
    """Return the images of the classes, in order; adds other files to `skipped`.

    Those whose class folder is in one of `validation` were set aside for it.
    """
    files = []
    for label, folder in (
        (names.index(name), one) for name in sorted(classes) for one in classes[name]
    ):
        given = folder.parent in validation
        for path in _files_in(folder):
            if is_image(path.name):
                files.append(ImageFile.of(path, label, validation=given))
            else:
                skipped.append(path)
    return _in_order(files)


def _in_order(files: list[ImageFile]) -> tuple[ImageFile, ...]:
    stems = [file.path.stem for file in files]
    if not all(stem.isdecimal() and stem.isascii() for stem in stems):
        return tuple(files)
    numbers = [int(stem) for stem in stems]
    if len(set(numbers)) < len(numbers):  # each class has its own numbers
        return tuple(files)
    return tuple(file for _, file in sorted(zip(numbers, files, strict=True), key=itemgetter(0)))


def _files_in(folder: Path) -> Iterator[Path]:
    """Yield the visible files anywhere in a folder, by name; links that lead upwards end there."""
    above = {*folder.parents, *folder.resolve().parents}
    return _walk(folder, {_identity(path) for path in above})


def _walk(folder: Path, entered: set[tuple[int, int]]) -> Iterator[Path]:
    if _identity(folder) in entered:
        return
    entered.add(_identity(folder))
    with os.scandir(folder) as entries:
        visible = sorted((one for one in entries if not is_junk(one.name)), key=lambda e: e.name)
    for entry in visible:
        if entry.is_dir():
            yield from _walk(folder / entry.name, entered)
        else:
            yield folder / entry.name


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _beside(part: Path) -> list[Path]:
    """Return the visible files next to class folders."""
    return [one for one in sorted(part.iterdir()) if not is_junk(one.name) and not one.is_dir()]


def _notices(
    root: Path,
    parts: FolderParts,
    names: tuple[str, ...],
    test: tuple[ImageFile, ...] | None,
    skipped: Sequence[str],
) -> Iterator[str]:
    """Yield what may not be intended: guessed folders, untested classes, unused files."""
    layout = "train/<class>/ and test/<class>/"
    if parts.train == (root,):
        layout = "<class>/"
        yield (
            f"dataset: {root} has no train/, so its folders are taken for the classes: "
            f"{listed_names(names)}"
        )
    else:
        yield from _part_notices(root, parts)
    tested = names if test is None else {names[file.label] for file in test}
    untested = [name for name in names if name not in tested]
    if untested:
        yield (
            f"dataset: {parts.test} has no image of {listed_names(untested)}: the test accuracy "
            "leaves these classes out"
        )
    if skipped:
        yield (
            f"dataset: skipped in {root}, as they are no images, or not in {layout}: "
            f"{listed_names(skipped)}"
        )


def _part_notices(root: Path, parts: FolderParts) -> Iterator[str]:
    train, *val = (path.name for path in parts.train)
    test = [] if parts.test is None else [parts.test.name]
    if val:
        yield (
            f"dataset: the images in {val[0]!r} join those in {train!r}, because a study makes its "
            "own validation split (validation 'given' uses them as they are)"
        )
    unusual = [name for name in (train, *test) if name not in PARTS]
    if unusual:
        tested = f", {test[0]!r} for testing" if test else ""
        yield f"dataset: in {root}, {train!r} is used for training{tested}"
    if parts.unused:
        unused = listed_names([path.name for path in parts.unused])
        yield f"dataset: folders in {root} that are not used: {unused}"
