"""The suggestions that spaces share: how a network is trained."""

from collections.abc import Sequence
from typing import TypeVar, cast

from optuna.trial import BaseTrial

from cifar_models import CNNConfig, MLPConfig
from cifar_models.layers import ActivationName
from spaces.candidate import (
    AdamConfig,
    AdamWConfig,
    AugmentationName,
    Candidate,
    ConstantConfig,
    CosineConfig,
    OneCycleConfig,
    OptimizerConfig,
    PlateauConfig,
    ScheduleConfig,
    SGDConfig,
)

_Name = TypeVar("_Name", bound=str)

ACTIVATIONS: tuple[ActivationName, ...] = ("relu", "leaky_relu", "gelu", "silu", "elu")
AUGMENTATIONS: tuple[AugmentationName, ...] = ("none", "flip", "flip_crop")
BATCH_SIZES = (32, 64, 128, 256, 512)


def suggest_candidate(trial: BaseTrial, model: MLPConfig | CNNConfig) -> Candidate:
    """Return the model with suggested training settings."""
    return Candidate(
        model=model,
        optimizer=suggest_optimizer(trial),
        schedule=suggest_schedule(trial),
        batch_size=trial.suggest_categorical("batch_size", BATCH_SIZES),
        label_smoothing=trial.suggest_float("label_smoothing", 0.0, 0.2),
        augmentation=suggest_name(trial, "augmentation", AUGMENTATIONS),
        test_time_flip=trial.suggest_categorical("test_time_flip", (False, True)),
    )


def suggest_optimizer(trial: BaseTrial) -> OptimizerConfig:
    """Return SGD, Adam or AdamW.

    Each has parameters of its own: a learning rate or a weight decay that is good for one is
    poor for another.
    """
    name = trial.suggest_categorical("optimizer", ("sgd", "adam", "adamw"))
    if name == "sgd":
        return SGDConfig(
            learning_rate=trial.suggest_float("sgd_lr", 1e-3, 0.3, log=True),
            momentum=trial.suggest_float("sgd_momentum", 0.8, 0.98),
            nesterov=trial.suggest_categorical("sgd_nesterov", (False, True)),
            weight_decay=trial.suggest_float("sgd_weight_decay", 1e-6, 1e-2, log=True),
        )
    if name == "adam":
        return AdamConfig(
            learning_rate=trial.suggest_float("adam_lr", 1e-4, 1e-2, log=True),
            weight_decay=trial.suggest_float("adam_weight_decay", 1e-8, 1e-3, log=True),
        )
    return AdamWConfig(
        learning_rate=trial.suggest_float("adamw_lr", 1e-4, 2e-2, log=True),
        weight_decay=trial.suggest_float("adamw_weight_decay", 1e-4, 0.5, log=True),
    )


def suggest_schedule(trial: BaseTrial) -> ScheduleConfig:
    """Return a schedule, each with its default settings."""
    match trial.suggest_categorical("schedule", ("plateau", "cosine", "one_cycle", "constant")):
        case "plateau":
            return PlateauConfig()
        case "cosine":
            return CosineConfig()
        case "one_cycle":
            return OneCycleConfig()
        case _:
            return ConstantConfig()


def suggest_name(trial: BaseTrial, name: str, choices: Sequence[_Name]) -> _Name:
    """Return one of the choices, typed as they are."""
    return cast("_Name", trial.suggest_categorical(name, choices))
