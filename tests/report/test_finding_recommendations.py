"""What to try next: borders, more trials, more epochs, bad ends."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from search.metric import ACCURACY, LOSS
from search.report.findings.recommendations import (
    NOTHING,
    UNKNOWN,
    Border,
    Recommendations,
    expected_best,
    forecast,
)
from search.tuning.after_search import Finalist
from spaces.cnn import CNN_SPACE
from tests.report import report_fakes as fakes

RATE = FloatDistribution(1e-4, 1.0, log=True)
SHARE = FloatDistribution(0.0, 0.5)
SIZE = CategoricalDistribution((32, 64, 128, 256))
NAME = CategoricalDistribution(("relu", "gelu", "silu"))


def study_of(values: Sequence[Any], distribution: BaseDistribution, **recipe: object) -> fakes.Fake:
    """Return trials with these values of the parameter x, each a point better than the last."""
    trials = [
        fakes.complete_trial(i, [0.3, 0.3 + i / 100, 0.3], params={"x": value})
        for i, value in enumerate(values)
    ]
    record = fakes.study_record(trials, recipe={"with_baseline": False} | recipe)
    return fakes.Fake(record, fakes.optuna_study(trials, [{"x": distribution}] * len(trials)))


def advice(fake: fakes.Fake) -> Recommendations:
    found = Recommendations.of(fake.evidence())
    assert found is not None
    assert found.sentences() == found.words
    return found


def borders(fake: fakes.Fake) -> tuple[Border, ...]:
    return advice(fake).borders


def test_a_crowded_border_is_to_be_widened() -> None:
    """Four of the best five in the outer tenth of a log range, and none else, is no chance."""
    fake = study_of([0.01] * 10 + [0.02, 0.8, 0.9, 0.7, 0.6], RATE)
    (border,) = borders(fake)
    assert (border.end, border.n_best, border.best, border.n_all, border.total) == (
        "upper", 4, 5, 4, 15,
    )  # fmt: skip
    assert border.crowded
    words = advice(fake).words[0]
    assert words.startswith("x: 4 of the best 5 trials are at the upper end of its range")
    assert words.endswith("the winner has 0.6. Widen the range upwards.")


def test_borders_are_measured_on_the_scale_of_the_range() -> None:
    """0.3 is far from 1 in a log range of four decades, but near the end of 0 to 0.33."""
    values = [0.01] * 10 + [0.3] * 5
    assert [b.end for b in borders(study_of(values, FloatDistribution(0.0, 0.33)))] == ["upper"]
    assert borders(study_of(values, FloatDistribution(1e-8, 1e4, log=True))) == ()


def test_prepared_candidates_crowd_no_border() -> None:
    """What the winner has is told as prepared, and too few drawn trials say so."""
    fake = study_of([0.01] * 10 + [0.8, 0.9, 0.7, 0.6], RATE)
    scores = [0.3 + i / 100 for i in (10, 11, 12, 13, *range(10))]
    trials = [
        fakes.complete_trial(i, [0.3, score, 0.3], params={"x": value})
        for i, (score, value) in enumerate(
            zip(scores, [0.8, 0.9, 0.7, 0.6, *(0.01 + i / 1000 for i in range(10))], strict=True)
        )
    ]
    study = fakes.optuna_study(trials, [{"x": RATE}] * 14)
    record = replace(fake.record, trials=tuple(trials))
    assert any(one.crowded for one in borders(fakes.Fake(record, study)))
    found = advice(fakes.Fake(replace(record, n_first=4), study))
    (border,) = found.borders
    assert (border.crowded, border.value, border.total) == (False, "0.6", 10)
    assert "prepared candidate" in found.words[0]
    few = advice(fakes.Fake(replace(record, n_first=8), study))
    assert few.words[0].startswith("6 of 14 trials were drawn at random, too few")


def test_zero_is_not_widened() -> None:
    """Below a dropout of zero there is nothing to search."""
    fake = study_of([0.3] * 10 + [0.0, 0.01, 0.0, 0.02, 0.0], SHARE)
    words = advice(fake).words
    assert "Nothing lies below zero: try it without." in words[0]


def test_choices_have_borders_where_they_are_numbers() -> None:
    """The last of several sizes is a border, the last of several names is not."""
    (border,) = borders(study_of([32, 64, 128] * 4 + [256] * 4, SIZE))
    assert (border.end, border.value, border.crowded) == ("upper", "256", True)
    assert borders(study_of(["relu", "gelu"] * 5 + ["silu"] * 5, NAME)) == ()


def test_where_all_trials_crowd_the_best_prove_nothing() -> None:
    """A border at which most trials sit is not crowded by the best five: the winner alone."""
    fake = study_of([0.01] + [0.9] * 12, RATE)
    (border,) = borders(fake)
    assert not border.crowded
    assert "a guess" in advice(fake).words[0]


def test_a_grid_ends_where_its_values_end() -> None:
    """The border of a grid is its last value, inside the range of the space as that may be."""
    values = [0.01, 0.02, 0.03] * 4 + [0.04] * 5
    assert borders(study_of(values, RATE)) == ()
    (border,) = borders(study_of(values, RATE, sampler="grid"))
    assert (border.end, border.searched) == ("upper", "one of 0.01, 0.02, 0.03, 0.04")


def test_expected_best_is_the_mean_over_all_draws() -> None:
    """It agrees with drawing every subset, for accuracies and for losses."""
    values = [0.3, 0.9, 0.5, 0.5, 0.7]
    for n in range(1, 6):
        draws = list(combinations(values, n))
        best = sum(map(max, draws)) / len(draws)
        least = sum(map(min, draws)) / len(draws)
        assert expected_best(values, n, ACCURACY) == pytest.approx(best)
        assert expected_best(values, n, LOSS) == pytest.approx(least)


def test_expected_best_of_thousands() -> None:
    """Great binomials neither overflow nor lose the best."""
    values = [i / 5000 for i in range(5000)]
    assert expected_best(values, 5000, ACCURACY) == pytest.approx(values[-1])
    assert expected_best(values, 1, ACCURACY) == pytest.approx(sum(values) / 5000)


def test_a_flat_curve_says_so_and_a_steep_one_too() -> None:
    """More trials are judged by what the last doubling brought, beside the winner's own error."""
    rising = study_of([0.1 * i for i in range(1, 5)] * 4, FloatDistribution(0.0, 1.0))
    higher = tuple(
        replace(trial, mean=0.3 + trial.number / 40, value=0.3 + trial.number / 40)
        for trial in rising.record.trials
    )
    steep = fakes.Fake(replace(rising.record, trials=higher), rising.study)
    info = forecast(steep.record)
    assert info is not None
    assert (info.sizes, info.flat) == ((4, 8, 16), False)
    assert "as much or less" in " ".join(advice(steep).words)
    trials = tuple(
        replace(trial, mean=0.45, value=0.45) if trial.number > 3 else trial
        for trial in steep.record.trials
    )
    flat = fakes.Fake(replace(steep.record, trials=trials), steep.study)
    assert "cannot tell whether more of them would help" in " ".join(advice(flat).words)


@pytest.mark.parametrize(("n_trials", "recipe"), [(7, {}), (8, {"sampler": "tpe"})])
def test_no_forecast_from_few_or_dependent_trials(n_trials: int, recipe: dict[str, Any]) -> None:
    """Seven trials are too few, and TPE's are no sample."""
    assert forecast(study_of([0.1] * n_trials, RATE, **recipe).record) is None


def test_the_hand_tuned_candidate_was_not_drawn() -> None:
    """Plan 0 of a study that began with the baseline is left out of the sample."""
    values = [0.1] * 9
    with_it = forecast(study_of(values, RATE, with_baseline=True).record)
    without = forecast(study_of(values, RATE).record)
    assert with_it is not None
    assert without is not None
    assert (with_it.sizes[-1], without.sizes[-1]) == (8, 9)


def test_best_after_the_last_epoch_asks_for_more_epochs() -> None:
    """The winner's schedule is named where it ends there too."""
    params = dict(CNN_SPACE.baseline_params or {}) | {"schedule": "cosine"}
    rising = [0.05 * epoch for epoch in range(1, 11)]
    trial = fakes.complete_trial(0, rising, candidate=CNN_SPACE.candidate(params))
    fake = fakes.Fake(fakes.study_record([trial]), fakes.optuna_study([trial]))
    words = " ".join(advice(fake).words)
    assert "best after its last epoch, 10 of 10: more epochs may help" in words
    assert "schedule also ends there" in words


def test_it_is_the_finalist_that_won_which_is_meant() -> None:
    """Not the best of the search: that one was best after its last epoch, the winner was not."""
    rising = [0.05 * epoch for epoch in range(1, 11)]
    first, second = (
        CNN_SPACE.candidate(dict(CNN_SPACE.baseline_params or {}) | {"batch_size": size})
        for size in (32, 64)
    )
    trials = [
        fakes.complete_trial(0, rising, candidate=first),
        fakes.complete_trial(1, [0.45, *rising[:8], 0.4], candidate=second),
    ]
    without = fakes.study_record(trials)
    finalists = (Finalist(0, (0.3, 0.3)), Finalist(1, (0.4, 0.4)))
    record = replace(without, finalists=finalists)
    assert record.winner() == trials[1]
    told = [
        " ".join(advice(fakes.Fake(one, fakes.optuna_study(trials))).words)
        for one in (without, record)
    ]
    assert ["more epochs may help" in words for words in told] == [True, False]
    assert ["did not beat the winner" in words for words in told] == [True, False]


def test_many_bad_ends_are_told_with_their_evidence() -> None:
    """Diverged trials are told with their learning rates, failed ones with the first reason."""

    def candidate(rate: float) -> Any:
        return CNN_SPACE.candidate(dict(CNN_SPACE.baseline_params or {}) | {"sgd_lr": rate})

    trials = [fakes.complete_trial(0, [0.5, 0.4], candidate=candidate(0.01))]
    trials += [
        fakes.other_trial(i, "complete", value=0.1, diverged=True, candidate=candidate(0.2))
        for i in (1, 2)
    ]
    trials += [fakes.other_trial(i, "failed", reason="out of memory") for i in (3, 4)]
    words = " ".join(
        advice(fakes.Fake(fakes.study_record(trials), fakes.optuna_study(trials))).words
    )
    assert "2 of 5 trials (40%) diverged, with a median learning rate of 0.2 against 0.01" in words
    assert "2 of 5 trials (40%) failed; the first: out of memory" in words


def test_nothing_to_say_is_said() -> None:
    """A study that suggests nothing, or has nothing yet, says so in a sentence."""
    trials = [fakes.complete_trial(0, [0.5, 0.4])]
    ended = fakes.Fake(fakes.study_record(trials), fakes.optuna_study(trials))
    assert advice(ended).words == (NOTHING,)
    begun = fakes.Fake(fakes.study_record([]), fakes.optuna_study([]))
    assert advice(begun).words == (UNKNOWN,)
