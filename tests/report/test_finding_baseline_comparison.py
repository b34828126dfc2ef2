"""The winner beside a baseline study."""

from dataclasses import replace

import numpy as np
import pytest

from search.errors import MachineError
from search.evaluation.test_results import TestPredictions
from search.metric import ACCURACY
from search.plotting import paper_style
from search.report.blocks import Paragraph, flattened
from search.report.evidence import Evidence, TestedStudy
from search.report.findings.baseline_comparison import MOST_CLASSES, BaselineComparison
from search.report.paired import OwnMetric
from search.report.scoring import at_best_epoch
from search.text import points
from search.training.metrics import evaluate_predictions
from search.user_metric import get_metric
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
WINNER = np.array([0, 0, 0, 1, 1, 1, 1, 0, 2, 0])
BASELINE = np.array([0, 0, 0, 0, 1, 0, 0, 0, 2, 2])
NAMES = ("a", "b", "c")


def _study(record_of: TestedStudy, predicted: np.ndarray) -> TestedStudy:
    """Return the study with a test of ten images of three classes."""
    logits = (4 * np.eye(3))[predicted].astype(np.float32)
    test = evaluate_predictions(logits, LABELS, NAMES)
    record = replace(record_of.record, test=test)
    return TestedStudy(record, TestPredictions(LABELS, predicted))


@pytest.fixture(scope="module")
def ours() -> TestedStudy:
    return _study(TestedStudy(fakes.realistic(6).record), WINNER)


@pytest.fixture(scope="module")
def theirs() -> TestedStudy:
    return _study(baseline_fakes.reproduction(3), BASELINE)


@pytest.fixture(scope="module")
def versus(ours: TestedStudy, theirs: TestedStudy) -> BaselineComparison:
    info = BaselineComparison.between(ours, theirs)
    assert info is not None
    return info


@pytest.mark.slow
def test_gains_are_sorted_by_class(versus: BaselineComparison) -> None:
    """Recalls come from the same images; the greatest gain comes first, losses last."""
    assert [gain.name for gain in versus.gains] == ["b", "a", "c"]
    assert [gain.gain for gain in versus.gains] == pytest.approx([0.5, -0.25, -0.5])
    first = versus.gains[0]
    assert (first.n_images, first.baseline_right, first.winner_right) == (4, 1, 3)
    assert (first.baseline_recall, first.winner_recall) == (0.25, 0.75)


def test_all_classes_together_are_the_accuracies(versus: BaselineComparison) -> None:
    """Seven of ten images are right in either: no gain, said in words."""
    assert (versus.overall.n_images, versus.overall.winner_right) == (10, 7)
    assert (versus.overall.gain, versus.outcome) == (0.0, "level with the winner")


def test_images_are_paired(versus: BaselineComparison) -> None:
    """Level as they are, the models are right on different images."""
    assert versus.paired is not None
    assert (versus.paired.only_first, versus.paired.only_second) == (2, 2)
    assert versus.lacking == ()


@pytest.mark.slow
def test_repeats_are_summarised_and_one_stands_for_them(theirs: TestedStudy) -> None:
    """Mean and standard deviation are over the trainings, the pairing with the exported one."""
    info = BaselineComparison.between(
        TestedStudy(fakes.realistic(6).record), baseline_fakes.reproduction(3)
    )
    assert info is not None
    accuracies = [one.accuracy for one in theirs.record.repeats]
    assert info.mean == pytest.approx(np.mean(accuracies))
    assert info.std == pytest.approx(np.std(accuracies, ddof=1))
    winner = theirs.record.winner()
    assert winner is not None
    assert (info.repeats, info.trial) == (3, winner.number)
    assert info.protocol.startswith("trained 3 times on the split of the hand-tuned report, 40 ")


def test_one_training_has_no_spread(ours: TestedStudy) -> None:
    """A single training has a test accuracy but no standard deviation."""
    info = BaselineComparison.between(ours, _study(baseline_fakes.reproduction(1), BASELINE))
    assert info is not None
    assert info.std is None


def test_a_crossvalidated_baseline_says_how_it_was_made(ours: TestedStudy) -> None:
    """It was refitted, so that its trainings have no test accuracies of their own."""
    info = BaselineComparison.between(ours, _study(baseline_fakes.crossvalidated(2), BASELINE))
    assert info is not None
    assert info.protocol == "scored by 5-fold cross-validation, refitted for 2 epochs, tested"
    assert (info.repeats, info.mean, info.std) == (2, None, None)


def test_changes_go_from_baseline_to_winner(ours: TestedStudy, versus: BaselineComparison) -> None:
    """Each setting has the hand-tuned value first."""
    winner = ours.record.winner()
    assert winner is not None
    assert winner.candidate is not None
    changed = {one.setting: (one.baseline, one.winner) for one in versus.changes}
    assert changed["model.channels"][0] == "32, 64, 128"
    assert all(before != after for before, after in changed.values())


def test_without_predictions_the_recalls_remain(ours: TestedStudy, theirs: TestedStudy) -> None:
    """An older study keeps no predictions: classes are compared, images cannot be."""
    info = BaselineComparison.between(TestedStudy(ours.record), theirs)
    assert info is not None
    assert (info.paired, info.lacking) == (None, (ours.record.name,))
    assert info.gains[0].name == "b"


def test_before_a_test_there_is_nothing_to_compare(ours: TestedStudy, theirs: TestedStudy) -> None:
    """Neither side may be untested."""
    untested = TestedStudy(replace(ours.record, test=None))
    assert BaselineComparison.between(untested, theirs) is None
    assert BaselineComparison.between(ours, TestedStudy(replace(theirs.record, test=None))) is None


def test_predictions_of_another_test_are_refused(ours: TestedStudy, theirs: TestedStudy) -> None:
    """Predictions that do not give the stored accuracy are of another model or damaged."""
    stale = TestedStudy(ours.record, TestPredictions(LABELS, LABELS))
    with pytest.raises(MachineError, match="'cnn-random-photos' are not those of its test result"):
        BaselineComparison.between(stale, theirs)
    short = TestedStudy(ours.record, TestPredictions(LABELS[:9], WINNER[:9]))
    with pytest.raises(MachineError, match="not those of its test result"):
        BaselineComparison.between(short, theirs)


def test_other_images_are_never_paired(ours: TestedStudy, theirs: TestedStudy) -> None:
    """The same number of right images in another order is no pairing."""
    shuffled = TestedStudy(ours.record, TestPredictions(LABELS[::-1], WINNER[::-1]))
    with pytest.raises(MachineError, match="are of different test images"):
        BaselineComparison.between(shuffled, theirs)


def test_studies_of_other_data_are_never_compared(ours: TestedStudy, theirs: TestedStudy) -> None:
    """Fingerprints decide, not names."""
    dataset = replace(theirs.record.dataset, fingerprint="e2" * 32)
    with pytest.raises(ValueError, match="differ in their dataset"):
        BaselineComparison.between(ours, TestedStudy(replace(theirs.record, dataset=dataset)))


def test_many_classes_are_cut_to_the_most_telling(versus: BaselineComparison) -> None:
    """A plot has room for the largest gains and for the smallest."""
    first = versus.gains[0]
    many = tuple(first.model_copy(update={"name": str(i), "winner_right": i}) for i in range(40))
    shown = versus.model_copy(update={"gains": many}).shown
    assert len(shown) == MOST_CLASSES
    assert (shown[0], shown[-1]) == (many[0], many[-1])
    assert versus.shown == versus.gains


def test_more_training_images_are_pointed_out(versus: BaselineComparison) -> None:
    """A refit sees the validation images too, which part of a difference may come from."""
    told = [one.text for one in flattened(versus.blocks()) if isinstance(one, Paragraph)]
    assert versus.n_trained == (50_000, 40_000)
    assert any("50,000 images, the baseline on 40,000" in text for text in told)
    alike = versus.model_copy(update={"n_trained": (40_000, 40_000)})
    assert not any("more data" in text for text in alike.sentences())


@pytest.mark.parametrize("behind", [0.1, 0.4, -0.02])
def test_the_lead_on_equal_data_says_how_much_is_more_data(
    ours: TestedStudy, theirs: TestedStudy, behind: float
) -> None:
    """The search trained both on the same images: what is beyond that lead is not the settings."""
    trials = list(ours.record.trials)
    winner = ours.record.winner()
    assert winner is not None
    lead = at_best_epoch(winner, ACCURACY)
    assert lead is not None
    trials[0] = fakes.complete_trial(
        0, [0.1, lead - behind], candidate=baseline_fakes.HAND_TUNED, mean=0.0, value=0.0
    )
    searched = TestedStudy(replace(ours.record, trials=tuple(trials)))
    info = BaselineComparison.between(_study(searched, LABELS), theirs)
    assert info is not None
    assert info.overall.gain == pytest.approx(0.3)
    assert info.validation_lead == pytest.approx(behind)
    told = " ".join(info.sentences())
    side = "above" if behind > 0 else "below"
    assert f"{100 * abs(behind):.2f} points {side} the hand-tuned network’s" in told
    assert (f"The other {30 - 100 * behind:.2f} points are more data" in told) == (behind < 0.3)


def test_without_the_hand_tuned_trial_the_share_of_data_is_unknown(
    ours: TestedStudy, theirs: TestedStudy
) -> None:
    sampled = tuple(one for one in ours.record.trials if one.candidate != baseline_fakes.HAND_TUNED)
    record = replace(ours.record, trials=sampled)
    info = BaselineComparison.between(TestedStudy(record), theirs)
    assert info is not None
    assert info.validation_lead is None
    assert not any("Within the search" in text for text in info.sentences())


def test_seeds_come_before_the_paired_test(compared: BaselineComparison) -> None:
    """Three trainings scatter; the paired test is said to be of two networks on these images."""
    assert compared.seeds is not None
    assert compared.seeds.trainings == compared.repeats
    told = list(compared.sentences())
    first = next(i for i, text in enumerate(told) if text.startswith("Over seeds"))
    second = next(i for i, text in enumerate(told) if "McNemar’s test gives" in text)
    assert first < second
    assert "Of these two trained networks on these images" in told[second]


def test_the_baselines_own_candidate_is_not_tested_against_itself(theirs: TestedStudy) -> None:
    """Two trainings of one candidate say nothing about the search, whatever their p-value."""
    trial = fakes.complete_trial(0, [0.5, 0.6], candidate=baseline_fakes.HAND_TUNED)
    ours = _study(TestedStudy(fakes.with_end(fakes.study_record([trial]))), WINNER)
    info = BaselineComparison.between(ours, theirs)
    assert info is not None
    assert info.same_candidate
    assert (info.paired, info.seeds, info.lacking) == (None, None, ())
    assert info.outcome == "the winner is the same candidate, trained again"
    told = " ".join(info.sentences())
    assert "hand-tuned candidate itself" in told
    assert "McNemar" not in told
    assert "not kept" not in told


@pytest.mark.parametrize(
    ("seeds", "paired", "clear"),
    [
        (0.01, 0.01, True), (0.36, 0.01, False), (0.01, 0.36, False),
        (0.04, 0.001, True), (0.06, 0.001, False), (0.001, 0.02, False),
        (None, 0.009, True), (0.009, None, True), (None, None, None),
    ],
)  # fmt: skip
def test_a_lead_is_clear_if_neither_seeds_nor_images_explain_it(
    compared: BaselineComparison, seeds: float | None, paired: float | None, clear: bool | None
) -> None:
    """What is not known is not held against it."""
    assert compared.seeds is not None
    assert compared.paired is not None
    parts = {
        "seeds": seeds and compared.seeds.model_copy(update={"p_value": seeds}),
        "paired": paired and compared.paired.model_copy(update={"p_value": paired}),
    }
    info = compared.model_copy(update=parts)
    assert info.clear is clear
    suggestive = (seeds, paired) == (0.001, 0.02)
    assert info.is_suggestive is suggestive
    assert info.outcome.startswith("no clear difference") == (clear is False and not suggestive)
    assert ("not proven" in info.outcome) is suggestive


@pytest.mark.parametrize(
    ("seeds", "interval", "clear"),
    [
        (0.01, (0.1, 0.2), True), (0.06, (0.1, 0.2), False), (None, (0.1, 0.2), True),
        (0.01, (-0.1, 0.2), False), (0.01, (0.2, 0.2), None), (0.01, None, None),
        (0.01, (0.005, 0.2), False),
    ],
)  # fmt: skip
def test_a_lead_by_another_metric_is_clear_by_both_too(
    compared: BaselineComparison,
    seeds: float | None,
    interval: tuple[float, float] | None,
    clear: bool | None,
) -> None:
    """Resamples that do not differ, of very few images, say nothing."""
    assert compared.seeds is not None
    own = OwnMetric(
        metric=get_metric("macro-f1"), winner=0.6, baseline=0.5, gain=0.1, interval=interval
    )
    parts = {"seeds": seeds and compared.seeds.model_copy(update={"p_value": seeds}), "own": own}
    found = compared.model_copy(update=parts)
    assert found.clear is clear
    assert found.is_suggestive is (interval == (0.005, 0.2))


@pytest.fixture(scope="module")
def compared(kfold_evidence: Evidence) -> BaselineComparison:
    found = kfold_evidence.once(BaselineComparison.of)
    assert found is not None
    return found


def test_figure_has_all_classes_on_top(compared: BaselineComparison) -> None:
    """Ten classes below all of them, each with its gain in points, none of them cut."""
    (plot,) = fakes.plots(compared)
    assert plot.paper is not None
    with paper_style():
        (axes,) = plot.paper().axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["all classes", *(gain.name for gain in compared.gains)]
    assert axes.get_ylabel() == ""
    texts = [text.get_text() for text in axes.texts]
    assert points(compared.overall.gain, 1) in texts
    assert len(texts) == 12


def test_chart_tells_counts_and_gain(compared: BaselineComparison) -> None:
    """Hovering over either dot gives both recalls, their counts and the difference."""
    (plot,) = fakes.plots(compared)
    assert plot.page is not None
    _, baseline, winner = plot.page().figure.data
    gain = compared.gains[0]
    assert baseline.text[1] == winner.text[1]
    assert baseline.text[1].startswith(f"<b>{gain.name}</b>, {points(gain.gain, 1)} points<br>")
    assert f"({gain.winner_right} of {gain.n_images})" in baseline.text[1]
    assert winner.x[0] == compared.winner.accuracy


def test_a_cut_figure_says_so(compared: BaselineComparison) -> None:
    """With forty classes the axis says which thirty there are, and the page does too."""
    many = compared.model_copy(update={"gains": compared.gains * 4})
    (plot,) = fakes.plots(many)
    assert plot.paper is not None
    with paper_style():
        (axes,) = plot.paper().axes
    assert axes.get_ylabel() == "30 of 40 classes: largest gains, then smallest"
    assert plot.caption == "Recall of 40 classes: the 15 largest and 15 smallest gains."
