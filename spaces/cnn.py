"""The built-in space of convolutional networks."""

from collections.abc import Mapping

from optuna.trial import BaseTrial

from cifar_models import CNNConfig
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
_POOLINGS = ("max", "overlapping_max", "average")
_HEADS = ("flatten", "global_average", "global_max")


def suggest_cnn(trial: BaseTrial) -> Candidate:
    """Return three convolutions of suggested widths, and how to train them."""
    model = CNNConfig(
        channels=_suggest_channels(trial),
        kernel_size=trial.suggest_categorical("kernel_size", (3, 5)),
        activation=trial.suggest_categorical("activation", _ACTIVATIONS),
        pooling=trial.suggest_categorical("pooling", _POOLINGS),
        pool_first=trial.suggest_categorical("pool_first", (False, True)),
        conv_dropout=trial.suggest_float("conv_dropout", 0.0, 0.3),
        head=trial.suggest_categorical("head", _HEADS),
        head_dropout=trial.suggest_float("head_dropout", 0.0, 0.6),
    )
    return suggest_candidate(trial, model)


def _suggest_channels(trial: BaseTrial) -> tuple[int, ...]:
    base = trial.suggest_int("base_width", 16, 128, log=True)
    growth = trial.suggest_float("growth", 1.0, 2.0, step=0.25)
    # multiples of eight: what vector units and tensor cores work on without padding
    return tuple(8 * round(base * growth**depth / 8) for depth in range(3))


_STRONG: Mapping[str, ParamValue] = {
    "base_width": 48,
    "growth": 2.0,
    "kernel_size": 3,
    "activation": "gelu",
    "pooling": "overlapping_max",
    "pool_first": True,
    "conv_dropout": 0.0,
    "head": "flatten",
    "head_dropout": 0.2,
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
_PORTFOLIO = (  # the greedy choice over studies/curves, in its order, values rounded
    {**_STRONG, **_ADAMW, "adamw_lr": 6e-3, "adamw_weight_decay": 0.2},
    {**_STRONG, **_ADAMW, "batch_size": 128},
    {
        **_STRONG,
        **_ADAMW,
        **_UNCHANGED,
        "conv_dropout": 0.1,
        "head_dropout": 0.4,
        "batch_size": 32,
    },
    {**_STRONG, **_ADAMW, "activation": "silu", "schedule": "cosine"},
    {**_STRONG, **_ADAMW, "adamw_lr": 2e-3, "batch_size": 32},
    {**_STRONG, **_ADAMW, "base_width": 32},
    {
        **_STRONG,
        "base_width": 52,
        "growth": 1.75,
        "activation": "relu",
        "conv_dropout": 0.15,
        "head_dropout": 0.05,
        "optimizer": "adamw",
        "adamw_lr": 1e-2,
        "adamw_weight_decay": 0.2,
        "batch_size": 32,
        "augmentation": "flip",
        "test_time_flip": False,
    },
    {**_STRONG, **STRONG_SGD},
)

CNN_SPACE = Space(
    name="cnn",
    suggest=suggest_cnn,
    baseline_params={  # the hand-tuned network
        "base_width": 32,
        "growth": 2.0,
        "kernel_size": 3,
        "activation": "relu",
        "pooling": "max",
        "pool_first": False,
        "conv_dropout": 0.1,
        "head": "flatten",
        "head_dropout": 0.4,
        "optimizer": "sgd",
        "sgd_lr": 0.01,
        "sgd_momentum": 0.9,
        "sgd_nesterov": False,
        "sgd_weight_decay": 1e-3,
        "schedule": "plateau",
        "batch_size": 64,
        "label_smoothing": 0.0,
        "augmentation": "none",
        "test_time_flip": False,
    },
    grid_levels={
        "base_width": (32, 64),
        "growth": (2.0,),
        "kernel_size": (3,),
        "activation": ("relu",),
        "pooling": ("max",),
        "pool_first": (False,),
        "conv_dropout": (0.0, 0.1),
        "head": ("flatten",),
        "head_dropout": (0.2,),
        **TRAINING_GRID,
    },
    portfolio=_PORTFOLIO,
    widths=("base_width",),
    prior=Prior(
        {
            **TRAINING_BELIEFS,
            "base_width": Bell(40, 1.5),
            "growth": Bell(1.9, 0.25),
            "kernel_size": Weights({3: 5, 5: 1}),
            "activation": Weights({"relu": 3, "leaky_relu": 2, "gelu": 4, "silu": 3, "elu": 1}),
            "pooling": Weights({"max": 2, "overlapping_max": 3, "average": 1}),
            "conv_dropout": Bell(0.0, 0.08),
            "head": Weights({"flatten": 3, "global_average": 2, "global_max": 1}),
            "head_dropout": Bell(0.2, 0.15),
        }
    ),
)
