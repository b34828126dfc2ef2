"""Small images inside the page."""

import base64
import io

import numpy as np
import numpy.typing as npt
from PIL import Image

MOST_PIXELS = 128


def data_uri(image: npt.NDArray[np.uint8]) -> str:
    """Return a uint8 image (3, H, W) as a PNG data URI, at most 128 pixels a side."""
    picture = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
    picture.thumbnail((MOST_PIXELS, MOST_PIXELS))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
