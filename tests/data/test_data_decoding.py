import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from search.data.image_files import decode_batches, decode_image
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


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    """Grey, bilevel, palette and transparent images all give three channels."""
    path = save(tmp_path / "a.png", colours(), mode)
    with Image.open(path) as image:
        expected = np.asarray(image.convert("RGBA").convert("RGB")).transpose(2, 0, 1)
    assert np.array_equal(decode_image(path), expected)


def test_sixteen_bits_are_scaled(tmp_path: Path) -> None:
    """A 16-bit grey keeps its upper byte instead of being clipped to white."""
    values = np.array([[0, 256, 40_000, 65_535]], dtype=np.uint16)
    found = decode_image(save(tmp_path / "a.png", values))
    assert found[0].tolist() == [[0, 1, 156, 255]]


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    """A photograph taken upright is upright."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.fromarray(colours(4, 3)).save(tmp_path / "a.jpg", exif=exif)
    assert decode_image(tmp_path / "a.jpg").shape == (3, 3, 4)


def test_size_is_height_and_width(tmp_path: Path) -> None:
    """Images are resized to the asked height and width, in this order."""
    assert decode_image(save(tmp_path / "a.png", colours()), (7, 9)).shape == (3, 7, 9)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_batches_keep_the_order(tmp_path: Path, n_threads: int) -> None:
    """However many threads decode, images come in the order of their paths."""
    values = np.arange(70, dtype=np.uint8)
    paths = [
        save(tmp_path / f"{v}.png", np.full((2, 2, 3), v, dtype=np.uint8)) for v in values.tolist()
    ]
    batches = list(decode_batches(paths, (2, 2), n_threads))
    assert np.array_equal(np.concatenate(batches)[:, 0, 0, 0], values)


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
    with pytest.raises(UserError) as caught:
        list(decode_batches([good, bad], (20, 20), n_threads))
    assert str(bad) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_image_is_named(tmp_path: Path) -> None:
    """A file that went away between listing and reading is named too."""
    with pytest.raises(UserError, match=r"gone\.png cannot be decoded: .*No such file"):
        decode_image(tmp_path / "gone.png")


@pytest.mark.parametrize("limit", [10, 20])
def test_decompression_bombs_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """An image above Pillow's limit, or twice it, is an error before its pixels are made."""
    path = save(tmp_path / "bomb.png", colours(5, 5))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(UserError, match=r"bomb\.png cannot be decoded: .*decompression bomb"):
        decode_image(path)


def test_warning_filters_are_left_alone(tmp_path: Path) -> None:
    """Decoding leaves the program's warning filters as they were."""
    before = list(warnings.filters)
    decode_image(save(tmp_path / "a.png", colours()))
    assert list(warnings.filters) == before
