"""A candidate: everything that decides how one network is built and trained."""

from typing import Annotated, Self, final

from optuna.trial import BaseTrial
from pydantic import BaseModel, Field

from cifar_models import FAMILIES, CNNConfig, MLPConfig, ModelConfig
from spaces.augmentation import AUGMENTATIONS
from spaces.optimizers import (
    OPTIMIZERS,
    AdamConfig,
    AdamWConfig,
    OptimizerConfig,
    SGDConfig,
    suggest_optimizer,
)
from spaces.registered import FROZEN, one_of, one_of_names, suggest_name
from spaces.schedules import (
    SCHEDULES,
    ConstantConfig,
    CosineConfig,
    OneCycleConfig,
    PlateauConfig,
    ScheduleConfig,
    suggest_schedule,
)

__all__ = [
    "AdamConfig",
    "AdamWConfig",
    "CNNConfig",
    "Candidate",
    "ConstantConfig",
    "CosineConfig",
    "MLPConfig",
    "OneCycleConfig",
    "OptimizerConfig",
    "PlateauConfig",
    "SGDConfig",
    "ScheduleConfig",
    "suggest_candidate",
]

_AUGMENTATION_NAMES = tuple(augmentation.name for augmentation in AUGMENTATIONS)


@final
class Candidate(BaseModel):
    """One point of a search space, complete enough to be trained without the space.

    With `test_time_flip` the logits of an image are averaged with those of its mirror image, in
    validation and in use.

    Raises pydantic.ValidationError naming the field and its value. `model_dump_json` and
    `from_json` are exact inverses.
    """

    model_config = FROZEN

    model: Annotated[ModelConfig, one_of(FAMILIES, "kind")]
    optimizer: Annotated[OptimizerConfig, one_of(OPTIMIZERS, "name")]
    schedule: Annotated[ScheduleConfig, one_of(SCHEDULES, "name")] = ConstantConfig()
    batch_size: int = Field(64, ge=2)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    augmentation: Annotated[str, one_of_names(_AUGMENTATION_NAMES)] = "none"
    test_time_flip: bool = False
    gradient_clip: float | None = Field(None, gt=0)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the candidate that `model_dump_json` wrote."""
        return cls.model_validate_json(text)


# What the built-in spaces choose among. Registering another optimizer, schedule or augmentation
# leaves these as they are: each addition here changes the plan of every stored study.
_OPTIMIZERS = (SGDConfig, AdamConfig, AdamWConfig)
_SCHEDULES = (PlateauConfig, CosineConfig, OneCycleConfig, ConstantConfig)
_AUGMENTATIONS = ("none", "flip", "flip_crop")
_BATCH_SIZES = (32, 64, 128, 256, 512)


def suggest_candidate(trial: BaseTrial, model: ModelConfig) -> Candidate:
    """Return the network with suggested training settings, as the built-in spaces do."""
    return Candidate(
        model=model,
        optimizer=suggest_optimizer(trial, _OPTIMIZERS),
        schedule=suggest_schedule(trial, _SCHEDULES),
        batch_size=trial.suggest_categorical("batch_size", _BATCH_SIZES),
        label_smoothing=trial.suggest_float("label_smoothing", 0.0, 0.2),
        augmentation=suggest_name(trial, "augmentation", _AUGMENTATIONS),
        test_time_flip=trial.suggest_categorical("test_time_flip", (False, True)),
    )
