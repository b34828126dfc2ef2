"""Which points of a plan are done: by what became of their trials."""

import pytest

from search.tuning.attempts import Attempt, done_indices, has_failed, is_done
from search.tuning.samplers import get_sampler

ENDED = Attempt(ended=True, failed=False)
FAILED = Attempt(ended=False, failed=True, reason="the worker died")
CUT = Attempt(ended=False, failed=True, reason="interrupted")


def timed_out(limit: float | None) -> Attempt:
    return Attempt(ended=False, failed=True, reason="timed out: at last", limit=limit)


@pytest.mark.parametrize(
    ("attempts", "done"),
    [
        ([], False),
        ([ENDED], True),
        ([FAILED, ENDED], True),
        ([FAILED] * 2, False),
        ([FAILED] * 3, True),
        ([CUT] * 9, False),
        ([FAILED._replace(repeats=True)], True),
        ([FAILED] * 3 + [FAILED._replace(retry=True)], False),
        ([FAILED] * 3 + [FAILED._replace(retry=True), FAILED], False),
        ([FAILED] * 3 + [FAILED._replace(retry=True), FAILED, FAILED], True),
        ([FAILED] * 3 + [CUT._replace(retry=True)], False),
        ([FAILED] * 3 + [ENDED._replace(retry=True)], True),
        ([timed_out(None), Attempt(ended=False, failed=False, retry=True)], False),
    ],
)
def test_three_failures_are_enough(attempts: list[Attempt], done: bool) -> None:
    """Interruptions do not count, and duplicates of a failed trial are not tried."""
    assert is_done(attempts, None, planned=True) is done


@pytest.mark.parametrize(
    ("then", "now", "failed"),
    [(9, 9, True), (9, 8, True), (9, 10, False), (9, None, False), (None, 10, True)],
)
def test_more_time_is_another_chance(then: float | None, now: float | None, failed: bool) -> None:
    """Where the limit it exceeded was not stored, it stays failed."""
    assert has_failed([timed_out(then)], now) is failed


def test_only_what_tpe_asked_for_itself_is_asked_for_again() -> None:
    """An infeasible point of a fixed plan is done; TPE's first is the baseline."""
    attempts = [(plan, ENDED._replace(infeasible=True)) for plan in range(3)]
    planned, adaptive = get_sampler("random"), get_sampler("tpe")
    assert done_indices(attempts, None, planned.n_fixed(with_baseline=True)) == {0, 1, 2}
    assert done_indices(attempts, None, adaptive.n_fixed(with_baseline=True)) == {0}
    assert done_indices(attempts, None, adaptive.n_fixed(with_baseline=False)) == set()
