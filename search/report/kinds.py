"""What became of a trial, in the words of the report. Pure."""

from typing import Literal, get_args

from search.plotting import BLUE, GREY, ORANGE, PURPLE, VERMILLION
from search.tuning.records import StudyRecord, TrialKind, TrialRecord

ModelKind = Literal["mlp", "cnn"]
MODEL_KINDS: tuple[ModelKind, ...] = get_args(ModelKind)
KINDS: tuple[TrialKind, ...] = get_args(TrialKind)
ENDED: tuple[TrialKind, ...] = ("complete", "pruned", "diverged", "infeasible", "failed")


def trial_score(trial: TrialRecord) -> float | None:
    """Return the mean over folds at E*, or for other trials the value as stored."""
    return trial.value if trial.mean is None else trial.mean


def scored_trials(record: StudyRecord) -> list[tuple[TrialRecord, float]]:
    """Return the trials that can win with their scores, in the plan's order."""
    trials = sorted(record.complete(), key=lambda trial: (trial.plan, trial.attempt))
    return [(t, value) for t in trials if (value := trial_score(t)) is not None]


def last_attempts(record: StudyRecord) -> list[TrialRecord]:
    """Return the last attempt at each point of the plan, in the plan's order."""
    latest: dict[int, TrialRecord] = {}
    for trial in sorted(record.trials, key=lambda trial: trial.attempt):
        latest[trial.plan] = trial
    return [latest[plan] for plan in sorted(latest)]


def model_kind(record: StudyRecord) -> ModelKind | None:
    """Return the winner's kind of network, None where nothing has won."""
    winner = record.winner()
    return None if winner is None or winner.candidate is None else winner.candidate.model.kind


KIND_COLOURS: dict[TrialKind, str] = {
    "complete": BLUE,
    "pruned": GREY,
    "diverged": VERMILLION,
    "infeasible": PURPLE,
    "failed": ORANGE,
}


KIND_NAMES: dict[TrialKind, str] = {
    "complete": "complete",
    "pruned": "pruned (last report)",
    "diverged": "diverged (chance)",
    "infeasible": "infeasible",
    "failed": "failed",
}
