"""Pictures of images within a page."""

import base64
import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from search.report.pictures import MOST_PIXELS, data_uri


@pytest.mark.parametrize("size", [(8, 8), (32, 20), (MOST_PIXELS, MOST_PIXELS)])
def test_a_page_has_every_pixel(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (3, *size), dtype=np.uint8)
    with Image.open(io.BytesIO(_content(image))) as picture:
        shown = np.asarray(picture.convert("RGB")).transpose(2, 0, 1)
    assert np.array_equal(shown, image)


def test_large_images_are_made_smaller() -> None:
    """With their proportions."""
    image = np.zeros((3, 2 * MOST_PIXELS, 4 * MOST_PIXELS), np.uint8)
    with Image.open(io.BytesIO(_content(image))) as picture:
        assert picture.size == (MOST_PIXELS, MOST_PIXELS // 2)


def _content(image: npt.NDArray[np.uint8]) -> bytes:
    kind, _, text = data_uri(image).partition(";base64,")
    assert kind == "data:image/webp"
    return base64.b64decode(text)
