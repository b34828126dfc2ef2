"""Which trials can be compared fairly, and by what. Pure."""

from statistics import fmean
from typing import NamedTuple

from search.metric import Metric
from search.report.kinds import scored_trials
from search.tuning.records import StudyRecord, TrialRecord

ENOUGH_SCORED = 10


class After(NamedTuple):
    """How far trials are compared: after `epoch`, by the mean over their first `folds` folds.

    `of` is how many folds the study has.
    """

    epoch: int
    folds: int = 1
    of: int = 1

    def __str__(self) -> str:
        """Return it in words: "epoch 3", in a fold race "epoch 3 of the first fold"."""
        if self.folds == self.of:
            return f"epoch {self.epoch}"
        folds = "fold" if self.folds == 1 else f"{self.folds} folds"
        return f"epoch {self.epoch} of the first {folds}"


class Comparison(NamedTuple):
    """Trials in the plan's order with the value they are compared by.

    The value is the score, or, where `after` is given, the mean at that point.
    """

    trials: tuple[TrialRecord, ...]
    values: tuple[float, ...]
    after: After | None = None


def comparable_trials(record: StudyRecord) -> Comparison:
    """Return the scored trials; where pruning left few, all trials at a point they all reached.

    The score of a complete trial and the last report of a pruned one are different things, so
    they are never mixed; nor are means over different folds.
    """
    scored = scored_trials(record)
    complete = Comparison(tuple(t for t, _ in scored), tuple(value for _, value in scored))
    reached = [t for t in record.trials if t.state in ("complete", "pruned") and t.history.epochs]
    if len(scored) >= ENOUGH_SCORED or len(reached) <= len(scored) or not scored:
        return complete
    trials = sorted(reached, key=lambda trial: (trial.plan, trial.attempt))
    after = After(
        epoch=min(len(trial.history.epochs) for trial in trials),
        folds=min(trial.history.n_folds() for trial in trials),
        of=record.recipe.n_folds,
    )
    values = [fmean(fold_values(trial, after, record.recipe.metric)) for trial in trials]
    return Comparison(tuple(trials), tuple(values), after)


def fold_values(trial: TrialRecord, after: After, metric: Metric) -> list[float]:
    """Return the trial's figure in each of the folds that are compared."""
    return trial.history.fold_scores(after.epoch, metric)[: after.folds]
