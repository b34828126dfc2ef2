"""Which indices of a plan are done, judged by their attempts. Pure, quick to import."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from optuna.trial import FrozenTrial, TrialState

MOST_ATTEMPTS = 3
INTERRUPTED = "interrupted"  # reason of a trial that was stopped, or left running by a dead run
OBSOLETE = "superseded"  # reason of a waiting trial whose point the space no longer has
TIMED_OUT = "timed out"  # start of the reason of a trial that took too long

_NO_ATTEMPT = (INTERRUPTED, OBSOLETE)


class Attempt(NamedTuple):
    """A trial as an attempt at its index of the plan.

    Attributes:
        ended: Whether it is complete or pruned.
        failed: Whether it failed, `reason` says why.
        infeasible: Whether its candidate cannot be trained.
        repeats: Whether it is a duplicate, with the result of the original.
        limit: The trial_timeout in seconds that it exceeded; None: it did not, or that was not
            stored.
        retry: Whether the user asked for it after its index had failed: earlier attempts no longer
            count.
    """

    ended: bool
    failed: bool
    reason: str | None = None
    infeasible: bool = False
    repeats: bool = False
    limit: float | None = None
    retry: bool = False

    def timed_out(self) -> bool:
        """Return whether it exceeded its trial_timeout."""
        return self.failed and (self.reason or "").startswith(TIMED_OUT)

    def counts(self, trial_timeout: float | None) -> bool:
        """Return whether it failed in a way that would repeat under this trial_timeout."""
        if not self.failed or self.reason in _NO_ATTEMPT:
            return False
        longer = self.limit is not None and (trial_timeout is None or trial_timeout > self.limit)
        return not (self.timed_out() and longer)


def attempt_of(trial: FrozenTrial) -> Attempt:
    """Return a stored trial as an attempt."""
    attrs = trial.user_attrs
    return Attempt(
        ended=trial.state in (TrialState.COMPLETE, TrialState.PRUNED),
        failed=trial.state == TrialState.FAIL,
        reason=attrs.get("reason"),
        infeasible=attrs.get("infeasible", False),
        repeats=attrs.get("same_as") is not None,
        limit=attrs.get("trial_timeout"),
        retry=attrs.get("retry", False),
    )


def has_failed(attempts: Sequence[Attempt], trial_timeout: float | None) -> bool:
    """Return whether an index gets no further attempt, given those it had, oldest first.

    Interruptions do not count, nor do attempts before a retry. A trial that timed out, or whose
    original failed, would fail again.
    """
    since = max((number for number, one in enumerate(attempts) if one.retry), default=0)
    counted = [one for one in attempts[since:] if one.counts(trial_timeout)]
    hopeless = any(one.repeats or one.timed_out() for one in counted)
    return hopeless or len(counted) >= MOST_ATTEMPTS


def is_done(attempts: Sequence[Attempt], trial_timeout: float | None, *, planned: bool) -> bool:
    """Return whether an index needs no further trial.

    It is done once a trial has ended, or it has failed too often. An infeasible trial of a point
    that was not `planned` does not count: an adaptive sampler chooses another.
    """
    ended = any(one.ended and (planned or not one.infeasible) for one in attempts)
    return ended or has_failed(attempts, trial_timeout)


def gave_up(attempts: Sequence[Attempt], trial_timeout: float | None) -> bool:
    """Return whether an index failed for good: no trial ended, and it gets no further attempt."""
    return not any(one.ended for one in attempts) and has_failed(attempts, trial_timeout)


def done_indices(
    attempts: Iterable[tuple[int, Attempt]], trial_timeout: float | None, n_fixed: int | None
) -> set[int]:
    """Return the indices that need no further trial.

    Args:
        attempts: All attempts, each with its index; those of one index oldest first.
        trial_timeout: The limit of a trial in seconds; None: there is none.
        n_fixed: How many points were known before the first trial; None: all.
    """
    by_index: dict[int, list[Attempt]] = {}
    for index, attempt in attempts:
        by_index.setdefault(index, []).append(attempt)
    return {
        index
        for index, own in by_index.items()
        if is_done(own, trial_timeout, planned=n_fixed is None or index < n_fixed)
    }
