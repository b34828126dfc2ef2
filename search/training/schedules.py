"""Learning-rate schedules as values: what rate each step has, and what follows an epoch."""

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from spaces.candidate import (
    ConstantConfig,
    CosineConfig,
    OneCycleConfig,
    PlateauConfig,
    ScheduleConfig,
)


class Schedule(ABC):
    """The learning rates of a training; immutable."""

    @abstractmethod
    def rates(self, epoch: int, steps: int) -> Sequence[float]:
        """Return the rate of each of the `steps` steps of `epoch` (counted from 1)."""

    @abstractmethod
    def after(self, validation_loss: float) -> "Schedule":
        """Return the schedule of the next epoch, given the validation loss of this one."""


@final
@dataclass(frozen=True)
class ConstantSchedule(Schedule):
    """One rate for all steps."""

    learning_rate: float

    def rates(self, epoch: int, steps: int) -> Sequence[float]:
        """Return the same rate for every step."""
        del epoch
        return [self.learning_rate] * steps

    def after(self, validation_loss: float) -> "ConstantSchedule":
        """Return itself."""
        del validation_loss
        return self


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

    def after(self, validation_loss: float) -> "CosineSchedule":
        """Return itself."""
        del validation_loss
        return self


@final
@dataclass(frozen=True)
class OneCycleSchedule(Schedule):
    """Up and down once (Smith and Topin, 2018): rate/25 to rate to rate/250,000, in cosines."""

    learning_rate: float
    epochs: int
    warmup: float

    def rates(self, epoch: int, steps: int) -> Sequence[float]:
        """Return rates as torch's OneCycleLR gives them."""
        first, total = (epoch - 1) * steps, self.epochs * steps
        return [self._rate(first + i, total) for i in range(steps)]

    def _rate(self, step: int, total: int) -> float:
        low, peak = self.learning_rate / 25, self.warmup * total - 1
        if step < peak:
            return _anneal(low, self.learning_rate, step / peak)
        return _anneal(self.learning_rate, low / 1e4, (step - peak) / max(total - 1 - peak, 1e-9))

    def after(self, validation_loss: float) -> "OneCycleSchedule":
        """Return itself."""
        del validation_loss
        return self


@final
@dataclass(frozen=True)
class PlateauSchedule(Schedule):
    """Falls by `factor` once the loss has not fallen for more than `patience` epochs.

    The rule and its constants are those of torch's ReduceLROnPlateau(mode="min").
    """

    learning_rate: float
    factor: float
    patience: int
    best: float = math.inf
    bad_epochs: int = 0

    def rates(self, epoch: int, steps: int) -> Sequence[float]:
        """Return the present rate for every step."""
        del epoch
        return [self.learning_rate] * steps

    def after(self, validation_loss: float) -> "PlateauSchedule":
        """Return the schedule with the loss taken in."""
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
    """The rates that another training recorded, one an epoch; the last one holds on."""

    recorded: tuple[float, ...]

    def rates(self, epoch: int, steps: int) -> Sequence[float]:
        """Return the epoch's recorded rate for every step."""
        return [self.recorded[min(epoch, len(self.recorded)) - 1]] * steps

    def after(self, validation_loss: float) -> "ReplaySchedule":
        """Return itself."""
        del validation_loss
        return self


def build_schedule(config: ScheduleConfig, learning_rate: float, epochs: int) -> Schedule:
    """Return the schedule of a training with a horizon of `epochs`."""
    match config:
        case ConstantConfig():
            return ConstantSchedule(learning_rate)
        case PlateauConfig():
            return PlateauSchedule(learning_rate, config.factor, config.patience)
        case CosineConfig():
            return CosineSchedule(learning_rate, epochs)
        case OneCycleConfig():
            return OneCycleSchedule(learning_rate, epochs, config.warmup)


def refit_schedule(
    config: ScheduleConfig, learning_rate: float, epochs: int, recorded: Sequence[float]
) -> Schedule:
    """Return the schedule of a refit, which has no validation loss to look at.

    A plateau schedule is replayed from the rates that the folds recorded; a schedule with a
    horizon keeps the horizon of the search.
    """
    if isinstance(config, PlateauConfig):
        return ReplaySchedule(tuple(recorded))
    return build_schedule(config, learning_rate, epochs)


def _anneal(start: float, end: float, part: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * part))
