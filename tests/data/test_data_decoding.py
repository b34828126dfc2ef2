import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from search.data.decoding import decode_batches, decode_image, upright_size
from search.errors import UserError


def save(path: Path, values: np.ndarray, mode: str | None = None) -> Path:
    image = Image.fromarray(values)
    (image.convert(mode) if mode else image).save(path)
    return path


def colours(height: int = 4, width: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_rgb_is_kept_to_the_bit(tmp_path: Path) -> None:
    """A lossless RGB file decodes to its own values, channels first."""
    values = colours()
    found = decode_image(save(tmp_path / "a.png", values))
    assert found.dtype == np.uint8
    assert np.array_equal(found, values.transpose(2, 0, 1))


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "CMYK"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    """Grey, bilevel, palette, opaque and printed images all give three channels."""
    path = save(tmp_path / ("a.tif" if mode == "CMYK" else "a.png"), colours(), mode)
    with Image.open(path) as image:
        expected = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
    assert np.array_equal(decode_image(path), expected)


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
def test_transparency_is_white(tmp_path: Path, name: str) -> None:
    """A drawing in the alpha channel is seen; half transparent black is grey."""
    drawn = np.zeros((1, 3, 4), dtype=np.uint8)
    drawn[0, :, 3] = (0, 128, 255)
    Image.fromarray(drawn).save(tmp_path / name, lossless=True)
    assert decode_image(tmp_path / name)[:, 0].tolist() == [[255, 127, 0]] * 3


@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_a_transparent_colour_is_white(tmp_path: Path, mode: str) -> None:
    """PNG and GIF may say that one colour, or one entry of the palette, is not drawn."""
    image = Image.new("RGB", (2, 1), (0, 0, 0)).convert(mode)
    clear: int | tuple[int, ...] = (90, 90, 90) if mode == "RGB" else 90
    image.putpixel((1, 0), clear)
    image.save(tmp_path / "a.png", transparency=clear)
    assert decode_image(tmp_path / "a.png")[:, 0].tolist() == [[0, 255]] * 3


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 256, 40_000, 65_535], [0, 1, 156, 255]),
        ([0, 1, 512, 1023], [0, 0, 128, 255]),  # 10 bits
        ([0, 16, 2048, 4095], [0, 1, 128, 255]),  # 12 bits
        ([0, 7, 100, 255], [0, 7, 100, 255]),
        ([0, 0, 0, 0], [0, 0, 0, 0]),
    ],
)
@pytest.mark.parametrize(
    ("kind", "suffix"), [(np.uint16, "png"), (np.uint16, "tif"), (np.int32, "tif")]
)
def test_deep_greys_are_scaled_by_the_bits_that_they_use(
    tmp_path: Path, values: list[int], expected: list[int], kind: type, suffix: str
) -> None:
    """Cameras write 10 or 12 bits into 16; none turns black, none is clipped to white."""
    found = decode_image(save(tmp_path / f"a.{suffix}", np.array([values], dtype=kind)))
    assert found[:, 0].tolist() == [expected] * 3


@pytest.mark.parametrize("values", [[[0.5]], [[70_000]], [[-1]]])
def test_what_has_no_range_is_refused(tmp_path: Path, values: list[list[float]]) -> None:
    """Floats and 32-bit integers mean nothing that a picture shows."""
    kind = np.float32 if isinstance(values[0][0], float) else np.int32
    with pytest.raises(UserError, match="only whole numbers from 0 to 65,535"):
        decode_image(save(tmp_path / "a.tif", np.array(values, dtype=kind)))


@pytest.mark.parametrize("suffix", ["ppm", "pgm", "jfif"])
def test_rarer_names_are_read(tmp_path: Path, suffix: str) -> None:
    """Portable maps, and JPEGs as some browsers save them."""
    image = Image.fromarray(colours()).convert("L" if suffix == "pgm" else "RGB")
    image.save(tmp_path / f"a.{suffix}")
    assert decode_image(tmp_path / f"a.{suffix}").shape == (3, 4, 3)


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    """A photograph taken upright is upright."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.fromarray(colours(4, 3)).save(tmp_path / "a.jpg", exif=exif)
    assert decode_image(tmp_path / "a.jpg").shape == (3, 3, 4)


def test_size_is_height_and_width(tmp_path: Path) -> None:
    """Images are resized to the asked height and width, in this order."""
    assert decode_image(save(tmp_path / "a.png", colours()), (7, 9)).shape == (3, 7, 9)


@pytest.mark.parametrize(
    ("resize", "left", "top"), [("crop", 1, 1), ("pad", 0, 0), ("stretch", 0, 1)]
)
def test_a_wide_image_is_made_square(tmp_path: Path, resize: str, left: int, top: int) -> None:
    """Its outer thirds are black and its middle white: cut off, framed in black, or distorted."""
    values = np.zeros((10, 30, 3), dtype=np.uint8)
    values[:, 10:20] = 255
    found = decode_image(save(tmp_path / "a.png", values), (10, 10), resize)
    assert found.shape == (3, 10, 10)
    assert (found[0, 5, 1] > 127, found[0, 1, 5] > 127) == (left, top)


def test_large_photographs_are_decoded_at_a_fraction(tmp_path: Path) -> None:
    """In JPEG's draft mode, unless stretched; what is seen is the same."""
    smooth = Image.fromarray(colours(5, 4)).resize((1200, 900), Image.Resampling.BICUBIC)
    smooth.save(tmp_path / "a.jpg", quality=95)
    fast, slow = (
        decode_image(tmp_path / "a.jpg", (48, 64), resize).astype(int)
        for resize in ("crop", "stretch")
    )
    assert abs(fast - slow).max() <= 4


@pytest.mark.parametrize("n_threads", [1, 3])
def test_batches_keep_the_order(tmp_path: Path, n_threads: int) -> None:
    """However many threads decode, images come in the order of their paths."""
    values = np.arange(70, dtype=np.uint8)
    paths = [
        save(tmp_path / f"{v}.png", np.full((2, 2, 3), v, dtype=np.uint8)) for v in values.tolist()
    ]
    batches = list(decode_batches(paths, (2, 2), "stretch", n_threads))
    assert not any(broken for _, broken in batches)
    assert np.array_equal(np.concatenate([one for one, _ in batches])[:, 0, 0, 0], values)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("no image")


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "tif", "webp"])
@pytest.mark.parametrize("damage", [cut, empty, text])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_broken_images_are_named(
    tmp_path: Path, suffix: str, damage: Callable[[Path], None], n_threads: int
) -> None:
    """A truncated, empty or foreign file of any kind is named in one line, by threads too."""
    good = save(tmp_path / f"good.{suffix}", colours(20, 20))
    bad = save(tmp_path / f"bad.{suffix}", colours(20, 20))
    damage(bad)
    ((images, (broken,)),) = decode_batches([good, bad, good], (20, 20), "stretch", n_threads)
    assert len(images) == 2
    assert broken.path == bad
    assert str(bad) in broken.line
    assert "\n" not in broken.line


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"<html><body>not found", "text, such as a web page"),
        (
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 99,
            "HEIC image, whose name must end in .heic",
        ),
        (b"\x89PNG\r\n\x1a\n", "damaged|cut off"),
        (b"\0" * 99, "no image of a known format"),
    ],
)
def test_the_kind_of_a_broken_file_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    """So that its owner knows what to do about it."""
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(UserError, match=f"a.jpg cannot be decoded: .*({words})"):
        decode_image(tmp_path / "a.jpg")


def test_a_damaged_heic_file_has_its_name_already(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 99)
    with pytest.raises(UserError, match=r"it is a damaged HEIC image|cannot be decoded") as caught:
        decode_image(tmp_path / "a.heic")
    assert "must end in" not in str(caught.value)


def test_missing_image_is_named(tmp_path: Path) -> None:
    """A file that went away between listing and reading is named too."""
    with pytest.raises(UserError, match=r"gone\.png cannot be decoded: .*No such file"):
        decode_image(tmp_path / "gone.png")


def test_the_largest_image_is_stated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Photographs of 108 megapixels are read; above Pillow's bound nothing is decoded."""
    path = save(tmp_path / "large.png", colours(5, 5))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 13)
    assert decode_image(path).shape == (3, 5, 5)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 12)
    with pytest.raises(UserError, match=r"more than the 0 megapixels .*; scale it down"):
        decode_image(path)


def test_warning_filters_are_left_alone(tmp_path: Path) -> None:
    """Decoding leaves the program's warning filters as they were."""
    before = list(warnings.filters)
    decode_image(save(tmp_path / "a.png", colours()))
    assert list(warnings.filters) == before


def test_avif_is_read(tmp_path: Path) -> None:
    """Pillow reads it without an extra; what was saved without loss comes back."""
    values = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    picture = Image.fromarray(values).resize((48, 32), 3)
    picture.save(tmp_path / "a.avif", quality=100, subsampling="4:4:4")
    read = decode_image(tmp_path / "a.avif").astype(int)
    assert np.abs(read - np.asarray(picture).transpose(2, 0, 1)).mean() < 2


def test_a_telephones_photo_is_read_upright(tmp_path: Path) -> None:
    """HEIC with the extra; an EXIF orientation turns it once."""
    pillow_heif = pytest.importorskip("pillow_heif")
    values = np.zeros((32, 48, 3), np.uint8)
    values[:, :24] = 200  # bright on the left
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned clockwise: bright on top
    picture = pillow_heif.from_pillow(Image.fromarray(values))
    picture.save(tmp_path / "a.heic", quality=-1, exif=exif.tobytes())
    read = decode_image(tmp_path / "a.heic")
    assert read.shape == (3, 48, 32)
    assert read[:, :20].mean() > 190
    assert read[:, 28:].mean() < 10
    assert upright_size(tmp_path / "a.heic") == (48, 32)


def test_heic_needs_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is named with what reads it."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(UserError, match=r"a\.heic .*cifar-search\[heic\]"):
        decode_image(tmp_path / "a.heic")
