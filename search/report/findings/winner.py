"""What won, how was it refitted, and how did the hand-tuned network do within the search?"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Self, final

from search.metric import ACCURACY, LOSS, Metric
from search.report.blocks import Block, Code, Columns, Details, Paragraph, Rows, Table
from search.report.evidence import Evidence
from search.report.finding import CERTAIN, WINNER, Excerpt, Finding, Number, ReportPart, Unlisted
from search.report.findings.trials import CandidatePart
from search.report.lead import Lead, lead_over
from search.report.scoring import (
    at_best_epoch,
    decisive_score,
    distinct_candidates,
    further_trainings,
    of_trainings,
    trial_score,
    winner_lead,
)
from search.text import count, duration, on_folds, plural, score, spread
from search.tuning.after_search import RefitRecord
from search.tuning.records import StudyRecord, TrialRecord
from spaces.candidate import (
    Candidate,
    candidate_differences,
    readable_settings,
    tell_candidate,
)


@final
class ChangedSetting(ReportPart):
    """A setting in which the winner differs from the hand-tuned candidate."""

    setting: str
    """Which, as part.name."""
    baseline: str
    """The hand-tuned value."""
    winner: str
    """The winner's value."""


def changed_settings(baseline: Candidate, winner: Candidate) -> tuple[ChangedSetting, ...]:
    """List the settings in which the winner differs from the baseline."""
    differences = candidate_differences(baseline, winner)
    return tuple(ChangedSetting(setting=n, baseline=a, winner=b) for n, a, b in differences)


def changes_block(changes: Sequence[ChangedSetting]) -> Details:
    """Show the settings in which the winner differs from the baseline, at least one."""
    differ = "differs" if len(changes) == 1 else "differ"
    rows = tuple(
        (one.setting.replace("_", " ").replace(".", ": "), one.baseline, one.winner)
        for one in changes
    )
    return Details(
        f"{plural(len(changes), 'setting')} {differ} from the hand-tuned baseline",
        (
            Table(
                caption="Settings of the hand-tuned baseline and of the winner",
                header=("Setting", "Baseline", "Winner"),
                rows=rows,
                align="lll",
                most=len(rows),
            ),
        ),
    )


@final
class Winner(Finding):
    """The trial that won: the best by its validation figures at E*, or the best finalist."""

    key = "winner"
    section = WINNER

    trial: int
    """Its number."""
    candidate: CandidatePart | None
    """What was trained."""
    n_parameters: int | None
    """Trainable parameters of the network."""
    best_epoch: int
    """E*, the epoch (from 1) at which the mean over folds is best."""
    fold_scores: tuple[float, ...]
    """The score on each fold: fractions for accuracy, nats for loss."""
    mean: float
    """Their mean, by which it won unless finalists were trained again."""
    again: Number
    """The mean score of its further trainings as a finalist, by which it won; null without them."""
    n_again: int
    """How many further trainings that is of."""
    std: float | None
    """Their standard deviation as trials store it, of the population (n); sentences and tables give
    the sample's (n - 1)."""
    accuracy: float | None
    """Mean validation accuracy, a fraction."""
    loss: float | None
    """Mean validation loss, in nats."""
    seconds: float
    """Seconds that it trained."""
    changes: tuple[ChangedSetting, ...]
    """Settings in which it differs from the hand-tuned candidate within the search."""
    fold_deviation: Unlisted[float | None]  # of the sample
    record: Unlisted[StudyRecord]
    known: Unlisted[Candidate | None]
    compared: Unlisted[
        bool
    ]  # whether there is a baseline study, whose comparison lists the changes

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Take the best complete trial; None if there is none."""
        record = evidence.record
        winner = record.winner()
        mean = None if winner is None else trial_score(winner)
        if winner is None or winner.best_epoch is None or mean is None:
            return None
        again = further_trainings(record, winner)
        return cls(
            trial=winner.number,
            candidate=CandidatePart.of(winner.candidate),
            n_parameters=winner.n_parameters,
            best_epoch=winner.best_epoch,
            fold_scores=winner.fold_scores,
            mean=mean,
            again=None if again is None else again.mean(),
            n_again=0 if again is None else len(again.scores),
            std=winner.std,
            accuracy=at_best_epoch(winner, ACCURACY),
            loss=at_best_epoch(winner, LOSS),
            seconds=winner.seconds,
            changes=_changes(record, winner),
            fold_deviation=winner.fold_deviation,
            record=record,
            known=winner.candidate,
            compared=evidence.baseline is not None,
        )

    def blocks(self) -> Iterator[Block]:
        if self.known is not None:
            yield Paragraph(tell_candidate(self.known), "large")
        yield Paragraph(self._trained())
        if self.changes and not self.compared:
            yield changes_block(self.changes)
        if self.known is not None:
            yield Details(
                "The candidate in full, and as JSON",
                (
                    Columns(tuple(_settings(self.known))),
                    Code(self.known.model_dump_json(indent=2), "json"),
                ),
            )

    def _trained(self) -> str:
        recipe = self.record.recipe
        if recipe.protocol.refits:
            return (
                f"Trial {self.trial}, with {count(self.n_parameters)} parameters, scored best "
                f"after epoch {self.best_epoch} of at most {recipe.epochs}; below, that epoch is "
                "E*."
            )
        trained = (
            f"{count(self.n_parameters)} parameters, trained for {plural(recipe.epochs, 'epoch')} "
            "and scored after the last one."
        )
        if len(self.record.complete()) == 1:
            return trained
        return (
            f"{trained} Trial {self.trial} has the best validation {self.record.metric}; its "
            "network is the exported one."
        )


@final
class SearchBaseline(Finding):
    """The hand-tuned candidate's trial within the search."""

    key = "search_baseline"
    section = WINNER

    number: int
    """Its number."""
    mean: float | None
    """Its score, as a finalist the mean of its further trainings; null if it did not complete."""
    outcome: str
    """How it compares with the winner, in words."""
    beaten: Unlisted[bool]  # whether it is behind by more than noise makes, or by an unknown error
    close: Unlisted[bool] = False  # whether noise explains how far it is behind

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Describe how it ended; None if the search has none, and for a baseline study."""
        record = evidence.record
        tries = [trial for trial in record.trials if trial.plan == 0]
        if not (record.recipe.protocol.is_search and record.recipe.with_baseline and tries):
            return None
        trial = max(tries, key=lambda t: t.attempt)
        mean = decisive_score(record, trial) if trial in record.complete() else None
        winner = record.winner()
        lead = None if winner is None or mean is None else _lead(record, winner, trial)
        return cls(
            number=trial.number,
            mean=mean,
            outcome=_outcome(record, trial, lead),
            beaten=lead is not None and lead.gap > 0 and not lead.within_noise,
            close=lead is not None and lead.within_noise is True,
        )

    def blocks(self) -> Iterator[Block]:
        outcome = f": {self.outcome}"
        if self.outcome.startswith("the winner"):
            outcome = f". T{self.outcome[1:]}"
        yield Paragraph(f"In the search, the hand-tuned network was trial {self.number}{outcome}.")


def _lead(record: StudyRecord, winner: TrialRecord, baseline: TrialRecord) -> Lead | None:
    """Return the winner's lead; it is the best of all that competed with the baseline."""
    rivals = len(distinct_candidates(record.complete())) - 1
    return lead_over(record, winner, baseline, among=max(rivals, 1))


def _outcome(record: StudyRecord, trial: TrialRecord, lead: Lead | None) -> str:
    kind, winner = trial.kind, record.winner()
    if kind == "pruned":
        folds = on_folds(trial.history.n_folds(), record.recipe.n_folds)
        return f"pruned after {plural(len(trial.history.epochs), 'epoch')}{folds}"
    if winner is None or lead is None:
        return kind
    if winner.number == trial.number:
        return "unbeaten, it is the winner itself"
    words = winner_lead(lead.gap, record.metric)
    if again := of_trainings(record, winner):
        words = f"{words} by {again}"
    if record.has_longer_refit():
        words = f"{words} after {plural(record.recipe.epochs, 'epoch')} each"
    return f"{words}{_certainty(lead, record.metric)}"


def _certainty(lead: Lead, metric: Metric) -> str:
    if lead.noise is None or lead.gap <= 0:  # one that leads is not behind by luck
        return ""
    who = f"the best of {lead.among} equally good trials" if lead.among > 1 else "one of two"
    side = "within" if lead.within_noise else "beyond"
    return f", {side} noise ({who} may be {spread(lead.noise, metric)} ahead by chance alone)"


def _changes(record: StudyRecord, winner: TrialRecord) -> tuple[ChangedSetting, ...]:
    if not record.recipe.with_baseline or winner.plan == 0 or winner.candidate is None:
        return ()
    known = (t.candidate for t in record.trials if t.plan == 0 and t.candidate is not None)
    baseline = next(known, None)
    return () if baseline is None else changed_settings(baseline, winner.candidate)


def _settings(candidate: Candidate) -> Iterator[Rows]:
    """Yield the candidate's settings: one group per part, then the rest as "training"."""
    values = readable_settings(candidate)
    groups: dict[str, Mapping[str, object]] = {
        name: value for name, value in values.items() if isinstance(value, dict)
    }
    groups["training"] = {k: v for k, v in values.items() if k not in groups}
    for name, group in groups.items():
        pairs = tuple((key.replace("_", " "), _shown(value)) for key, value in group.items())
        yield Rows(pairs, name.capitalize())


def _shown(value: object) -> str:
    """Write a value with four digits; the candidate's JSON is exact."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case list():
            return ", ".join(_shown(item) for item in value)
        case _:
            return str(value)


@final
class FoldScores(Excerpt):
    """The winner's score on each of several folds."""

    key = "winner.fold_scores"
    section = CERTAIN
    title = "Validation score at E*"
    folded = True

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Show them at E*; None without a winner or folds, or where the last epoch counts."""
        record, winner = evidence.record, evidence.once(Winner.of)
        if winner is None or record.recipe.protocol.scores_last_epoch:
            return None
        scores = [score(value, record.metric) for value in winner.fold_scores]
        if len(scores) == 1:
            return None
        rows = (
            *((f"fold {fold}", text) for fold, text in enumerate(scores, start=1)),
            ("mean", score(winner.mean, record.metric)),
            ("standard deviation", spread(winner.fold_deviation, record.metric)),
            ("E*, best epoch of the mean", str(winner.best_epoch)),
        )
        return cls(content=(Rows(rows),))


_REFIT_RULES = {
    "best-epoch": "up to the best epoch of its trial",
    "one-se": "up to the last epoch at which its trial was within a standard error of its best",
    "horizon": "as long as its trial",
}


def refit_rule(record: StudyRecord, refit: RefitRecord) -> str:
    """Say how many epochs the winner was refitted for, and why: "all 27 epochs of its schedule"."""
    trial = next(one for one in record.trials if one.number == refit.trial)
    schedule, own = record.refit_schedule(trial), record.recipe.epochs
    longer = f" (a trial’s has {own})" if schedule > own else ""
    if refit.epochs >= schedule:
        return f"all {plural(refit.epochs, 'epoch')} of its schedule{longer}"
    rule = _REFIT_RULES[record.recipe.refit]
    share = ", as a share of the schedule" if longer else ""
    return f"{refit.epochs} of its schedule’s {plural(schedule, 'epoch')}{longer}, {rule}{share}"


@final
class Refit(Finding):
    """The winner trained again on all folds together."""

    key = "refit"
    section = CERTAIN
    title = "The refit on all training images"
    folded = True

    trial: int
    """The winner's number."""
    epochs: int
    """Epochs trained, as the recipe's `refit` says."""
    seconds: Number
    """Seconds that it took."""
    threads: int
    """CPU threads that it used."""
    rule: Unlisted[str] = ""

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Take the refit; None if there is none (yet)."""
        record = evidence.record
        if record.refit is None:
            return None
        rule = refit_rule(record, record.refit)
        return cls.model_validate(record.refit).model_copy(update={"rule": rule})

    def blocks(self) -> Iterator[Block]:
        pairs = (
            ("trial", str(self.trial)),
            ("epochs", self.rule),
            ("time", duration(self.seconds)),
            ("threads", str(self.threads)),
        )
        yield Rows(pairs)
