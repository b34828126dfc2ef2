"""Samplers: which points of a space a search tries.

To add a sampler: write its class here and list it in `SAMPLERS`; a user's own sampler needs no more
than a function in a file (`FileSampler`). Recipes, command line and words
derive from these objects, so this module is quick to import: Optuna and spaces are imported
where they are used.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, final

from search.checks import names_object
from search.errors import UserError
from search.tuning.drawn_points import Params, PlanRequest, grid_points, random_point

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from spaces import Space
    from spaces.user_object import UserObject

_DEFAULT_TRIALS = 20
MANY_TRIALS = 27
"""From how many trials on comparing them early chooses as well as training all to the end, in a
third of the epochs (studies/curves/README.md)."""

ENOUGH_TO_COMPARE = 54
"""Trials whose first epochs and best ones come to some ten whole trainings; where there is time for
fewer, short schedules find as good a winner sooner."""

_STARTUP_TRIALS = 10  # as in Optuna's samplers, which draw at random until then


class Sampler(ABC):
    """How the points of a study are chosen.

    Attributes:
        name: What a recipe calls it.
        words: What such a search is called in a sentence.
        default_trials: How many trials there are if the recipe does not say; None: all points.
            `ENOUGH_TO_COMPARE` if they are compared early.
        default_batch: How many trials an adaptive sampler chooses together if the recipe does not
            say; None for all others.
        default_pruner: The pruner that "auto" means.
        pruner_of_many: The one that it means for `MANY_TRIALS` and more; None: the same.
        no_racing: Why its trials cannot race for folds; None: they can.
        explores: Whether it looks for good points in the whole space, so that a portfolio and a
            prior help it.
        adaptive: Whether it chooses points from the results of earlier trials, so that all but
            the first are unknown beforehand.
        enumerates: Whether it visits a few fixed values of each range.
    """

    name: str
    words: str
    default_trials: ClassVar[int | None] = _DEFAULT_TRIALS
    default_batch: ClassVar[int | None] = None
    default_pruner: ClassVar[str] = "halving"
    pruner_of_many: ClassVar[str | None] = None
    no_racing: ClassVar[str | None] = None
    explores: ClassVar[bool] = True
    adaptive: ClassVar[bool] = False
    enumerates: ClassVar[bool] = False

    @abstractmethod
    def points(self, request: PlanRequest) -> list[Params]:
        """Return the points that are known before the first trial, in the order of the plan.

        Raises:
            UserError: There is no point to try.
        """

    def optuna_sampler(self, seed: int) -> "BaseSampler":
        """Return the Optuna sampler that an adaptive sampler asks for one further point."""
        raise TypeError(f"sampler {self.name!r} plans all its points, seed {seed} is not used")

    def source(self) -> str | None:
        """Return a user's code that decides the points; None: this program's version does."""
        return None

    def helpers(self) -> dict[str, str]:
        """Return the code of the user's modules that this code imports, by file."""
        return {}

    def n_grid(self, space: "Space") -> int | None:
        """Return how many points the space's grid has; None if the sampler visits no grid."""
        del space
        return None

    def n_points(self, request: PlanRequest, most: int) -> int:
        """Return how many points there are to try, counted no further than `most`."""
        del request
        return most

    def n_fixed(self, *, with_baseline: bool) -> int | None:
        """Return how many of the plan's first points are known beforehand; None: all."""
        return int(with_baseline) if self.adaptive else None

    def n_planned(self, points: Sequence[Params], trials: int | None) -> int:
        """Return how many indices the plan has, given the points that are known."""
        return (trials or 0) if self.adaptive else len(points)


@final
class RandomSampler(Sampler):
    """Draws every point independently, from (seed, index)."""

    name = "random"
    words = "random search"
    pruner_of_many = "sync-halving"

    def points(self, request: PlanRequest) -> list[Params]:
        """Return the first points, then random ones that can be trained."""
        count = _DEFAULT_TRIALS if request.trials is None else request.trials
        first = request.first[:count]
        return [*first, *(random_point(request, index) for index in range(len(first), count))]


@final
class GridSampler(Sampler):
    """Tries every point of the space's grid once, in an order drawn from the seed."""

    name = "grid"
    words = "grid search"
    enumerates = True
    default_trials = None
    default_pruner = "none"
    explores = False

    def points(self, request: PlanRequest) -> list[Params]:
        """Return the first points, then those of the grid, including any that cannot be trained."""
        grid = grid_points(request.space, request.seed, request.on_rejected)
        rest = [point for point in grid if point not in request.first]
        return [*request.first, *rest][: request.trials]

    def n_grid(self, space: "Space") -> int | None:
        """Return how many points the space's grid has."""
        return sum(1 for _ in space.grid())

    def n_points(self, request: PlanRequest, most: int) -> int:
        """Return how many points there are: the first ones, and all others of the grid."""
        others = (one for one in request.space.grid() if one not in request.first)
        n_others = sum(1 for _ in islice(others, most))
        return min(len(request.first) + n_others, most)


class AdaptiveSampler(Sampler):
    """Chooses points from the results of earlier trials: a sampler of Optuna."""

    adaptive = True
    default_batch = 4

    def points(self, request: PlanRequest) -> list[Params]:
        """Return the first points; the others are chosen during the search.

        With a prior, random ones follow until there are enough to learn from.
        """
        count = _DEFAULT_TRIALS if request.trials is None else request.trials
        first = request.first[:count]
        n_random = min(count, _STARTUP_TRIALS) if request.beliefs else 0
        return [*first, *(random_point(request, index) for index in range(len(first), n_random))]

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
            return OptunaTPESampler(seed=seed, multivariate=True, group=True)


@final
class GPSampler(AdaptiveSampler):
    """Optuna's Gaussian process; parameters that some candidates lack are drawn at random."""

    name = "gp"
    words = "Gaussian process search"

    def optuna_sampler(self, seed: int) -> "BaseSampler":
        from optuna.samplers import GPSampler as OptunaGPSampler

        return OptunaGPSampler(seed=seed, warn_independent_sampling=False)


@final
class FileSampler(AdaptiveSampler):
    """A sampler of Optuna that a function in the user's file returns: `make(seed) -> BaseSampler`.

    Args:
        setting: The function as `FILE.py:NAME`; the file is only read once it is needed.
    """

    def __init__(self, setting: str) -> None:
        self._setting = setting
        self.name = Path(setting.rpartition(":")[0]).stem
        self.words = f"search with sampler {self.name}"

    def optuna_sampler(self, seed: int) -> "BaseSampler":
        """Return what the function makes.

        Raises:
            UserError: It fails, or returns something else.
        """
        from optuna.samplers import BaseSampler

        try:
            make = self._make
            with self._object.one_line_errors():
                sampler = make(seed)
        except ValueError as error:
            raise UserError(str(error)) from error
        if not isinstance(sampler, BaseSampler):
            kind = type(sampler).__name__
            raise UserError(
                f"sampler {self._setting!r} must return a sampler of Optuna, got {kind}"
            )
        return sampler

    def source(self) -> str:
        try:
            return self._object.source()
        except ValueError as error:
            raise UserError(str(error)) from error

    def helpers(self) -> dict[str, str]:
        try:
            return self._object.helpers()
        except ValueError as error:
            raise UserError(str(error)) from error

    @cached_property
    def _object(self) -> "UserObject":
        from spaces.user_object import UserObject

        found = UserObject.parse("sampler", self._setting)
        if found is None:
            raise ValueError(f"sampler must be FILE.py:NAME, got {self._setting!r}")
        return found

    @cached_property
    def _make(self) -> Callable[[int], object]:
        """The function, from one run of the file."""
        module, name = vars(self._object.run()), self._object.name
        if name not in module:
            raise UserError(f"sampler {self._setting!r}: {self._object.path} has no {name!r}")
        make: Callable[[int], object] = module[name]
        if not callable(make):
            kind = type(make).__name__
            raise UserError(f"sampler {self._setting!r} must be a function make(seed), got {kind}")
        return make


@final
class BaselineSampler(Sampler):
    """Trains the hand-tuned candidate in every trial, each with its own seed."""

    name = "baseline"
    words = "hand-tuned network"
    default_trials = 1
    default_pruner = "none"
    explores = False
    no_racing = "which has a single candidate"

    def points(self, request: PlanRequest) -> list[Params]:
        """Return the baseline of the space `trials` times."""
        baseline = request.space.baseline_params
        if baseline is None:
            raise UserError(
                f"space {request.space.name} has no baseline_params, so no baseline to train"
            )
        return [baseline] * (request.trials or self.default_trials)


SAMPLERS: tuple[Sampler, ...] = (
    RandomSampler(),
    GridSampler(),
    TPESampler(),
    GPSampler(),
    BaselineSampler(),
)


def get_sampler(name: str) -> Sampler:
    """Return the sampler of that name, or of `FILE.py:NAME`; raises ValueError for any other."""
    if names_object(name):
        return FileSampler(name)
    for sampler in SAMPLERS:
        if sampler.name == name:
            return sampler
    raise ValueError(f"sampler must be one of {', '.join(s.name for s in SAMPLERS)}, got {name!r}")
