"""A candidate: everything that decides how one network is built and trained."""

from typing import Annotated, Literal, Self, final

from pydantic import BaseModel, ConfigDict, Field

from cifar_models import CNNConfig, MLPConfig


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@final
class SGDConfig(_Value):
    """Stochastic gradient descent with (Nesterov) momentum and L2 weight decay."""

    name: Literal["sgd"] = "sgd"
    learning_rate: float = Field(0.01, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    nesterov: bool = False
    weight_decay: float = Field(0.0, ge=0)


@final
class AdamConfig(_Value):
    """Adam with L2 weight decay added to the gradient, as torch.optim.Adam does."""

    name: Literal["adam"] = "adam"
    learning_rate: float = Field(1e-3, gt=0)
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = Field(0.0, ge=0)


@final
class AdamWConfig(_Value):
    """Adam with decoupled weight decay."""

    name: Literal["adamw"] = "adamw"
    learning_rate: float = Field(1e-3, gt=0)
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = Field(0.01, ge=0)


@final
class ConstantConfig(_Value):
    """The learning rate stays as it is."""

    name: Literal["constant"] = "constant"


@final
class PlateauConfig(_Value):
    """The rate is multiplied by `factor` once the validation loss rests for `patience` epochs."""

    name: Literal["plateau"] = "plateau"
    factor: float = Field(0.1, gt=0, lt=1)
    patience: int = Field(3, ge=0)


@final
class CosineConfig(_Value):
    """The rate falls to zero along half a cosine over the study's epochs."""

    name: Literal["cosine"] = "cosine"


@final
class OneCycleConfig(_Value):
    """The rate rises from 1/25 of its value over `warmup` of the steps and falls back to zero."""

    name: Literal["one_cycle"] = "one_cycle"
    warmup: float = Field(0.3, gt=0, lt=1)


ModelValue = Annotated[MLPConfig | CNNConfig, Field(discriminator="kind")]
OptimizerConfig = SGDConfig | AdamConfig | AdamWConfig
ScheduleConfig = ConstantConfig | PlateauConfig | CosineConfig | OneCycleConfig
AugmentationName = Literal["none", "flip", "flip_crop"]


@final
class Candidate(_Value):
    """One point of a search space, complete enough to be trained without the space.

    With `test_time_flip` the network is asked twice, about an image and its mirror image, and the
    logits are averaged, in validation as in use.

    Raises pydantic.ValidationError naming the field and its value. `model_dump_json` and
    `from_json` are exact inverses.
    """

    model: ModelValue
    optimizer: Annotated[OptimizerConfig, Field(discriminator="name")]
    schedule: Annotated[ScheduleConfig, Field(discriminator="name")] = ConstantConfig()
    batch_size: int = Field(64, ge=2)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    augmentation: AugmentationName = "none"
    test_time_flip: bool = False
    gradient_clip: float | None = Field(None, gt=0)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the candidate that `model_dump_json` wrote."""
        return cls.model_validate_json(text)
