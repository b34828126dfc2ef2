"""Made-up studies with times, to be compared."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from search.report.comparison import ComparedStudy
from search.report.evidence import TestedStudy
from search.tuning.attempts import INTERRUPTED
from search.tuning.records import StudyRecord, TrialRecord
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes

NOON = datetime(2025, 6, 1, 12)


def minutes(number: float) -> datetime:
    """Return the moment so many minutes past noon."""
    return NOON + timedelta(minutes=number)


def during(trial: TrialRecord, start: float, end: float | None) -> TrialRecord:
    """Return the trial with its times, in minutes past noon."""
    return replace(trial, started=minutes(start), finished=None if end is None else minutes(end))


def interrupted(number: int, start: float, end: float | None) -> TrialRecord:
    """Return an attempt that was stopped, or left by a dead run, at a minute; older: None."""
    return during(fakes.other_trial(number, "failed", reason=INTERRUPTED), start, end)


def scored(number: int, accuracy: float, start: float, end: float) -> TrialRecord:
    """Return a complete trial of almost the hand-tuned cnn, best in the second of three epochs."""
    candidate = baseline_fakes.HAND_TUNED.model_copy(update={"batch_size": 128})
    trial = fakes.complete_trial(number, [0.1, accuracy, 0.2], candidate=candidate, fold_epochs=3)
    return during(trial, start, end)


def search(name: str, accuracies: Sequence[float], **recipe: Any) -> StudyRecord:
    """Return a search of trials of ten minutes, one after the other, that has not ended."""
    trials = [scored(i, a, 10 * i, 10 * (i + 1)) for i, a in enumerate(accuracies)]
    return fakes.study_record(trials, name=name, recipe=recipe)


def compared(record: StudyRecord, baseline: TestedStudy | None = None) -> ComparedStudy:
    """Return a study to compare, with what its model made of the test images if it has ended."""
    predictions = None if record.test is None else fakes.model_predictions(record)
    return ComparedStudy(TestedStudy(record, predictions), baseline)
