"""A candidate: everything that decides how one network is built and trained, also in words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Self, final

from optuna.trial import BaseTrial
from pydantic import BaseModel, Field

from cifar_models import CNNConfig, MLPConfig, ModelConfig
from cifar_models.family import write_list, write_number
from spaces.augmentation import (
    AugmentationSetting,
    describe_images,
    find_augmentation,
)
from spaces.families import ANY_FAMILY, Families, FamilySource
from spaces.losses import LOSSES, ClassWeights, CrossEntropy, FocalLoss, LossConfig
from spaces.optimizers import (
    OPTIMIZERS,
    AdamConfig,
    AdamWConfig,
    OptimizerConfig,
    SGDConfig,
    suggest_optimizer,
)
from spaces.parameters import ParamValue
from spaces.prior import Belief, Bell, BySize, Weights
from spaces.registered import Settings, one_of, suggest_name
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
    "CrossEntropy",
    "FocalLoss",
    "LossConfig",
    "MLPConfig",
    "OneCycleConfig",
    "OptimizerConfig",
    "PlateauConfig",
    "SGDConfig",
    "ScheduleConfig",
    "suggest_candidate",
]


def _is_usual(value: object) -> bool:
    """Return whether a setting that candidates did not always have does what they did before."""
    return value in (CrossEntropy(), "none")


@final
class Candidate(Settings):
    """Everything needed to train one network, independent of the search space.

    `augmentation` is the name of a preset, or one or several augmentations in order. `loss`,
    `class_weights` and `label_smoothing` decide what is minimized; validation always uses plain
    cross entropy, so that trials can be compared. With `test_time_flip` the logits of an image are
    averaged with those of its mirror image, in validation and in use. `model_dump_json` and
    `from_json` are exact inverses.
    """

    model: Annotated[ModelConfig, ANY_FAMILY]
    optimizer: Annotated[OptimizerConfig, one_of(OPTIMIZERS, "name")]
    schedule: Annotated[ScheduleConfig, one_of(SCHEDULES, "name")] = ConstantConfig()
    batch_size: int = Field(64, ge=2)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    augmentation: AugmentationSetting = "none"
    test_time_flip: bool = False
    gradient_clip: float | None = Field(None, gt=0)
    # Left out of JSON and code where they are usual, so that earlier candidates stay as they were.
    loss: Annotated[LossConfig, one_of(LOSSES, "name"), Field(exclude_if=_is_usual)] = (
        CrossEntropy()
    )
    class_weights: Annotated[ClassWeights, Field(exclude_if=_is_usual)] = "none"

    @classmethod
    def from_json(cls, text: str, families: Families = ()) -> Self:
        """Return the candidate that `model_dump_json` wrote.

        A network of a user's family can only be built if `families` has it; see `StoredNetwork`.
        """
        return cls.model_validate_json(text, context={"families": families, "as_stored": True})

    def with_families(self, families: Families) -> Self:
        """Return the candidate with its network as one of these families, if it is of one."""
        return self.from_json(self.model_dump_json(), families)

    def replace(self, **settings: Any) -> Self:
        """Return the candidate with other values of some settings, checked like all of them.

        Example:
            `candidate.replace(augmentation=("flip_crop", Cutout()), label_smoothing=0.1)`
        """
        return type(self)(**{**dict(self), **settings})

    def portable(self) -> Self:
        """Return the candidate without what is only true of this machine, such as paths."""
        return self.model_copy(update={"model": self.model.portable()})

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        written = self.model_dump()
        return (pair for pair in super().__repr_args__() if pair[0] in written)


def load_candidate(text: str, source: FamilySource | None) -> Candidate:
    """Return a stored candidate whose network can be built, which may run a user's code."""
    return Candidate.from_json(text, () if source is None else source.load())


# What the built-in spaces choose among. They do not follow the registries, because each addition
# here changes the plan of every stored study.
_OPTIMIZERS = (SGDConfig, AdamConfig, AdamWConfig)
_SCHEDULES = (PlateauConfig, CosineConfig, OneCycleConfig, ConstantConfig)
_AUGMENTATIONS = ("none", "flip", "flip_crop")
_BATCH_SIZES = (32, 64, 128, 256, 512)

TRAINING_GRID: Mapping[str, Sequence[ParamValue]] = {
    "optimizer": ("sgd", "adamw"),
    "sgd_lr": (0.02, 0.1),
    "sgd_momentum": (0.9,),
    "sgd_nesterov": (True,),
    "sgd_weight_decay": (5e-4,),
    "adamw_lr": (1e-3, 4e-3),
    "adamw_weight_decay": (0.05,),
    "schedule": ("one_cycle",),
    "batch_size": (128,),
    "label_smoothing": (0.05,),
    "augmentation": ("none", "flip_crop"),
    "test_time_flip": (False,),
}
"""Levels for the grids of spaces; one replaces what does not suit its networks."""

TRAINING_BELIEFS: Mapping[str, Belief | BySize] = {
    "optimizer": Weights({"sgd": 2, "adam": 1, "adamw": 3}),
    "sgd_lr": Bell(0.05, 2.2),
    "sgd_momentum": Bell(0.9, 0.03),
    "sgd_nesterov": Weights({True: 3, False: 1}),
    "sgd_weight_decay": Bell(4e-4, 3.0),
    "adam_lr": Bell(2e-3, 2.0),
    "adamw_lr": Bell(2.5e-3, 2.0),
    "adamw_weight_decay": Bell(0.05, 3.0),
    "schedule": Weights({"one_cycle": 5, "cosine": 4, "plateau": 1, "constant": 1}),
    "batch_size": Weights({32: 3, 64: 4, 128: 2, 256: 1}),
    "label_smoothing": Bell(0.07, 0.05),
    "augmentation": BySize(
        Weights({"none": 3, "flip": 3, "flip_crop": 1}),
        10_000,
        Weights({"none": 1, "flip": 2, "flip_crop": 4}),
    ),
}
"""How often the built-in spaces' priors draw what `suggest_candidate` asks for."""

STRONG_SGD: Mapping[str, ParamValue] = {
    "optimizer": "sgd",
    "sgd_lr": 0.05,
    "sgd_momentum": 0.9,
    "sgd_nesterov": True,
    "sgd_weight_decay": 5e-4,
}
"""Settings of SGD that the portfolios of both built-in spaces use."""


def suggest_candidate(
    trial: BaseTrial, model: ModelConfig, batch_sizes: Sequence[int] = _BATCH_SIZES
) -> Candidate:
    """Return a candidate with this network and the built-in spaces' suggested training settings."""
    return Candidate(
        model=model,
        optimizer=suggest_optimizer(trial, _OPTIMIZERS),
        schedule=suggest_schedule(trial, _SCHEDULES),
        batch_size=trial.suggest_categorical("batch_size", batch_sizes),
        label_smoothing=trial.suggest_float("label_smoothing", 0.0, 0.2),
        augmentation=suggest_name(trial, "augmentation", _AUGMENTATIONS),
        test_time_flip=trial.suggest_categorical("test_time_flip", (False, True)),
    )


_MISSING = "-"


def describe_candidate(candidate: Candidate) -> str:
    """Return one sentence: the network, then how it is trained, separated by semicolons."""
    network = candidate.model.describe()
    parts = [
        network[0].upper() + network[1:],
        f"{describe_optimizer(candidate)}, {candidate.schedule.words}",
        f"batches of {candidate.batch_size}",
        find_augmentation(candidate.augmentation).describe(),
        *_regularization(candidate),
    ]
    if candidate.test_time_flip:
        parts.append("predictions averaged over each image and its mirror image")
    return "; ".join(parts) + "."


def describe_optimizer(candidate: Candidate) -> str:
    """Return the optimizer with its settings: "SGD with learning rate 0.05 and momentum 0.9"."""
    optimizer = candidate.optimizer
    settings = [f"learning rate {write_number(optimizer.learning_rate)}", *optimizer.settings()]
    return f"{optimizer.words} with {write_list(settings)}"


def tell_candidate(candidate: Candidate) -> str:
    """Return two or three sentences: the network, how it is trained, and how it predicts."""
    optimizer, images = candidate.optimizer, describe_images(candidate.augmentation)
    settings = [*optimizer.settings(), *_regularization(candidate)]
    sentences = [
        f"The network has {candidate.model.describe()}.",
        f"It is trained with {optimizer.words} in batches of {candidate.batch_size} {images}, at "
        f"a learning rate of {write_number(optimizer.learning_rate)}, {candidate.schedule.words}"
        f"{f', with {write_list(settings)}' if settings else ''}.",
    ]
    if candidate.test_time_flip:
        sentences.append("Its predictions are averaged over each image and its mirror image.")
    return " ".join(sentences)


def summarize_candidate(candidate: Candidate) -> str:
    """Return network and training as keywords: "cnn 32-64-128 relu, adam 0.001, batch 64"."""
    optimizer = candidate.optimizer
    parts = [candidate.model.keywords(), f"{optimizer.name} {optimizer.learning_rate:.2g}"]
    if candidate.schedule.name != "constant":
        parts.append(candidate.schedule.name)
    parts.append(f"batch {candidate.batch_size}")
    if candidate.augmentation != "none":
        parts.append(find_augmentation(candidate.augmentation).keyword())
    if candidate.loss.name != "cross_entropy":
        parts.append(candidate.loss.name)
    if candidate.class_weights != "none":
        parts.append(f"{candidate.class_weights} classes")
    return ", ".join(parts)


def loss_settings(candidate: Candidate) -> Iterator[str]:
    """Yield, in words, what is minimized besides plain cross entropy."""
    yield from candidate.loss.settings()
    if candidate.class_weights == "balanced":
        yield "classes weighted by inverse frequency"
    if candidate.label_smoothing:
        yield f"label smoothing {write_number(candidate.label_smoothing)}"


def _regularization(candidate: Candidate) -> Iterator[str]:
    yield from loss_settings(candidate)
    if candidate.gradient_clip is not None:
        yield f"gradients clipped to a norm of {write_number(candidate.gradient_clip)}"


def candidate_differences(a: Candidate, b: Candidate) -> tuple[tuple[str, str, str], ...]:
    """Return (dotted field, value in a, value in b) of each difference; "-" means missing."""
    left, right = (dict(_flatten(_all_settings(candidate))) for candidate in (a, b))
    fields = [*left, *(field for field in right if field not in left)]
    return tuple(
        (field, *_tell_apart(left.get(field, _MISSING), right.get(field, _MISSING)))
        for field in fields
        if left.get(field, _MISSING) != right.get(field, _MISSING)
    )


def readable_settings(candidate: Candidate) -> dict[str, Any]:
    """Return the candidate's JSON as Python values, but augmentations in words."""
    values = candidate.model_dump(mode="json")
    if not isinstance(candidate.augmentation, str):
        values["augmentation"] = find_augmentation(candidate.augmentation).describe()
    return values


def _all_settings(candidate: Candidate) -> dict[str, Any]:
    values = readable_settings(candidate)
    for name in type(candidate).model_fields:
        if name not in values:
            value = getattr(candidate, name)
            values[name] = value.model_dump() if isinstance(value, BaseModel) else value
    return values


def _flatten(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _tell_apart(a: object, b: object) -> tuple[str, str]:
    left, right = _text(a), _text(b)
    return (left, right) if left != right else (repr(a), repr(b))


def _text(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return write_number(value)
        case tuple() | list():
            return ", ".join(_text(item) for item in value)
        case _:
            return "none" if value is None else str(value)
