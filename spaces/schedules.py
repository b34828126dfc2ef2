"""Learning-rate schedules: the settings of each, and the schedule as a value.

A schedule gives the rate of each step, and the schedule of the next epoch. Names and fields of
these values are part of a checkpoint's key (see `training_key`).
"""

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, TypeAlias, final

from optuna.trial import BaseTrial
from pydantic import Field

from spaces.registered import NamedConfig, suggest_kind

Changes: TypeAlias = Literal["never", "each epoch", "each step"]


class Schedule(ABC):
    """The learning rates of a training; immutable."""

    @abstractmethod
    def rates(self, epoch: int, steps: int) -> Sequence[float]:
        """Return the rate of each of the `steps` steps of `epoch` (counted from 1)."""

    def after(self, validation_loss: float) -> "Schedule":  # noqa: ARG002
        """Return the schedule of the next epoch, given the validation loss of this one."""
        return self


class ScheduleConfig(NamedConfig):
    """The settings of one kind of schedule.

    `script` is Python code for an exported script: a function `learning_rate` of (epoch) or
    (step, steps), depending on `changes`, all counted from 0. It may use the constants
    LEARNING_RATE and, if rates change with the epoch, RATES (one per epoch, as recorded). A rate
    that never changes needs no function.
    """

    changes: ClassVar[Changes]

    @classmethod
    def suggest(cls, trial: BaseTrial) -> Self:  # noqa: ARG003
        """Return the default settings."""
        return cls.model_validate({})

    @abstractmethod
    def build(self, learning_rate: float, epochs: int) -> Schedule:
        """Return the schedule of a training that lasts up to `epochs` epochs."""

    def refit(self, learning_rate: float, epochs: int, recorded: Sequence[float]) -> Schedule:  # noqa: ARG002
        """Return the schedule of a refit, which has no validation loss.

        Args:
            learning_rate: The optimizer's.
            epochs: The search's horizon.
            recorded: The rate of each epoch of the search.
        """
        return self.build(learning_rate, epochs)

    def script(self) -> str:
        """Return the code for an exported script."""
        return ""


@final
@dataclass(frozen=True)
class ConstantSchedule(Schedule):
    """One rate for all steps."""

    learning_rate: float

    def rates(self, epoch: int, steps: int) -> Sequence[float]:  # noqa: ARG002
        return [self.learning_rate] * steps


@final
class ConstantConfig(ScheduleConfig):
    """The learning rate is constant."""

    words: ClassVar[str] = "held constant"
    changes: ClassVar[Changes] = "never"

    name: Literal["constant"] = "constant"

    def build(self, learning_rate: float, epochs: int) -> Schedule:  # noqa: ARG002
        return ConstantSchedule(learning_rate)


@final
@dataclass(frozen=True)
class PlateauSchedule(Schedule):
    """Multiplies the rate by `factor` once the loss has not improved for `patience` epochs.

    The rule and its constants are those of torch's ReduceLROnPlateau(mode="min").
    """

    learning_rate: float
    factor: float
    patience: int
    best: float = math.inf
    bad_epochs: int = 0

    def rates(self, epoch: int, steps: int) -> Sequence[float]:  # noqa: ARG002
        return [self.learning_rate] * steps

    def after(self, validation_loss: float) -> "PlateauSchedule":
        if validation_loss < self.best * (1 - 1e-4):
            return dataclasses.replace(self, best=validation_loss, bad_epochs=0)
        if self.bad_epochs < self.patience:
            return dataclasses.replace(self, bad_epochs=self.bad_epochs + 1)
        lower = self.learning_rate * self.factor
        rate = lower if self.learning_rate - lower > 1e-8 else self.learning_rate
        return dataclasses.replace(self, learning_rate=rate, bad_epochs=0)


@final
@dataclass(frozen=True)
class ReplaySchedule(Schedule):
    """The rates that another training recorded, one per epoch; the last one is kept."""

    recorded: tuple[float, ...]

    def rates(self, epoch: int, steps: int) -> Sequence[float]:
        return [self.recorded[min(epoch, len(self.recorded)) - 1]] * steps


@final
class PlateauConfig(ScheduleConfig):
    """Multiplies the rate by `factor` once the validation loss stalls for `patience` epochs."""

    words: ClassVar[str] = "lowered on plateaus"
    changes: ClassVar[Changes] = "each epoch"

    name: Literal["plateau"] = "plateau"
    factor: float = Field(0.1, gt=0, lt=1)
    patience: int = Field(3, ge=0)

    def build(self, learning_rate: float, epochs: int) -> Schedule:  # noqa: ARG002
        return PlateauSchedule(learning_rate, self.factor, self.patience)

    def refit(self, learning_rate: float, epochs: int, recorded: Sequence[float]) -> Schedule:  # noqa: ARG002
        """Return the recorded rates, because there is no validation loss to follow."""
        return ReplaySchedule(tuple(recorded))

    def script(self) -> str:
        return '''\
def learning_rate(epoch: int) -> float:
    """Return the rate of an epoch, counted from 0; the last one is kept."""
    return RATES[min(epoch, len(RATES) - 1)]
'''


@final
@dataclass(frozen=True)
class CosineSchedule(Schedule):
    """Half a cosine from the rate to zero, step by step (Loshchilov and Hutter, 2017)."""

    learning_rate: float
    epochs: int

    def rates(self, epoch: int, steps: int) -> Sequence[float]:
        """Return rates as torch's CosineAnnealingLR, stepped after every batch, gives them."""
        first, total = (epoch - 1) * steps, self.epochs * steps
        return [_anneal(self.learning_rate, 0, (first + i) / total) for i in range(steps)]


@final
class CosineConfig(ScheduleConfig):
    """The rate falls to zero along half a cosine over the study's epochs."""

    words: ClassVar[str] = "lowered along a cosine"
    changes: ClassVar[Changes] = "each step"

    name: Literal["cosine"] = "cosine"

    def build(self, learning_rate: float, epochs: int) -> Schedule:
        return CosineSchedule(learning_rate, epochs)

    def script(self) -> str:
        return '''\
def learning_rate(step: int, steps: int) -> float:
    """Return the rate of a step, counted from 0: half a cosine down to zero."""
    return LEARNING_RATE / 2 * (1 + math.cos(math.pi * step / steps))
'''


@final
@dataclass(frozen=True)
class OneCycleSchedule(Schedule):
    """One cycle (Smith and Topin, 2018): from rate/25 to rate to rate/250,000, along cosines."""

    learning_rate: float
    epochs: int
    warmup: float

    def rates(self, epoch: int, steps: int) -> Sequence[float]:
        """Return rates as torch's OneCycleLR gives them; a single step has the full rate."""
        first, total = (epoch - 1) * steps, self.epochs * steps
        return [self._rate(first + i, total) for i in range(steps)]

    def _rate(self, step: int, total: int) -> float:
        if total == 1:
            return self.learning_rate
        low, peak = self.learning_rate / 25, self.warmup * total - 1
        if step < peak:
            return _anneal(low, self.learning_rate, step / peak)
        return _anneal(self.learning_rate, low / 1e4, (step - peak) / max(total - 1 - peak, 1e-9))


@final
class OneCycleConfig(ScheduleConfig):
    """The rate rises from 1/25 of its value over `warmup` of the steps and falls back to zero."""

    words: ClassVar[str] = "raised and lowered in one cycle"
    changes: ClassVar[Changes] = "each step"

    name: Literal["one_cycle"] = "one_cycle"
    warmup: float = Field(0.3, gt=0, lt=1)

    def build(self, learning_rate: float, epochs: int) -> Schedule:
        return OneCycleSchedule(learning_rate, epochs, self.warmup)

    def script(self) -> str:
        return f'''\
def learning_rate(step: int, steps: int) -> float:
    """Return the rate of a step, counted from 0: up, then down."""
    if steps == 1:
        return LEARNING_RATE
    low, peak = LEARNING_RATE / 25, {self.warmup} * steps - 1
    if step < peak:
        return anneal(low, LEARNING_RATE, step / peak)
    return anneal(LEARNING_RATE, low / 1e4, (step - peak) / max(steps - 1 - peak, 1e-9))


def anneal(start: float, end: float, part: float) -> float:
    """Return the value at a part, 0 to 1, of half a cosine from start to end."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * part))
'''


def _anneal(start: float, end: float, part: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * part))


SCHEDULES: tuple[type[ScheduleConfig], ...] = (
    PlateauConfig,
    CosineConfig,
    OneCycleConfig,
    ConstantConfig,
)
"""Every schedule that a candidate may have."""


def suggest_schedule(
    trial: BaseTrial, among: Sequence[type[ScheduleConfig]] = SCHEDULES
) -> ScheduleConfig:
    """Return one of the schedules."""
    return suggest_kind(trial, "schedule", among)
