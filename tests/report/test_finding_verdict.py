"""What came of a search, in sentences: a difference is claimed only where it is one."""

from dataclasses import replace
from typing import Any

import pytest

from search.report.evidence import Evidence
from search.report.findings.baseline_comparison import BaselineComparison
from search.report.findings.usage import Usage
from search.report.findings.verdict import Verdict
from search.text import duration
from tests.report import report_fakes as fakes


def compared(evidence: Evidence, gain: float, p_value: float | None, **facts: Any) -> Verdict:
    """Return the verdict if the baseline comparison had found this."""
    found = BaselineComparison.of(evidence)
    assert found is not None
    assert found.paired is not None
    paired = None if p_value is None else found.paired.model_copy(update={"p_value": p_value})
    parts = {"paired": paired, "seeds": None, "own": None} | facts
    overall = replace_gain(found.overall, gain)
    other = replace(evidence)
    other._known[BaselineComparison.of] = found.model_copy(update={"overall": overall, **parts})
    verdict = Verdict.of(other)
    assert verdict is not None
    return verdict


def replace_gain(overall: Any, gain: float) -> Any:
    return overall.model_copy(
        update={"winner_recall": 0.7 + gain, "baseline_recall": 0.7, "gain": gain}
    )


@pytest.mark.parametrize(
    ("gain", "p_value", "claim"),
    [
        (0.05, 0.001, "It is better than the hand-tuned network by 5.00 points."),
        (-0.05, 0.001, "The hand-tuned network is better by 5.00 points."),
        (0.05, 0.36, "No clear difference"),
        (0.05, 0.06, "No clear difference from the hand-tuned network: it is 5.00 points better"),
        (-0.05, 0.06, "No clear difference from the hand-tuned network: it is 5.00 points worse"),
        (
            0.05,
            0.02,
            "it is 5.00 points better than the hand-tuned network: likely, but not proven",
        ),
        (0.05, None, "how certain is not known"),
        (0.0, None, "It is level with the hand-tuned network on these images."),
        (0.0, 1.0, "It is level with the hand-tuned network on these images."),
    ],
)
def test_only_a_difference_beyond_noise_is_claimed(
    kfold_evidence: Evidence, gain: float, p_value: float | None, claim: str
) -> None:
    """What chance makes too allows no claim, however large the difference."""
    assert claim in compared(kfold_evidence, gain, p_value).comparison


def test_the_hand_tuned_candidate_is_not_compared_with_itself(kfold_evidence: Evidence) -> None:
    """Another training of it differs by its seed and by more data."""
    verdict = compared(kfold_evidence, 0.05, None, same_candidate=True)
    assert "hand-tuned network itself" in verdict.comparison
    assert "points" not in verdict.comparison


def test_without_a_tested_baseline_its_validation_score_is_told(kfold_evidence: Evidence) -> None:
    """If it took part; a search without it says only that none was tested."""
    record = kfold_evidence.record
    own = fakes.complete_trial(0, *[[0.6]] * 5)
    others = [one for one in record.trials if one.plan != 0]
    for with_baseline in (True, False):
        recipe = record.recipe.model_copy(update={"with_baseline": with_baseline})
        verdict = Verdict.of(Evidence(replace(record, recipe=recipe, trials=(own, *others))))
        assert verdict is not None
        assert "was not tested on these images" in verdict.comparison
        assert ("it reached 60.00%, the winner" in verdict.comparison) is with_baseline


def test_a_level_baseline_in_validation_is_told_as_level(kfold_evidence: Evidence) -> None:
    """No noise explains a difference of nothing."""
    record, winner = kfold_evidence.record, kfold_evidence.record.winner()
    assert winner is not None
    assert winner.mean is not None
    own = replace(winner, number=0, plan=0, mean=winner.mean - 1e-6)
    others = [one for one in record.trials if one.plan != 0]
    verdict = Verdict.of(Evidence(replace(record, trials=(own, *others))))
    assert verdict is not None
    assert "in validation both reached" in verdict.comparison


def test_the_result_has_its_interval_and_its_data(kfold_evidence: Evidence) -> None:
    """Winner, share, interval, trials, day and images can be read in one place."""
    record = kfold_evidence.record
    verdict = Verdict.of(kfold_evidence)
    assert verdict is not None
    assert record.test is not None
    assert f"{100 * record.test.accuracy:.1f}% of 2,000 test images" in verdict.result
    assert "95% interval" in verdict.result
    assert record.refit is not None
    assert f"{duration(record.refit.seconds)} of refit" in verdict.effort
    for fact in ("22 configurations", "2025-06-01", "photos", "50,000", "10 classes"):
        assert fact in verdict.effort


def test_without_a_test_there_is_no_verdict(unfinished_evidence: Evidence) -> None:
    """Neither of a search that goes on, nor is there anything to use."""
    assert Verdict.of(unfinished_evidence) is None
    assert Usage.of(unfinished_evidence) is None


def test_a_test_of_an_earlier_winner_is_no_verdict(kfold_evidence: Evidence) -> None:
    """The search went on and found a better trial, which has not been tested."""
    record = kfold_evidence.record
    better = fakes.complete_trial(99, *[[0.99]] * 5)
    went_on = replace(record, trials=(*record.trials, better))
    assert Verdict.of(Evidence(went_on)) is None


def test_what_is_linked_lies_next_to_the_report(kfold_evidence: Evidence) -> None:
    """No path of the machine, which a report never holds."""
    usage = Usage.of(kfold_evidence)
    assert usage is not None
    assert all(not place.startswith("/") for place in usage.files.values())
    compile(usage.python, "usage", "exec")


def test_the_first_sentence_names_kind_and_size(kfold_evidence: Evidence) -> None:
    verdict, winner = Verdict.of(kfold_evidence), kfold_evidence.record.winner()
    assert verdict is not None
    assert winner is not None
    assert f"trial {winner.number} (CNN, {winner.n_parameters:,} parameters)" in verdict.result
    unknown = replace(winner, candidate=None)
    trials = [unknown if one is winner else one for one in kfold_evidence.record.trials]
    record = replace(kfold_evidence.record, trials=tuple(trials))
    other = Verdict.of(Evidence(record))
    assert other is not None
    assert f"trial {winner.number}, classifies" in other.result
