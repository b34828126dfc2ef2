"""Which trials can be compared fairly, and by what. Pure."""

from typing import NamedTuple

from search.report.kinds import scored_trials
from search.study.records import StudyRecord, TrialRecord

ENOUGH_SCORED = 10


class Comparison(NamedTuple):
    """Trials in the plan's order with the value they are compared by.

    The value is the score, or, where `epoch` is given, the mean over folds after that epoch.
    """

    trials: tuple[TrialRecord, ...]
    values: tuple[float, ...]
    epoch: int | None = None


def comparable_trials(record: StudyRecord) -> Comparison:
    """Return the scored trials; where pruning left few, all trials at an epoch they all reached.

    The score of a complete trial and the last report of a pruned one are different things, so
    they are never mixed.
    """
    scored = scored_trials(record)
    complete = Comparison(tuple(t for t, _ in scored), tuple(value for _, value in scored))
    reached = [t for t in record.trials if t.state in ("complete", "pruned") and t.history.epochs]
    if len(scored) >= ENOUGH_SCORED or len(reached) <= len(scored) or not scored:
        return complete
    trials = sorted(reached, key=lambda trial: (trial.plan, trial.attempt))
    epoch = min(len(trial.history.epochs) for trial in trials)
    values = [t.history.mean_curve(record.recipe.metric)[epoch - 1] for t in trials]
    return Comparison(tuple(trials), tuple(values), epoch)
