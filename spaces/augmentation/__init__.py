"""Augmentations: whole batches of training images changed at random.

Some work on stored pixels (uint8), then the images are normalized, then others work on floats whose
zero is the mean of the training images, and last come those that mix images and labels.
"""

from collections.abc import Mapping, Sequence
from types import FunctionType, MappingProxyType
from typing import Annotated, Any, TypeAlias

from optuna.trial import BaseTrial
from pydantic import AfterValidator, BeforeValidator, Discriminator, Tag

from cifar_models.family import write_list
from spaces.augmentation.base import Augmentation
from spaces.augmentation.color import ColorJitter
from spaces.augmentation.custom import CustomAugmentation
from spaces.augmentation.cutout import Cutout
from spaces.augmentation.flips import Flip, FlipCrop
from spaces.augmentation.mixing import CutMix, MixUp
from spaces.augmentation.moves import Rotate, Translate
from spaces.augmentation.pipeline import Draws, Pipeline
from spaces.registered import one_of, one_of_names

__all__ = [
    "AUGMENTATIONS",
    "PRESETS",
    "Augmentation",
    "AugmentationSetting",
    "ColorJitter",
    "CustomAugmentation",
    "CutMix",
    "Cutout",
    "Draws",
    "Flip",
    "FlipCrop",
    "MixUp",
    "Pipeline",
    "Rotate",
    "Translate",
    "find_augmentation",
    "suggest_augmentations",
]

AUGMENTATIONS: tuple[type[Augmentation], ...] = (
    Flip,
    FlipCrop,
    ColorJitter,
    CustomAugmentation,
    Translate,
    Rotate,
    Cutout,
    MixUp,
    CutMix,
)
"""Every augmentation that a candidate may have."""

PRESETS: Mapping[str, tuple[Augmentation, ...]] = MappingProxyType(
    {"none": (), "flip": (Flip(),), "flip_crop": (FlipCrop(),)}
)
"""Augmentations that are written by one name."""


def find_augmentation(setting: str | Sequence[Augmentation]) -> Pipeline:
    """Return the augmentations of a candidate's setting.

    Raises ValueError if it is the name of no preset.
    """
    if not isinstance(setting, str):
        return Pipeline(tuple(setting))
    if setting not in PRESETS:
        raise ValueError(f"augmentation must be one of {', '.join(PRESETS)}, got {setting!r}")
    return Pipeline(PRESETS[setting])


def suggest_augmentations(
    trial: BaseTrial, among: Sequence[type[Augmentation]]
) -> tuple[Augmentation, ...]:
    """Return some of the augmentations, in their order, each with suggested settings.

    Whether one is used is a parameter of its own, such as `use_cutout`.
    """
    return tuple(
        kind.suggest(trial)
        for kind in among
        if trial.suggest_categorical(f"use_{kind.key()}", (False, True))
    )


def _as_steps(value: Any) -> Any:
    """Return augmentations as a tuple, and names as what they stand for."""
    match value:
        case FunctionType():
            raise _needs_wrapping(value)
        case Augmentation():
            return (value,)
        case str():
            return value if value in PRESETS else _named(value)
        case tuple() | list():
            return tuple(step for one in value for step in _steps(one))
    return value


def _steps(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, str):
        if isinstance(value, FunctionType):
            raise _needs_wrapping(value)
        return (value,)
    return PRESETS[value] if value in PRESETS else _named(value)


def _needs_wrapping(function: FunctionType) -> ValueError:
    return ValueError(
        f"a function must be given as CustomAugmentation.from_function({function.__name__})"
    )


def _named(name: str) -> tuple[Augmentation, ...]:
    """Return the augmentation of that name, with its default settings."""
    kinds = {kind.key(): kind for kind in AUGMENTATIONS if kind is not CustomAugmentation}
    if name not in kinds:
        names = ", ".join(dict.fromkeys([*PRESETS, *kinds]))
        raise ValueError(f"{name!r} is no augmentation; accepted: {names}")
    return (kinds[name].model_validate({}),)


def _canonical(value: str | tuple[Augmentation, ...]) -> str | tuple[Augmentation, ...]:
    """Return the only way to write a setting: the name of a preset, where there is one."""
    if isinstance(value, str):
        return value
    reason = Pipeline(value).why_invalid()
    if reason is not None:
        raise ValueError(reason)
    return next((name for name, steps in PRESETS.items() if steps == value), value)


AugmentationSetting: TypeAlias = Annotated[
    Annotated[str, one_of_names(tuple(PRESETS)), Tag("name")]
    | Annotated[tuple[Annotated[Augmentation, one_of(AUGMENTATIONS, "name")], ...], Tag("steps")],
    Discriminator(lambda value: "name" if isinstance(value, str) else "steps"),
    BeforeValidator(_as_steps),
    AfterValidator(_canonical),
]
"""The name of a preset, or augmentations in order.

It may be given as one augmentation or as several, and by the name of one for its default settings.
"""


def describe_images(setting: str | Sequence[Augmentation]) -> str:
    """Return what a network is trained on: "randomly flipped images"."""
    steps = find_augmentation(setting).steps
    if not steps:
        return "images"
    for name, words in _IMAGES.items():
        if steps == PRESETS[name]:
            return words
    return f"images with {write_list([step.describe() for step in steps])}"


_IMAGES = {
    "flip": "randomly flipped images",
    "flip_crop": "randomly flipped and cropped images",
}
