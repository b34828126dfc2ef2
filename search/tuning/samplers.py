"""Samplers: which points of a space a search tries.

To add a sampler: write its class here and list it in `SAMPLERS`. Recipes, command line and words
derive from these objects, so this module is quick to import: what a sampler computes with is
imported where it is used.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, final

from search.errors import UserError

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from search.tuning.points import FindViolation, Params
    from spaces import Space


_DEFAULT_TRIALS = 20


class Sampler(ABC):
    """How the points of a study are chosen.

    Attributes:
        name: What a recipe calls it.
        words: What such a search is called in a sentence.
        default_trials: How many trials a recipe means that does not say; None: all points.
        default_pruner: The pruner that "auto" means.
        no_racing: Why its trials cannot race for folds; None: they can.
        adaptive: Whether it chooses points from the results of earlier trials, so that all but
            the first are unknown beforehand.
    """

    name: ClassVar[str]
    words: ClassVar[str]
    default_trials: ClassVar[int | None] = _DEFAULT_TRIALS
    default_pruner: ClassVar[str] = "halving"
    no_racing: ClassVar[str | None] = None
    adaptive: ClassVar[bool] = False

    @abstractmethod
    def points(
        self,
        space: "Space",
        first: "Sequence[Params]",
        trials: int | None,
        seed: int,
        find_violation: "FindViolation",
    ) -> "list[Params]":
        """Return the points that are known before the first trial, in the order of the plan.

        Args:
            space: The space to choose from.
            first: Points that the user wants to be tried first: the hand-tuned baseline, if any.
            trials: How many trials there will be; None: the sampler's default.
            seed: The study's seed; point i depends on (seed, i) only.
            find_violation: Says why a candidate cannot be trained.

        Raises:
            UserError: There is no point to try.
        """

    def optuna_sampler(self, seed: int) -> "BaseSampler":
        """Return the Optuna sampler that an adaptive sampler asks for one further point."""
        raise TypeError(f"sampler {self.name!r} plans all its points, seed {seed} is not used")

    def n_grid(self, space: "Space") -> int | None:
        """Return how many points the space's grid has; None where the sampler visits no grid."""
        del space
        return None

    def n_fixed(self, *, with_baseline: bool) -> int | None:
        """Return how many of the plan's first points are known beforehand; None: all."""
        return int(with_baseline) if self.adaptive else None

    def n_planned(self, points: "Sequence[Params]", trials: int | None) -> int:
        """Return how many indices the plan has, given the points that are known."""
        return (trials or 0) if self.adaptive else len(points)


@final
class RandomSampler(Sampler):
    """Draws every point by itself from (seed, index)."""

    name = "random"
    words = "random search"

    def points(
        self,
        space: "Space",
        first: "Sequence[Params]",
        trials: int | None,
        seed: int,
        find_violation: "FindViolation",
    ) -> "list[Params]":
        """Return the first points, then random ones that can be trained."""
        from search.tuning.points import random_point

        count = _DEFAULT_TRIALS if trials is None else trials
        drawn = (random_point(space, seed, i, find_violation) for i in range(len(first), count))
        return [*first[:count], *drawn]


@final
class GridSampler(Sampler):
    """Tries every point of the space's grid once, in an order drawn from the seed."""

    name = "grid"
    words = "grid search"
    default_trials = None
    default_pruner = "none"

    def points(
        self,
        space: "Space",
        first: "Sequence[Params]",
        trials: int | None,
        seed: int,
        find_violation: "FindViolation",
    ) -> "list[Params]":
        """Return the first points, then those of the grid, also those that cannot be trained."""
        from search.tuning.points import grid_points

        del find_violation
        rest = [point for point in grid_points(space, seed) if point not in first]
        return [*first, *rest][:trials]

    def n_grid(self, space: "Space") -> int | None:
        """Return how many points the space's grid has."""
        return sum(1 for _ in space.grid())


class AdaptiveSampler(Sampler):
    """Chooses points from the results of earlier trials: a sampler of Optuna."""

    no_racing = "which learns from trials that have all their folds"
    adaptive = True

    def points(
        self,
        space: "Space",
        first: "Sequence[Params]",
        trials: int | None,
        seed: int,
        find_violation: "FindViolation",
    ) -> "list[Params]":
        """Return the first points; the others are chosen during the search."""
        del space, seed, find_violation
        return list(first[:trials])

    @abstractmethod
    def optuna_sampler(self, seed: int) -> "BaseSampler":
        """Return the Optuna sampler that chooses one further point."""


@final
class TPESampler(AdaptiveSampler):
    """Optuna's tree-structured Parzen estimator."""

    name = "tpe"
    words = "TPE search"

    def optuna_sampler(self, seed: int) -> "BaseSampler":
        """Return TPE that keeps conditional parameters together."""
        import warnings

        from optuna.exceptions import ExperimentalWarning
        from optuna.samplers import TPESampler as OptunaTPESampler

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return OptunaTPESampler(seed=seed, group=True)


@final
class BaselineSampler(Sampler):
    """Trains the hand-tuned candidate in every trial, each from a seed of its own."""

    name = "baseline"
    words = "hand-tuned network"
    default_trials = 1
    default_pruner = "none"
    no_racing = "which has a single candidate"

    def points(
        self,
        space: "Space",
        first: "Sequence[Params]",
        trials: int | None,
        seed: int,
        find_violation: "FindViolation",
    ) -> "list[Params]":
        """Return the baseline of the space `trials` times."""
        del first, seed, find_violation
        if space.baseline_params is None:
            raise UserError(f"space {space.name} has no baseline_params, so no baseline to train")
        return [space.baseline_params] * (trials or self.default_trials)


SAMPLERS: tuple[Sampler, ...] = (RandomSampler(), GridSampler(), TPESampler(), BaselineSampler())


def get_sampler(name: str) -> Sampler:
    """Return the sampler of that name; raises ValueError for any other."""
    for sampler in SAMPLERS:
        if sampler.name == name:
            return sampler
    raise ValueError(f"sampler must be one of {', '.join(s.name for s in SAMPLERS)}, got {name!r}")
