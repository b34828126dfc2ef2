"""Every metric of the winner, and what always answering the largest class is worth."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from search.data.predictions import TrialPredictions
from search.evaluation.test_results import TestPredictions
from search.metric import METRICS
from search.report.evidence import TestedStudy
from search.report.findings.all_metrics import AllMetrics
from search.report.findings.baseline_comparison import BaselineComparison
from search.report.findings.headline import Headline
from search.report.findings.optimism import Optimism
from search.report.findings.result import Result
from search.training.history import History
from search.training.metrics import Measure, TestResult, evaluate_predictions
from search.tuning.records import StudyRecord
from search.user_metric import FunctionMetric, get_metric
from search.views.running import baseline_line
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes

NAMES = ("dress", "top")
LABELS = np.array([0] * 20 + [1] * 60)
PREDICTED = np.array([0] * 12 + [1] * 8 + [1] * 57 + [0] * 3)


def result(predicted: np.ndarray = PREDICTED, metric: str = "balanced-accuracy") -> TestResult:
    """Return 80 test images, three to one: 60% of the small class and 95% of the other right."""
    logits = (3 * np.eye(2))[predicted].astype(np.float32)
    return evaluate_predictions(logits, LABELS, NAMES, get_metric(metric))


def measured(value: float, metric: str) -> dict[str, Any]:
    """Return the fields of a trial that was scored by the metric after its only epoch."""
    epoch = replace(fakes.fold_epoch(0.85), measures={metric: value})
    return {
        "value": value,
        "mean": value,
        "fold_scores": (value,),
        "history": History(((epoch,),)),
        "confusion": ((30, 20), (6, 144)),
    }


def study(metric: str = "balanced-accuracy", **values: Any) -> StudyRecord:
    """Return a tested study of imbalanced images, two trials scored by the metric."""
    trials = [
        fakes.complete_trial(0, [0.85], **measured(0.70, metric)),
        fakes.complete_trial(1, [0.85], **measured(0.78, metric)),
    ]
    record = fakes.study_record(trials, class_names=NAMES, recipe={"metric": metric})
    return replace(record, **({"test": result()} | values))


def rows(record: StudyRecord) -> dict[str, Any]:
    found = AllMetrics.of(fakes.evidence(record))
    assert found is not None
    return {row.metric.name: row for row in found.metrics}


def test_every_metric_is_there_the_studys_own_first() -> None:
    """On validation and on the test images, with an interval and the value of guessing."""
    found = rows(study())
    assert next(iter(found)) == "balanced-accuracy"
    assert set(found) == {one.name for one in METRICS}
    own = found["balanced-accuracy"]
    assert (own.scored_by, own.validation, own.chance) == (True, 0.78, 0.5)
    assert own.test == pytest.approx((0.6 + 0.95) / 2)
    assert own.interval is not None
    assert own.interval[0] < own.test < own.interval[1]
    assert found["accuracy"].interval == result().interval
    assert found["accuracy"].test == pytest.approx(69 / 80)


def test_validation_has_what_its_confusion_matrix_tells() -> None:
    """AUROC needs probabilities, which are only kept where trials are scored by it."""
    found = rows(study())
    assert found["accuracy"].validation == pytest.approx(0.85)
    agreed, expected = 174 / 200, (50 * 36 + 150 * 164) / 200**2
    assert found["kappa"].validation == pytest.approx((agreed - expected) / (1 - expected))
    assert found["auroc"].validation is None
    assert rows(study("auroc"))["auroc"].validation == 0.78


def test_studies_of_before_have_what_their_confusion_matrix_tells() -> None:
    """They stored no measures: no AUROC and no intervals of others, and no error."""
    found = rows(study(test=replace(result(), measures=())))
    assert found["balanced-accuracy"].test == pytest.approx((0.6 + 0.95) / 2)
    assert found["balanced-accuracy"].interval is None
    assert found["auroc"].test is None
    assert found["accuracy"].test == pytest.approx(69 / 80)


def test_before_the_test_there_is_validation_only() -> None:
    found = AllMetrics.of(fakes.evidence(study(test=None)))
    assert found is not None
    assert found.majority is None
    assert {row.test for row in found.metrics} == {None}
    assert found.summary() == ()


def test_the_largest_class_stands_beside_the_accuracy() -> None:
    """In the headline, under the test accuracy, and in the sentences of terminal and card."""
    evidence = fakes.evidence(study())
    beside = "always answering “top” is right on 75.0%"
    card = next(one for one in Headline.of(evidence).cards if one.name == "Test accuracy")
    tested, everything = Result.of(evidence), AllMetrics.of(evidence)
    assert tested is not None
    assert everything is not None
    assert card.words.endswith(beside)
    assert beside in tested.sentences()[0]
    assert beside in everything.summary()[0]
    assert everything.majority is not None
    assert (everything.majority.share, everything.majority.imbalanced) == (0.75, True)


@pytest.mark.parametrize(("larger", "told"), [(40, False), (47, False), (48, True), (80, True)])
def test_equal_classes_are_not_worth_a_sentence(larger: int, told: bool) -> None:
    """From a fifth above its fair share on: 48 of 80 images of two classes."""
    labels = np.array([0] * larger + [1] * (80 - larger))
    test = evaluate_predictions((3 * np.eye(2))[labels].astype(np.float32), labels, NAMES)
    assert (test.majority() is not None) is told
    assert test.largest_class().share == larger / 80


def test_the_headline_begins_with_the_studys_metric() -> None:
    own, accuracy, validation, _ = Headline.of(fakes.evidence(study())).cards
    assert (own.name, own.number) == ("Test balanced accuracy", "77.50%")
    assert own.words.startswith("95% interval ")
    assert (accuracy.name, accuracy.number) == ("Test accuracy", "86.25%")
    assert (validation.name, validation.number) == ("Validation balanced accuracy", "78.00%")


def test_plain_numbers_are_not_written_as_percentages() -> None:
    own, *_ = Headline.of(fakes.evidence(study("kappa"))).cards
    assert (own.name, own.number) == ("Test kappa", f"{rows(study('kappa'))['kappa'].test:.4f}")


def test_optimism_is_told_in_the_studys_metric() -> None:
    """Validation against the test's bootstrap interval; Hoeffding's bound is for accuracies."""
    found = Optimism.of(fakes.evidence(study()))
    assert found is not None
    assert found.gap is not None
    assert found.gap.validation == 0.78
    assert found.gap.test == pytest.approx(0.775)
    assert found.holdout is None
    assert "validation balanced accuracy, 78.00%, is 0.50 points above" in found.words[0]
    assert "of its balanced accuracy would be" in found.words[-1]
    assert "(bootstrap)" in found.words[-1]


def test_where_lower_is_better_below_is_the_optimistic_side() -> None:
    """A cost on validation that lies below the test's interval is what selection makes of it."""
    cost = FunctionMetric(higher_is_better=False, words="cost", name="cost.py:cost")
    test = replace(result(), measures=(Measure(cost.name, 0.95, 0.9, 1.0),))
    record = replace(study(cost.name, test=test), user_metric=cost)
    found = Optimism.of(fakes.evidence(record))
    assert found is not None
    assert found.words[0].endswith("the score used to pick a winner is usually too optimistic.")
    assert rows(record)[cost.name].chance is None


def test_a_metric_without_an_interval_has_its_value_everywhere() -> None:
    """In the card, in the table and in the line of the terminal; the optimism needs one."""
    cost = FunctionMetric(words="score", name="cost.py:score")
    test = replace(result(), measures=(Measure(cost.name, 1.0, None, None),))
    record = replace(study(cost.name, test=test), user_metric=cost)
    assert rows(record)[cost.name].interval is None
    assert rows(record)[cost.name].test == 1.0
    card = Headline.of(fakes.evidence(record)).cards[0]
    assert (card.name, card.number, card.words) == ("Test score", "1.0000", "80 images")
    found = Optimism.of(fakes.evidence(record))
    assert found is None or found.gap is None
    assert (baseline_line(record, record) or "").startswith("baseline: score 1.0000, study ")


def compared(metric: str, baseline: np.ndarray) -> BaselineComparison:
    """Return the study beside a baseline study that predicts these classes."""
    ours = TestedStudy(study(metric), TestPredictions(LABELS, PREDICTED))
    trained = baseline_fakes.reproduction(2).record
    record = replace(trained, test=result(baseline), dataset=ours.record.dataset)
    found = BaselineComparison.between(ours, TestedStudy(record, TestPredictions(LABELS, baseline)))
    assert found is not None
    return found


def test_a_baseline_is_compared_by_the_studys_metric() -> None:
    """Always answering the larger class is right on 75%, and worth half by balanced accuracy."""
    found = compared("balanced-accuracy", np.ones(80, np.int64))
    assert found.own is not None
    assert (found.own.baseline, found.baseline_value) == (0.5, 0.5)
    assert found.own.gain == pytest.approx(0.275)
    assert found.own.interval is not None
    assert 0 < found.own.interval[0] < found.own.gain < found.own.interval[1]
    assert found.outcome == "the winner is 27.50 points better"


def test_probabilities_of_a_baseline_are_not_kept() -> None:
    """So there is no interval of a difference in AUROC, but there is the difference."""
    found = compared("auroc", np.ones(80, np.int64))
    assert found.own is not None
    assert (found.own.baseline, found.own.interval) == (0.5, None)


@pytest.mark.slow
def test_accuracy_and_loss_are_compared_by_accuracy() -> None:
    for metric in ("accuracy", "loss"):
        assert compared(metric, PREDICTED).own is None


def test_kept_predictions_give_what_no_matrix_does() -> None:
    """AUROC in validation where trials are scored by something else; without them it says so."""
    labels = np.array([0] * 50 + [1] * 150)
    probabilities = np.full((200, 2), 0.5, dtype=np.float16)
    probabilities[labels == 1] = (0.25, 0.75)
    kept = TrialPredictions(np.arange(200), labels, probabilities, labels[None])
    evidence = replace(fakes.evidence(study()), validation={1: kept})
    found = {one: AllMetrics.of(one) for one in (evidence, fakes.evidence(study()))}
    with_them, without = found.values()
    assert with_them is not None
    assert without is not None
    auroc = {row.metric.name: row.validation for row in with_them.metrics}["auroc"]
    assert auroc == 1.0
    assert all(row.validation is not None for row in with_them.metrics)
    assert "AUROC in validation" in " ".join(without.sentences())
    assert "in validation" not in " ".join(with_them.sentences())
