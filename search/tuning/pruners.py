"""Pruning rules: pure decisions from the curves of trials with a lower plan index.

Optuna's pruners judge a trial by whatever the others happen to have reported by then, so that
with two workers the clock decides. These rules see exactly the trials that come before in the
plan, each as far as the same epoch: the same decisions with any number of workers. With one
worker halving decides as Optuna's SuccessiveHalvingPruner does.
"""

import statistics
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, final

from search.recipe import PrunerName
from search.seeding import derive_seed

Curves = Mapping[int, Sequence[float]]


class PruningRule(ABC):
    """Says which trials are not worth going on with."""

    @abstractmethod
    def decides_at(self, plan: int, epoch: int) -> bool:
        """Return whether the trial of that plan index may be pruned after `epoch`."""

    @abstractmethod
    def prunes(self, plan: int, curve: Sequence[float], earlier: Curves) -> bool:
        """Return whether the trial ends after the last epoch of its curve.

        `earlier` holds, by plan index, the curves of all trials before this one, each as far as
        it got and at most as long as `curve`. Higher values are better.
        """


@final
class NoPruning(PruningRule):
    """Every trial runs to its end."""

    def decides_at(self, plan: int, epoch: int) -> bool:
        """Return False."""
        del plan, epoch
        return False

    def prunes(self, plan: int, curve: Sequence[float], earlier: Curves) -> bool:
        """Return False."""
        del plan, curve, earlier
        return False


@final
@dataclass(frozen=True)
class MedianRule(PruningRule):
    """Prunes a trial whose best value so far is below the median of the earlier trials' values.

    The median stopping rule of Vizier (Golovin et al., 2017), with the comparison that Optuna's
    MedianPruner makes; all earlier trials that reached the epoch count.
    """

    startup_trials: int
    warmup_epochs: int

    def decides_at(self, plan: int, epoch: int) -> bool:
        """Return whether enough trials and epochs have gone before."""
        return plan >= self.startup_trials and epoch > self.warmup_epochs

    def prunes(self, plan: int, curve: Sequence[float], earlier: Curves) -> bool:
        """Return whether the curve's best is below the median at its last epoch."""
        epoch = len(curve)
        if not self.decides_at(plan, epoch):
            return False
        values = [other[epoch - 1] for other in earlier.values() if len(other) >= epoch]
        return bool(values) and max(curve) < statistics.median(values)


@final
@dataclass(frozen=True)
class HalvingRule(PruningRule):
    """Asynchronous successive halving (Li et al., 2020): the best 1/factor pass each rung.

    The rungs lie at `min_epochs` times powers of `factor`. The first trials at a rung pass it
    if they are the best so far.
    """

    min_epochs: int
    factor: int

    def decides_at(self, plan: int, epoch: int) -> bool:
        """Return whether the epoch is a rung."""
        del plan
        return epoch in rungs(self.min_epochs, self.factor, epoch)

    def prunes(self, plan: int, curve: Sequence[float], earlier: Curves) -> bool:
        """Return whether the last value is outside the best 1/factor of those at its rung."""
        epoch = len(curve)
        if not self.decides_at(plan, epoch):
            return False
        values = [other[epoch - 1] for other in earlier.values() if len(other) >= epoch]
        values = sorted([*values, curve[-1]], reverse=True)
        return curve[-1] < values[max(len(values) // self.factor, 1) - 1]


@final
@dataclass(frozen=True)
class HyperbandRule(PruningRule):
    """Hyperband (Li et al., 2018): halving in brackets that start at ever later rungs.

    A trial's bracket is drawn from (seed, plan index), in proportion to the bracket's size.
    """

    brackets: tuple[HalvingRule, ...]
    seed: int

    def bracket(self, plan: int) -> int:
        """Return the index of the trial's bracket; bracket 0 prunes earliest."""
        factor = self.brackets[0].factor
        sizes = [factor ** (len(self.brackets) - 1 - i) for i in range(len(self.brackets))]
        place = derive_seed(self.seed, "bracket", plan) % sum(sizes)
        return next(i for i in range(len(sizes)) if place < sum(sizes[: i + 1]))

    def decides_at(self, plan: int, epoch: int) -> bool:
        """Return whether the epoch is a rung of the trial's bracket."""
        return self.brackets[self.bracket(plan)].decides_at(plan, epoch)

    def prunes(self, plan: int, curve: Sequence[float], earlier: Curves) -> bool:
        """Return what halving decides among the trials of the same bracket."""
        mine = self.bracket(plan)
        rivals = {other: curve for other, curve in earlier.items() if self.bracket(other) == mine}
        return self.brackets[mine].prunes(plan, curve, rivals)


def rungs(min_epochs: int, factor: int, epochs: int) -> list[int]:
    """Return the rungs up to `epochs`: min_epochs, min_epochs * factor, ..."""
    found = []
    rung = min_epochs
    while rung <= epochs:
        found.append(rung)
        rung *= factor
    return found


def build_rule(name: PrunerName | Literal["auto"], epochs: int, seed: int) -> PruningRule:
    """Return the rule with its default settings for trainings of `epochs` epochs.

    Raises ValueError for "auto", which a resolved recipe does not hold.
    """
    first, factor = max(2, epochs // 10), 3  # measured: studies/README.md
    match name:
        case "none":
            return NoPruning()
        case "median":
            return MedianRule(startup_trials=5, warmup_epochs=first)
        case "halving":
            return HalvingRule(first, factor)
        case "hyperband":
            starts = rungs(first, factor, max(first, epochs // factor))
            return HyperbandRule(tuple(HalvingRule(start, factor) for start in starts), seed)
        case "auto":
            raise ValueError("pruner must be resolved, got 'auto'")
