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
_FLIPPED: Mapping[str, ParamValue] = {**_STRONG, "label_smoothing": 0.1, "augmentation": "flip"}
_PER_LAYER: Mapping[str, ParamValue] = {
    **{name: value for name, value in _FLIPPED.items() if name != "dropout"},
    "dropout_mode": "per_layer",
    "batch_size": 128,
}
_PORTFOLIO = (  # the greedy choice over studies/curves, in its order, values rounded
    {
        **_FLIPPED,
        **STRONG_SGD,
        "hidden_width_1": 1261,
        "hidden_width_2": 180,
        "activation": "relu",
        "dropout": 0.3,
        "sgd_lr": 0.016,
        "sgd_momentum": 0.88,
        "sgd_weight_decay": 5e-5,
    },
    {**_STRONG, **STRONG_SGD},
    {
        **_PER_LAYER,
        "hidden_width_1": 755,
        "hidden_width_2": 538,
        "activation": "relu",
        "dropout_1": 0.45,
        "dropout_2": 0.45,
        "optimizer": "adam",
        "adam_lr": 4e-3,
        "adam_weight_decay": 2e-8,
    },
    {
        **_FLIPPED,
        **STRONG_SGD,
        "hidden_width_1": 752,
        "hidden_width_2": 228,
        "activation": "silu",
        "dropout": 0.25,
        "sgd_lr": 0.07,
        "sgd_momentum": 0.88,
        "sgd_weight_decay": 8e-4,
        "schedule": "cosine",
        "batch_size": 32,
        "test_time_flip": True,
    },
    {
        **_FLIPPED,
        **STRONG_SGD,
        "hidden_width_1": 1366,
        "dropout": 0.4,
        "sgd_lr": 0.06,
        "sgd_momentum": 0.93,
        "sgd_weight_decay": 3e-4,
        "schedule": "plateau",
        "batch_size": 32,
        "test_time_flip": True,
    },
    {
        **_FLIPPED,
        **STRONG_SGD,
        "hidden_width_1": 1652,
        "hidden_width_2": 403,
        "dropout": 0.1,
        "sgd_lr": 0.1,
        "sgd_momentum": 0.88,
        "sgd_nesterov": False,
        "sgd_weight_decay": 2.5e-4,
        "batch_size": 32,
    },
    {
        **_PER_LAYER,
        **STRONG_SGD,
        "hidden_width_1": 708,
        "hidden_width_2": 242,
        "activation": "silu",
        "dropout_1": 0.3,
        "dropout_2": 0.2,
        "sgd_momentum": 0.93,
        "test_time_flip": True,
    },
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
