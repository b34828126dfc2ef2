"""The winner's optimism: against the test, by the folds, and with one fold alone."""

from dataclasses import replace

import pytest

from search.report.findings.optimism import Optimism
from search.tuning.records import StudyRecord
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes

KFOLD = {"validation": "kfold", "folds": 2}


def two_folds(**recipe: object) -> StudyRecord:
    """Return two whole trials and one that was pruned; trial 1 wins at epoch 2."""
    return fakes.study_record(
        [
            fakes.complete_trial(0, [0.5, 0.7], [0.6, 0.5]),
            fakes.complete_trial(1, [0.6, 0.6], [0.5, 0.8]),
            fakes.other_trial(2, "pruned", value=0.9, history=fakes.history([[0.9]])),
        ],
        recipe=KFOLD | recipe,
    )


def info_of(record: StudyRecord) -> Optimism:
    info = Optimism.of(fakes.evidence(record))
    assert info is not None
    return info


def test_bias_is_over_epochs_of_whole_trials() -> None:
    """Each fold's best epoch of any whole trial stands against E*: (0.7 - 0.6 + 0.8 - 0.8) / 2."""
    info = info_of(two_folds())
    assert info.folds is not None
    assert info.score == pytest.approx(0.7)
    assert info.folds.bias == pytest.approx(0.05)
    assert info.folds.corrected == pytest.approx(0.65)
    assert (info.folds.n_folds, info.folds.n_trials, info.folds.n_dropped) == (2, 2, 1)
    assert info.holdout is None


def test_bias_raises_a_loss() -> None:
    """With the loss as the score the corrected one is greater."""
    trials = [fakes.complete_trial(0, [0.5], [0.7], value=0.4, mean=0.4)]
    trials += [fakes.complete_trial(1, [0.6], [0.5], value=0.45, mean=0.45)]
    info = info_of(fakes.study_record(trials, recipe=KFOLD | {"metric": "loss"}))
    assert info.folds is not None
    assert info.folds.bias == pytest.approx(0.05)
    assert info.folds.corrected == pytest.approx(0.45)


def test_one_fold_says_what_it_cannot_say() -> None:
    """Holdout has no estimate, but an interval from its images and a bound of the bias."""
    trials = [fakes.complete_trial(0, [0.5, 0.8]), fakes.complete_trial(1, [0.7, 0.6])]
    info = info_of(fakes.study_record(trials))
    assert info.folds is None
    assert info.holdout is not None
    assert (info.holdout.n_images, info.holdout.n_choices) == (10_000, 4)
    low, high = info.holdout.interval
    assert low < 0.8 < high
    words = " ".join(info.words)
    assert "cannot be estimated" in words
    assert "of 10,000 images" in words
    assert "the best of 4 epochs across all trials inflates this score by at most 0.83" in words


def test_trials_that_learn_from_earlier_ones_have_no_bound() -> None:
    """TPE asks in the light of the validation images, for which Hoeffding's bound does not hold."""
    record = fakes.study_record([fakes.complete_trial(0, [0.5])], recipe={"sampler": "tpe"})
    info = info_of(record)
    assert info.holdout is not None
    assert info.holdout.greatest_bias is None
    assert "Hoeffding" not in " ".join(info.words)


@pytest.mark.parametrize(("value", "place"), [(0.7, "below"), (0.8, "within"), (0.9, "above")])
def test_the_test_judges_the_validation_score(value: float, place: str) -> None:
    """It is told where the validation accuracy lies to the test's interval, and how far off."""
    record = fakes.with_end(fakes.study_record([fakes.complete_trial(0, [value])]))
    assert record.test is not None
    test = replace(record.test, accuracy=0.81, interval=(0.79, 0.83))
    info = info_of(replace(record, test=test))
    assert info.gap is not None
    assert (info.gap.validation, info.gap.test, info.gap.place) == (value, 0.81, place)
    assert f"{place} the test accuracy’s 95% interval (79.00% to 83.00%)" in info.words[0]


@pytest.mark.slow
@pytest.mark.parametrize(("value", "beyond"), [(0.832, False), (0.9, True), (0.7, True)])
def test_validation_images_are_a_sample_too(value: float, beyond: bool) -> None:
    """A figure just outside the test's interval says nothing, as it has an error of its own."""
    record = fakes.with_end(fakes.study_record([fakes.complete_trial(0, [value])]))
    assert record.test is not None
    test = replace(record.test, accuracy=0.81, interval=(0.79, 0.83))
    info = info_of(replace(record, test=test))
    assert info.gap is not None
    assert info.gap.place != "within"
    assert info.gap.beyond_noise is beyond
    assert info.words[0].endswith("may still be chance.") is not beyond


def test_words_name_the_choice_that_is_not_estimated() -> None:
    """The bias is told with its source, its leaning, and the trials that it does not know of."""
    words = " ".join(info_of(two_folds()).words)
    assert "too optimistic by about 5.00 points" in words
    assert "(Tibshirani and Tibshirani, 2009): 70.00% becomes 65.00%" in words
    assert "0.4 times the true bias" in words
    assert "1 more trial was stopped before having all folds" in words


def test_nothing_chosen_is_nothing_to_flatter(unfinished: fakes.Fake) -> None:
    """Neither a study without a winner nor a baseline scored after its last epoch has optimism."""
    assert Optimism.of(unfinished.evidence()) is None
    assert Optimism.of(fakes.evidence(baseline_fakes.reproduction(2).record)) is None


def test_a_winner_without_curves_is_no_traceback() -> None:
    """A study that kept no history says nothing."""
    record = two_folds()
    bare = tuple(replace(trial, history=fakes.history([[]])) for trial in record.trials)
    assert Optimism.of(fakes.evidence(replace(record, trials=bare))) is None
