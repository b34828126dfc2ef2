"""What did the study cost?"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, final

from search.report.blocks import Block, Details, Paragraph, Rows
from search.report.evidence import Evidence
from search.report.finding import COST, Finding, Unlisted
from search.report.scoring import ENDED, KINDS, last_attempts
from search.text import count, duration, listed, percent, plural
from search.tuning.records import StudyRecord, TrialRecord

_NOT_TRIED = ("waiting", "running", "interrupted", "infeasible")


@final
class Cost(Finding):
    """What the trials and the refit took; epochs are counted for every fold."""

    key = "cost"
    section = COST

    trials: dict[str, int]
    """How many candidates ended in each way: complete, pruned, diverged, failed, ..."""
    cut_off: int
    """Attempts that failed or were interrupted, and whose index was started again."""
    epochs_trained: int
    """Epochs of the attempt that got furthest, at each index of the plan."""
    epochs_in_vain: int
    """Epochs that were discarded: of attempts that were trained again, and of folds that ran on
    after their trial was pruned."""
    epochs_possible: int
    """What the same trials would have taken without pruning, on all folds; of those that have not
    ended, what they have trained."""
    search_seconds: float
    """Seconds during which any trial ran, without pauses; 0 where that was not stored."""
    trial_seconds: float
    """Seconds of all trials, added up."""
    refit_seconds: float | None
    """Seconds of the refit; null if there is none (yet)."""
    finalist_trainings: int
    """Further trainings of the finalists."""
    finalist_seconds: float
    """What they took, about: each as long as its trial did."""
    ensemble_refits: int
    """Refits of the ensemble's networks other than the winner."""
    ensemble_seconds: float
    """What they took, about: as the winner's refit, by how long their trials took."""
    ablation_trainings: int
    """Candidates that the command `ablate` has trained; their seconds are not stored."""
    nested_searches: int
    """Repetitions of the whole search, by nested cross-validation."""
    nested_seconds: float
    """Seconds of their trials and refits, added up."""
    device: Unlisted[str]
    copies: Unlisted[int] = 0  # trials of a candidate that an earlier one has

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        record = evidence.record
        final_attempts = last_attempts(record)
        whole = record.recipe.epochs * record.recipe.n_folds
        kinds = Counter(trial.kind for trial in final_attempts)
        trained: dict[int, int] = {}
        ended = {one.plan for one in final_attempts if one.kind in ENDED}
        for trial in record.trials:
            # A trial run again counts once, with the attempt that got furthest.
            if trial.kind not in ("waiting", "infeasible") and trial.same_as is None:
                epochs = trial.history.fold_epochs()
                trained[trial.plan] = max(epochs, trained.get(trial.plan, 0))
        return cls(
            trials={kind: kinds[kind] for kind in KINDS if kinds[kind]},
            cut_off=_restarted(record),
            epochs_trained=sum(trained.values()),
            epochs_in_vain=epochs_spent(record) - sum(trained.values()),
            epochs_possible=sum(
                whole if plan in ended else epochs for plan, epochs in trained.items()
            ),
            copies=sum(one.same_as is not None for one in final_attempts),
            search_seconds=search_clock(record).total(),
            trial_seconds=sum(trial.seconds for trial in record.trials),
            refit_seconds=None if record.refit is None else record.refit.seconds,
            **_further_trainings(record),
            ablation_trainings=0 if evidence.ablation is None else evidence.ablation.path.trained,
            nested_searches=len(evidence.nested),
            nested_seconds=sum(map(_training_seconds, evidence.nested)),
            device=_device(record),
        )

    @property
    def n_tried(self) -> int:
        """Different candidates that were trained to the end, or ended early."""
        return sum(n for kind, n in self.trials.items() if kind not in _NOT_TRIED) - self.copies

    @property
    def after_search(self) -> tuple[str, ...]:
        """The times of what follows the search, in words: "9.8 s of refit"."""
        parts = []
        if self.finalist_trainings:
            parts.append(f"about {duration(self.finalist_seconds)} of further trainings")
        if self.refit_seconds is not None:
            parts.append(f"{duration(self.refit_seconds)} of refit")
        return tuple(parts)

    def blocks(self) -> Iterator[Block]:
        yield Paragraph(self._answer(), "large")
        yield Details("All that it took", (Rows(tuple(self._rows())),))

    def _answer(self) -> str:
        """Say how long it took, and how much of the possible training that was."""
        parts = self.after_search
        if self.search_seconds:  # older studies did not store when trials ran
            parts = (f"{duration(self.search_seconds)} of search", *parts)
        tried, epochs = plural(self.n_tried, "candidate"), plural(self.epochs_trained, "epoch")
        share = percent(self.epochs_trained / max(self.epochs_possible, 1), 0)
        whole = self.epochs_trained == self.epochs_possible
        saved = "" if whole else f" ({share} of what they take without pruning)"
        took = f": {listed(parts)}" if parts else ""
        return f"{tried} with {epochs}{saved}{took}."

    def _rows(self) -> Iterator[tuple[str, str]]:
        yield "candidates tried", count(self.n_tried)
        if self.copies:
            yield "copies of them, not trained again", count(self.copies)
        for kind, number in self.trials.items():
            yield "planned, not run" if kind == "waiting" else kind, count(number)
        if self.cut_off:
            yield "attempts interrupted and restarted", count(self.cut_off)
        share = percent(self.epochs_trained / max(self.epochs_possible, 1), 0)
        so_far = ", running trials not included" if self.trials.get("running") else ""
        possible = f"epochs trained (of a possible {count(self.epochs_possible)}{so_far})"
        yield possible, f"{count(self.epochs_trained)} ({share})"
        yield "epochs discarded", count(self.epochs_in_vain)
        yield "total training time (summed over workers)", duration(self.trial_seconds)
        # older studies did not store when trials ran
        if self.search_seconds:
            yield "search time (without pauses)", duration(self.search_seconds)
        if self.refit_seconds is not None:
            yield "refit time", duration(self.refit_seconds)
            if self.search_seconds:
                both = self.search_seconds + self.refit_seconds
                yield "search and refit time", duration(both)
        for name, number, seconds in (
            ("further trainings of the finalists", self.finalist_trainings, self.finalist_seconds),
            ("other networks of the ensemble", self.ensemble_refits, self.ensemble_seconds),
            ("repetitions of the search", self.nested_searches, self.nested_seconds),
        ):
            if number:
                yield name, f"{count(number)} (about {duration(seconds)} of training)"
        if self.ablation_trainings:
            yield "candidates trained by ablate", count(self.ablation_trainings)
        yield "device", self.device


def _further_trainings(record: StudyRecord) -> dict[str, Any]:
    """Return the trainings besides trials and refit; their seconds are not stored."""
    seconds = {trial.number: trial.seconds for trial in record.trials}
    finalists = record.current_finalists()
    refit, ensemble = record.refit, record.ensemble
    others = () if refit is None or ensemble is None else ensemble.trials[1:]
    relative = [seconds[trial] / max(seconds[refit.trial], 1e-9) for trial in others if refit]
    return {
        "finalist_trainings": sum(len(one.scores) for one in finalists),
        "finalist_seconds": sum(len(one.scores) * seconds[one.trial] for one in finalists),
        "ensemble_refits": len(others),
        "ensemble_seconds": sum(relative) * (0.0 if refit is None else refit.seconds),
    }


def _training_seconds(record: StudyRecord) -> float:
    refit = 0.0 if record.refit is None else record.refit.seconds
    return sum(trial.seconds for trial in record.trials) + refit


def _restarted(record: StudyRecord) -> int:
    """How many attempts were followed by another one that has started, too."""
    started = Counter(trial.plan for trial in record.trials if trial.state != "waiting")
    return sum(attempts - 1 for attempts in started.values())


def epochs_spent(record: StudyRecord) -> int:
    """How many epochs were trained, discarded or not; those of every fold are counted."""
    # older studies store the history only
    own = (t for t in record.trials if t.same_as is None)
    return sum(max(t.fold_epochs, t.history.fold_epochs()) for t in own)


def _device(record: StudyRecord) -> str:
    """The device that trials were trained on: "cpu (AMD EPYC, 2 cores), bf16"."""
    hardware, recipe = record.hardware, record.recipe
    name = hardware.get("gpu") or f"{hardware.get('processor')}, {hardware.get('cores')} cores"
    return f"{recipe.device} ({name}), {recipe.precision}"


Span = tuple[datetime, datetime]


@final
@dataclass(frozen=True)
class SearchClock:
    """The times during which at least one trial ran, in order, without overlaps."""

    spans: tuple[Span, ...]

    def at(self, moment: datetime) -> float:
        """Seconds of search up to a moment."""
        return sum(
            (min(end, moment) - start).total_seconds()
            for start, end in self.spans
            if start < moment
        )

    def total(self) -> float:
        """Seconds of search in total."""
        return sum((end - start).total_seconds() for start, end in self.spans)


def search_clock(record: StudyRecord) -> SearchClock:
    """Return the union of the times in which a study's trials ran.

    The end of a trial that is still running is not known, nor that of an interrupted attempt of an
    older study. It counts up to the last start or end of any trial before the next run, so the
    total is a lower bound.
    """
    lost = {(t.plan, t.attempt + 1) for t in record.trials if t.started and not t.finished}
    again = [t.started for t in record.trials if (t.plan, t.attempt) in lost and t.started]
    signs = [sign for t in record.trials for sign in (t.started, t.finished) if sign]

    def end(trial: TrialRecord, started: datetime) -> datetime:
        if trial.finished is not None:
            return max(started, trial.finished)  # clocks can be set back
        next_run = min((moment for moment in again if moment > started), default=datetime.max)
        return max(started, *(sign for sign in signs if sign < next_run))

    return SearchClock(_union((t.started, end(t, t.started)) for t in record.trials if t.started))


def _union(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)
