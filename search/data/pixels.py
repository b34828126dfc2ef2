"""From an image file to the pixels that a person sees.

Exported scripts contain everything below the imports word for word, so that they read exactly what
the search read: lines have at most 88 characters, and nothing else is imported.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

# What a file may hold, whatever its name says. Pillow knows forty more formats, one of
# which (EPS) runs a program on the file.
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
HEIC = (".heic", ".heif")  # what telephones write; Pillow needs pillow-heif for it
LARGE = 512  # pixels; what has more per side may be decoded at a fraction of its size


def read_pixels(path: Path, size: tuple[int, int] | None, resize: str) -> np.ndarray:
    """Return the first frame as uint8 (3, H, W): RGB, upright, transparency on white.

    `size` is (height, width), or None for the image's own. An image of another shape is
    cut to its centre, distorted, or given black borders: "crop", "stretch" or "pad".
    """
    with open_image(path) as file:
        if size is not None and resize != "stretch" and min(file.size) > LARGE:
            file.draft(file.mode, (2 * max(size), 2 * max(size)))
        image = as_seen(file)
    if size is not None and image.size != size[::-1]:
        image = fitted(image, size[::-1], resize)
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))


def open_image(path: Path) -> Image.Image:
    """Open a file; raises ImportError for HEIC where pillow-heif is missing."""
    if path.suffix.lower() not in HEIC:
        return Image.open(path, formats=FORMATS)
    import pillow_heif  # noqa: PLC0415 - an extra

    pillow_heif.register_heif_opener()  # Pillow keeps its formats in a global table
    return Image.open(path, formats=("HEIF",))


def as_seen(file: Image.Image) -> Image.Image:
    """Return an image in RGB, upright as its EXIF says, composited on white."""
    image = ImageOps.exif_transpose(file)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return eight_bits(np.asarray(image)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    drawn = image.convert("RGBA")
    white = Image.new("RGBA", drawn.size, "white")
    return Image.alpha_composite(white, drawn).convert("RGB")


def fitted(image: Image.Image, size: tuple[int, int], resize: str) -> Image.Image:
    """Return an image with that width and height, bilinear with antialiasing."""
    bilinear = Image.Resampling.BILINEAR
    if resize == "crop":
        return ImageOps.fit(image, size, bilinear)
    if resize == "pad":
        return ImageOps.pad(image, size, bilinear)
    if resize == "stretch":
        return image.resize(size, bilinear)
    raise ValueError(f"resize must be crop, stretch or pad, got {resize!r}")


def eight_bits(values: np.ndarray) -> Image.Image:
    """Scale whole numbers down from the 8, 10, 12, 14 or 16 bits that they use."""
    if values.dtype.kind == "f" or values.min() < 0 or values.max() >= 1 << 16:
        raise ValueError("only whole numbers from 0 to 65,535 are supported")
    largest = int(values.max())
    depth = next(bits for bits in (8, 10, 12, 14, 16) if largest < 1 << bits)
    return Image.fromarray((values >> (depth - 8)).astype(np.uint8))
