"""Small image folders, drawn anew from a seed: the same pixels wherever they are drawn."""

from pathlib import Path

import numpy as np
from PIL import Image

_CLASSES = ("dark", "light", "striped")


def draw_images(root: Path, n_train: int = 16, n_test: int = 6, side: int = 8) -> Path:
    """Write `root/train/<class>/*.png` and `root/test/<class>/*.png`, so many a class; return it.

    The classes are told apart with some mistakes, so that scores differ from trial to trial.
    """
    rng = np.random.default_rng(7)
    for label, name in enumerate(_CLASSES):
        for part, count in (("train", n_train), ("test", n_test)):
            folder = root / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                Image.fromarray(_draw(rng, label, side)).save(folder / f"{name}-{number}.png")
    return root


def _draw(rng: np.random.Generator, label: int, side: int) -> np.ndarray:
    pixels = rng.integers(0, 170, (side, side, 3))
    if label == 1:
        pixels += 30
    if label == 2:
        pixels[::2] += 45
    return pixels.astype(np.uint8)
