"""Is the winner better than the hand-tuned network, trained in a study of its own?"""

import shlex
from collections.abc import Iterator
from typing import Self, final

import numpy as np

from search.errors import MachineError
from search.evaluation.test_results import TestPredictions
from search.metric import ACCURACY, Metric
from search.report.blocks import Block, Code, Heading, Paragraph, Plot, Table
from search.report.class_deltas import (
    ClassDelta,
    all_classes,
    class_deltas,
    draw_recalls,
    n_right,
    recalls_chart,
)
from search.report.evidence import Evidence, TestedStudy, hand_tuned_kind, model_kind
from search.report.finding import GOOD, Excerpt, Finding, Number, Unlisted
from search.report.findings.repeats import Repeats
from search.report.findings.study import validation_words
from search.report.findings.winner import ChangedSetting, changed_settings, changes_block
from search.report.paired import Correct, OwnMetric, PairedComparison, compare_paired, own_metric
from search.report.scoring import validation_images, winner_lead
from search.text import (
    count,
    interval,
    percent,
    plural,
    points,
    probability,
    score,
    score_interval,
    spread,
    times,
)
from search.training.metrics import TestResult
from search.tuning.records import StudyRecord, TrialRecord

MOST_CLASSES = 30
_NAME = "versus-baseline"


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
    paired: PairedComparison | None
    """The comparison image by image; null if predictions were not kept."""
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
            paired=_paired(ours, baseline),
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
        gain = self.overall.gain if self.own is None else self.own.gain
        return winner_lead(gain, self.metric)

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
        yield Paragraph(
            f"Study {self.study} is the hand-tuned network, {self.protocol}. Both are tested on "
            f"the same {count(self.overall.n_images)} images."
        )
        yield from self._training()
        if self.own is not None:
            yield _own_table(self.own)
        yield self._accuracies()
        yield from self._significance()
        yield Heading("Recall by class")
        yield Plot(
            _NAME,
            f"Recall of {len(self.shown)} classes and of all together, baseline and winner",
            lambda: draw_recalls(self.overall, self.shown, len(self.gains)),
            lambda: recalls_chart(self.overall, self.shown),
            caption=self._caption(),
        )
        yield self._recalls()
        if self.changes:
            yield changes_block(self.changes)
        else:
            yield Paragraph("The winner is the hand-tuned candidate itself.")

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
        ours, theirs = self.n_trained
        if ours > theirs:
            yield Paragraph(
                f"The winner was trained on {ours:,} images, the baseline on {theirs:,} of them, "
                "so part of the difference comes from more data."
            )

    def _accuracies(self) -> Table:
        rows = (
            (f"winner, trial {self.winner_trial}", self.winner.accuracy, self.winner.interval),
            (f"baseline, trial {self.trial}", self.accuracy, self.interval),
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
        if self.paired is None:
            yield Paragraph(
                f"Test predictions were not kept for {' and '.join(self.lacking)}, so there is "
                "neither an interval for the difference nor McNemar’s test.",
                "notice",
            )
            return
        yield Paragraph(
            f"Only the winner is right on {plural(self.paired.only_first, 'image')}, only the "
            f"baseline on {count(self.paired.only_second)}. McNemar’s test gives "
            f"{probability(self.paired.p_value)} (exact, two-sided): how often two equally good "
            "networks would differ at least this much."
        )
        yield Paragraph(
            "Intervals are Wilson’s for an accuracy and Newcombe’s for the difference of paired "
            "proportions (1998, method 10). They and the test describe these two trained "
            "networks; other seeds would change both.",
            "quiet",
        )

    def _caption(self) -> str:
        if len(self.shown) == len(self.gains):
            return ""
        half = MOST_CLASSES // 2
        return f"Of {len(self.gains)} classes, the {half} largest and {half} smallest gains."

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


@final
class BaselineSuggestion(Excerpt):
    """How to train a baseline to compare with, where no study has one."""

    key = "versus.command"
    section = GOOD

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        command = baseline_command(evidence.record)
        if evidence.baseline is not None or command is None:
            return None
        kind = model_kind(evidence.record)
        own = kind is not None and hand_tuned_kind(kind) == kind
        what = "this kind of network" if own else "the hand-tuned network"
        words = Paragraph(
            f"There is no baseline study of {what} on this data to compare with. To train one:",
            "quiet",
        )
        return cls(content=(words, Code(command, "sh")))


# Settings that two studies must share to use the same data and find each other.
_SHARED = (
    "image_size", "resize", "test_fraction", "skip_broken", "image_column", "label_column",
    "split_column", "data_dir", "storage", "runs_dir",
)  # fmt: skip


def baseline_command(record: StudyRecord) -> str | None:
    """The command that trains a baseline for a search; None if there is no use for one.

    That is before the search has its test result, for a baseline study itself, and where the
    hand-tuned candidate won.
    """
    kind, recipe, winner = model_kind(record), record.recipe, record.winner()
    unbeaten = recipe.with_baseline and winner is not None and winner.plan == 0
    if record.test is None or kind is None or unbeaten or not recipe.protocol.is_search:
        return None
    flags = ["--space", hand_tuned_kind(kind), "--dataset", recipe.dataset]
    for name in _SHARED:
        value = getattr(recipe, name)
        if value != type(recipe).model_fields[name].default:
            flags += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return f"python -m search baseline {shlex.join(flags)}"


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


def _own_table(own: OwnMetric) -> Table:
    both = "–" if own.interval is None else score_interval(own.interval, own.metric)
    lead = score(own.gain, own.metric)
    return Table(
        caption=f"Test {own.metric} of both, and by how much the winner is better",
        header=("Winner", "Baseline", "Difference", "95% interval (bootstrap)"),
        rows=((score(own.winner, own.metric), score(own.baseline, own.metric), lead, both),),
        align="rrrr",
    )


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
