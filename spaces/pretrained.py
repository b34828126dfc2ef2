"""Spaces of networks that start from pretrained weights; portfolio and prior are a first guess.

There is no baseline, because nobody has tuned such a network by hand.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Literal, TypeAlias, final, get_args

import torch
from optuna.trial import BaseTrial

from cifar_models import PretrainedConfig, build_model
from cifar_models.backbone import Backbone
from cifar_models.weights import (
    DOWNLOAD,
    NONE,
    PretrainedWeights,
    check_backbone,
    published,
    recommended,
)
from spaces.candidate import (
    STRONG_SGD,
    TRAINING_BELIEFS,
    TRAINING_GRID,
    Candidate,
    suggest_candidate,
)
from spaces.parameters import ParamValue
from spaces.prior import Bell, Prior, Weights
from spaces.space import Space

Training: TypeAlias = Literal["frozen", "fine_tuned", "both"]
"""What is trained of a backbone; with "both" that is a parameter of the space."""

Channels: TypeAlias = tuple[float, float, float]

_BATCH_SIZES = (16, 32, 64, 128)  # activations of a backbone are large
_SMALL_SIZES = (64, 128)  # pixels; a fraction of the work of most backbones' own size


@final
@dataclass(frozen=True)
class _Suggestion:
    """Suggests candidates of one backbone.

    Attributes:
        find_model: Returns the backbone with its weights; looked up when first needed, because
            torchvision is slow to import.
        training: What is trained.
        sizes: Pixels to which images are scaled, one of these.
    """

    find_model: Callable[[], PretrainedConfig]
    training: Training
    sizes: tuple[int, ...]

    def __call__(self, trial: BaseTrial) -> Candidate:
        """Return the backbone, what of it is trained, and how."""
        frozen = self.training == "frozen"
        if self.training == "both":
            frozen = trial.suggest_categorical("frozen", (True, False))
        rate = 1.0 if frozen else trial.suggest_float("backbone_rate", 0.01, 1.0, log=True)
        size = self.sizes[0]
        if len(self.sizes) > 1:
            size = trial.suggest_categorical("image_size", self.sizes)
        dropout = trial.suggest_float("head_dropout", 0.0, 0.6)
        model = replace(
            self.find_model(),
            frozen=frozen,
            backbone_rate=rate,
            image_size=size,
            head_dropout=dropout,
        )
        return suggest_candidate(trial, model, _BATCH_SIZES)


_STRONG: Mapping[str, ParamValue] = {
    "frozen": True,
    "image_size": 1,  # of the space's sizes, by place
    "head_dropout": 0.2,
    "optimizer": "adamw",
    "adamw_lr": 2e-3,
    "adamw_weight_decay": 0.02,
    "schedule": "one_cycle",
    "batch_size": 32,
    "label_smoothing": 0.05,
    "augmentation": "flip",
    "test_time_flip": True,
}
_TUNED: Mapping[str, ParamValue] = {**_STRONG, "frozen": False, "backbone_rate": 0.1}
_SGD: Mapping[str, ParamValue] = {
    **{name: value for name, value in _STRONG.items() if not name.startswith("adamw")},
    **STRONG_SGD,
}
_PORTFOLIO: Sequence[Mapping[str, ParamValue]] = (
    _STRONG,
    _TUNED,
    {**_TUNED, "backbone_rate": 0.3, "augmentation": "flip_crop"},
    {**_STRONG, "adamw_lr": 5e-3, "augmentation": "none", "image_size": 2},
    {**_SGD, "frozen": False, "backbone_rate": 0.3, "sgd_lr": 0.02},
    {**_SGD, "image_size": 0},
)
_GRID: Mapping[str, Sequence[ParamValue]] = {
    "frozen": (True, False),
    "backbone_rate": (0.1,),
    "image_size": (1,),
    "head_dropout": (0.2,),
    **TRAINING_GRID,
    "sgd_lr": (0.01, 0.05),
    "adamw_lr": (5e-4, 2e-3),
    "adamw_weight_decay": (0.02,),
    "batch_size": (64,),
    "augmentation": ("none", "flip"),
}


def _portfolio(training: Training, sizes: tuple[int, ...]) -> Iterator[dict[str, ParamValue]]:
    """Yield the points of the portfolio that a space has, each with one of its sizes."""
    for point in _PORTFOLIO:
        kept = dict(point)
        if training != "both" and kept.pop("frozen") != (training == "frozen"):
            continue
        place = kept.pop("image_size")
        if len(sizes) > 1 and isinstance(place, int):
            kept["image_size"] = sizes[min(place, len(sizes) - 1)]
        yield kept


def _grid_levels(training: Training, sizes: tuple[int, ...]) -> dict[str, Sequence[ParamValue]]:
    unknown = {
        "frozen": training != "both",
        "backbone_rate": training == "frozen",
        "image_size": len(sizes) == 1,
    }
    levels = {name: levels for name, levels in _GRID.items() if not unknown.get(name, False)}
    if "image_size" in levels:
        levels["image_size"] = (sizes[len(sizes) // 2],)
    return levels


def _prior(sizes: tuple[int, ...]) -> Prior:
    return Prior(
        {
            **TRAINING_BELIEFS,
            "frozen": Weights({True: 1, False: 1}),
            "backbone_rate": Bell(0.15, 2.5),
            "image_size": Weights(
                {size: 2 if place == 1 else 1 for place, size in enumerate(sizes)}
            ),
            "head_dropout": Bell(0.2, 0.15),
            "sgd_lr": Bell(0.02, 2.5),
            "adam_lr": Bell(1e-3, 2.5),
            "adamw_lr": Bell(1.5e-3, 2.5),
            "adamw_weight_decay": Bell(0.02, 3.0),
            "batch_size": Weights({16: 1, 32: 3, 64: 3, 128: 1}),
        }
    )


def _make_space(
    name: str,
    find_model: Callable[[], PretrainedConfig],
    training: Training,
    sizes: tuple[int, ...],
) -> Space:
    return Space(
        name=name,
        suggest=_Suggestion(find_model, training, sizes),
        grid_levels=_grid_levels(training, sizes),
        portfolio=tuple(_portfolio(training, sizes)),
        prior=_prior(sizes),
    )


def _find_model(
    backbone: str, weights: str, mean: Channels | None, std: Channels | None
) -> PretrainedConfig:
    """Return the backbone with its weights and what they need; raises ValueError, in one line."""
    check_backbone(backbone)
    found = PretrainedWeights.find(backbone, weights)
    entry = None if found is None else published(backbone).get(found.name)
    transforms = (entry or recommended(backbone)).transforms()
    return PretrainedConfig(
        backbone=backbone,
        weights=NONE if found is None else found.name,
        weights_file="" if found is None else found.file,
        image_size=transforms.crop_size[0],
        mean=mean or tuple(transforms.mean),
        std=std or tuple(transforms.std),
    )


def _find_sizes(model: PretrainedConfig, given: int | Sequence[int] | None) -> tuple[int, ...]:
    """Return the sizes that are to be searched.

    Raises ValueError if the backbone does not take one of them.
    """
    own = model.image_size
    if given is None:
        small = [size for size in _SMALL_SIZES if size < own and not _refusal(model, size)]
        return (*small, own)
    sizes = (given,) if isinstance(given, int) else tuple(given)
    if not sizes:
        raise ValueError("image_size needs one size at least, got none")
    for size in sizes:
        if refusal := _refusal(model, size):
            raise ValueError(
                f"image_size {size!r} does not suit {model.backbone}, whose own is {own}: {refusal}"
            )
    return sizes


def _refusal(model: PretrainedConfig, size: int) -> str:
    """Return why the backbone takes no images of a size, "" if it does; computes nothing."""
    try:
        sized = replace(model, image_size=size)
        with torch.device("meta"), torch.inference_mode():
            build_model(sized, (3, size, size), 2).eval()(torch.zeros(1, 3, size, size))
    except (RuntimeError, AssertionError, ValueError) as error:  # as backbones refuse images
        return str(error).partition("\n")[0]
    return ""


def pretrained_space(
    backbone: str,
    *,
    weights: str = DOWNLOAD,
    training: Training = "both",
    image_size: int | Sequence[int] | None = None,
    mean: Channels | None = None,
    std: Channels | None = None,
    name: str = "pretrained",
) -> Space:
    """Return the space of a pretrained backbone with a new last layer.

    Args:
        backbone: A classifier of torchvision, such as "resnet18".
        weights: "download" for those that torchvision recommends, its name of others, a file of a
            state dict (.pth or .safetensors), or "none" for random ones.
        training: "frozen" if only the last layer is trained, "fine_tuned" if all are, or "both" to
            search which is better.
        image_size: Pixels to which images are scaled, or several to choose from; None: 64, 128 and
            the size that the weights were trained with, as far as the backbone takes them.
        mean: Mean of the channels that the weights were trained with, of values from 0 to 1; None:
            that of torchvision's weights.
        std: Their standard deviation.
        name: The space's name.

    Raises:
        ValueError: There is no such backbone or file, the file does not fit the backbone, or the
            backbone does not take images of that size.
    """
    if training not in get_args(Training):
        accepted = ", ".join(get_args(Training))
        raise ValueError(f"training must be one of {accepted}, got {training!r}")
    model = _find_model(backbone, weights, mean, std)
    sizes = _find_sizes(model, image_size)
    for one in model.starting_inputs:
        if one.file:
            with torch.device("meta"):
                Backbone(backbone, frozen=True).load(one.load())
    return _make_space(name, lambda: model, training, sizes)


PRETRAINED_SPACE = _make_space(
    "pretrained",
    cache(partial(_find_model, "mobilenet_v3_small", DOWNLOAD, None, None)),
    "both",
    (64, 128, 224),
)
