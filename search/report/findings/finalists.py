"""Which of the best trials is best, when they are trained again?"""

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import Self, final

import numpy as np

from search.report.blocks import Block, Paragraph, Table
from search.report.evidence import Evidence
from search.report.finding import WHY, Finding, MetricName, Number, ReportPart
from search.report.scoring import trial_score
from search.text import percent, plural, score, spread
from search.tuning.after_search import Finalist
from search.tuning.records import StudyRecord

_DRAWS = 20_000


@final
class FinalistPart(ReportPart):
    """One finalist."""

    trial: int
    """Its number."""
    score: Number
    """Its score in the search."""
    repeats: tuple[Number, ...]
    """The score of each repeat; null where it diverged."""
    mean: Number
    """Their mean; null if one diverged."""
    std: Number
    """Their standard deviation, with n - 1."""
    is_best: Number
    """The probability that its candidate is the best of the finalists; null if one diverged."""


@final
class Finalists(Finding):
    """The best trials, trained again with other seeds; the mean of the repeats decides.

    The probability that a candidate is the best is a posterior one with a flat prior: each mean is
    drawn from Student's t distribution around the mean of its repeats, 20,000 times.
    """

    key = "finalists"
    section = WHY
    title = "The finalists"
    brief = True

    metric: MetricName
    """What they are scored by."""
    winner: int
    """The trial that has won."""
    finalists: tuple[FinalistPart, ...]
    """In the order of the search."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Describe the finalists; None where the best trials were not trained again."""
        record = evidence.record
        found, best = record.current_finalists(), record.best_finalist()
        if best is None:
            return None
        return cls(metric=record.metric, winner=best.trial, finalists=tuple(_parts(record, found)))

    def blocks(self) -> Iterator[Block]:
        yield Paragraph(self._answer())
        yield Table(
            caption="The finalists",
            header=("Trial", "In the search", "Mean again", "SD", "Lowest", "Highest", "Is best"),
            rows=tuple(self._row(one) for one in self.finalists),
            align="rrrrrrr",
        )
        yield Paragraph(
            "Scores of the search are those of the luckiest of many trainings, so the means are "
            "usually lower. They are of the same validation images, so that chance of the images "
            "remains.",
            "quiet",
        )

    def summary(self) -> tuple[str, ...]:
        return (self._answer(),)

    def _answer(self) -> str:
        first, winner = self.finalists[0], self._named(self.winner)
        again = plural(len(winner.repeats), "further training")
        sentence = (
            f"Of {plural(len(self.finalists), 'finalist')}, trial {winner.trial} is best: "
            f"{score(winner.mean, self.metric)}, the mean of {again} on the same folds with other "
            "seeds"
        )
        if winner.is_best is not None:
            sentence += f" ({percent(winner.is_best, 0)} likely)"
        if first.trial == winner.trial:
            return f"{sentence}."
        ahead = f"trial {first.trial} was ahead, with {score(first.score, self.metric)}"
        return f"{sentence}. In the search {ahead}."

    def _named(self, trial: int) -> FinalistPart:
        return next(one for one in self.finalists if one.trial == trial)

    def _row(self, one: FinalistPart) -> tuple[str, ...]:
        known = [value for value in one.repeats if value is not None]
        return (
            str(one.trial),
            score(one.score, self.metric),
            score(one.mean, self.metric),
            spread(one.std, self.metric),
            score(min(known, default=None), self.metric),
            score(max(known, default=None), self.metric),
            "–" if one.is_best is None else percent(one.is_best, 0),
        )


def _parts(record: StudyRecord, finalists: Sequence[Finalist]) -> Iterator[FinalistPart]:
    trials = {one.number: one for one in record.trials}
    chances = probabilities_of_being_best(
        [one.scores for one in finalists], higher_is_better=record.metric.higher_is_better
    )
    for one, chance in zip(finalists, chances, strict=True):
        known = [value for value in one.scores if value is not None]
        yield FinalistPart(
            trial=one.trial,
            score=trial_score(trials[one.trial]),
            repeats=one.scores,
            mean=one.mean(),
            std=statistics.stdev(known) if len(known) > 1 else None,
            is_best=chance,
        )


def probabilities_of_being_best(
    repeats: Sequence[Sequence[float | None]], *, higher_is_better: bool
) -> list[float | None]:
    """Return for each candidate the probability that its mean is the best of all.

    Args:
        repeats: The scores of each candidate's repeats; None where one diverged.
        higher_is_better: Whether that is so of the scores.

    Returns:
        Probabilities that add up to 1; None for all if a repeat diverged. Among equal means each is
        as likely.
    """
    if any(value is None for scores in repeats for value in scores):
        return [None] * len(repeats)
    values = np.array(repeats, dtype=float)
    n = values.shape[1]
    errors = values.std(axis=1, ddof=1) / math.sqrt(n)
    rng = np.random.default_rng(0)
    drawn = values.mean(axis=1) + errors * rng.standard_t(n - 1, (_DRAWS, len(values)))
    best = drawn.max(axis=1) if higher_is_better else drawn.min(axis=1)
    wins = drawn == best[:, None]
    shares = (wins / wins.sum(axis=1, keepdims=True)).mean(axis=0)
    return [float(share) for share in shares]
