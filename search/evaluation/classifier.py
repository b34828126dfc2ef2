"""A trained network that takes images as they are: pixels, a file, or many files."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, final

import joblib
import numpy as np
import torch
from torch import nn

from search.data.decoding import decode_batches, decode_image
from search.data.source import Images
from search.data.statistics import ChannelStatistics
from search.errors import UserError
from search.evaluation.card import ModelCard
from search.training.evaluation import Normalizer, as_used, predict_logits
from search.training.settings import TrainingSettings

_BATCH = 500  # files read at a time


@final
@dataclass(frozen=True)
class Prediction:
    """The most probable class with its probability, and the probabilities of all classes."""

    name: str
    probability: float
    probabilities: dict[str, float]

    def ranked(self) -> list[tuple[str, float]]:
        """Return the classes with their probabilities, the most probable first."""
        return sorted(self.probabilities.items(), key=lambda item: -item[1])


@final
@dataclass(frozen=True)
class Refusal:
    """Why a file has no prediction, in one line that names it."""

    reason: str


Answer: TypeAlias = Prediction | Refusal


@final
class ImageClassifier:
    """A trained network that takes images as they are."""

    def __init__(self, card: ModelCard, network: nn.Module) -> None:
        self.card = card
        self.network = network.eval()
        self._normalize = Normalizer(ChannelStatistics(card.mean, card.std), "cpu")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """Return float32 logits (N, classes) of uint8 images (N, C, H, W) of the input shape."""
        network = as_used(self.network, self.card.candidate)
        return predict_logits(network, images, self._normalize, TrainingSettings(epochs=1))

    def probabilities(self, images: torch.Tensor) -> torch.Tensor:
        """Return float32 probabilities (N, classes) of uint8 images of the input shape."""
        return self.logits(images).softmax(1)

    def classify(self, image: Path | str) -> Prediction:
        """Return the prediction for an image file, resized to the input shape.

        Raises UserError, naming the file, where it is no readable image, and where the network's
        answer is not finite.
        """
        pixels = _decode(Path(image), self.card.input_shape[1:])
        return self._name(image, self.probabilities(torch.from_numpy(pixels)[None])[0].tolist())

    def classify_files(self, paths: Sequence[Path]) -> Iterator[Answer]:
        """Yield what `classify` returns for each file, or why there is nothing, in batches."""
        for start in range(0, len(paths), _BATCH):
            batch = paths[start : start + _BATCH]
            read = _read_all(batch, self.card.input_shape[1:])
            pixels = [one for one in read if not isinstance(one, Refusal)]
            rows = iter(self.probabilities(torch.from_numpy(np.stack(pixels))) if pixels else ())
            for path, one in zip(batch, read, strict=True):
                yield one if isinstance(one, Refusal) else self._answer(path, next(rows))

    def _answer(self, path: Path, row: torch.Tensor) -> Answer:
        try:
            return self._name(path, row.tolist())
        except UserError as error:
            return Refusal(str(error))

    def _name(self, image: Path | str, probabilities: list[float]) -> Prediction:
        if not math.isfinite(sum(probabilities)):
            raise UserError(f"model: its answer to {image} is not finite, so it names no class")
        named = dict(zip(self.card.class_names, probabilities, strict=True))
        best = max(named, key=lambda name: named[name])
        return Prediction(best, named[best], named)


def _read_all(paths: Sequence[Path], size: tuple[int, int]) -> list[Images | Refusal]:
    """Return each image, uint8 (3, H, W); quickly where all can be read."""
    try:
        if all(path.is_file() for path in paths):
            batches = decode_batches(paths, size, joblib.cpu_count())
            return [image for batch in batches for image in batch]
    except (UserError, OSError):
        return [_read(path, size) for path in paths]  # which of them, and why
    return [_read(path, size) for path in paths]


def _read(path: Path, size: tuple[int, int]) -> Images | Refusal:
    try:
        return _decode(path, size)
    except UserError as error:
        return Refusal(str(error))
    except OSError as error:  # the file cannot even be looked at
        return Refusal(f"image {path} cannot be read: {error.strerror or error}")


def _decode(path: Path, size: tuple[int, int]) -> Images:
    """Return an image, uint8 (3, H, W); raises UserError in other words than Pillow's."""
    if not path.exists():
        link = ": it is a link to what is not there" if path.is_symlink() else ""
        raise UserError(f"image {path} does not exist{link}")
    try:
        return decode_image(path, size)
    except UserError as error:
        if "truncated" in str(error.__cause__).lower():
            raise UserError(f"image {path} is cut off: its file ends too early") from error
        raise
