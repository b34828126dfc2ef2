"""Is the winner better than the hand-tuned network, trained in a study of its own?"""

from collections.abc import Iterator
from typing import Self, final

import numpy as np

from search.errors import MachineError
from search.evaluation.test_results import TestPredictions
from search.metric import ACCURACY, Metric
from search.report.blocks import Block, Columns, Details, Paragraph, Plot, Table
from search.report.class_deltas import (
    ClassDelta,
    all_classes,
    class_deltas,
    draw_recalls,
    n_right,
    recalls_chart,
)
from search.report.evidence import Evidence, TestedStudy
from search.report.finding import GOOD, Finding, Number, Unlisted
from search.report.findings.repeats import Repeats
from search.report.findings.study import validation_words
from search.report.findings.winner import ChangedSetting, changed_settings, changes_block
from search.report.paired import Correct, OwnMetric, PairedComparison, compare_paired, own_metric
from search.report.scoring import at_best_epoch, validation_images, winner_lead
from search.report.seeds import SeedComparison, compare_seeds
from search.text import (
    count,
    interval,
    percent,
    plural,
    points,
    probability,
    score,
    spread,
    times,
)
from search.training.metrics import TestResult
from search.tuning.records import StudyRecord, TrialRecord

MOST_CLASSES = 30
_NAME = "versus-baseline"
# Levels of a claim. Both tests must reject where both are known; few trainings cannot reach 1%.
_IMAGES_LEVEL, _SEEDS_LEVEL = 0.01, 0.05


@final
class BaselineComparison(Finding):
    """The winner compared with a baseline study of the same data, on the same test images."""

    key = "versus"
    section = GOOD
    title = "Compared with the hand-tuned baseline"
    figures = (_NAME,)

    study: str
    """The baseline study."""
    protocol: str
    """How it was trained and tested, in words."""
    trial: int
    """The trial whose exported model is compared."""
    n_trained: tuple[int, int]
    """Training images of the winner and of the baseline."""
    repeats: int
    """How often the baseline was trained."""
    mean: Number
    """Mean test accuracy of these trainings, a fraction; null if it was refitted."""
    std: Number
    """Their sample standard deviation (n - 1)."""
    accuracy: float
    """Test accuracy of the compared model."""
    interval: tuple[float, float]
    """Its 95% Wilson interval."""
    overall: ClassDelta
    """All classes together."""
    same_candidate: bool
    """Whether the winner is the baseline's own candidate, trained again."""
    validation_lead: Number
    """By how much the winner's validation accuracy exceeds that of the same hand-tuned candidate
    within the search, where both trained on the same images; null if that is not known."""
    seeds: SeedComparison | None
    """The comparison with all trainings of the baseline; null if there are fewer than two, if they
    were refitted, or for the same candidate."""
    paired: PairedComparison | None
    """The comparison image by image; null if predictions were not kept, or for the same
    candidate."""
    own: OwnMetric | None
    """The comparison by the metric that trials are scored by; null for accuracy and loss, and if
    the baseline study did not measure it."""
    gains: tuple[ClassDelta, ...]
    """One for each class, the largest gain first."""
    changes: tuple[ChangedSetting, ...]
    """Settings in which the winner's candidate differs."""
    winner: Unlisted[TestResult]
    winner_trial: Unlisted[int]
    lacking: Unlisted[tuple[str, ...]]  # names of the studies whose predictions were not kept

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Compare with the evidence's baseline; None without one."""
        if evidence.baseline is None:
            return None
        return cls.between(evidence.tested(), evidence.baseline)

    @classmethod
    def between(cls, ours: TestedStudy, baseline: TestedStudy) -> Self | None:
        """Compare two studies; None if one of them has no test result yet.

        Raises ValueError for studies of different datasets, MachineError if the stored
        predictions do not belong to the test results.
        """
        theirs = baseline.record
        winner, hand_tuned = ours.record.winner(), theirs.winner()
        test, against = ours.record.test, theirs.test
        if winner is None or hand_tuned is None or test is None or against is None:
            return None
        if ours.record.dataset.fingerprint != theirs.dataset.fingerprint:
            raise ValueError(
                f"studies {ours.record.name!r} and {theirs.name!r} differ in their dataset"
            )
        repeats = Repeats.of_record(theirs)
        same = winner.candidate is not None and winner.candidate == hand_tuned.candidate
        seeds = compare_seeds(test.accuracy, [one.accuracy for one in theirs.repeats])
        return cls(
            study=theirs.name,
            protocol=_protocol(theirs),
            trial=hand_tuned.number,
            n_trained=(_n_trained(ours.record), _n_trained(theirs)),
            repeats=len(theirs.complete()),
            mean=None if repeats is None else repeats.mean.test_accuracy,
            std=None if repeats is None or repeats.std is None else repeats.std.test_accuracy,
            accuracy=against.accuracy,
            interval=against.interval,
            overall=all_classes(test, against),
            same_candidate=same,
            validation_lead=None if same else _validation_lead(ours.record, hand_tuned),
            seeds=None if same else seeds,
            paired=None if same else _paired(ours, baseline),
            own=own_metric(ours, baseline),
            gains=class_deltas(test, against),
            changes=_changes(hand_tuned, winner),
            winner=test,
            winner_trial=winner.number,
            lacking=tuple(one.record.name for one in (ours, baseline) if one.predictions is None),
        )

    @property
    def outcome(self) -> str:
        """How the winner compares, in words."""
        if self.same_candidate:
            return "the winner is the same candidate, trained again"
        lead = winner_lead(self.gain, self.metric)
        if self.is_suggestive:
            return f"{lead}, which is not proven ({self.doubt})"
        return f"no clear difference: {lead}" if self.clear is False and self.gain else lead

    @property
    def is_suggestive(self) -> bool:
        """Whether the difference, though not clear, is one that equals seldom have (1 in 20)."""
        by_seeds = self.seeds is None or self.seeds.p_value <= _SEEDS_LEVEL
        if self.clear is not False or not by_seeds:
            return False
        if self.own is not None:
            return self.own.is_clear(_SEEDS_LEVEL) is True
        return self.paired is not None and self.paired.p_value <= _SEEDS_LEVEL

    @property
    def doubt(self) -> str:
        """How sure a suggestive difference is, and from when on one is claimed."""
        level = f"p of at most {_IMAGES_LEVEL:g} would count, as other seeds differ, too"
        if self.own is not None or self.paired is None:
            return level
        return f"{probability(self.paired.p_value)}; {level}"

    @property
    def gain(self) -> float:
        """By how much the winner is better by `metric`; negative if it is worse."""
        return self.overall.gain if self.own is None else self.own.gain

    @property
    def clear(self) -> bool | None:
        """Whether chance rarely makes such a difference, by all that is known of it; None if
        nothing is: neither other seeds nor other test images may explain it.
        """
        by_seeds = None if self.seeds is None else self.seeds.p_value <= _SEEDS_LEVEL
        if self.own is not None:
            by_images = self.own.is_clear(_IMAGES_LEVEL)
            return None if by_images is None else by_images and by_seeds is not False
        by_images = None if self.paired is None else self.paired.p_value <= _IMAGES_LEVEL
        known = [one for one in (by_seeds, by_images) if one is not None]
        return all(known) if known else None

    @property
    def metric(self) -> Metric:
        """What `outcome` compares them by."""
        return ACCURACY if self.own is None else self.own.metric

    @property
    def baseline_value(self) -> float:
        """The baseline's value of that."""
        return self.accuracy if self.own is None else self.own.baseline

    @property
    def shown(self) -> tuple[ClassDelta, ...]:
        """The classes that a plot has room for: all, or the largest gains and the smallest."""
        if len(self.gains) <= MOST_CLASSES:
            return self.gains
        return self.gains[: MOST_CLASSES // 2] + self.gains[-MOST_CLASSES // 2 :]

    def blocks(self) -> Iterator[Block]:
        baseline = Paragraph(
            f"Study {self.study} is the hand-tuned network, {self.protocol}. Both are tested on "
            f"the same {count(self.overall.n_images)} images."
        )
        yield Columns((baseline, self._accuracies()))
        yield from self._more_data()
        if self.same_candidate:
            yield Paragraph(
                "The winner is the hand-tuned candidate itself: a difference comes from seeds and "
                "from the amount of training data, and says nothing about the search."
            )
        if self.own is not None:
            yield self.own.table()
        yield Plot(
            _NAME,
            f"Recall of {len(self.shown)} classes and of all together, baseline and winner",
            lambda: draw_recalls(self.overall, self.shown, len(self.gains)),
            lambda: recalls_chart(self.overall, self.shown),
            caption=self._caption(),
        )
        yield self._recalls()
        reasons = (*self._training(), *self._significance())
        if reasons:
            yield Details("Where the difference may come from, and how certain it is", reasons)
        if self.changes:
            yield changes_block(self.changes)

    def _training(self) -> Iterator[Paragraph]:
        if self.repeats > 1:
            mean = ""
            if self.mean is not None and self.std is not None:
                mean = (
                    f" The mean test accuracy of all {self.repeats} is "
                    f"{score(self.mean, ACCURACY)} (standard deviation "
                    f"{spread(self.std, ACCURACY)})."
                )
            yield Paragraph(
                f"Trial {self.trial}, the best of {self.repeats} trainings by validation, "
                f"represents the baseline here.{mean}"
            )
        yield from self._in_the_search()

    def _more_data(self) -> Iterator[Paragraph]:
        """Yield that the difference may come from more training images."""
        ours, theirs = self.n_trained
        if ours <= theirs:
            return
        so = ", so part of its lead may come from more data" if self.overall.gain > 0 else ""
        yield Paragraph(
            f"The winner was trained on {ours:,} images, the baseline on {theirs:,} of them{so}."
        )

    def _in_the_search(self) -> Iterator[Paragraph]:
        """Yield how much of the difference is not from more images, where the search knows it."""
        if self.validation_lead is None or self.n_trained[0] <= self.n_trained[1]:
            return
        lead, rest = self.validation_lead, self.overall.gain - self.validation_lead
        side = "above" if lead >= 0 else "below"
        others = f" The other {spread(rest, ACCURACY)} are more data, longer training and chance."
        yield Paragraph(
            "Within the search, where both trained on the same images, the winner’s validation "
            f"accuracy is {spread(abs(lead), ACCURACY)} {side} the hand-tuned network’s, which "
            "flatters the winner, chosen by validation." + others * (rest > 0)
        )

    def _accuracies(self) -> Table:
        rows = (
            (f"winner, trial {self.winner_trial}", self.winner.accuracy, self.winner.interval),
            ("hand-tuned network", self.accuracy, self.interval),
        )
        low_high = "–"
        if self.paired is not None:
            low, high = self.paired.interval
            low_high = f"{points(low)} to {points(high)}"
        return Table(
            caption="Test accuracy of both",
            header=("Network", "Test accuracy", "95% interval"),
            rows=tuple((name, score(a, ACCURACY), interval(both)) for name, a, both in rows),
            align="lrr",
            footer=(("difference, points", points(self.overall.gain), low_high),),
        )

    def _significance(self) -> Iterator[Paragraph]:
        if self.same_candidate:
            return
        if self.seeds is not None:
            yield Paragraph(self.seeds.words())
        if self.paired is None:
            yield Paragraph(
                f"Test predictions were not kept for {' and '.join(self.lacking)}, so there is "
                "neither an interval for the difference nor McNemar’s test.",
                "notice",
            )
            return
        yield Paragraph(
            "Of these two trained networks on these images, only the winner’s is right on "
            f"{plural(self.paired.only_first, 'image')}, only the baseline’s on "
            f"{count(self.paired.only_second)}. McNemar’s test gives "
            f"{probability(self.paired.p_value)} (exact, two-sided): how often two equally good "
            "networks would differ at least this much. It says nothing about other seeds."
        )
        yield Paragraph(
            "Intervals are Wilson’s for an accuracy and Newcombe’s for the difference of paired "
            "proportions (1998, method 10). They describe these two trained networks too.",
            "quiet",
        )

    def _caption(self) -> str:
        if len(self.shown) == len(self.gains):
            return "The largest gain comes first."
        half = MOST_CLASSES // 2
        return f"Recall of {len(self.gains)} classes: the {half} largest and {half} smallest gains."

    def _recalls(self) -> Table:
        return Table(
            caption="Recall of each class on the test images, the largest gain first",
            header=("Class", "Baseline", "Winner", "Points", "Images"),
            rows=tuple(
                (
                    one.name,
                    percent(one.baseline_recall),
                    percent(one.winner_recall),
                    points(one.gain, 1),
                    count(one.n_images),
                )
                for one in self.gains
            ),
            align="lrrrr",
            most=MOST_CLASSES,
        )


def _validation_lead(record: StudyRecord, hand_tuned: TrialRecord) -> float | None:
    """By how much the winner leads the hand-tuned candidate's trial in the search, by accuracy."""
    winner = record.winner()
    within = next((one for one in record.complete() if one.candidate == hand_tuned.candidate), None)
    if winner is None or within is None or hand_tuned.candidate is None:
        return None
    ours, theirs = (at_best_epoch(one, ACCURACY) for one in (winner, within))
    return None if ours is None or theirs is None else ours - theirs


def _n_trained(record: StudyRecord) -> int:
    """How many images the tested network saw: without a refit, not those of validation."""
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
    """Which test images a model predicts correctly, checked against the test result."""
    correct: Correct = predictions.labels == predictions.predictions
    test = study.record.test
    if test is None or (len(correct), correct.sum()) != (test.n_images, n_right(test)):
        raise MachineError(
            f"the test predictions of study {study.record.name!r} are not those of its test "
            "result; remove them to have a report without them"
        )
    return correct


def _changes(baseline: TrialRecord, winner: TrialRecord) -> tuple[ChangedSetting, ...]:
    if baseline.candidate is None or winner.candidate is None:
        return ()
    return changed_settings(baseline.candidate, winner.candidate)
