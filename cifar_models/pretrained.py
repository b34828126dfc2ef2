"""A classifier of torchvision with a new last layer, frozen or fine-tuned."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import indent
from typing import Any, Literal, Self, final

from torch import nn

from cifar_models.backbone import Backbone
from cifar_models.family import (
    ModelConfig,
    ModelScript,
    Normalization,
    check_positive,
    check_rates,
    write_dropout,
    write_number,
)
from cifar_models.layers import Resize
from cifar_models.weights import NONE, PretrainedWeights, check_backbone

_BACKBONE, _HEAD = "1", "3"  # places in the network
_FORWARD_SHARE = 0.4  # of a training step, with what a frozen one has besides


@final
@dataclass(frozen=True)
class PretrainedConfig(ModelConfig):
    """A backbone of torchvision, with dropout and a linear layer for the classes.

    Images are scaled to `image_size` inside the network and normalized as those that the weights
    were trained on, by `mean` and `std` of values from 0 to 1. A `frozen` backbone learns nothing;
    otherwise it learns at `backbone_rate` times the learning rate. `weights` are "none" (random),
    torchvision's name of published ones, or the SHA-256 of `weights_file`: what
    `spaces.pretrained_space` makes of a user's words. Raises ValueError naming the bad argument.
    """

    kind: Literal["pretrained"] = "pretrained"
    backbone: str = "mobilenet_v3_small"
    weights: str = NONE
    weights_file: str = ""
    frozen: bool = False
    backbone_rate: float = 1.0
    image_size: int = 224
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    head_dropout: float = 0.0

    def __post_init__(self) -> None:
        check_backbone(self.backbone)
        check_positive("image_size", (self.image_size,))
        check_rates("head_dropout", (self.head_dropout,))
        if not 0 < self.backbone_rate <= 1:
            raise ValueError(
                f"backbone_rate must be above 0 and at most 1, got {self.backbone_rate!r}"
            )
        if min(self.std) <= 0:
            raise ValueError(f"std must be positive, got {self.std!r}")

    @property
    def depth(self) -> int:
        """The last layer and at least one of the backbone."""
        return 2

    @property
    def input_normalization(self) -> Normalization:
        """The one that the weights were trained with."""
        return Normalization(*(tuple(255 * one for one in each) for each in (self.mean, self.std)))

    @property
    def training_share(self) -> float:
        """A frozen backbone has no backward pass."""
        return _FORWARD_SHARE if self.frozen else 1.0

    @property
    def starting_inputs(self) -> tuple[PretrainedWeights, ...]:
        """The weights, if any."""
        if self.weights == NONE:
            return ()
        return (PretrainedWeights(self.backbone, self.weights, self.weights_file),)

    def relocated(self, place: Callable[[str], str]) -> Self:
        for weights in self.starting_inputs:
            (path,) = weights.paths()
            return replace(self, weights_file=place(path))
        return self

    def build(self, input_shape: tuple[int, int, int], num_classes: int) -> nn.Sequential:
        """Return the network with random weights; raises ValueError without three channels."""
        if input_shape[0] != 3:
            raise ValueError(f"input_shape {input_shape!r} must have the 3 channels of a backbone")
        backbone = Backbone(self.backbone, frozen=self.frozen)
        return nn.Sequential(
            Resize(self.image_size),
            backbone,
            nn.Dropout(self.head_dropout),
            nn.Linear(backbone.width, num_classes),
        )

    def load_inputs(self, network: nn.Module) -> None:
        """Load the backbone's weights; raises ValueError if they are missing or do not fit."""
        backbone = network.get_submodule(_BACKBONE)
        if not isinstance(backbone, Backbone):
            raise TypeError(f"network {type(network).__name__} has no backbone")
        for weights in self.starting_inputs:
            backbone.load(weights.load())

    def parameter_groups(self, network: nn.Module) -> Sequence[Mapping[str, Any]]:
        """Return the last layer and, if it learns, the backbone with its share of the rate."""
        head = {"params": list(network.get_submodule(_HEAD).parameters())}
        if self.frozen:
            return (head,)
        backbone = {"params": list(network.get_submodule(_BACKBONE).parameters())}
        return (head, {**backbone, "rate_share": self.backbone_rate})

    def model_script(self) -> ModelScript:
        load = "".join(_load_script(weights) for weights in self.starting_inputs)
        if self.frozen or self.backbone_rate == 1:
            return ModelScript(load_weights=load)
        rate = self.backbone_rate
        groups = f"""[
    {{"params": network[{_HEAD}].parameters()}},
    {{
        "params": network[{_BACKBONE}].parameters(),
        "lr": LEARNING_RATE * {rate},
        "rate_share": {rate},
    }},
]"""
        return ModelScript(groups, rate_shares=True, load_weights=load)

    def same_size(self) -> Self:
        """Return the same network but for what does not change its size."""
        return replace(
            self, weights=NONE, weights_file="", frozen=False, backbone_rate=1.0, head_dropout=0.0
        )

    def portable(self) -> Self:
        """Return it without the place of the weights, which a trained network has no use for."""
        return replace(self, weights_file="")

    def describe(self) -> str:
        start = next((one.words for one in self.starting_inputs), "random weights")
        if self.frozen:
            trained = "frozen"
        elif self.backbone_rate < 1:
            trained = f"fine-tuned at {write_number(self.backbone_rate)} times the learning rate"
        else:
            trained = "fine-tuned"
        return (
            f"torchvision's {self.backbone} ({start}, {trained}, on images scaled to "
            f"{self.image_size} pixels) and a new linear layer with "
            f"{write_dropout((self.head_dropout,))}"
        )

    def keywords(self) -> str:
        trained = "frozen" if self.frozen else "fine-tuned"
        return f"{self.kind} {self.backbone} {self.image_size}px {trained}"


def _load_script(weights: PretrainedWeights) -> str:
    """Return the function of an exported script that loads weights into the backbone."""
    return f'''\
def load_weights(network: nn.Module) -> None:
    """Load the {weights.words} into {weights.backbone}."""
{indent(weights.script(), "    ")}
    network[{_BACKBONE}].load(state)
'''
