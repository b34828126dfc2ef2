"""The winner beside the hand-tuned baseline, each trained in a study of its own. Pure."""

from typing import NamedTuple

import numpy as np

from search.errors import MachineError
from search.evaluation.test_results import TestPredictions
from search.report.evidence import TestedStudy
from search.report.info.gains import ClassGain, all_classes, class_gains, n_right
from search.report.info.repeats import repeats_info
from search.report.statistics import Correct, PairedComparison, compare_paired
from search.report.study_words import validation_words
from search.report.trials import validation_images
from search.text import plural, times
from search.training.metrics import TestResult
from search.tuning.records import StudyRecord, TrialRecord
from spaces.describe import candidate_differences

MOST_CLASSES = 30


class VersusInfo(NamedTuple):
    """Winner and baseline on the same test images.

    The baseline was trained `repeats` times, with `mean` and `std` of the test accuracies
    (fractions; None where it was refitted, `std` also where it was trained once). The pairing is
    with its exported model, that of `trial`; `paired` is None where predictions were not kept, and
    `lacking` says whose. `n_trained` are the images that winner and baseline were trained on.
    `gains` are one a class, the greatest first. `changes` are (setting,
    baseline's value, winner's value).
    """

    study: str
    protocol: str
    trial: int
    repeats: int
    mean: float | None
    std: float | None
    n_trained: tuple[int, int]
    winner: TestResult
    baseline: TestResult
    paired: PairedComparison | None
    lacking: tuple[str, ...]
    gains: tuple[ClassGain, ...]
    changes: tuple[tuple[str, str, str], ...]

    @property
    def overall(self) -> ClassGain:
        """Return all classes together."""
        return all_classes(self.winner, self.baseline)

    @property
    def more_data(self) -> str:
        """Return in a sentence that the winner saw more images, nothing where it did not."""
        ours, theirs = self.n_trained
        if ours <= theirs:
            return ""
        return (
            f"The winner was trained on {ours:,} images, the baseline on {theirs:,} of them: part "
            "of the difference is more data."
        )

    @property
    def outcome(self) -> str:
        """Return in words how the winner compares."""
        gain = round(100 * self.overall.gain, 2)
        if not gain:
            return "level with the winner"
        return f"the winner is {abs(gain):.2f} points {'better' if gain > 0 else 'worse'}"

    @property
    def shown(self) -> tuple[ClassGain, ...]:
        """Return the gains that a figure has room for: all, or the greatest and the least."""
        if len(self.gains) <= MOST_CLASSES:
            return self.gains
        return self.gains[: MOST_CLASSES // 2] + self.gains[-MOST_CLASSES // 2 :]


def versus_info(ours: TestedStudy, baseline: TestedStudy) -> VersusInfo | None:
    """Return the comparison, None where one of them has no test result yet.

    Raises ValueError for studies of different datasets, MachineError where the stored predictions
    do not belong to the test results.
    """
    theirs = baseline.record
    winner, hand_tuned = ours.record.winner(), theirs.winner()
    tests = ours.record.test, theirs.test
    if winner is None or hand_tuned is None or tests[0] is None or tests[1] is None:
        return None
    if ours.record.dataset.fingerprint != theirs.dataset.fingerprint:
        raise ValueError(
            f"studies {ours.record.name!r} and {theirs.name!r} differ in their dataset"
        )
    repeats = repeats_info(theirs)
    return VersusInfo(
        study=theirs.name,
        protocol=_protocol(theirs),
        trial=hand_tuned.number,
        repeats=len(theirs.complete()),
        mean=None if repeats is None else repeats.mean.test_accuracy,
        std=None if repeats is None or repeats.std is None else repeats.std.test_accuracy,
        n_trained=(_n_trained(ours.record), _n_trained(theirs)),
        winner=tests[0],
        baseline=tests[1],
        paired=_paired(ours, baseline),
        lacking=tuple(one.record.name for one in (ours, baseline) if one.predictions is None),
        gains=class_gains(tests[0], tests[1]),
        changes=_changes(hand_tuned, winner),
    )


def _n_trained(record: StudyRecord) -> int:
    """Return how many images the tested network saw: without a refit, not those of validation."""
    return record.dataset.n_train - (validation_images(record) if record.refit is None else 0)


def _protocol(baseline: StudyRecord) -> str:
    if not baseline.recipe.protocol.refits:
        n_trained = len(baseline.complete())
        each = " each" if n_trained > 1 else ""
        return (
            f"trained {times(n_trained)} on the split of the hand-tuned report, "
            f"{plural(baseline.recipe.epochs, 'epoch')}{each}, and tested without a refit"
        )
    epochs = 0 if baseline.refit is None else baseline.refit.epochs
    return f"scored by {validation_words(baseline)}, refitted for {plural(epochs, 'epoch')}, tested"


def _paired(ours: TestedStudy, baseline: TestedStudy) -> PairedComparison | None:
    if ours.predictions is None or baseline.predictions is None:
        return None
    first, second = _correct(ours, ours.predictions), _correct(baseline, baseline.predictions)
    if not np.array_equal(ours.predictions.labels, baseline.predictions.labels):
        raise MachineError(
            f"the test predictions of studies {ours.record.name!r} and {baseline.record.name!r} "
            "are of different test images; remove those of one to have a report without them"
        )
    return compare_paired(first, second)


def _correct(study: TestedStudy, predictions: TestPredictions) -> Correct:
    """Return which test images a model gets right, checked against the test result."""
    correct: Correct = predictions.labels == predictions.predictions
    test = study.record.test
    if test is None or (len(correct), correct.sum()) != (test.n_images, n_right(test)):
        raise MachineError(
            f"the test predictions of study {study.record.name!r} are not those of its test "
            "result; remove them to have a report without them"
        )
    return correct


def _changes(baseline: TrialRecord, winner: TrialRecord) -> tuple[tuple[str, str, str], ...]:
    if baseline.candidate is None or winner.candidate is None:
        return ()
    return candidate_differences(baseline.candidate, winner.candidate)
