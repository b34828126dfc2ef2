"""Where finalists were trained again, their means are the winner's score everywhere."""

from dataclasses import replace

import pytest

from search.metric import ACCURACY
from search.report.blocks import Table, flattened
from search.report.comparison import score_estimate
from search.report.evidence import Evidence
from search.report.findings.all_metrics import AllMetrics
from search.report.findings.headline import Headline
from search.report.findings.optimism import Optimism
from search.report.findings.result import Result
from search.report.findings.trust import Check, Trust
from search.report.findings.verdict import Verdict
from search.report.findings.winner import SearchBaseline, Winner
from search.report.scoring import decisive_score
from search.tuning.after_search import Finalist
from search.tuning.records import StudyRecord
from spaces.candidate import Candidate
from spaces.cnn import CNN_SPACE
from tests.report import report_fakes as fakes

N_IMAGES = 10_000  # a fifth of the fake's 50,000
HAND_TUNED, WINNER = 0, 1


def candidate(number: int) -> Candidate:
    baseline = CNN_SPACE.baseline()
    assert baseline is not None
    return baseline.model_copy(update={"batch_size": 32 * (number + 1)})


def record(
    *repeats: float | None, other: tuple[float, ...] = (0.60, 0.60), metric: str = "accuracy"
) -> StudyRecord:
    """Return a tested study: trial 1 had 0.80 in the search, trials 2 and 0 were behind."""
    scores = {HAND_TUNED: 0.70, WINNER: 0.80, 2: 0.75}
    trials = []
    for number, accuracy in scores.items():
        own = accuracy if metric == "accuracy" else 1 - accuracy
        known = {"mean": own, "value": own, "fold_scores": (own,), "candidate": candidate(number)}
        trials.append(fakes.complete_trial(number, [accuracy], **known))
    recipe = {"metric": metric, "validation": "holdout", "holdout_fraction": 0.2}
    found = (Finalist(WINNER, repeats), Finalist(2, other)) if repeats else ()
    return fakes.with_end(fakes.study_record(trials, finalists=found, recipe=recipe))


def again(of: StudyRecord) -> Check:
    trust = Trust.of(Evidence(of))
    assert trust is not None
    return next(one for one in trust.checks if one.question.startswith("Would another training"))


def test_the_winners_score_is_the_mean_of_its_further_trainings() -> None:
    """In one place for all; a trial that was not a finalist has that of the search."""
    tested = record(0.77, 0.79)
    scores = [decisive_score(tested, one) for one in tested.trials]
    assert scores == pytest.approx([0.70, 0.78, 0.60])
    assert [decisive_score(record(), one) for one in record().trials] == [0.70, 0.80, 0.75]
    baseline = SearchBaseline.of(Evidence(tested))
    assert baseline is not None
    assert baseline.outcome.startswith("the winner is 8.00 points better by the mean of 2 further")


def test_the_test_is_compared_with_that_mean() -> None:
    evidence = Evidence(record(0.77, 0.79))
    optimism, won = Optimism.of(evidence), Winner.of(evidence)
    assert optimism is not None
    assert optimism.gap is not None
    assert won is not None
    assert (won.mean, won.n_again) == (0.80, 2)
    assert won.again == pytest.approx(0.78)
    assert (optimism.score, optimism.gap.n_again) == (0.80, 2)
    assert optimism.gap.validation == pytest.approx(0.78)
    assert "78.00% as the mean of 2 further trainings" in optimism.gap_words
    metrics = AllMetrics.of(evidence)
    assert metrics is not None
    assert metrics.metrics[0].validation == pytest.approx(0.78)
    estimate = score_estimate(evidence.record)
    assert estimate is not None
    assert estimate.value == pytest.approx(0.78)
    assert estimate.over == "2 further trainings"


def test_the_result_sets_both_trainings_beside_the_test() -> None:
    result = Result.of(Evidence(record(0.77, 0.79)))
    assert result is not None
    (table,) = (one for one in flattened(result.blocks()) if isinstance(one, Table))
    assert [row[1] for row in table.rows[:2]] == ["80.00%", "78.00%"]
    assert len(table.rows) == 3
    alone = Result.of(Evidence(record()))
    assert alone is not None
    (table,) = (one for one in flattened(alone.blocks()) if isinstance(one, Table))
    assert len(table.rows) == 2


def test_the_first_screen_shows_that_mean() -> None:
    """The hand-tuned network is compared with it, too."""
    evidence = Evidence(record(0.77, 0.79))
    card = next(one for one in Headline.of(evidence).cards if one.name == "Validation accuracy")
    assert card.number == "78.00%"
    assert "80.00% in the search" in card.words
    verdict, baseline = Verdict.of(evidence), SearchBaseline.of(evidence)
    assert verdict is not None
    assert baseline is not None
    assert "it reached 70.00%, the winner 78.00%" in verdict.comparison
    assert "8.00 points better" in baseline.outcome


def test_accuracy_of_the_search_is_named_where_finalists_were_chosen_by_loss() -> None:
    """Their accuracies were not kept."""
    tested = record(0.30, 0.32, other=(0.5, 0.5), metric="loss")
    optimism = Optimism.of(Evidence(tested))
    assert optimism is not None
    assert optimism.gap is not None
    assert optimism.gap_metric is ACCURACY
    assert (optimism.gap.validation, optimism.gap.n_again) == (0.80, 0)
    assert "80.00% in the search" in optimism.gap_words


@pytest.mark.parametrize(
    ("repeats", "reply"),
    [
        ((0.81, 0.82), "yes"),
        ((0.80, 0.80), "yes"),
        ((0.80 - 0.5 / N_IMAGES, 0.80 - 0.5 / N_IMAGES), "yes"),
        ((0.80 - 1 / N_IMAGES, 0.80 - 1 / N_IMAGES), "aside"),
        ((0.77, 0.79), "aside"),
    ],
)
def test_trainings_that_fall_behind_the_chosen_score_are_a_caution(
    repeats: tuple[float, ...], reply: str
) -> None:
    """By one validation image or more."""
    assert again(record(*repeats)).reply == reply


def test_the_caution_says_by_how_much() -> None:
    words = again(record(0.77, 0.79)).words
    assert "78.00% on average, 2.00 points less" in words
    assert "80.00%" in words


def test_equal_repeats_are_no_evidence_of_a_small_spread() -> None:
    """They are equal to within an image; several finalists together tell what seeds make."""
    words = again(record(0.79, 0.79)).words
    assert "0.00 points" not in words
    assert "0.01 points" in words  # an image of 10,000
    pooled = again(record(0.79, 0.79, other=(0.60, 0.64))).words
    assert "2.00 points, estimated" in pooled  # sqrt((0 + 0.0008) / 2)


def test_equal_losses_tell_nothing_of_seeds() -> None:
    tested = record(0.30, 0.30, other=(0.5, 0.5), metric="loss")
    assert again(tested).reply == "aside"
    assert "is not known from 2 further trainings" in again(tested).words


def test_a_further_training_that_diverged_decides_nothing() -> None:
    """The other finalist has won then, and the one that diverged has the search's score."""
    tested = record(None, 0.79)
    winner = tested.winner()
    assert winner is not None
    assert winner.number == 2
    assert decisive_score(tested, tested.trials[WINNER]) == 0.80
    assert replace(tested, finalists=()).winner() is tested.trials[WINNER]
