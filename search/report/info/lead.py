"""By how much the winner leads, and how the others were left behind. Pure."""

import math
import statistics
from collections import Counter
from typing import NamedTuple

from search.metric import Metric
from search.report.info.optimism import validation_images
from search.report.kinds import last_attempts, trial_score
from search.tuning.records import StudyRecord, TrialRecord


class Runner(NamedTuple):
    """The second best candidate, `gap` behind (at least 0), and that gap's standard error.

    The error is that of the mean of the folds' differences; with one validation part that of two
    accuracies measured on as many images each, None of losses.
    """

    number: int
    score: float
    gap: float
    error: float | None
    n_folds: int

    @property
    def close(self) -> bool:
        """Return whether chance alone often makes such a gap: within two standard errors."""
        return self.error is not None and self.gap <= 2 * self.error


class LeadInfo(NamedTuple):
    """The winner's lead; `is_baseline` says that it is the hand-tuned candidate.

    `race` counts the candidates that reached at least so many folds, (folds, candidates), from
    one fold on; it is empty without a fold race. `n_pruned` of `n_candidates` were stopped before
    their last epoch.
    """

    metric: Metric
    number: int
    score: float
    is_baseline: bool
    runner: Runner | None
    race: tuple[tuple[int, int], ...]
    n_pruned: int
    n_candidates: int


def lead_info(record: StudyRecord) -> LeadInfo | None:
    """Return the winner's lead, None where nothing has won."""
    winner = record.winner()
    value = None if winner is None else trial_score(winner)
    if winner is None or value is None:
        return None
    begun = [trial for trial in last_attempts(record) if trial.history.epochs]
    early = [
        t for t in begun if t.kind == "pruned" and len(t.history.epochs) < record.recipe.epochs
    ]
    return LeadInfo(
        metric=record.recipe.metric,
        number=winner.number,
        score=value,
        is_baseline=record.recipe.with_baseline and winner.plan == 0,
        runner=_runner(record, winner, value),
        race=_race(begun) if record.recipe.racing else (),
        n_pruned=len(early),
        n_candidates=len(begun),
    )


def _runner(record: StudyRecord, winner: TrialRecord, value: float) -> Runner | None:
    others = [t for t in record.complete()[1:] if winner.number != t.same_as]
    score = trial_score(others[0]) if others else None
    if score is None:
        return None
    error = _error(record, winner, others[0])
    return Runner(others[0].number, score, abs(value - score), error, len(winner.fold_scores))


def _error(record: StudyRecord, winner: TrialRecord, other: TrialRecord) -> float | None:
    pairs = list(zip(winner.fold_scores, other.fold_scores, strict=False))
    if len(pairs) > 1:
        return statistics.stdev(a - b for a, b in pairs) / math.sqrt(len(pairs))
    if record.recipe.metric == "loss":
        return None
    return math.sqrt(sum(p * (1 - p) for p in pairs[0]) / validation_images(record))


def _race(begun: list[TrialRecord]) -> tuple[tuple[int, int], ...]:
    folds = Counter(trial.history.n_folds() for trial in begun)
    return tuple((n, sum(c for m, c in folds.items() if m >= n)) for n in sorted({1, *folds}))
