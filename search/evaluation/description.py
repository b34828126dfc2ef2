"""What is stored of a model beside its weights, and the network that it describes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self, final

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, model_validator
from torch import nn

from search.data.dataset import Resize
from search.data.file_source import MAX_SIDE
from search.data.pixel_values import Scale
from search.errors import UserError, describe_error
from search.training.evaluation import with_test_time_augmentation
from spaces import Candidate
from spaces.families import FamilySource

_Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]


_FITTED: Mapping[Resize, str] = {
    "crop": "cut to their centre and scaled to",
    "stretch": "stretched to",
    "pad": "scaled, between black borders, to",
}


def fitted_words(resize: Resize, image_shape: tuple[int, int, int]) -> str:
    """Say what is done to images of another size: "stretched to 32 x 32 pixels"."""
    _, height, width = image_shape
    return f"{_FITTED[resize]} {height} x {width} pixels"


@final
class ModelCard(BaseModel):
    """model.json: what is needed to rebuild the network and to prepare its images.

    Attributes:
        format: Version of this file.
        candidate: The network, and how it was trained.
        class_names: The classes, in the order of the network's outputs.
        input_shape: (channels, height, width).
        mean: Mean of each channel, in 0..255.
        std: Standard deviation of each channel, in 0..255; 1 for a constant channel.
        study: Name of the study.
        trial: Number of the trial.
        resize: How images of another shape are fitted.
        families: The code of the network, if it is not of this program.
        scale: What the numbers meant that it was trained on; None: it was trained on files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = 1
    candidate: Candidate
    class_names: tuple[str, ...]
    input_shape: tuple[Literal[3], _Side, _Side]
    mean: tuple[float, ...]
    std: tuple[PositiveFloat, ...]
    study: str
    trial: int
    resize: Resize = "stretch"
    families: FamilySource | None = None
    scale: Scale | None = None

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        channels = self.input_shape[0]
        if not len(self.mean) == len(self.std) == channels:
            raise ValueError(f"mean and std need one value for each of the {channels} channels")
        return self

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        if len(set(self.class_names)) < len(self.class_names):
            raise ValueError("class_names must differ from one another")
        if not all(name.isprintable() for name in self.class_names):
            raise ValueError("class_names must be printable")
        return self


def parse_card(text: bytes, model_dir: Path, *, trust_code: bool) -> ModelCard:
    """Return the card of a model folder, after running its network's code if that is trusted.

    Raises:
        UserError: It has code that is not trusted.
        ValueError: The text is no card, or the code fails.
    """
    stored = ModelCard.model_validate_json(text, context={"as_stored": True})
    if stored.families is None:
        return ModelCard.model_validate_json(text)
    if not trust_code:
        raise UserError(
            f"model: {str(model_dir)!r} has a network of its own code, of family "
            f"{stored.candidate.model.kind!r}, and code can do anything: if you trust it, give "
            "--trust-code, or load_model(..., trust_code=True)"
        )
    try:
        families = stored.families.load()
    except Exception as error:
        raise ValueError(f"its network's code fails: {describe_error(error)}") from error
    return ModelCard.model_validate_json(text, context={"families": families})


@final
class WholeNetwork(nn.Module):
    """A network with its preprocessing: images to logits, on any device, to train or to use.

    It takes uint8 or float images (N, 3, H, W) of the input shape, with values in 0..255, and
    returns float logits (N, classes).
    """

    scale: torch.Tensor
    shift: torch.Tensor

    def __init__(self, card: ModelCard, network: nn.Module) -> None:
        super().__init__()
        mean, std = torch.tensor([card.mean, card.std], dtype=torch.float64)
        self.register_buffer("scale", (1 / std).float().view(1, -1, 1, 1))
        self.register_buffer("shift", (-mean / std).float().view(1, -1, 1, 1))
        self.network = with_test_time_augmentation(network, card.candidate)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes) of images (N, 3, H, W)."""
        logits: torch.Tensor = self.network(images.float() * self.scale + self.shift)
        return logits
