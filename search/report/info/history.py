"""The course of the search: every ended trial and the best so far. Pure."""

from typing import NamedTuple

from search.metric import Metric, is_better
from search.report.trials import ENDED, trial_score
from search.tuning.records import StudyRecord, TrialKind, TrialRecord
from spaces.describe import describe_candidate


class TrialPoint(NamedTuple):
    """One ended trial; `value` is None where it has no score, `best` where none has one yet."""

    number: int
    plan: int
    kind: TrialKind
    value: float | None
    best: float | None
    words: str
    fold_scores: tuple[float, ...]
    reason: str | None


class OptimizationHistoryInfo(NamedTuple):
    """The ended trials in the plan's order, which no number of workers changes."""

    points: tuple[TrialPoint, ...]
    metric: Metric


def optimization_history_info(record: StudyRecord) -> OptimizationHistoryInfo:
    """Return each ended trial with the best score among it and those before it in the plan."""
    metric = record.recipe.metric
    can_win = {trial.number for trial in record.complete()}
    points: list[TrialPoint] = []
    best: float | None = None
    for trial in sorted(record.trials, key=lambda t: (t.plan, t.attempt)):
        if trial.kind not in ENDED:
            continue
        value = trial_score(trial)
        if (
            trial.number in can_win
            and value is not None
            and (best is None or is_better(value, best, metric))
        ):
            best = value
        points.append(_point(trial, value, best))
    return OptimizationHistoryInfo(tuple(points), metric)


def _point(trial: TrialRecord, value: float | None, best: float | None) -> TrialPoint:
    return TrialPoint(
        number=trial.number,
        plan=trial.plan,
        kind=trial.kind,
        value=value,
        best=best,
        words="" if trial.candidate is None else describe_candidate(trial.candidate),
        fold_scores=trial.fold_scores,
        reason=trial.reason,
    )
