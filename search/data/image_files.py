"""Image files: finding them, and decoding them to uint8 arrays."""

import struct
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import joblib
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from search.data.dataset import Images
from search.errors import UserError

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_BATCH_BYTES = 32 << 20
_TASK_IMAGES = 32
_MAX_BATCH_IMAGES = 2048
# The formats that an image folder may hold, whatever a file's name says. Pillow knows forty
# others, one of which (EPS) runs a program on the file.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
# What Pillow raises on broken files, besides its own bomb error and warning.
_BROKEN = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    struct.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


def decode_image(path: Path, size: tuple[int, int] | None = None) -> Images:
    """Return the first frame as uint8 (3, H, W): RGB, upright as its EXIF says, alpha dropped.

    `size` is (height, width) to resize to, bilinear with antialiasing; None keeps the image's
    own. Raises UserError, naming the file, if it is not a whole image of reasonable size.
    """
    if path.exists() and not path.is_file():  # a pipe would block the reader
        raise UserError(f"image {path} is not a regular file")
    with warnings.catch_warnings():
        _set_filters()
        return _decode(path, size)


def decode_batches(
    paths: Sequence[Path], size: tuple[int, int], n_threads: int
) -> Iterator[Images]:
    """Yield `paths` decoded as uint8 (n, 3, H, W), in order; memory stays bounded.

    `size` is (height, width). Raises UserError as `decode_image` does.
    """
    n_batch = max(_TASK_IMAGES * n_threads, _BATCH_BYTES // (3 * size[0] * size[1]))
    n_batch = min(n_batch, _MAX_BATCH_IMAGES)
    with joblib.Parallel(n_threads, prefer="threads") as parallel:
        for start in range(0, len(paths), n_batch):
            batch = paths[start : start + n_batch]
            tasks = [batch[i : i + _TASK_IMAGES] for i in range(0, len(batch), _TASK_IMAGES)]
            # The filters belong to the process, so they are set here, not by the threads.
            with warnings.catch_warnings():
                _set_filters()
                arrays = parallel(joblib.delayed(_decode_all)(task, size) for task in tasks)
            yield np.concatenate(arrays)


def _set_filters() -> None:
    warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def _decode_all(paths: Sequence[Path], size: tuple[int, int]) -> Images:
    return np.stack([_decode(path, size) for path in paths])


def _decode(path: Path, size: tuple[int, int] | None) -> Images:
    try:
        with Image.open(path, formats=_FORMATS) as file:
            image = _rgb(ImageOps.exif_transpose(file))
        if size is not None and image.size != size[::-1]:
            image = image.resize(size[::-1], Image.Resampling.BILINEAR)
        return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))
    except _BROKEN as error:
        raise UserError(f"image {path} cannot be decoded: {_reason(error)}") from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # convert() would clip 16 bits at 255
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(f"{image.mode} images of 32 bits a value are not supported")
    if image.has_transparency_data:
        image = image.convert("RGBA")
    return image.convert("RGB")


def _reason(error: BaseException) -> str:
    if isinstance(error, UnidentifiedImageError):
        return f"it is damaged, or no image of a known format ({', '.join(_FORMATS)})"
    return " ".join(str(error).split()) or type(error).__name__


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

    Images are recognized by their suffix and ordered by name. Hidden names are skipped, and a
    folder is entered only once, even if links lead to it again. Raises UserError for a folder
    without an image.
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
    return [one for one in names if not one.name.startswith(".") and _counts(one)]


def _counts(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS or path.is_dir()
