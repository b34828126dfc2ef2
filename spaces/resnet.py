"""The built-in space of small residual networks; its portfolio and prior are a first guess.

It has no baseline, because nobody has tuned one by hand: its networks are compared with the
hand-tuned convolutional network.
"""

from collections.abc import Mapping

from optuna.trial import BaseTrial

from cifar_models import ResNetConfig
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

# Chosen among those registered in cifar_models: an addition here changes every stored plan.
_ACTIVATIONS = ("relu", "leaky_relu", "gelu", "silu", "elu")
_STEMS = ("full", "strided", "patch")


def suggest_resnet(trial: BaseTrial) -> Candidate:
    """Return three stages of suggested width and depth, and how to train them."""
    model = ResNetConfig(
        channels=_suggest_channels(trial),
        blocks=trial.suggest_int("blocks", 1, 3),
        stem=trial.suggest_categorical("stem", _STEMS),
        activation=trial.suggest_categorical("activation", _ACTIVATIONS),
        drop_path=trial.suggest_float("drop_path", 0.0, 0.3),
        head_dropout=trial.suggest_float("head_dropout", 0.0, 0.6),
    )
    return suggest_candidate(trial, model)


def _suggest_channels(trial: BaseTrial) -> tuple[int, ...]:
    base = trial.suggest_int("base_width", 16, 128, log=True)
    growth = trial.suggest_float("growth", 1.0, 2.0, step=0.25)
    # multiples of eight: what vector units and tensor cores work on without padding
    return tuple(8 * round(base * growth**stage / 8) for stage in range(3))


_STRONG: Mapping[str, ParamValue] = {
    "base_width": 32,
    "growth": 2.0,
    "blocks": 1,
    "stem": "strided",
    "activation": "relu",
    "drop_path": 0.0,
    "head_dropout": 0.0,
    "schedule": "one_cycle",
    "batch_size": 64,
    "label_smoothing": 0.05,
    "augmentation": "flip_crop",
    "test_time_flip": True,
}
_ADAMW: Mapping[str, ParamValue] = {
    "optimizer": "adamw",
    "adamw_lr": 3e-3,
    "adamw_weight_decay": 0.05,
}
_UNCHANGED: Mapping[str, ParamValue] = {"augmentation": "none", "test_time_flip": False}
_PORTFOLIO = (
    {**_STRONG, **_ADAMW, "base_width": 40, "batch_size": 32},
    {**_STRONG, **STRONG_SGD, "base_width": 48},
    {**_STRONG, **_ADAMW, "blocks": 2, "drop_path": 0.05},
    {**_STRONG, **_ADAMW, "stem": "full", "base_width": 24},
    {**_STRONG, **_ADAMW, **_UNCHANGED, "head_dropout": 0.2},
    {**_STRONG, **STRONG_SGD, "activation": "silu", "augmentation": "flip"},
)

RESNET_SPACE = Space(
    name="resnet",
    suggest=suggest_resnet,
    grid_levels={
        "base_width": (32, 64),
        "growth": (2.0,),
        "blocks": (1, 2),
        "stem": ("strided",),
        "activation": ("relu",),
        "drop_path": (0.0,),
        "head_dropout": (0.0,),
        **TRAINING_GRID,
    },
    portfolio=_PORTFOLIO,
    widths=("base_width",),
    prior=Prior(
        {
            **TRAINING_BELIEFS,
            "base_width": Bell(36, 1.5),
            "growth": Bell(1.9, 0.25),
            "blocks": Bell(1.0, 0.8),
            "stem": Weights({"full": 1, "strided": 3, "patch": 1}),
            "activation": Weights({"relu": 4, "leaky_relu": 1, "gelu": 2, "silu": 3, "elu": 1}),
            "drop_path": Bell(0.0, 0.06),
            "head_dropout": Bell(0.0, 0.15),
        }
    ),
)
