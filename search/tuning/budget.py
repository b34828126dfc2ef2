"""What fits into a time budget: how many trials, of how many epochs, with networks how large.

A search under a budget takes the richest course that leaves time for enough trials and for the
refit. Courses are a ladder: first epochs grow to where a short schedule tells candidates apart,
then networks, then both; with time for many trials, these are compared after their first epochs
and only the best continue. The winner is refitted by a longer schedule if there is time, as a trial
only has to be long enough to be compared. Arithmetic only: `measured_budget` finds out how fast the
machine trains.
"""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias, final

from search.executors.probes import Price, interpolate
from search.tuning.samplers import ENOUGH_TO_COMPARE

Workload: TypeAlias = Callable[[int, int, str], float]
"""How many whole trainings of one network a search comes to: by epochs, trials and pruner."""

DEFAULT_SECONDS = 3600.0
"""The longest that a search takes whose recipe says nothing of trials, epochs or time."""


class Course(NamedTuple):
    """How long trials are trained, and how large their networks may be.

    Attributes:
        epochs: Epochs of a trial that is not pruned.
        size: Multiply-adds of the largest network, as a multiple of the reference's.
        early: Whether trials are compared after their first epochs, so that there have to be many.
    """

    epochs: int
    size: float
    early: bool = False


COURSES = (
    Course(2, 0.5),
    Course(3, 0.7),
    Course(4, 1.0),
    Course(5, 1.0),
    Course(6, 1.2),
    Course(7, 1.5),
    Course(8, 2.0),
    Course(9, 2.5),
    Course(10, 4.0),
    Course(12, 4.0),
    Course(12, 8.0),
    Course(15, 8.0),
    Course(15, math.inf),
    Course(27, 8.0, early=True),
    Course(27, math.inf, early=True),
)
"""From the poorest to the richest.

Few trials have 15 epochs at most: a whole schedule of 9 epochs ranks candidates much as one of 27
does, far better than the first 9 epochs of a schedule of 27 do. But the best of many is better
found by a first look, which costs less, and whole trainings (studies/curves/README.md).
"""

ENOUGH_TRIALS = 7  # more or fewer make little difference (studies/README.md)
SHORT_EPOCHS = 15  # of a trial; more hardly change the ranking
COMPARED_EPOCHS = 27  # of a trial that continues after a comparison
FULL_EPOCHS = 40  # of a refit; more hardly pays
REFIT_SHARE = 0.35  # of the budget, at most
_NARROWED_SIZE = 0.8
"""Of the largest allowed, after widths were narrowed by steps of a quarter: on average 0.75 of it
with space `cnn`, 0.85 with `mlp` (candidates of the prior, eight limits)."""

_REPORT_SECONDS = 12.0  # to write the report and to end
_TEST_SHARE = 0.4  # seconds of testing an image by those of training on it


@final
@dataclass(frozen=True)
class BudgetRequest:
    """What is known when a budget is planned.

    Attributes:
        seconds: Time for the search and the refit.
        prices: Those of the search's first candidates, in the order of its plan.
        reference_size: Multiply-adds of the hand-tuned network or, in a space without one, of its
            portfolio's first.
        images: Training images of a fold.
        parallel: How many trainings at once take no longer than one does.
        refit_ratio: Seconds of a refit's epoch by those of a trial's on one fold.
        epochs: Epochs of a trial that the user wants; None: the course's.
        most_trials: Trials that the search does not exceed.
        workload: What the pruner and the folds make of trials.
        pruner: The pruner of few trials, or that which the user wants.
        pruner_of_many: The pruner of courses that compare trials early; None: there are no such.
        first_size: Multiply-adds of the hand-tuned network, where it is tried first.
        n_narrowed: How many of the first candidates become smaller where they are too large for a
            course; the others are replaced.
    """

    seconds: float
    prices: tuple[Price, ...]
    reference_size: int
    images: int
    parallel: float
    refit_ratio: float
    epochs: int | None
    most_trials: int
    workload: Workload
    pruner: str = "none"
    pruner_of_many: str | None = None
    first_size: int = 0
    n_narrowed: int = 0

    def courses(self) -> list[Course]:
        """Return the courses that it may take, from the poorest to the richest."""
        allowed = [one for one in COURSES if self.pruner_of_many or not one.early]
        return [one._replace(epochs=self.epochs or one.epochs) for one in allowed]

    def pruner_of(self, course: Course) -> str:
        """Return the pruner of a course."""
        return self.pruner_of_many if course.early and self.pruner_of_many else self.pruner

    def trained(self, largest: float) -> tuple[Price, ...]:
        """Return what the candidates cost that are trained, at least one.

        Args:
            largest: Multiply-adds of the largest network that may be.
        """
        prices: list[Price] = []
        for place, price in enumerate(self.prices):
            if price.multiply_adds <= largest:
                prices.append(price)
            elif self._is_narrowed(place):
                prices.append(self._price_of(round(_NARROWED_SIZE * largest)))
        return tuple(prices) or (min(self.prices, key=lambda one: one.multiply_adds),)

    def _is_narrowed(self, place: int) -> bool:
        is_hand_tuned = place == 0 and self.first_size > 0
        return place < self.n_narrowed and not is_hand_tuned

    def _price_of(self, size: int) -> Price:
        """Return what a network of so many multiply-adds costs, by those of the candidates."""
        measured = dict(sorted((one.multiply_adds, one.image_seconds) for one in self.prices))
        return Price(size, interpolate(measured, size))


@final
@dataclass(frozen=True)
class BudgetPlan:
    """What a budget is planned to buy.

    Attributes:
        epochs: Epochs of a trial that is not pruned.
        trials: How many trials.
        max_multiply_adds: Those of the largest network; None: any.
        search_seconds: What the search is expected to take.
        refit_seconds: What the refit of the largest network is expected to take.
        pruner: How trials are pruned.
        prices: What the candidates cost that it trains.
    """

    epochs: int
    trials: int
    max_multiply_adds: int | None
    search_seconds: float
    refit_seconds: float
    pruner: str = "none"
    prices: tuple[Price, ...] = ()


def plan_budget(request: BudgetRequest) -> BudgetPlan:
    """Return the richest course that fits with enough trials, or else the poorest one."""
    courses = request.courses()
    plans = [_plan(request, course) for course in courses]
    fitting = [
        plan
        for course, plan in zip(courses, plans, strict=True)
        if plan.search_seconds + plan.refit_seconds <= request.seconds
        and plan.trials >= min(_enough(course), request.most_trials)
        and plan.refit_seconds <= REFIT_SHARE * request.seconds
    ]
    return fitting[-1] if fitting else plans[0]


def _enough(course: Course) -> int:
    return ENOUGH_TO_COMPARE if course.early else ENOUGH_TRIALS


def _plan(request: BudgetRequest, course: Course) -> BudgetPlan:
    largest = course.size * request.reference_size
    prices = request.trained(largest)
    epoch_seconds = [request.images * one.image_seconds for one in prices]
    refit_epoch = max(epoch_seconds) * request.refit_ratio
    refit = _reserve(refit_epoch, course.epochs, request.seconds)
    pruner = request.pruner_of(course)

    def search_seconds(trials: int) -> float:
        training = course.epochs * statistics.fmean(epoch_seconds[:trials])
        return request.workload(course.epochs, trials, pruner) * training / request.parallel

    trials = _most(lambda n: search_seconds(n) + refit <= request.seconds, request.most_trials)
    if request.first_size > largest:  # it is not trained, but has its place in the plan
        trials = min(trials + 1, request.most_trials)
    unlimited = all(one.multiply_adds <= largest for one in request.prices)
    return BudgetPlan(
        epochs=course.epochs,
        trials=trials,
        max_multiply_adds=None if unlimited else round(largest),
        search_seconds=search_seconds(trials),
        refit_seconds=refit,
        pruner=pruner,
        prices=prices,
    )


def _reserve(refit_epoch: float, epochs: int, seconds: float) -> float:
    """Return the seconds to keep for a refit: of all its epochs, but within its share of the time.

    Args:
        refit_epoch: Seconds of one of its epochs.
        epochs: Epochs of a trial, which it has at least, whatever they take.
        seconds: The time that it has a share of.
    """
    wanted = refit_epoch * max(epochs, FULL_EPOCHS)
    return max(min(wanted, REFIT_SHARE * seconds), refit_epoch * epochs)


def _most(fits: Callable[[int], bool], most: int) -> int:
    """Return the largest number that fits, at least 1; numbers below one that fits fit too."""
    low, high = 1, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def closing_seconds(n_test: int, prices: Sequence[Price]) -> float:
    """Return what testing the winner and writing the report take, at most."""
    return _REPORT_SECONDS + n_test * _TEST_SHARE * max(one.image_seconds for one in prices)


@final
@dataclass(frozen=True)
class Budget:
    """A time budget with its plan.

    Attributes:
        seconds: Time for the whole command.
        started: When it started, on the monotonic clock.
        closing_seconds: What the test and the report take of it.
        refit_ratio: Seconds of a refit's epoch by those of a trial's on one fold.
        plan: What is planned for the rest.
        further: What four times the time would buy.
        most_trials: Trials that the search does not exceed, however fast they are.
        by_default: Whether the user did not ask for it.
        is_short: Whether even this plan takes longer; it is carried out all the same.
    """

    seconds: float
    started: float
    closing_seconds: float
    refit_ratio: float
    plan: BudgetPlan
    further: BudgetPlan
    most_trials: int = 0
    by_default: bool = False
    is_short: bool = False

    def settings(self) -> Mapping[str, int | str | None]:
        """Return the settings of a recipe that the plan decides."""
        plan = self.plan
        return {
            "epochs": plan.epochs,
            "trials": plan.trials,
            "max_multiply_adds": plan.max_multiply_adds,
            "pruner": plan.pruner,
            "refit_epochs": None,  # as many as there is time for
        }

    def extended(self, seconds: float) -> "Budget":
        """Return it with more time, for what it was not planned for."""
        return replace(self, seconds=self.seconds + seconds)

    def binds(self, trials: int) -> bool:
        """Return whether the time allows fewer trials than these, or not every network."""
        return self.plan.trials < trials or self.plan.max_multiply_adds is not None

    def elapsed(self) -> float:
        """Return the seconds since the command started."""
        return time.monotonic() - self.started

    def seconds_left(self) -> float:
        """Return the seconds that are left for search and refit."""
        return max(self.seconds - self.closing_seconds - self.elapsed(), 0.0)

    def search_seconds(self, epoch_seconds: float, epochs: int) -> float:
        """Return when the search has to end, in seconds from the start of the command.

        The winner's refit is left its share of the time, if it has use for it.

        Args:
            epoch_seconds: What an epoch of one fold of the winner took; 0: there is none yet.
            epochs: Epochs of a trial.
        """
        refit = _reserve(epoch_seconds * self.refit_ratio, epochs, self.seconds)
        return self.seconds - self.closing_seconds - refit

    def refit_horizon(self, epoch_seconds: float, epochs: int) -> int:
        """Return for how many epochs the winner can be refitted in the time that is left.

        Args:
            epoch_seconds: What an epoch of the refit takes; of all networks of an ensemble.
            epochs: Epochs of a trial, the least.
        """
        fitting = int(self.seconds_left() / epoch_seconds)
        return max(min(fitting, FULL_EPOCHS), epochs)
