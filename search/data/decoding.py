"""Image files decoded to uint8 arrays, and what is wrong with those that cannot be."""

import struct
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, final

import joblib
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from search.data.dataset import Images
from search.data.pixels import FORMATS, HEIC, open_image, read_pixels
from search.errors import UserError
from search.files import is_special

_BATCH_BYTES = 32 << 20
_TASK_IMAGES = 32
_MAX_BATCH_IMAGES = 2048
_FIRST_TURNED = 5  # of the eight orientations of EXIF, those with width and height exchanged
# What Pillow raises on broken files.
BROKEN = (
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
    ImportError,
)
_TELEPHONE_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1")


@final
@dataclass(frozen=True)
class BrokenImage:
    """A file that cannot be decoded, and why."""

    path: Path
    reason: str

    @property
    def line(self) -> str:
        """One line that names the file."""
        return f"image {self.path} cannot be decoded: {self.reason}"


Decoded: TypeAlias = Images | BrokenImage


def decode_image(path: Path, size: tuple[int, int] | None = None, resize: str = "crop") -> Images:
    """Return the first frame as a person sees it, as uint8 (3, H, W) in RGB.

    It is upright as its EXIF says, and transparent parts are white.

    Args:
        path: The file.
        size: Height and width to resize to, bilinear with antialiasing; None: the image's own.
        resize: How an image of another shape is made to fit: "crop", "pad" or "stretch".

    Raises:
        UserError: It is not a whole image of reasonable size; the line names the file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        decoded = _decode(path, size, resize)
    if isinstance(decoded, BrokenImage):
        raise UserError(decoded.line)
    return decoded


def upright_size(path: Path) -> tuple[int, int] | None:
    """Return an image's height and width as seen, from its header; None if it has none."""
    if is_special(path):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with open_image(path) as file:
                turned = file.getexif().get(ExifTags.Base.Orientation, 1) >= _FIRST_TURNED
                return file.size if turned else file.size[::-1]
        except BROKEN:
            return None


def decode_files(
    paths: Sequence[Path], size: tuple[int, int], resize: str, threads: int
) -> Iterator[Decoded]:
    """Yield what `decode_image` returns for each path, in order, or what is wrong with the file."""
    for batch in _decoded_batches(paths, size, resize, threads):
        yield from batch


def decode_batches(
    paths: Sequence[Path], size: tuple[int, int], resize: str, threads: int
) -> Iterator[tuple[Images, list[BrokenImage]]]:
    """Yield the images as uint8 (n, 3, H, W), in order, with the broken files among them."""
    for batch in _decoded_batches(paths, size, resize, threads):
        broken = [one for one in batch if isinstance(one, BrokenImage)]
        whole = [one for one in batch if not isinstance(one, BrokenImage)]
        yield np.stack(whole) if whole else np.empty((0, 3, *size), np.uint8), broken


def _decoded_batches(
    paths: Sequence[Path], size: tuple[int, int], resize: str, threads: int
) -> Iterator[list[Decoded]]:
    """Yield results for so many files at a time that memory stays bounded."""
    n_batch = max(_TASK_IMAGES * threads, _BATCH_BYTES // (3 * size[0] * size[1]))
    n_batch = min(n_batch, _MAX_BATCH_IMAGES)
    with joblib.Parallel(threads, prefer="threads") as parallel:
        for start in range(0, len(paths), n_batch):
            batch = paths[start : start + n_batch]
            tasks = [batch[i : i + _TASK_IMAGES] for i in range(0, len(batch), _TASK_IMAGES)]
            # The filters belong to the process, so they are set here, not by the threads.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata and large images
                done = parallel(joblib.delayed(_decode_all)(task, size, resize) for task in tasks)
            yield [decoded for task in done for decoded in task]


def _decode_all(paths: Sequence[Path], size: tuple[int, int], resize: str) -> list[Decoded]:
    return [_decode(path, size, resize) for path in paths]


def _decode(path: Path, size: tuple[int, int] | None, resize: str) -> Decoded:
    if is_special(path):
        return BrokenImage(path, "it is not a regular file")
    try:
        return read_pixels(path, size, resize)
    except BROKEN as error:
        return BrokenImage(path, _reason(path, error))


def _reason(path: Path, error: BaseException) -> str:
    if isinstance(error, UnidentifiedImageError):
        return _kind(path)
    if isinstance(error, ImportError):
        return "it is a HEIC image, which needs pillow-heif: pip install 'cifar-search[heic]'"
    if isinstance(error, Image.DecompressionBombError):
        megapixels = 2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6
        return f"it has more than the {megapixels:.0f} megapixels that can be read; scale it down"
    if isinstance(error, FileNotFoundError):
        return "No such file: the link leads nowhere" if path.is_symlink() else "No such file"
    if "truncated" in str(error).lower():
        return "it is cut off"
    return " ".join(str(error).split()) or type(error).__name__


def _kind(path: Path) -> str:
    """Return what a file is that Pillow does not recognize."""
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        return error.strerror or type(error).__name__
    if not start:
        return "it is empty"
    if start[4:8] == b"ftyp" and start[8:12] in _TELEPHONE_BRANDS:
        if path.suffix.lower() in HEIC:
            return "it is a damaged HEIC image"
        return f"it is a HEIC image, whose name must end in {' or '.join(HEIC)}"
    if start.lstrip()[:1] in (b"<", b"{"):
        return "it is text, such as a web page, and not an image"
    return f"it is damaged, or no image of a known format ({', '.join(FORMATS)})"
