"""By how much did the winner win, and how did the other candidates drop out?"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Self, final

from search.metric import Metric
from search.report.blocks import Block, Paragraph
from search.report.evidence import Evidence
from search.report.finding import WHY, Finding, MetricName, ReportPart, Unlisted
from search.report.findings.study import largest_network
from search.report.lead import Lead, lead_over
from search.report.scoring import last_attempts, trial_score
from search.text import apart, listed, plural, probability, score, spread
from search.tuning.pruners import get_pruner
from search.tuning.records import StudyRecord, TrialRecord


@final
class RunnerUp(ReportPart):
    """The second-best candidate."""

    trial: int
    """Its trial's number."""
    score: float
    """Its score: a fraction, or a loss in nats."""
    gap: float
    """How far it is behind the winner, at least 0, in the same unit."""
    error: float | None
    """Standard error of the gap. With folds: of the mean difference per fold, whose training images
    overlap (Nadeau and Bengio, 2003). With a holdout: of the difference of two scores on that many
    images; null where that is unknown, as for a loss."""
    n_folds: int
    """Folds on which both were scored."""

    @property
    def close(self) -> bool:
        """Whether chance makes such a gap between equally good trials more than once in 20."""
        return Lead(self.gap, self.error, self.n_folds).within_noise is True

    @property
    def p_value(self) -> float | None:
        """How often chance makes such a gap between equally good trials; None if not known."""
        return Lead(self.gap, self.error, self.n_folds).p_value


@final
class RaceStep(ReportPart):
    """How far candidates came in a race over folds."""

    folds: int
    """A number of folds."""
    candidates: int
    """How many candidates were trained on at least that many."""


@final
class Margin(Finding):
    """The winner's margin over the runner-up, and how the other candidates dropped out."""

    key = "margin"
    section = WHY
    brief = True

    metric: MetricName
    """What trials are scored by: a fraction, or a loss in nats."""
    trial: int
    """The winner's number."""
    score: float
    """Its score."""
    is_baseline: bool
    """Whether the winner is the hand-tuned candidate."""
    runner_up: RunnerUp | None
    """The second-best candidate; null if no other was scored."""
    level: tuple[int, ...]
    """Trials with exactly the winner's score; the first in the plan counts as the winner."""
    race: tuple[RaceStep, ...]
    """The steps of a race over folds, from one fold on; empty without one."""
    n_pruned: int
    """Candidates stopped before their last epoch."""
    n_candidates: int
    """Candidates that were trained."""
    comparison: Unlisted[str] = ""  # with whom those were compared that were stopped
    limit: Unlisted[str] = ""  # of a network's size

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Compute the margin; None if nothing has won, for a baseline study, and where the winner
        need not have the best score, as with several objectives or finalists.
        """
        record = evidence.record
        if record.objectives.several or record.best_finalist() is not None:
            return None
        winner = record.winner()
        value = None if winner is None else trial_score(winner)
        if winner is None or value is None or not record.recipe.protocol.is_search:
            return None
        trained = [trial for trial in last_attempts(record) if trial.history.epochs]
        last = record.recipe.epochs
        pruned = [t for t in trained if t.kind == "pruned" and len(t.history.epochs) < last]
        return cls(
            metric=record.metric,
            trial=winner.number,
            score=value,
            is_baseline=record.recipe.with_baseline and winner.plan == 0,
            runner_up=_runner_up(record, winner),
            level=tuple(one.number for one in _rivals(record, winner) if trial_score(one) == value),
            race=tuple(_race(trained)) if record.recipe.racing else (),
            n_pruned=len(pruned),
            comparison=get_pruner(record.recipe.pruner).comparison if pruned else "",
            n_candidates=len(trained),
            limit=largest_network(record.recipe),
        )

    def summary(self) -> tuple[str, ...]:
        """Describe the margin only, not how the others dropped out."""
        others = "no other configuration beat it" if self.runner_up else "no other is complete"
        baseline = f"The winner is the hand-tuned baseline itself: {others}."
        lead = () if self.runner_up is None else (self._lead(self.runner_up),)
        return (baseline, *lead) if self.is_baseline else lead

    def blocks(self) -> Iterator[Block]:
        yield from map(Paragraph, self.summary())
        if len(self.race) > 1:
            first, *later = self.race
            steps = [f"{one.candidates} earned {plural(one.folds, 'fold')}" for one in later]
            yield Paragraph(
                f"{plural(first.candidates, 'candidate')} started on the first fold; "
                f"{listed(steps)}. Trials stopped with fewer folds were behind on those folds, so "
                "they have no final score."
            )
        if self.n_pruned:
            were = "was" if self.n_pruned == 1 else "were"
            yield Paragraph(
                f"{self.n_pruned} of {plural(self.n_candidates, 'candidate')} {were} stopped "
                f"early. {self.comparison}"
            )
        if self.limit:
            yield Paragraph(f"Only networks of at most {self.limit} were tried.")

    def _lead(self, second: RunnerUp) -> str:
        metric = self.metric
        if self.level:
            numbers = listed([str(one) for one in (self.trial, *self.level)])
            return (
                f"Trials {numbers} are level, with {score(self.score, metric)}; the first in the "
                "plan counts as the winner."
            )
        gap = gap_words(self.score, second.score, metric)
        lead = (
            f"Trial {self.trial} ({score(self.score, metric)}) leads the runner-up, trial "
            f"{second.trial} ({score(second.score, metric)}), by {gap}."
        )
        if second.error is None:
            return lead
        basis = (
            f"over {plural(second.n_folds, 'fold')}, by Nadeau and Bengio, 2003"
            if second.n_folds > 1
            else "of the difference of two scores"
        )
        freedom = plural(second.n_folds - 1, "degree")
        test = f"Student’s t with {freedom} of freedom, " * (second.n_folds > 1)
        chance = probability(second.p_value or 0.0)
        error = f"standard error {spread(second.error, metric)} {basis}; {test}{chance}"
        if second.close:
            return f"{lead} This is within noise ({error}): either could be better."
        return f"{lead} Noise alone rarely makes such a lead ({error})."


def gap_words(first: float, second: float, metric: Metric) -> str:
    """Say how far two unequal scores are apart, also where both are shown alike."""
    if round(first, 4) != round(second, 4):
        return apart(first, second, metric)
    return f"less than {spread(0.0001, metric)}"


def _rivals(record: StudyRecord, winner: TrialRecord) -> list[TrialRecord]:
    """Return the other complete trials, best first, without copies of the winner's result."""
    return [one for one in record.complete()[1:] if winner.number != one.same_as]


def _runner_up(record: StudyRecord, winner: TrialRecord) -> RunnerUp | None:
    others = _rivals(record, winner)
    lead = lead_over(record, winner, others[0]) if others else None
    second = trial_score(others[0]) if others else None
    if second is None or lead is None:
        return None
    return RunnerUp(
        trial=others[0].number,
        score=second,
        gap=abs(lead.gap),
        error=lead.error,
        n_folds=lead.n_folds,
    )


def _race(trained: Sequence[TrialRecord]) -> Iterator[RaceStep]:
    reached = Counter(trial.history.n_folds() for trial in trained)
    for n in sorted({1, *reached}):
        yield RaceStep(folds=n, candidates=sum(c for m, c in reached.items() if m >= n))
