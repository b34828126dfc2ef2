"""What a study cost, by hand-made studies."""

from dataclasses import replace

import pytest

from search.ablation.changes import Change
from search.ablation.path import Ablation, AblationPath, Step
from search.report.blocks import Details, Rows
from search.report.evidence import Evidence
from search.report.findings.cost import Cost
from search.tuning.after_search import EnsembleRecord, Finalist
from search.tuning.attempts import INTERRUPTED
from tests.report import report_fakes as fakes


def rows(cost: Cost) -> tuple[tuple[str, str], ...]:
    """Return what the page shows once a reader opens it."""
    _, details = cost.blocks()
    assert isinstance(details, Details)
    (block,) = details.blocks
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


def test_trainings_after_the_search_are_counted(kfold_evidence: Evidence) -> None:
    """Finalists take as long as their trials did; an ensemble's networks as the winner's refit."""
    assert Cost.of(kfold_evidence).finalist_trainings == 0
    best = kfold_evidence.record.best_different(2)
    finalists = tuple(Finalist(one.number, (0.8, 0.7, 0.75)) for one in best)
    slow = [
        replace(one, seconds=120.0) if one.number == best[1].number else one
        for one in kfold_evidence.record.trials
    ]
    test, refit = kfold_evidence.record.test, kfold_evidence.record.refit
    assert test is not None
    assert refit is not None
    ensemble = EnsembleRecord(
        trials=(refit.trial, best[1].number),
        left_out=(),
        test=test,
        members=(),
        both=0,
        only_ensemble=0,
        only_winner=0,
        agreeing=0,
    )
    record = replace(
        kfold_evidence.record, trials=tuple(slow), finalists=finalists, ensemble=ensemble
    )
    cost = Cost.of(replace(kfold_evidence, record=record, nested=(kfold_evidence.record,)))
    first = next(one.seconds for one in slow if one.number == best[0].number)
    assert refit.trial == best[0].number
    assert (cost.finalist_trainings, cost.finalist_seconds) == (6, 3 * (first + 120.0))
    assert cost.ensemble_refits == 1
    assert cost.ensemble_seconds == pytest.approx(refit.seconds * 120.0 / first)
    repeated = sum(one.seconds for one in kfold_evidence.record.trials) + refit.seconds
    assert (cost.nested_searches, cost.nested_seconds) == (1, repeated)
    names = [name for name, _ in rows(cost)]
    assert {"further trainings of the finalists", "repetitions of the search"} <= set(names)


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


def test_the_answer_tells_times_and_the_share_that_was_trained() -> None:
    """Three trials of ten epochs at most, one of which was pruned after three."""
    trials = [
        fakes.complete_trial(0, [0.5] * 10),
        fakes.complete_trial(1, [0.4] * 10),
        fakes.other_trial(2, "pruned", history=fakes.history([[0.1] * 3])),
    ]
    cost = Cost.of(fakes.evidence(fakes.study_record(trials)))
    assert (cost.n_tried, cost.epochs_trained, cost.epochs_possible) == (3, 23, 30)
    (answer,) = cost.sentences()
    assert answer.startswith("3 candidates with 23 epochs (77% of what they take without pruning)")


def test_what_ablate_trained_is_counted(kfold_evidence: Evidence) -> None:
    """How long it took is not stored, so it is a number only."""
    winner = kfold_evidence.record.winner()
    assert winner is not None
    step = Step(Change("batch_size", (("batch_size",),), "64", "32"), 0.84, 0.79)
    path = Ablation(winner.number, "the hand-tuned network", AblationPath(0.8, (step,), 7))
    cost = Cost.of(replace(kfold_evidence, ablation=path))
    assert cost.ablation_trainings == 7
    assert ("candidates trained by ablate", "7") in rows(cost)
    assert Cost.of(kfold_evidence).ablation_trainings == 0


def test_a_trial_that_has_not_ended_counts_for_what_it_trained() -> None:
    """Not for what it might have, so that all that ended are whole."""
    stopped = fakes.other_trial(
        1, "failed", reason=INTERRUPTED, history=fakes.history([[0.1] * 2]), fold_epochs=2
    )
    queued = replace(fakes.other_trial(2, "waiting"), plan=1, attempt=1)
    record = fakes.study_record([fakes.complete_trial(0, [0.5] * 10), stopped, queued])
    cost = Cost.of(fakes.evidence(record))
    assert (cost.epochs_trained, cost.epochs_possible) == (12, 12)
    assert "without pruning" not in cost.sentences()[0]


def test_copies_of_a_candidate_are_not_tried_again() -> None:
    """A grid with a repeated point trains it once."""
    first = fakes.complete_trial(0, [0.5] * 10)
    copied = replace(fakes.complete_trial(1, [0.5] * 10), same_as=0)
    cost = Cost.of(fakes.evidence(fakes.study_record([first, copied])))
    assert (cost.n_tried, cost.copies, cost.epochs_trained) == (1, 1, 10)
    assert ("copies of them, not trained again", "1") in rows(cost)


def test_further_trainings_of_finalists_are_part_of_the_answer(kfold_evidence: Evidence) -> None:
    best = kfold_evidence.record.best_different(2)
    finalists = tuple(Finalist(one.number, (0.8, 0.7)) for one in best)
    record = replace(kfold_evidence.record, finalists=finalists)
    (answer,) = Cost.of(replace(kfold_evidence, record=record)).sentences()
    assert "of further trainings and" in answer
    assert "further trainings" not in Cost.of(kfold_evidence).sentences()[0]
