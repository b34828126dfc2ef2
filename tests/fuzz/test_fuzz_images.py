"""Images: whatever a file holds, it becomes pixels or one line that names it."""

import io
import resource
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image

from search.data.decoding import decode_image
from tests.fuzz.fuzzing import Edit, damaged, edits, fuzz, refusal

WIDTH, HEIGHT = 9, 12
CLAIMED = 60_000  # a side, by headers that lie


def colours(width: int = WIDTH, height: int = HEIGHT, mode: str = "RGB") -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    if mode == "I;16":
        return Image.fromarray(values[:, :, 0].astype(np.uint16) << 8)
    return Image.fromarray(values).convert(mode)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def whole_images() -> list[bytes]:
    """Return small whole images of every format and of the odder modes."""
    rgb = colours()
    frames: dict[str, Any] = {"save_all": True, "append_images": [rgb.rotate(180)]}
    return [
        *(encoded(rgb, kind) for kind in ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")),
        *(encoded(rgb, kind, exif=turned(6)) for kind in ("PNG", "JPEG", "TIFF", "WEBP")),
        *(encoded(rgb, kind, **frames) for kind in ("GIF", "WEBP", "PNG", "MPO")),
        *(encoded(rgb, "TIFF", compression=one) for one in ("tiff_lzw", "jpeg", "packbits")),
        encoded(colours(mode="CMYK"), "JPEG"),
        encoded(colours(mode="P"), "PNG", transparency=3),
        encoded(colours(mode="I;16"), "PNG"),
    ]


WHOLE = whole_images()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images") / "image.jpg"


@pytest.fixture(scope="module")
def low_limit() -> Iterator[None]:
    """Lower the limit of pixels, as damaged headers claim much and decoding it takes time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Image, "MAX_IMAGE_PIXELS", 1 << 18)
        yield


def decoded_or_named(file: Path, content: bytes) -> None:
    """Check that the content becomes pixels, or is refused with the file's name."""
    file.write_bytes(content)
    words = refusal(lambda: decode_image(file))
    if words is not None:
        assert str(file) in words
        return
    pixels = decode_image(file)
    assert pixels.dtype == np.uint8
    assert (pixels.shape[0], pixels.ndim) == (3, 3)
    assert min(pixels.shape) > 0
    assert decode_image(file, (4, 5)).shape == (3, 4, 5)


@pytest.mark.slow
@fuzz(500, content=st.sampled_from(WHOLE), changes=edits())
def test_damaged_images_are_pixels_or_one_line(
    content: bytes, changes: list[Edit], file: Path, low_limit: None
) -> None:
    """Flipped, cut and overwritten files of every format."""
    decoded_or_named(file, damaged(content, changes))


beginnings = st.sampled_from(
    [
        b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"BM", b"GIF89a", b"II*\0",
        b"RIFF\0\0\0\0WEBP", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"8BPS\0\1",
        b"P6 9 9 255\n", b"<svg",
    ]
)  # fmt: skip


@pytest.mark.slow
@fuzz(200, start=beginnings, rest=st.binary(max_size=60) | st.text(max_size=30).map(str.encode))
def test_other_files_are_refused(start: bytes, rest: bytes, file: Path, low_limit: None) -> None:
    """Texts, foreign formats and beginnings of images under an image's name."""
    file.write_bytes(start + rest)
    words = refusal(lambda: decode_image(file))
    assert words is not None
    assert str(file) in words


@fuzz(
    150,
    kind=st.sampled_from(["PNG", "TIFF", "BMP", "GIF", "WEBP"]),
    mode=st.sampled_from(["RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "I;16"]),
    width=st.integers(1, 9),
    height=st.integers(1, 9),
)
def test_every_mode_and_size_becomes_colours(
    kind: str, mode: str, width: int, height: int, file: Path
) -> None:
    """Whole images of one pixel and more have their size and three channels, of any mode."""
    try:
        content = encoded(colours(width, height, mode), kind)
    except (OSError, ValueError):  # a mode that the format does not know
        return
    file.write_bytes(content)
    assert decode_image(file).shape == (3, height, width)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_rotation_is_applied(orientation: int, file: Path) -> None:
    """From the fifth orientation on, width and height change places."""
    file.write_bytes(encoded(colours(), "PNG", exif=turned(orientation)))
    upright = (HEIGHT, WIDTH) if orientation < 5 else (WIDTH, HEIGHT)
    assert decode_image(file).shape == (3, *upright)


def lying_png() -> bytes:
    content = encoded(colours(), "PNG")
    header = b"IHDR" + struct.pack(">II", CLAIMED, CLAIMED) + content[24:29]
    return content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]


def lying_gif() -> bytes:
    content = encoded(colours(), "GIF")
    return content[:6] + struct.pack("<HH", CLAIMED, CLAIMED) + content[10:]


def lying_bmp() -> bytes:
    content = encoded(colours(), "BMP")
    return content[:18] + struct.pack("<ii", CLAIMED, CLAIMED) + content[26:]


def lying_jpeg() -> bytes:
    content = encoded(colours(), "JPEG")
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", CLAIMED, CLAIMED) + content[at + 4 :]


def lying_tiff() -> bytes:
    content = encoded(colours(), "TIFF")
    for tag, side in ((256, WIDTH), (257, HEIGHT)):
        for kind, code in ((3, "<HHIHH"), (4, "<HHII")):
            padding = (0,) if kind == 3 else ()
            true = struct.pack(code, tag, kind, 1, side, *padding)
            content = content.replace(true, struct.pack(code, tag, kind, 1, CLAIMED, *padding))
    return content


def lying_webp() -> bytes:
    content = encoded(colours(), "WEBP", save_all=True, append_images=[colours().rotate(180)])
    at = content.index(b"VP8X") + 12  # 24 bits of width - 1 and height - 1
    return content[:at] + b"\xff\x3f\0" * 2 + content[at + 6 :]


@pytest.mark.parametrize(
    "lie", [lying_png, lying_gif, lying_bmp, lying_jpeg, lying_tiff, lying_webp]
)
def test_a_decompression_bomb_is_refused_before_it_takes_memory(
    lie: Callable[[], bytes], file: Path
) -> None:
    """A small file that claims gigabytes of pixels is refused by its header alone."""
    file.write_bytes(lie())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    words = refusal(lambda: decode_image(file))
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert words is not None
    assert "megapixels that can be read" in words
    assert taken < 100 << 10, f"{taken} KiB"
