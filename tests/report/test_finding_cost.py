"""What a study cost, by hand-made studies."""

from dataclasses import replace

from search.report.blocks import Rows
from search.report.findings.cost import Cost
from search.tuning.attempts import INTERRUPTED
from tests.report import report_fakes as fakes


def rows(cost: Cost) -> tuple[tuple[str, str], ...]:
    (block,) = cost.blocks()
    assert isinstance(block, Rows)
    return block.pairs


def test_cost_counts_a_resumed_trial_once() -> None:
    """Attempts at one plan index share their epochs, and untrained trials make none possible."""
    record = fakes.study_record(
        [
            fakes.complete_trial(0, [0.5] * 10),
            fakes.other_trial(1, "failed", history=fakes.history([[0.1] * 4]), seconds=5.0),
            fakes.complete_trial(2, [0.1] * 10, plan=1, attempt=1),
            fakes.other_trial(3, "pruned", history=fakes.history([[0.1] * 3]), seconds=7.0),
            fakes.other_trial(4, "complete", infeasible=True),
            fakes.other_trial(5, "waiting"),
        ]
    )
    cost = Cost.of(fakes.evidence(record))
    assert cost.trials == {
        "complete": 2, "pruned": 1, "infeasible": 1, "waiting": 1,
    }  # fmt: skip
    assert cost.cut_off == 1
    assert ("attempts interrupted and restarted", "1") in rows(cost)
    assert (cost.epochs_trained, cost.epochs_possible) == (23, 30)
    assert cost.trial_seconds == 60.0 + 5.0 + 60.0 + 7.0


def test_an_attempt_that_was_not_started_again_was_only_stopped() -> None:
    """A time budget stops what trains at its end, and queues it for another run."""
    stopped = fakes.other_trial(1, "failed", reason=INTERRUPTED)
    queued = replace(fakes.other_trial(2, "waiting"), plan=1, attempt=1)
    record = fakes.study_record([fakes.complete_trial(0, [0.5] * 10), stopped, queued])
    assert Cost.of(fakes.evidence(record)).cut_off == 0
    again = replace(fakes.complete_trial(2, [0.5] * 10), plan=1, attempt=1)
    record = fakes.study_record([fakes.complete_trial(0, [0.5] * 10), stopped, again])
    assert Cost.of(fakes.evidence(record)).cut_off == 1


def test_cost_counts_discarded_epochs() -> None:
    """Epochs of attempts that were lost, and those beyond a pruned curve, are told apart."""
    record = fakes.study_record(
        [
            fakes.other_trial(0, "failed", fold_epochs=4),
            fakes.complete_trial(1, [0.5] * 10, plan=0, attempt=1, fold_epochs=10),
            fakes.other_trial(2, "pruned", history=fakes.history([[0.1] * 3]), fold_epochs=5),
            fakes.other_trial(3, "pruned", history=fakes.history([[0.1] * 3])),
        ]
    )
    cost = Cost.of(fakes.evidence(record))
    assert (cost.epochs_trained, cost.epochs_possible, cost.epochs_in_vain) == (16, 30, 6)
    assert ("epochs discarded", "6") in rows(cost)
