"""The built-in space of multilayer perceptrons."""

from collections.abc import Mapping

from optuna.trial import BaseTrial

from cifar_models import MLPConfig
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


def suggest_mlp(trial: BaseTrial) -> Candidate:
    """Return three linear layers of suggested widths, and how to train them."""
    model = MLPConfig(
        hidden_widths=(
            trial.suggest_int("hidden_width_1", 64, 2048, log=True),
            trial.suggest_int("hidden_width_2", 32, 1024, log=True),
        ),
        activation=trial.suggest_categorical("activation", _ACTIVATIONS),
        batch_norm=trial.suggest_categorical("batch_norm", (True, False)),
        dropouts=_suggest_dropouts(trial),
    )
    return suggest_candidate(trial, model)


def _suggest_dropouts(trial: BaseTrial) -> tuple[float, float]:
    if trial.suggest_categorical("dropout_mode", ("shared", "per_layer")) == "shared":
        rate = trial.suggest_float("dropout", 0.0, 0.7)
        return rate, rate
    return trial.suggest_float("dropout_1", 0.0, 0.7), trial.suggest_float("dropout_2", 0.0, 0.7)


_STRONG: Mapping[str, ParamValue] = {
    "hidden_width_1": 1024,
    "hidden_width_2": 512,
    "activation": "gelu",
    "batch_norm": True,
    "dropout_mode": "shared",
    "dropout": 0.2,
    "schedule": "one_cycle",
    "batch_size": 64,
    "label_smoothing": 0.05,
    "augmentation": "none",
    "test_time_flip": False,
}
_ADAMW: Mapping[str, ParamValue] = {
    "optimizer": "adamw",
    "adamw_lr": 2e-3,
    "adamw_weight_decay": 0.05,
}
_PORTFOLIO = (
    {**_STRONG, **STRONG_SGD},
    {
        **_STRONG,
        **STRONG_SGD,
        "hidden_width_1": 1261,
        "hidden_width_2": 180,
        "activation": "relu",
        "dropout": 0.3,
        "sgd_lr": 0.016,
        "sgd_momentum": 0.88,
        "sgd_weight_decay": 5e-5,
        "label_smoothing": 0.1,
        "augmentation": "flip",
    },
    {**_STRONG, **_ADAMW},
    {**_STRONG, **_ADAMW, "augmentation": "flip_crop", "test_time_flip": True, "dropout": 0.0},
    {**_STRONG, **_ADAMW, "augmentation": "flip", "test_time_flip": True},
    {**_STRONG, **_ADAMW, "schedule": "plateau", "batch_size": 32, "dropout": 0.1},
)

MLP_SPACE = Space(
    name="mlp",
    suggest=suggest_mlp,
    baseline_params={  # the hand-tuned network
        "hidden_width_1": 512,
        "hidden_width_2": 256,
        "activation": "relu",
        "batch_norm": True,
        "dropout_mode": "shared",
        "dropout": 0.4,
        "optimizer": "adam",
        "adam_lr": 1e-3,
        "adam_weight_decay": 1e-6,
        "schedule": "plateau",
        "batch_size": 64,
        "label_smoothing": 0.0,
        "augmentation": "none",
        "test_time_flip": False,
    },
    grid_levels={
        "hidden_width_1": (512, 1024),
        "hidden_width_2": (256,),
        "activation": ("relu",),
        "batch_norm": (True,),
        "dropout_mode": ("shared",),
        "dropout": (0.2, 0.4),
        **TRAINING_GRID,
        "sgd_lr": (0.01, 0.05),
        "adamw_lr": (5e-4, 2e-3),
        "label_smoothing": (0.0,),
        "augmentation": ("none", "flip"),
    },
    portfolio=_PORTFOLIO,
    widths=("hidden_width_1", "hidden_width_2"),
    prior=Prior(
        {
            **TRAINING_BELIEFS,
            "hidden_width_1": Bell(1000, 1.8),
            "hidden_width_2": Bell(400, 1.8),
            "activation": Weights({"relu": 3, "leaky_relu": 2, "gelu": 4, "silu": 3, "elu": 1}),
            "batch_norm": Weights({True: 8, False: 1}),
            "dropout": Bell(0.2, 0.15),
            "dropout_1": Bell(0.2, 0.15),
            "dropout_2": Bell(0.2, 0.15),
        }
    ),
)
