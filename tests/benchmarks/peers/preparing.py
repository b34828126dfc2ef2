"""The images and the split of a comparison, made before any clock runs."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from search.data.cache import load_train_split
from search.data.dataset import DatasetRequest, channel_statistics
from search.data.sources import prepare_dataset
from search.recipe import Recipe
from search.tuning.folds import make_folds
from tests.benchmarks.peers.task import Arrays

_CLASSES, _SIDE, _NOISE = 10, 32, 90.0


def prepare(images_dir: Path, data_dir: Path, work_dir: Path, seed: int) -> None:
    """Decode the folder into `data_dir`, for us and for the peers, and write the seed's split."""
    work_dir.mkdir(parents=True, exist_ok=True)
    info = prepare_dataset(DatasetRequest(str(images_dir), data_dir), lambda _: None)
    recipe = Recipe(space="mlp", dataset=str(images_dir), seed=seed, duplicates="together")
    (fold,) = make_folds(recipe, info)
    data = load_train_split(info)
    statistics = channel_statistics(data.images, torch.from_numpy(fold.train))
    arrays = Arrays(
        images=np.ascontiguousarray(data.images.permute(0, 2, 3, 1).numpy()),
        labels=data.labels.numpy(),
        train=fold.train,
        validation=fold.validation,
        mean=tuple(value / 255 for value in statistics.mean),
        std=tuple(value / 255 for value in statistics.safe_std),
    )
    arrays.save(data_dir, work_dir / "split.npz")


def generate_images(root: Path, per_class: int) -> Path:
    """Write an image folder, unless it is there: a pattern a class, shifted, under much noise."""
    if (root / "train").is_dir():
        return root
    rng = np.random.default_rng(0)
    patterns = rng.uniform(0, 255, (_CLASSES, 8, 8, 3)).repeat(4, axis=1).repeat(4, axis=2)
    for part, count in (("train", per_class), ("test", per_class // 10 + 1)):
        for label, pattern in enumerate(patterns):
            folder = root / part / f"class-{label}"
            folder.mkdir(parents=True)
            for number in range(count):
                shifted = np.roll(pattern, tuple(rng.integers(0, _SIDE, 2)), axis=(0, 1))
                noisy = shifted + rng.normal(0, _NOISE, shifted.shape)
                pixels = noisy.clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return root
