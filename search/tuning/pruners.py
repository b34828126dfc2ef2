"""Pruners: which trials are not worth training further.

A pruner is a rule on curves; `PlanOrderPruner` applies it so that timing decides nothing. With one
worker halving decides as Optuna's SuccessiveHalvingPruner does.

To add a pruner: write its class here and list it in `PRUNERS`.
"""

import statistics
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self, TypeAlias, final

from search.seeding import derive_seed

Curves: TypeAlias = Mapping[int, Sequence[float]]
"""Validation curves (higher is better) by index in the plan."""

_FACTOR = 3  # measured, as is the first rung: studies/README.md


class Pruner(ABC):
    """Decides which trials end before their last epoch; an instance holds its settings.

    Attributes:
        name: What a recipe calls it.
        words: What the plan of a run calls it.
        comparison: With whom it compares a trial, in a sentence.
        pauses: Whether trials pause where it decides until all others have got there, too, and are
            compared with all of them instead of those before them in the plan.
        group_size: How many neighbours in the plan "all others" are, for a pruner that pauses;
            None: the whole plan.
    """

    name: ClassVar[str]
    words: ClassVar[str]
    comparison: ClassVar[str] = (
        "Each was compared, after the same epoch, with the trials before it in the plan, so the "
        "first ones had the fewest rivals."
    )
    pauses: ClassVar[bool] = False
    group_size: ClassVar[int | None] = None

    @classmethod
    @abstractmethod
    def for_horizon(cls, epochs: int, seed: int) -> Self:
        """Return the pruner with its default settings for trainings of `epochs` epochs."""

    @classmethod
    @abstractmethod
    def variants(cls, epochs: int, seed: int) -> "Iterator[tuple[str, Pruner]]":
        """Yield the settings that `replay` compares, each with a name."""

    @final
    @classmethod
    def spared(cls, *, baseline_first: bool) -> frozenset[int]:
        """Return the indices of trials that are trained whole whatever they show.

        Where of nine trials one continues, the hand-tuned network would hardly ever, and nobody
        could say what the search has gained over it.
        """
        return frozenset({0} if baseline_first and cls.group_size is not None else ())

    @abstractmethod
    def decides_at(self, index: int, epoch: int) -> bool:
        """Return whether the trial of that index may be pruned after `epoch`."""

    @abstractmethod
    def is_hopeless(self, index: int, curve: Sequence[float], rivals: Mapping[int, float]) -> bool:
        """Return whether a trial is pruned at an epoch at which the pruner decides.

        Args:
            index: The trial's index in the plan.
            curve: Its validation figures up to that epoch; higher is better.
            rivals: The figures at that epoch of all trials before it in the plan that reached it,
                by index; for a pruner that pauses, of all others of its group that reached it.
        """

    @final
    def prunes(self, index: int, curve: Sequence[float], others: Curves) -> bool:
        """Return whether a trial ends after the last epoch of its curve.

        `others` are the curves of the trials that it is compared with, each as far as it got.
        """
        epoch = len(curve)
        if not self.decides_at(index, epoch):
            return False
        reached = {other: figures for other, figures in others.items() if len(figures) >= epoch}
        rivals = {other: figures[epoch - 1] for other, figures in reached.items()}
        return self.is_hopeless(index, curve, rivals)


@final
@dataclass(frozen=True)
class NoPruner(Pruner):
    """Every trial runs to its end."""

    name = "none"
    words = "no pruner"

    @classmethod
    def for_horizon(cls, epochs: int, seed: int) -> Self:
        del epochs, seed
        return cls()

    @classmethod
    def variants(cls, epochs: int, seed: int) -> Iterator[tuple[str, Pruner]]:
        yield "none", cls.for_horizon(epochs, seed)

    def decides_at(self, index: int, epoch: int) -> bool:
        del index, epoch
        return False

    def is_hopeless(self, index: int, curve: Sequence[float], rivals: Mapping[int, float]) -> bool:
        del index, curve, rivals
        return False


@final
@dataclass(frozen=True)
class MedianPruner(Pruner):
    """Prunes a trial whose best value so far is below the median of the earlier trials' values.

    The median stopping rule of Vizier (Golovin et al., 2017), with the comparison that Optuna's
    MedianPruner makes; all earlier trials that reached the epoch count.

    Attributes:
        startup_trials: The first trials, which are never pruned.
        warmup_epochs: The first epochs, after which no trial is pruned.
    """

    name = "median"
    words = "pruner median"
    startup_trials: int
    warmup_epochs: int

    @classmethod
    def for_horizon(cls, epochs: int, seed: int) -> Self:
        del seed
        return cls(5, first_rung(epochs))

    @classmethod
    def variants(cls, epochs: int, seed: int) -> Iterator[tuple[str, Pruner]]:
        del seed
        for first in _first_epochs(epochs):
            for startup in (5, 10):
                yield f"median, after {first}, startup {startup}", cls(startup, first)

    def decides_at(self, index: int, epoch: int) -> bool:
        return index >= self.startup_trials and epoch > self.warmup_epochs

    def is_hopeless(self, index: int, curve: Sequence[float], rivals: Mapping[int, float]) -> bool:
        del index
        return bool(rivals) and max(curve) < statistics.median(rivals.values())


@dataclass(frozen=True)
class _RungPruner(Pruner):
    """Compares trials at rungs, which are at `min_epochs` times powers of `factor`."""

    min_epochs: int
    factor: int

    @classmethod
    def for_horizon(cls, epochs: int, seed: int) -> Self:
        del seed
        return cls(first_rung(epochs), _FACTOR)

    @classmethod
    def variants(cls, epochs: int, seed: int) -> Iterator[tuple[str, Pruner]]:
        del seed
        for first in _first_epochs(epochs):
            for factor in (2, 3, 4):
                yield f"{cls.name} from {first} by {factor}", cls(first, factor)

    def decides_at(self, index: int, epoch: int) -> bool:
        del index
        return epoch in rungs(self.min_epochs, self.factor, epoch)


@final
@dataclass(frozen=True)
class HalvingPruner(_RungPruner):
    """Asynchronous successive halving (Li et al., 2020): the best 1/factor pass each rung.

    The first trials at a rung pass it if they are the best so far.
    """

    name = "halving"
    words = "pruner halving"

    def is_hopeless(self, index: int, curve: Sequence[float], rivals: Mapping[int, float]) -> bool:
        del index
        figures = sorted([*rivals.values(), curve[-1]], reverse=True)
        return curve[-1] < figures[max(len(figures) // self.factor, 1) - 1]


@final
@dataclass(frozen=True)
class HyperbandPruner(Pruner):
    """Hyperband (Li et al., 2018): halving in brackets that start at later and later rungs.

    A trial's bracket is drawn from (seed, index), in proportion to the bracket's size.
    """

    name = "hyperband"
    words = "pruner hyperband"
    brackets: tuple[HalvingPruner, ...]
    seed: int

    @classmethod
    def for_horizon(cls, epochs: int, seed: int) -> Self:
        return cls(_brackets(first_rung(epochs), _FACTOR, epochs), seed)

    @classmethod
    def variants(cls, epochs: int, seed: int) -> Iterator[tuple[str, Pruner]]:
        for first in _first_epochs(epochs):
            for factor in (2, 3, 4):
                brackets = _brackets(first, factor, epochs)
                if len(brackets) > 1:
                    yield f"hyperband from {first} by {factor}", cls(brackets, seed)

    def bracket(self, index: int) -> int:
        """Return the number of the trial's bracket; bracket 0 prunes earliest."""
        factor = self.brackets[0].factor
        sizes = [factor ** (len(self.brackets) - 1 - i) for i in range(len(self.brackets))]
        place = derive_seed(self.seed, "bracket", index) % sum(sizes)
        return next(i for i in range(len(sizes)) if place < sum(sizes[: i + 1]))

    def decides_at(self, index: int, epoch: int) -> bool:
        return self.brackets[self.bracket(index)].decides_at(index, epoch)

    def is_hopeless(self, index: int, curve: Sequence[float], rivals: Mapping[int, float]) -> bool:
        own = self.bracket(index)
        inside = {other: figure for other, figure in rivals.items() if self.bracket(other) == own}
        return self.brackets[own].is_hopeless(index, curve, inside)


@final
@dataclass(frozen=True)
class AshaPruner(_RungPruner):
    """Successive halving with promotion: trials pause at rungs, the best 1/factor continue.

    `HalvingPruner` decides as soon as a trial arrives, when few others have, so the first trials
    pass easily and a late one ends for good. Here a trial keeps its checkpoint at the rung. Once
    nothing is left to train below it, all trials that reached the rung are compared, and the best
    continue. So neither the order of the trials nor the number of workers changes anything. The
    price is that workers idle at the end of a round. (ASHA, Li et al., 2020, avoids that by
    promoting whenever a worker is idle, which makes its choices depend on timing.)

    A sampler that chooses trials in batches has rounds within each batch, in which its trials are
    compared with those of earlier batches, too.

    The rungs of a whole training lie before and after the highest learning rate of one cycle,
    where the ranking says least (studies/curves/README.md).
    """

    name = "asha"
    words = "pruner asha"
    comparison = "Each was compared, after the same epoch, with all trials that got as far."
    pauses = True

    @classmethod
    def for_horizon(cls, epochs: int, seed: int) -> Self:
        del seed
        return cls(max(2, round(0.15 * epochs)), _FACTOR)

    def is_hopeless(self, index: int, curve: Sequence[float], rivals: Mapping[int, float]) -> bool:
        own = (-curve[-1], index)
        n_better = sum((-figure, other) < own for other, figure in rivals.items())
        return n_better >= max((len(rivals) + 1) // self.factor, 1)


@final
@dataclass(frozen=True)
class SyncHalvingPruner(Pruner):
    """Synchronous successive halving (Jamieson and Talwalkar, 2016) of nine trials at a time.

    Nine neighbours in the plan train a ninth of the epochs and pause; the best of them continues
    to the end. The next nine begin meanwhile, so no worker idles. It costs a fifth of training
    every trial to its end. The hand-tuned network, where it is the first trial, is trained whole.

    Attributes:
        first_epochs: After how many epochs trials are compared.
    """

    name = "sync-halving"
    words = "pruner sync-halving"
    comparison = (
        "Trials were compared in groups of nine, in the order in which they were planned, and "
        "only the best of each group continued."
    )
    pauses = True
    group_size = 9
    first_epochs: int

    @classmethod
    def for_horizon(cls, epochs: int, seed: int) -> Self:
        del seed
        return cls(max(1, round(epochs / cls.group_size)))

    @classmethod
    def variants(cls, epochs: int, seed: int) -> Iterator[tuple[str, Pruner]]:
        del seed
        for first in _first_epochs(epochs):
            yield f"{cls.name} after {first}", cls(first)

    def decides_at(self, index: int, epoch: int) -> bool:
        del index
        return epoch == self.first_epochs

    def is_hopeless(self, index: int, curve: Sequence[float], rivals: Mapping[int, float]) -> bool:
        own = (-curve[-1], index)
        return any((-figure, other) < own for other, figure in rivals.items())


PRUNERS: tuple[type[Pruner], ...] = (
    NoPruner,
    MedianPruner,
    HalvingPruner,
    HyperbandPruner,
    AshaPruner,
    SyncHalvingPruner,
)


def get_pruner(name: str) -> type[Pruner]:
    """Return the pruner of that name; raises ValueError for any other, "auto" included."""
    for pruner in PRUNERS:
        if pruner.name == name:
            return pruner
    names = ", ".join(pruner.name for pruner in PRUNERS)
    raise ValueError(f"pruner must be resolved to one of {names}, got {name!r}")


def first_rung(epochs: int) -> int:
    """Return the epoch at which pruning starts by default: a tenth of `epochs`, at least 2."""
    return max(2, epochs // 10)


def rungs(min_epochs: int, factor: int, epochs: int) -> list[int]:
    """Return the rungs up to `epochs`: min_epochs, min_epochs * factor, ..."""
    found = []
    rung = min_epochs
    while rung <= epochs:
        found.append(rung)
        rung *= factor
    return found


def _brackets(first: int, factor: int, epochs: int) -> tuple[HalvingPruner, ...]:
    starts = rungs(first, factor, max(first, epochs // factor))
    return tuple(HalvingPruner(start, factor) for start in starts)


def _first_epochs(epochs: int) -> list[int]:
    return sorted({max(1, round(epochs * share)) for share in (0.025, 0.05, 0.1, 0.15, 0.25)})
