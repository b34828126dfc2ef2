"""Adaptive samplers, made independent of timing: each point is a function of earlier results.

Optuna's samplers learn from whatever happens to have ended, so that with two workers the clock
decides. Here all indices after the planned points form batches. A batch is chosen once every trial
before it has ended, from exactly those trials in plan order; earlier trials of the batch itself
count as still running, whatever became of them (a "constant liar"). So the points depend on the
recipe and its seed only, not on the number of workers or on interruptions.

In a fold race, a trial counts as ended when it has reached the last epoch of its first fold, with
the score of that fold.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import TypeAlias, final

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.checks import describe_value_error
from search.errors import UserError, describe_error
from search.metric import Metric
from search.objectives import objectives_of
from search.recipe import Recipe
from search.seeding import derive_seed
from search.training.history import History
from search.tuning.checked_sampler import CheckedSampler
from search.tuning.samplers import get_sampler
from search.tuning.store import from_plain
from spaces import Space
from spaces.user_object import UserCodeError

Attempts: TypeAlias = Mapping[int, Sequence[FrozenTrial]]
"""The trials in the database by index, oldest first."""


@final
class BatchSampler:
    """Chooses the points of a study that are not planned.

    Args:
        recipe: A resolved recipe.
        space: Its space.
        n_points: How many points are planned.
        settled: The indices that ended in earlier runs.
    """

    def __init__(
        self, recipe: Recipe, space: Space, n_points: int, settled: Iterable[int] = ()
    ) -> None:
        self._recipe, self._space, self._n_points = recipe, space, n_points
        self._sampler = get_sampler(recipe.sampler)
        objectives = objectives_of(recipe.metric, recipe.objective, recipe.choose)
        self._metric, self._maximized = objectives.metric, objectives.maximized()
        self._settled, self._originals = set(settled), dict[int, int]()
        self._n_settled = 0  # of the first indices, without a gap

    def settle(self, index: int) -> None:
        """Note that nothing will change any more in what the sampler learns from an index."""
        self._settled.add(index)

    def add_duplicate(self, index: int, original: int) -> None:
        """Note that an index has the candidate of an earlier one, and will have its result."""
        self._originals[index] = original

    def is_ready(self, index: int) -> bool:
        """Return whether all trials before the index's batch have ended."""
        if index < self._n_points:
            return True
        while self._originals.get(self._n_settled, self._n_settled) in self._settled:
            self._n_settled += 1
        return self._batch_start(index) <= self._n_settled

    def choose(self, index: int, attempts: Attempts) -> tuple[FrozenTrial, str | None]:
        """Return a trial with the point that the sampler chooses for an index.

        Its candidate may be infeasible: then the sampler is asked again, and told of that one.
        The second value says why the point makes no candidate at all; None: it makes one.

        Raises:
            UserError: The sampler fails, or the space otherwise than by a ValueError.
        """
        n_rejected = len(_rejected(attempts.get(index, ())))
        seed = derive_seed(self._recipe.seed, self._sampler.name, index, n_rejected) % 2**32
        sampler = CheckedSampler(self._sampler.optuna_sampler(seed), self._recipe.sampler, index)
        study = optuna.create_study(
            directions=["maximize" if high else "minimize" for high in self._maximized],
            sampler=sampler,
        )
        study.add_trials(self._history(index, attempts))
        try:
            self._space.suggest(study.ask())
        except Exception as error:
            if sampler.failure is not None:
                raise sampler.failure from error
            if isinstance(error, ValueError):
                return study.get_trials(deepcopy=False)[-1], describe_value_error(error)
            if isinstance(error, UserCodeError):
                raise
            raise UserError(
                f"sampler {self._recipe.sampler!r} failed in space {self._recipe.space!r} at trial "
                f"{index} of the plan: {describe_error(error)}"
            ) from error
        if sampler.failure is not None:  # which the space went on in spite of
            raise sampler.failure
        return study.get_trials(deepcopy=False)[-1], None

    def _batch_start(self, index: int) -> int:
        return index - (index - self._n_points) % (self._recipe.batch or 1)

    def _history(self, index: int, attempts: Attempts) -> Iterator[FrozenTrial]:
        """Yield what the sampler is told before it chooses a point for the index.

        Duplicates directly before the batch count as still running, so that it does not choose the
        same candidate again.
        """
        start = self._batch_start(index)
        before = reversed(range(start))
        n_repeated = sum(1 for _ in takewhile(lambda one: self._repeats(one, attempts), before))
        for one in range(index):
            yield from _rejected(attempts.get(one, ()))
            yield from self._known(one, attempts, running=one >= start - n_repeated)
        yield from _rejected(attempts.get(index, ()))

    def _repeats(self, index: int, attempts: Attempts) -> bool:
        """Return whether an index has the candidate of an earlier one."""
        trial = _started(attempts.get(index, ()))
        copied = trial is not None and trial.user_attrs.get("same_as") is not None
        return copied or index in self._originals

    def _known(self, index: int, attempts: Attempts, *, running: bool) -> Iterator[FrozenTrial]:
        """Yield the trial of an index with its result, or that of its original; none if failed."""
        trial = _started(attempts.get(index, ()))
        source = _started(attempts.get(self._originals.get(index, index), ()))
        if trial is None or source is None:
            return
        score = (
            _first_fold_score(source, self._recipe.epochs, self._metric)
            if self._recipe.racing
            else None
        )
        if running:
            yield _copy(trial, TrialState.RUNNING)
        elif score is not None:
            yield _copy(trial, TrialState.COMPLETE, values=[score])
        elif source.state == TrialState.COMPLETE:
            yield _copy(trial, TrialState.COMPLETE, values=source.values)
        elif source.state == TrialState.PRUNED:
            yield _copy(trial, TrialState.PRUNED, reports=source.intermediate_values)


def _started(attempts: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """Return the newest attempt that was started."""
    return next((one for one in reversed(attempts) if "candidate" in one.user_attrs), None)


def _rejected(attempts: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return the attempts whose candidate could not be trained."""
    return [
        one
        for one in attempts
        if one.user_attrs.get("infeasible") and one.state == TrialState.PRUNED
    ]


def _copy(
    trial: FrozenTrial,
    state: TrialState,
    values: Sequence[float] | None = None,
    reports: Mapping[int, float] | None = None,
) -> FrozenTrial:
    """Return a trial's point in this state."""
    return create_trial(
        state=state,
        values=values,
        params=trial.params,
        distributions=trial.distributions,
        system_attrs=trial.system_attrs,
        intermediate_values=dict(reports or {}),
    )


def _first_fold_score(trial: FrozenTrial, epochs: int, metric: Metric) -> float | None:
    """Return the score of the first fold; None if the trial did not reach its end.

    While a race goes on, the curve that was reported is the first fold's; later it is the mean.
    """
    if trial.user_attrs.get("diverged"):
        return None
    curve = _first_fold(trial, metric)
    if len(curve) < epochs:
        return None
    return metric.best(curve)


def _first_fold(trial: FrozenTrial, metric: Metric) -> list[float]:
    if trial.state == TrialState.RUNNING:
        return [value for _, value in sorted(trial.intermediate_values.items())]
    history = from_plain(History, trial.user_attrs.get("history", {"epochs": []}))
    return list(history.fold_curves(metric)[0]) if history.epochs else []
