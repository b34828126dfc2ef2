"""One study among several: what it cost, found, and gained over hand tuning. Pure."""

from collections import Counter
from typing import Literal, NamedTuple

from search.metric import Metric
from search.report.evidence import TestedStudy
from search.report.findings.cost import epochs_spent
from search.report.info.estimate import Estimate, accuracy_estimate, score_estimate
from search.report.info.versus import versus_info
from search.report.search_clock import search_clock
from search.report.trials import KINDS, last_attempts
from search.tuning.records import StudyRecord, TrialKind
from spaces.describe import describe_candidate


class ComparedStudy(NamedTuple):
    """A study and the baseline study to set beside it, None where there is none."""

    study: TestedStudy
    baseline: TestedStudy | None = None


class GainInfo(NamedTuple):
    """The winner less its baseline in test accuracy.

    `test` is the baseline study's accuracy. `difference` (a fraction) is against its exported
    model, that of `trial`, whose accuracy is `against`; the 95% `interval` needs both models'
    predictions and is None without.
    """

    study: str
    test: Estimate
    trial: int
    against: float
    difference: float
    interval: tuple[float, float] | None


class WinnerLine(NamedTuple):
    """A study's best complete trial and its candidate in words."""

    trial: int
    words: str
    n_parameters: int | None


class StudyRow(NamedTuple):
    """One study; what is not there yet is None.

    `epochs` counts those of every fold, in vain or not; `seconds` is the time in which any trial
    ran. `score` is the best validation figure by the study's own `metric`, or the mean of a
    baseline study's trainings; `test` likewise. `changed` says that its code changed on the way.
    """

    study: str
    space: str
    kind: Literal["search", "baseline"]
    sampler: str
    validation: str
    dataset: str
    fingerprint: str
    trials: tuple[tuple[TrialKind, int], ...]
    epochs: int
    seconds: float
    metric: Metric
    winner: WinnerLine | None
    score: Estimate | None
    test: Estimate | None
    gain: GainInfo | None
    changed: bool


def study_row(compared: ComparedStudy) -> StudyRow:
    """Return a study's row.

    Raises MachineError where stored predictions do not belong to the test results.
    """
    record = compared.study.record
    kinds = Counter(trial.kind for trial in last_attempts(record))
    return StudyRow(
        study=record.name,
        space=record.recipe.space,
        kind=record.recipe.protocol.kind,
        sampler=record.recipe.sampler,
        validation=_validation(record),
        dataset=record.dataset.name,
        fingerprint=record.dataset.fingerprint,
        trials=tuple((kind, kinds[kind]) for kind in KINDS if kinds[kind]),
        epochs=epochs_spent(record),
        seconds=search_clock(record).total(),
        metric=record.recipe.metric,
        winner=_winner(record),
        score=score_estimate(record),
        test=accuracy_estimate(record),
        gain=_gain(compared),
        changed=bool(record.changes),
    )


def _winner(record: StudyRecord) -> WinnerLine | None:
    winner = record.winner()
    if winner is None:
        return None
    words = "" if winner.candidate is None else describe_candidate(winner.candidate)
    return WinnerLine(winner.number, words, winner.n_parameters)


def _validation(record: StudyRecord) -> str:
    recipe = record.recipe
    if recipe.protocol.split is not None:
        return "report's split"
    if recipe.validation == "holdout":
        return f"holdout {recipe.holdout_fraction:g}"
    return f"{recipe.folds}-fold{', raced' if recipe.racing else ''}"


def _gain(compared: ComparedStudy) -> GainInfo | None:
    study, baseline = compared
    test = None if baseline is None else accuracy_estimate(baseline.record)
    versus = None if baseline is None else versus_info(study, baseline)
    if versus is None or test is None:
        return None
    return GainInfo(
        study=versus.study,
        test=test,
        trial=versus.trial,
        against=versus.baseline.accuracy,
        difference=versus.overall.gain,
        interval=None if versus.paired is None else versus.paired.interval,
    )
