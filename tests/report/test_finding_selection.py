"""What the winner scores on images that took no part in choosing it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from search.data.predictions import TrialPredictions
from search.metric import ACCURACY, METRICS, Metric
from search.report.evidence import Evidence
from search.report.findings.optimism import Optimism
from search.report.findings.selection import SelectionScore
from search.report.selection import score_of_selection
from search.tuning.after_search import Finalist
from tests.report import report_fakes as fakes

CLASSES = 3


def trial(rng: np.random.Generator, accuracies: list[float], n_images: int) -> TrialPredictions:
    """Return the predictions of a network with these true accuracies after its epochs."""
    labels = np.arange(n_images) % CLASSES
    wrong = (labels + rng.integers(1, CLASSES, n_images)) % CLASSES
    right = rng.random((len(accuracies), n_images)) < np.array(accuracies)[:, None]
    classes = np.where(right, labels, wrong)
    best = classes[int(right.mean(axis=1).argmax())]
    probabilities = np.full((n_images, CLASSES), 0.25, dtype=np.float16)
    probabilities[np.arange(n_images), best] = 0.5
    return TrialPredictions(np.arange(n_images), labels, probabilities, classes.astype(np.uint8))


def ranked(trials: list[TrialPredictions]) -> list[TrialPredictions]:
    return sorted(trials, key=lambda one: -(one.classes == one.labels).mean(axis=1).max())


def naive(trials: list[TrialPredictions]) -> float:
    return max(float((one.classes == one.labels).mean(axis=1).max()) for one in trials)


@pytest.mark.slow
def test_the_luck_of_the_best_of_many_is_taken_away() -> None:
    """Of 20 equal networks of 5 epochs the best looks 3 points better than any is."""
    rng = np.random.default_rng(0)
    gaps, covered, studies = [], 0, 12
    for _ in range(studies):
        trials = ranked([trial(rng, [0.6] * 5, 400) for _ in range(20)])
        found = score_of_selection(ACCURACY, trials)
        assert found is not None
        gaps.append((naive(trials) - 0.6, found.estimate - 0.6))
        covered += found.interval[0] <= 0.6 <= found.interval[1]
    luck, left = np.mean(gaps, axis=0)
    assert luck > 0.04
    assert abs(left) < 0.015
    assert covered >= 0.95 * studies - 1


def test_a_clear_winner_owes_nothing_to_luck() -> None:
    """Then it is chosen in every resample, and scored on the images that were not drawn."""
    rng = np.random.default_rng(1)
    trials = ranked([trial(rng, [share], 2_000) for share in (0.9, 0.5, 0.4)])
    found = score_of_selection(ACCURACY, trials)
    assert found is not None
    assert found.estimate == pytest.approx(naive(trials), abs=0.005)


@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_every_metric_is_chosen_by_its_own_direction(metric: Metric) -> None:
    """The better network is chosen, and gets about the value that it has on all images."""
    rng = np.random.default_rng(2)
    trials = [trial(rng, [0.9], 600), trial(rng, [0.4], 600)]
    found = score_of_selection(metric, trials)
    assert found is not None
    whole = [metric.measure(one.labels, one.probabilities.astype(float)) for one in trials]
    assert metric.is_better(whole[0], whole[1])
    assert found.estimate == pytest.approx(whole[0], abs=0.03)
    low, high = found.interval
    assert low <= found.estimate <= high


def test_trials_of_other_images_cannot_be_compared() -> None:
    rng = np.random.default_rng(3)
    first, second = trial(rng, [0.5], 100), trial(rng, [0.5], 100)
    assert score_of_selection(ACCURACY, [first, replace(second, images=second.images + 1)]) is None


def test_a_single_image_is_never_left_over() -> None:
    assert score_of_selection(ACCURACY, [trial(np.random.default_rng(0), [0.5], 1)]) is None


def evidence(n_images: int = 200, **others: Any) -> Evidence:
    """Return a study of three trials whose predictions were kept."""
    rng = np.random.default_rng(4)
    trials = [fakes.complete_trial(i, [0.5, 0.6 + i / 100]) for i in range(3)]
    made = {i: trial(rng, [0.5, 0.6], n_images) for i in (2, 1, 0)}
    settings: dict[str, Any] = {"validation": made} | others
    return Evidence(fakes.study_record(trials), **settings)


def test_the_report_says_what_was_done() -> None:
    found = SelectionScore.of(evidence())
    assert found is not None
    assert (found.n_trials, found.n_images, found.epochs) == (3, 200, True)
    assert found.score == pytest.approx(0.62)
    assert found.estimate is not None
    low, high = found.interval
    assert low is not None
    assert high is not None
    assert low < found.estimate < high
    words = " ".join(found.sentences())
    assert f"{found.estimate:.2%}" in words
    assert "3 complete trials" in words


@pytest.mark.parametrize("n_pruned", [0, 1, 3])
def test_trials_that_were_stopped_early_are_said_to_be_left_out(n_pruned: int) -> None:
    """They were judged by the same images, so that choosing began with them."""
    one = evidence()
    past = fakes.history([[0.4]])
    pruned = [fakes.other_trial(9 + i, "pruned", history=past) for i in range(n_pruned)]
    record = replace(one.record, trials=(*one.record.trials, *pruned))
    found = SelectionScore.of(replace(one, record=record))
    assert found is not None
    assert found.n_dropped == n_pruned
    assert ("stopped early" in " ".join(found.sentences())) is bool(n_pruned)


def test_where_the_bias_is_estimated_nothing_says_that_it_cannot_be() -> None:
    words = Optimism.of(evidence())
    assert words is not None
    assert "cannot be estimated" not in " ".join(words.sentences())
    few = Optimism.of(evidence(n_images=30))
    assert few is not None
    assert "cannot be estimated" in " ".join(few.sentences())


def test_it_does_not_apply_where_the_choice_was_another_one() -> None:
    """Without predictions, for few images, and where further trainings decided."""
    assert SelectionScore.of(evidence(validation={})) is None
    assert SelectionScore.of(evidence(n_images=30)) is None
    one = evidence()
    chosen = replace(one.record, finalists=(Finalist(2, (0.6, 0.61)),))
    assert SelectionScore.of(replace(one, record=chosen)) is None
    without_winner = {i: p for i, p in one.validation.items() if i != 2}
    assert SelectionScore.of(replace(one, validation=without_winner)) is None
