"""What to try next, each piece of advice with its evidence. Pure, but for reading the study."""

import statistics
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from search.report.evidence import Evidence
from search.report.info.borders import BordersInfo, borders_info
from search.report.info.expected_best import ExpectedBest, expected_best_info
from search.report.trials import ENDED, ranked_parameters
from search.tuning.records import StudyRecord, TrialKind, TrialRecord

_MANY = 0.2  # the share of trials from which one kind of bad end is worth a word
_HORIZONS = ("cosine", "one_cycle")


class LateBest(NamedTuple):
    """The winner was best after its last epoch, as `n_best` of the `best` best trials were.

    `horizon` says that its schedule ends there, which lets the last epochs gain in any case.
    """

    epochs: int
    n_best: int
    best: int
    horizon: bool


class BadEnds(NamedTuple):
    """`n` of `total` ended trials had this end.

    `rates` are the median learning rates of those that diverged and of the others; `reason` is
    that of the first which failed or could not be trained.
    """

    kind: Literal["diverged", "failed", "infeasible"]
    n: int
    total: int
    rates: tuple[float, float] | None = None
    reason: str | None = None


class NextInfo(NamedTuple):
    """What there is to say; `last_gain` is (rank in the plan of the winner, trials that count)."""

    borders: BordersInfo = BordersInfo()
    expected: ExpectedBest | None = None
    last_gain: tuple[int, int] | None = None
    late: LateBest | None = None
    bad: tuple[BadEnds, ...] = ()


def next_info(evidence: Evidence) -> NextInfo:
    """Return what the trials suggest to try next; all is empty where they suggest nothing."""
    record = evidence.record
    winner = record.winner()
    ranked = evidence.once(ranked_parameters)
    return NextInfo(
        borders=BordersInfo() if winner is None else borders_info(ranked, winner.number),
        expected=expected_best_info(record),
        last_gain=_last_gain(record, winner),
        late=_late_best(record),
        bad=tuple(_bad_ends(record)),
    )


def _ended(record: StudyRecord) -> list[TrialRecord]:
    ended = [trial for trial in record.trials if trial.kind in ENDED]
    return sorted(ended, key=lambda trial: (trial.plan, trial.attempt))


def _last_gain(record: StudyRecord, winner: TrialRecord | None) -> tuple[int, int] | None:
    plans = sorted({trial.plan for trial in _ended(record)})
    return None if winner is None else (plans.index(winner.plan) + 1, len(plans))


def _late_best(record: StudyRecord) -> LateBest | None:
    best = record.complete()[:5]
    late = [trial for trial in best if trial.best_epoch == record.recipe.epochs]
    if not best or best[0] not in late:
        return None
    candidate = best[0].candidate
    horizon = candidate is not None and candidate.schedule.name in _HORIZONS
    return LateBest(record.recipe.epochs, len(late), len(best), horizon)


def _bad_ends(record: StudyRecord) -> Iterator[BadEnds]:
    ended = _ended(record)
    kinds: tuple[Literal["diverged", "failed", "infeasible"], ...]
    kinds = ("diverged", "failed", "infeasible")
    for kind in kinds:
        found = [trial for trial in ended if trial.kind == kind]
        if len(found) > 1 and len(found) >= _MANY * len(ended):
            reason = None if kind == "diverged" else found[0].reason
            yield BadEnds(kind, len(found), len(ended), _rates(ended, kind), reason)


def _rates(ended: Sequence[TrialRecord], kind: TrialKind) -> tuple[float, float] | None:
    """Return the median learning rates of the diverged trials and of the others."""

    def median(*, diverged: bool) -> float | None:
        rates = [
            trial.candidate.optimizer.learning_rate
            for trial in ended
            if trial.candidate is not None and (trial.kind == "diverged") == diverged
        ]
        return statistics.median(rates) if rates else None

    inside, outside = median(diverged=True), median(diverged=False)
    if kind != "diverged" or inside is None or outside is None:
        return None
    return inside, outside
