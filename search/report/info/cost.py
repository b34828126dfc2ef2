"""What the search cost, and its best trials. Pure."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from search.report.info.search_clock import search_clock
from search.report.trials import KINDS, last_attempts, trial_score
from search.text import count, duration, percent
from search.tuning.records import StudyRecord, TrialKind, TrialRecord
from spaces.describe import describe_candidate


class CostInfo(NamedTuple):
    """Candidates by what became of them in the end, and epochs and seconds spent.

    `cut_off` attempts at a candidate failed or were interrupted, and others followed. Epochs are
    counted for every fold. `epochs_trained` are those of the curves that were kept, one attempt a
    point of the plan; `epochs_in_vain` those of attempts that were cut off and had to be trained
    again, and of folds that ran on after their trial was pruned. `epochs_possible` is what the same
    trials would have taken without pruning, on all folds.
    """

    trials: tuple[tuple[TrialKind, int], ...]
    epochs_trained: int
    epochs_possible: int
    trial_seconds: float
    refit_seconds: float | None
    epochs_in_vain: int = 0
    search_seconds: float = 0.0
    cut_off: int = 0


class TrialRow(NamedTuple):
    """One of the best trials."""

    rank: int
    number: int
    value: float | None
    std: float | None
    best_epoch: int | None
    n_parameters: int | None
    seconds: float
    words: str


def cost_info(record: StudyRecord) -> CostInfo:
    """Return what the trials and the refit took."""
    final = last_attempts(record)
    kinds = Counter(trial.kind for trial in final)
    spent = epochs_spent(record)
    trained: dict[int, int] = {}
    for trial in record.trials:
        # A trial run again counts once, with the attempt that got farthest.
        if trial.kind not in ("waiting", "infeasible") and trial.same_as is None:
            epochs = trial.history.fold_epochs()
            trained[trial.plan] = max(epochs, trained.get(trial.plan, 0))
    return CostInfo(
        trials=tuple((kind, kinds[kind]) for kind in KINDS if kinds[kind]),
        epochs_trained=sum(trained.values()),
        epochs_possible=len(trained) * record.recipe.epochs * record.recipe.n_folds,
        trial_seconds=sum(trial.seconds for trial in record.trials),
        refit_seconds=None if record.refit is None else record.refit.seconds,
        search_seconds=search_clock(record).total(),
        epochs_in_vain=spent - sum(trained.values()),
        cut_off=len(record.trials) - len(final),
    )


def epochs_spent(record: StudyRecord) -> int:
    """Return how many epochs were trained, in vain or not; those of every fold are counted."""
    # older studies store the history alone
    own = (t for t in record.trials if t.same_as is None)
    return sum(max(t.fold_epochs, t.history.fold_epochs()) for t in own)


def top_trials(record: StudyRecord, most: int = 10) -> tuple[TrialRow, ...]:
    """Return the best complete trials, best first."""
    best = record.complete()[:most]
    return tuple(_row(rank, trial) for rank, trial in enumerate(best, start=1))


def _row(rank: int, trial: TrialRecord) -> TrialRow:
    return TrialRow(
        rank=rank,
        number=trial.number,
        value=trial_score(trial),
        std=trial.std if len(trial.fold_scores) > 1 else None,
        best_epoch=trial.best_epoch,
        n_parameters=trial.n_parameters,
        seconds=trial.seconds,
        words="" if trial.candidate is None else describe_candidate(trial.candidate),
    )


def cost_facts(cost: CostInfo) -> tuple[tuple[str, str], ...]:
    """Return the cost as (name, value) rows."""
    share = percent(cost.epochs_trained / max(cost.epochs_possible, 1), 0)
    epochs = f"{cost.epochs_trained:,} of {cost.epochs_possible:,} ({share})"
    again = [("attempts cut off, and begun again", count(cost.cut_off))] if cost.cut_off else []
    running = any(kind == "running" for kind, _ in cost.trials)
    so_far = ", without the trials that still run" if running else ""
    return (
        ("candidates", count(sum(number for _, number in cost.trials))),
        *((f"of them {kind}", count(number)) for kind, number in cost.trials),
        *again,
        (f"epochs trained, of those possible{so_far}", epochs),
        ("epochs trained besides, in vain", count(cost.epochs_in_vain)),
        ("time of all trials, added up where they ran side by side", duration(cost.trial_seconds)),
        *_clock_facts(cost),
    )


def _clock_facts(cost: CostInfo) -> Iterator[tuple[str, str]]:
    # older studies did not store when trials ran
    if cost.search_seconds:
        yield (
            "time of the search, pauses left out",
            duration(cost.search_seconds),
        )
    if cost.refit_seconds is not None:
        yield "time of the refit", duration(cost.refit_seconds)
    if cost.search_seconds and cost.refit_seconds is not None:
        both = cost.search_seconds + cost.refit_seconds
        yield "time of search and refit", duration(both)
