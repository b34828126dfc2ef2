"""The winner's margin: over the runner-up, in a race, and over those stopped early."""

from dataclasses import replace
from typing import Any

import pytest
from scipy.stats import t as student

from search.report.findings.margin import Margin
from search.text import probability
from search.tuning.pruners import PRUNERS, Pruner
from search.tuning.records import TrialRecord
from tests.report import report_fakes as fakes

FOLDS: dict[str, Any] = {"validation": "kfold", "folds": 3}
NO_BASELINE = {"with_baseline": False}


def margin_of(*trials: TrialRecord, epochs: int = 10, **recipe: Any) -> Margin:
    record = fakes.study_record(list(trials), recipe=NO_BASELINE | recipe)
    record = replace(record, recipe=record.recipe.model_copy(update={"epochs": epochs}))
    found = Margin.of(fakes.evidence(record))
    assert found is not None
    return found


def raced(number: int, n_folds: int, value: float) -> TrialRecord:
    """Return a trial that lost a race with so many folds."""
    curves = [[value, value] for _ in range(n_folds)]
    return fakes.other_trial(number, "pruned", value=value, history=fakes.history(curves))


def test_the_lead_over_folds_has_the_error_of_their_differences() -> None:
    """Folds of unlike difficulty cancel: each difference is 0.1, 0.2 or 0.3."""
    best = fakes.complete_trial(0, [0.9], [0.5], [0.7])
    next_best = fakes.complete_trial(1, [0.8], [0.3], [0.4])
    runner = margin_of(next_best, best, **FOLDS).runner_up
    assert runner is not None
    assert (runner.trial, runner.n_folds) == (1, 3)
    assert runner.gap == pytest.approx(0.2)
    assert runner.error == pytest.approx(0.1 * (1 / 3 + 1 / 2) ** 0.5)  # two folds train, one tests
    assert runner.p_value == pytest.approx(2 * student.sf(runner.gap / (runner.error or 1), 2))
    assert probability(runner.p_value or 0.0) in margin_of(next_best, best, **FOLDS).summary()[-1]
    assert runner.close  # 2.2 standard errors, and Student's t with two degrees of freedom asks 4.3


def test_a_lead_that_every_fold_confirms_is_no_noise() -> None:
    """The same differences of few folds must be far more alike than a normal table would ask."""
    best = fakes.complete_trial(0, [0.9], [0.5], [0.7])
    next_best = fakes.complete_trial(1, [0.71], [0.3], [0.49])
    runner = margin_of(next_best, best, **FOLDS).runner_up
    assert runner is not None
    assert runner.gap == pytest.approx(0.2)
    assert runner.gap > 4.303 * (runner.error or 0)
    assert not runner.close


def test_the_lead_on_one_part_has_the_error_of_two_accuracies() -> None:
    """Ten thousand images to validate on do not tell one point of lead from none."""
    info = margin_of(fakes.complete_trial(0, [0.51]), fakes.complete_trial(1, [0.5]))
    assert info.runner_up is not None
    n_images = 0.2 * fakes.study_record([]).dataset.n_train
    assert info.runner_up.error == pytest.approx(((0.51 * 0.49 + 0.25) / n_images) ** 0.5)
    assert info.runner_up.close
    assert "within noise" in " ".join(info.sentences())


def test_a_loss_on_one_part_has_no_error() -> None:
    """Nothing is known of the spread of its images' losses."""
    info = margin_of(fakes.complete_trial(0, [0.5]), fakes.complete_trial(1, [0.7]), metric="loss")
    assert info.runner_up is not None
    assert info.runner_up.error is None
    assert "standard error" not in " ".join(info.sentences())


def test_a_repeated_candidate_is_no_rival() -> None:
    """The next best is another candidate, not the winner again."""
    again = fakes.complete_trial(1, [0.9], same_as=0)
    info = margin_of(fakes.complete_trial(0, [0.9]), again, fakes.complete_trial(2, [0.5]))
    assert info.runner_up is not None
    assert info.runner_up.trial == 2
    assert margin_of(fakes.complete_trial(0, [0.9]), again).runner_up is None


def test_a_race_is_told_by_its_folds() -> None:
    """All begin on one fold, fewer earn each further one."""
    winner = fakes.complete_trial(0, *[[0.8, 0.9]] * 3)
    info = margin_of(winner, raced(1, 1, 0.5), raced(2, 2, 0.6), racing=True, epochs=2, **FOLDS)
    assert [(one.folds, one.candidates) for one in info.race] == [(1, 3), (2, 2), (3, 1)]
    assert info.n_pruned == 0


def test_candidates_stopped_early_are_counted() -> None:
    """Those behind after an epoch have no score; the page says whom they were compared with."""
    info = margin_of(fakes.complete_trial(0, [0.1, 0.9]), raced(1, 1, 0.5), epochs=9)
    assert (info.n_pruned, info.n_candidates) == (1, 2)
    assert info.sentences()[-1].startswith("1 of 2 candidates ")


@pytest.mark.parametrize("pruner", PRUNERS, ids=lambda one: one.name)
def test_the_comparison_told_is_the_pruners(pruner: type[Pruner]) -> None:
    """Whether with the trials before, with all, or with neighbours."""
    info = margin_of(
        fakes.complete_trial(0, [0.1, 0.9]), raced(1, 1, 0.5), epochs=9, pruner=pruner.name
    )
    assert info.sentences()[-1].endswith(f"stopped early. {pruner.comparison}")


def test_an_unbeaten_baseline_is_told_first() -> None:
    """Who reads that the hand-tuned network won need not compare figures."""
    info = margin_of(fakes.complete_trial(0, [0.9]), with_baseline=True)
    assert info.sentences()[0].startswith("The winner is the hand-tuned baseline itself")
    assert not margin_of(fakes.complete_trial(0, [0.9])).is_baseline


def test_without_a_winner_there_is_no_margin() -> None:
    """A search whose trials all failed has nothing to say of one."""
    record = fakes.study_record([fakes.other_trial(0, "failed")])
    assert Margin.of(fakes.evidence(record)) is None


def test_trials_with_the_winners_score_are_level() -> None:
    """All of them are named; a copy of the winner's own result is not one of them."""
    copy = fakes.complete_trial(3, [0.9], same_as=0)
    others = [fakes.complete_trial(n, [score]) for n, score in ((1, 0.9), (2, 0.8), (4, 0.9))]
    found = margin_of(fakes.complete_trial(0, [0.9]), copy, *others)
    assert found.level == (1, 4)
    assert "Trials 0, 1 and 4 are level" in found.summary()[-1]
    assert margin_of(fakes.complete_trial(0, [0.95]), *others).level == ()


def test_a_lead_too_small_to_show_is_not_told_as_none() -> None:
    found = margin_of(fakes.complete_trial(0, [0.90001]), fakes.complete_trial(1, [0.9]))
    assert found.level == ()
    assert "by less than 0.01 points" in found.summary()[-1]
