"""The exported model: safetensors weights and a JSON that says how to use them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, final

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, PositiveFloat, ValidationError, model_validator
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from cifar_models import build_model
from search.data.dataset import DatasetInfo
from search.data.decoding import decode_image
from search.data.statistics import ChannelStatistics
from search.errors import UserError
from search.paths import ModelPaths
from search.recipe import describe_errors
from search.study.weights import save_weights
from search.training.evaluation import Normalizer, as_used, predict_logits
from search.training.settings import TrainingSettings
from spaces import Candidate


@final
class ModelCard(BaseModel):
    """model.json: what is needed to rebuild the network and to prepare an image for it.

    `input_shape` is (channels, height, width); `mean` and `std` are per channel, in 0..255.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = 1
    candidate: Candidate
    class_names: tuple[str, ...]
    input_shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[PositiveFloat, ...]
    study: str
    trial: int

    @classmethod
    def describe(
        cls,
        candidate: Candidate,
        dataset: DatasetInfo,
        statistics: ChannelStatistics,
        study: str,
        trial: int,
    ) -> Self:
        """Return the card of a trial's network, whose images `statistics` normalised."""
        return cls(
            candidate=candidate,
            class_names=dataset.class_names,
            input_shape=dataset.image_shape,
            mean=statistics.mean,
            std=statistics.safe_std,
            study=study,
            trial=trial,
        )

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        channels = self.input_shape[0]
        if not len(self.mean) == len(self.std) == channels:
            raise ValueError(f"mean and std need one value for each of the {channels} channels")
        return self


@final
@dataclass(frozen=True)
class Prediction:
    """The most probable class with its probability, and the probabilities of all classes."""

    name: str
    probability: float
    probabilities: dict[str, float]


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

    def classify(self, image: Path | str) -> Prediction:
        """Return the prediction for an image file, resized to the input shape.

        Raises UserError, naming the file, where it is no readable image.
        """
        pixels = decode_image(Path(image), self.card.input_shape[1:])
        probabilities = self.logits(torch.from_numpy(pixels)[None]).softmax(1)[0].tolist()
        named = dict(zip(self.card.class_names, probabilities, strict=True))
        best = max(named, key=lambda name: named[name])
        return Prediction(best, named[best], named)


def export_model(card: ModelCard, network: nn.Module, model_dir: Path) -> None:
    """Write weights and card, each under a temporary name first; the card last."""
    paths = ModelPaths(model_dir)
    save_weights(paths.weights, network)
    temporary = paths.card.with_suffix(".tmp")
    temporary.write_text(card.model_dump_json(indent=2), encoding="utf-8")
    temporary.replace(paths.card)


def load_model(model_dir: Path | str) -> ImageClassifier:
    """Return the exported model of a folder; raises UserError where it is not one."""
    paths = ModelPaths(Path(model_dir))
    try:
        card = ModelCard.model_validate_json(paths.card.read_bytes())
        network = build_model(card.candidate.model, card.input_shape, len(card.class_names))
        network.load_state_dict(load_file(paths.weights))
    except ValidationError as error:
        reason = describe_errors(error)
        raise UserError(f"model: {paths.card} is not a model's description: {reason}") from error
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"model: {str(model_dir)!r} is not a model folder: {reason}") from error
    return ImageClassifier(card, network)


def save_images(path: Path, images: npt.NDArray[np.uint8]) -> None:
    """Write an array of images whole or not at all."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        np.save(file, images, allow_pickle=False)
    temporary.replace(path)
