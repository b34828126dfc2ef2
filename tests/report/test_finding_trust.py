"""Would you bet on it: what speaks for the test result, and what against."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from search.catalog.openings import DatasetAccess
from search.data.copies import CopyCounts
from search.metric import ACCURACY
from search.report.blocks import Bullets, Details
from search.report.evidence import Evidence
from search.report.findings.baseline_comparison import BaselineComparison
from search.report.findings.headline import Headline
from search.report.findings.margin import Margin
from search.report.findings.optimism import Optimism
from search.report.findings.selection import SelectionScore
from search.report.findings.trust import Check, Reply, Trust, _above_guessing
from search.report.findings.verdict import Verdict
from search.training.metrics import Measure
from search.tuning.after_search import Finalist
from search.user_metric import get_metric
from tests.report import report_fakes as fakes

FRESH = "Was the test set unseen?"
COPIES = "Is the test set free of training images?"
GUESSING = "Is it better than guessing?"
BASELINE = "Is it better than the hand-tuned network?"
RUNNER_UP = "Is it the best of the trials?"
VALIDATION = "Does the test confirm the validation score?"
LUCK = "How much of its validation score is luck?"
AGAIN = "Would another training come out as good?"


def trust(evidence: Evidence, **record: Any) -> Trust:
    """Return what is found of other facts of the study."""
    found = Trust.of(replace(evidence, record=replace(evidence.record, **record)))
    assert found is not None
    return found


def check(found: Trust, question: str) -> Check:
    return next(one for one in found.checks if one.question == question)


def access(study: str) -> DatasetAccess:
    return DatasetAccess(study, datetime(2026, 6, 1, tzinfo=UTC), "final evaluation")


def test_an_untested_study_and_a_baseline_have_none(kfold_evidence: Evidence) -> None:
    record = kfold_evidence.record
    assert Trust.of(replace(kfold_evidence, record=replace(record, test=None))) is None
    baseline = kfold_evidence.baseline
    assert baseline is not None
    assert Trust.of(Evidence(baseline.record)) is None


@pytest.mark.parametrize(
    ("studies", "reply"),
    [(None, "unknown"), ((), "yes"), (("other",), "no")],
    ids=["not looked for", "none", "another"],
)
def test_a_test_set_that_others_had_opened_is_an_objection(
    kfold_evidence: Evidence, studies: tuple[str, ...] | None, reply: Reply
) -> None:
    """The first screen says so, too; what was not looked for is not claimed."""
    earlier = None if studies is None else tuple(map(access, studies))
    found = trust(replace(kfold_evidence, earlier=earlier))
    assert check(found, FRESH).reply == reply
    verdict = Verdict.of(replace(kfold_evidence, earlier=earlier))
    assert verdict is not None
    assert bool(verdict.doubt) is (reply == "no")


def test_the_baselines_own_test_is_no_objection(kfold_evidence: Evidence) -> None:
    """Nothing was decided by it."""
    baseline = kfold_evidence.baseline
    assert baseline is not None
    own, other = access(baseline.record.name), access("other")
    assert check(trust(replace(kfold_evidence, earlier=(own,))), FRESH).reply == "yes"
    assert check(trust(replace(kfold_evidence, earlier=(own, other))), FRESH).reply == "no"


def test_a_second_opening_of_its_own_is_an_objection(kfold_evidence: Evidence) -> None:
    (opening,) = kfold_evidence.record.openings
    found = trust(replace(kfold_evidence, earlier=()), openings=(opening, opening))
    assert check(found, FRESH).reply == "no"


@pytest.mark.parametrize(("copies", "reply"), [(0, "yes"), (10, "yes"), (200, "no")])
def test_copies_matter_where_they_can_leave_the_interval(
    kfold_evidence: Evidence, copies: int, reply: Reply
) -> None:
    """Of 2,000 images, whose 95% interval is about 2 points to each side."""
    quality = replace(kfold_evidence.record.quality, copies=CopyCounts(n_test=copies))
    one = check(trust(kfold_evidence, quality=quality), COPIES)
    assert one.reply == reply
    assert (f"{100 * copies / 2000:.2f} points" in one.words) is bool(copies)


def test_guessing_is_told_by_the_largest_class(kfold_evidence: Evidence) -> None:
    test = kfold_evidence.record.test
    assert test is not None
    share = test.largest_class().share
    above = replace(test, interval=(share + 0.01, share + 0.05))
    level = replace(test, interval=(share - 0.01, share + 0.05))
    assert check(trust(kfold_evidence, test=above), GUESSING).reply == "yes"
    assert check(trust(kfold_evidence, test=level), GUESSING).reply == "no"


@pytest.mark.parametrize(
    ("low", "high", "reply"), [(0.2, 0.9, "yes"), (0.05, 0.9, "no"), (None, None, "unknown")]
)
def test_guessing_is_told_by_the_metric_of_the_trials(
    kfold_evidence: Evidence, low: float | None, high: float | None, reply: Reply
) -> None:
    """Always answering the largest class is no good answer where every class counts alike."""
    record, metric = kfold_evidence.record, get_metric("balanced-accuracy")
    assert record.test is not None
    assert metric.chance(record.test.shares()) == pytest.approx(0.1)
    test = replace(
        record.test,
        interval=(0.0, 0.01),  # below the largest class's share
        measures=(Measure(metric.name, 0.5, low, high),),
    )
    recipe = record.recipe.model_copy(update={"metric": metric.name})
    evidence = replace(kfold_evidence, record=replace(record, recipe=recipe))
    found = _above_guessing(evidence, test)
    assert found.reply == reply
    assert found.doubt.startswith("whether") is (reply == "unknown")


def test_a_level_baseline_is_told_without_an_objection(kfold_evidence: Evidence) -> None:
    """The network may be relied on, whether or not another does as well."""
    compared = BaselineComparison.of(kfold_evidence)
    assert compared is not None
    for p_value, start in ((1e-6, "Yes: the winner is"), (0.5, "On test images: no clear")):
        assert compared.paired is not None
        paired = compared.paired.model_copy(update={"p_value": p_value})
        other = replace(kfold_evidence)
        found = compared.model_copy(update={"paired": paired, "seeds": None})
        other._known[BaselineComparison.of] = found
        one = check(trust_of(other), BASELINE)
        assert one.reply == ("yes" if start.startswith("Yes") else "aside")
        assert one.words.startswith(start)


def test_a_hand_tuned_network_that_is_better_is_an_objection(kfold_evidence: Evidence) -> None:
    """Whoever relies on the winner should know it first."""
    compared = BaselineComparison.of(kfold_evidence)
    assert compared is not None
    assert compared.paired is not None
    for p_value, reply in ((1e-6, "no"), (0.5, "aside")):
        paired = compared.paired.model_copy(update={"p_value": p_value})
        overall = compared.overall.model_copy(update={"gain": -0.0361})
        other = replace(kfold_evidence)
        other._known[BaselineComparison.of] = compared.model_copy(
            update={"paired": paired, "seeds": None, "own": None, "overall": overall}
        )
        found, verdict = trust_of(other), Verdict.of(other)
        assert verdict is not None
        assert check(found, BASELINE).reply == reply
        assert (any("hand-tuned network is better" in one for one in found.objections)) is (
            reply == "no"
        )
        assert ("the hand-tuned network is better" in verdict.doubt) is (reply == "no")


def test_a_winner_is_not_asked_whether_it_beats_itself(kfold_evidence: Evidence) -> None:
    """Whether the hand-tuned network was tested in a study of its own, or not."""
    record = kfold_evidence.record
    own = fakes.complete_trial(0, *[[0.6]] * 5)
    refit = None if record.refit is None else replace(record.refit, trial=0)
    alone = Evidence(replace(record, trials=(own,), refit=refit))
    assert alone.record.winner() == own
    found, verdict = Trust.of(alone), Verdict.of(alone)
    assert found is not None
    assert verdict is not None
    assert BASELINE not in {one.question for one in found.checks}
    assert "hand-tuned network itself" in verdict.comparison


def test_a_score_below_its_estimate_is_not_called_lucky(kfold_evidence: Evidence) -> None:
    estimates = {0.85: "would be about", 0.95: "owes nothing to luck"}
    for estimate, words in estimates.items():
        other = replace(kfold_evidence)
        other._known[SelectionScore.of] = SelectionScore(
            metric=ACCURACY, score=0.9, estimate=estimate, interval=(0.8, 0.97), n_trials=5,
            n_images=100, n_resamples=500, epochs=True, n_dropped=0,
        )  # fmt: skip
        assert words in check(trust_of(other), LUCK).words


def trust_of(evidence: Evidence) -> Trust:
    found = Trust.of(evidence)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("error", "start"), [(None, "It leads"), (0.001, "Yes"), (0.5, "Not clearly")]
)
def test_a_lead_is_claimed_beyond_noise_only(
    kfold_evidence: Evidence, error: float | None, start: str
) -> None:
    margin = Margin.of(kfold_evidence)
    assert margin is not None
    assert margin.runner_up is not None
    second = margin.runner_up.model_copy(update={"error": error, "gap": 0.02, "n_folds": 1})
    other = replace(kfold_evidence)
    other._known[Margin.of] = margin.model_copy(update={"runner_up": second})
    one = check(trust_of(other), RUNNER_UP)
    assert one.words.startswith(start)
    assert one.reply == ("yes" if start == "Yes" else "aside")


def test_further_trainings_answer_for_other_seeds(kfold_evidence: Evidence) -> None:
    assert check(trust_of(kfold_evidence), AGAIN).reply == "unknown"
    best = kfold_evidence.record.best_different(2)
    high = best[0].mean or 0.0
    scores = ((high, high + 0.02, high + 0.01), (0.5, 0.52, 0.51))
    found = tuple(Finalist(one.number, own) for one, own in zip(best, scores, strict=True))
    record = replace(kfold_evidence.record, finalists=found)
    one = check(trust_of(replace(kfold_evidence, record=record)), AGAIN)
    assert one.reply == "yes"
    assert "1.00 points" in one.words
    assert "3 further trainings" in one.words


def test_the_answer_names_the_interval_objections_and_what_is_not_known(
    kfold_evidence: Evidence,
) -> None:
    found = trust(replace(kfold_evidence, earlier=(access("other"),)))
    low, high = found_interval(kfold_evidence)
    assert f"{100 * low:.1f}% to {100 * high:.1f}%" in found.answer
    assert found.answer.startswith("With caution")
    assert trust(replace(kfold_evidence, earlier=())).answer.startswith("Yes, on")
    shown = next(one for one in found.blocks() if isinstance(one, Bullets))
    assert shown.marks[0] == "✗"
    assert set(shown.marks[1:]) <= {"?", "○"}
    folded = next(one for one in found.blocks() if isinstance(one, Details))
    others = next(one for one in folded.blocks if isinstance(one, Bullets))
    assert set(others.marks) == {"✓"}
    assert len(shown.items) + len(others.items) == len(found.checks)
    assert [one[0] for one in shown.told] == list(shown.marks)
    for one in found.checks:
        assert (one.doubt in found.answer) is (one.reply in ("no", "unknown"))
    assert check(found, RUNNER_UP).reply == "aside"


def found_interval(evidence: Evidence) -> tuple[float, float]:
    test = evidence.record.test
    assert test is not None
    return test.interval


@pytest.mark.parametrize(
    ("n_groups", "n_shared", "reply"),
    [(None, 0, "aside"), (40, 0, "yes"), (40, 1, "no")],
    ids=["assumed", "kept apart", "shared"],
)
def test_groups_in_training_and_test_are_an_objection(
    kfold_evidence: Evidence, n_groups: int | None, n_shared: int, reply: Reply
) -> None:
    """That images are independent is assumed where nothing is known, and said to be."""
    quality = replace(kfold_evidence.record.quality, n_groups=n_groups, n_shared_groups=n_shared)
    record = replace(kfold_evidence.record, quality=quality)
    found = trust(replace(kfold_evidence, record=record))
    asked = check(found, "Are its images independent of one another?")
    assert asked.reply == reply
    assert (asked.doubt in found.objections) == (reply == "no")


@pytest.mark.parametrize(
    ("shift", "reply", "start"),
    [(0.0, "yes", "Yes:"), (0.2, "aside", "No:"), (-0.2, "yes", "Yes, and more:")],
)
def test_a_test_below_validation_does_not_confirm_it(
    kfold_evidence: Evidence, shift: float, reply: Reply, start: str
) -> None:
    """One above it does; the first screen tells the distance of both."""
    optimism = Optimism.of(kfold_evidence)
    assert optimism is not None
    assert optimism.gap is not None
    place = "within" if not shift else "above" if shift > 0 else "below"
    validation = optimism.gap.test + shift
    gap = optimism.gap.model_copy(update={"validation": validation, "place": place})
    other = replace(kfold_evidence)
    other._known[Optimism.of] = optimism.model_copy(update={"gap": gap})
    one = check(trust_of(other), VALIDATION)
    assert one.reply == reply
    assert one.words.startswith(start)
    words = " ".join(card.words for card in Headline.of(other).cards)
    assert ("20.00 points" in words) is (shift != 0)


def test_a_longer_refit_is_told_where_the_test_is_better(kfold_evidence: Evidence) -> None:
    """More images are not all that it had."""
    optimism, record = Optimism.of(kfold_evidence), kfold_evidence.record
    assert optimism is not None
    assert optimism.gap is not None
    assert record.refit is not None
    gap = {"validation": optimism.gap.test - 0.2, "place": "below"}
    for epochs, told in ((record.recipe.epochs, False), (record.recipe.epochs + 13, True)):
        refit = replace(record.refit, epochs=epochs)
        other = replace(kfold_evidence, record=replace(record, refit=refit))
        other._known[Optimism.of] = optimism.model_copy(
            update={"gap": optimism.gap.model_copy(update=gap)}
        )
        words = check(trust_of(other), VALIDATION).words
        assert (f"{epochs} epochs instead of {record.recipe.epochs}" in words) is told


def test_a_level_winner_is_neither_ahead_nor_denied(kfold_evidence: Evidence) -> None:
    """Its equals are named, with what decided."""
    margin = Margin.of(kfold_evidence)
    assert margin is not None
    other = replace(kfold_evidence)
    other._known[Margin.of] = margin.model_copy(update={"level": (4, 7)})
    one = check(trust_of(other), RUNNER_UP)
    assert one.reply == "aside"
    assert "level with trials 4 and 7" in one.words
    assert "first in the plan" in one.words
    assert not one.words.startswith("No")


def test_a_wide_interval_confirms_nothing(kfold_evidence: Evidence) -> None:
    """As that of six test images, which holds nearly every score."""
    optimism = Optimism.of(kfold_evidence)
    assert optimism is not None
    assert optimism.gap is not None
    for interval, reply in (((0.3, 0.99), "unknown"), ((0.75, 0.9), "yes")):
        changed = {"interval": interval, "place": "within", "validation": 0.8}
        other = replace(kfold_evidence)
        other._known[Optimism.of] = optimism.model_copy(
            update={"gap": optimism.gap.model_copy(update=changed)}
        )
        assert check(trust_of(other), VALIDATION).reply == reply
