"""The images that files and folders named by a user stand for; opens none of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from search.data.decoding import EXTENSIONS
from search.errors import UserError


@final
@dataclass(frozen=True)
class FoundImage:
    """An image file; `folders` are those that lead to it from the folder that was named."""

    path: Path
    folders: tuple[str, ...] = ()


@final
@dataclass(frozen=True)
class FoundImages:
    """What was found, in order, and a line for each folder that cannot be read."""

    images: tuple[FoundImage, ...]
    failures: tuple[str, ...]


def find_images(paths: Iterable[Path]) -> FoundImages:
    """Return the files as they are named and, for each folder, the images anywhere inside.

    These are ordered by name and known by their suffix; hidden names are passed over, and a folder
    that links lead to again is entered once. Raises UserError for a folder without an image.
    """
    images: list[FoundImage] = []
    failures: list[str] = []
    for path in paths:
        unreadable = len(failures)
        found = [_within(path, one) for one in _walk(path, failures)]
        if not found and len(failures) == unreadable:
            kinds = ", ".join(EXTENSIONS)
            raise UserError(f"images: folder {str(path)!r} holds none; images are {kinds}")
        images += found
    return FoundImages(tuple(images), tuple(failures))


def _within(root: Path, image: Path) -> FoundImage:
    return FoundImage(image, image.relative_to(root).parts[:-1])


def _walk(root: Path, failures: list[str]) -> Iterator[Path]:
    waiting, entered = [root], set[tuple[int, int]]()
    while waiting:
        path = waiting.pop()
        try:
            folder = path.is_dir()
            waiting += _inside(path, entered) if folder else ()
        except OSError as error:
            failures.append(f"{path} cannot be read: {error.strerror or error}")
            continue
        if not folder:
            yield path


def _inside(folder: Path, entered: set[tuple[int, int]]) -> list[Path]:
    """Return its images and folders, the last name first; nothing where it was entered before."""
    status = folder.stat()
    identity = (status.st_dev, status.st_ino)
    if identity in entered:
        return []
    entered.add(identity)
    names = sorted(folder.iterdir(), reverse=True)
    return [one for one in names if not one.name.startswith(".") and _counts(one)]


def _counts(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS or path.is_dir()
