"""Image files: which names are images, and finding them in folders."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from search.errors import UserError

EXTENSIONS = (
    ".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm",
    ".tif", ".tiff", ".webp",
)  # fmt: skip
# Folders and files that systems, servers and archives leave behind, besides hidden ones.
JUNK = {
    "thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "#recycle", "$recycle.bin",
    "system volume information", "lost+found", "__pycache__",
}  # fmt: skip


def is_junk(name: str) -> bool:
    """Return whether a file or folder of this name is passed over."""
    return name.startswith(".") or name.lower() in JUNK


def is_image(name: str) -> bool:
    """Return whether a file of this name counts as an image."""
    return name.lower().endswith(EXTENSIONS)


@final
@dataclass(frozen=True)
class FoundImage:
    """An image file, with the names of the folders between the given folder and the file."""

    path: Path
    folders: tuple[str, ...] = ()


@final
@dataclass(frozen=True)
class FoundImages:
    """The images, in order, and a line for each folder that cannot be read."""

    images: tuple[FoundImage, ...]
    failures: tuple[str, ...]


def find_images(paths: Iterable[Path]) -> FoundImages:
    """Return the given files and, for each given folder, the images anywhere inside.

    Images are recognized by their suffix and ordered by name. Hidden names and junk are skipped,
    and a folder is entered only once, even if links lead to it again. Raises UserError for a
    folder without an image.
    """
    images: list[FoundImage] = []
    failures: list[str] = []
    for path in paths:
        unreadable = len(failures)
        found = [
            FoundImage(image, image.relative_to(path).parts[:-1]) for image in _walk(path, failures)
        ]
        if not found and len(failures) == unreadable:
            kinds = ", ".join(EXTENSIONS)
            raise UserError(f"images: folder {str(path)!r} holds none; images are {kinds}")
        images += found
    return FoundImages(tuple(images), tuple(failures))


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
    """Return its images and folders, last name first; nothing if it was entered before."""
    status = folder.stat()
    identity = (status.st_dev, status.st_ino)
    if identity in entered:
        return []
    entered.add(identity)
    names = sorted(folder.iterdir(), reverse=True)
    visible = [one for one in names if not is_junk(one.name)]
    return [one for one in visible if is_image(one.name) or one.is_dir()]
