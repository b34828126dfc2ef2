"""Which of the best trials is best, when they are trained again?"""

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import Self, final

import numpy as np

from search.report.blocks import Block, Details, Paragraph, Table
from search.report.evidence import Evidence
from search.report.finding import WHY, Finding, MetricName, Number, ReportPart, Unlisted
from search.report.scoring import image_worth, trial_score
from search.report.seed_spread import SeedSpread, pooled_spread, seed_spread
from search.text import chance, listed, plural, score, spread
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
    """Their own standard deviation, with n - 1: of few repeats, which may be equal by chance."""
    is_best: Number
    """The probability that its candidate is the best of the finalists; null if one diverged, or if
    nothing is known of how much seeds change a score."""


@final
class Finalists(Finding):
    """The best trials, trained again with other seeds; the mean of the repeats decides.

    The probability that a candidate is the best is a posterior one: 20,000 times all their means
    are drawn from Student's t distribution, given the repeats. The prior is that finalists, which
    are the best of many and so are close, differ about as much as seeds make one of them differ.
    The spread of seeds is pooled over the finalists, as that of a few repeats of one says little,
    and is at least what one validation image is worth.
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
    split: Unlisted[str] = "folds"  # what all trainings share
    seeds: Unlisted[SeedSpread | None] = None  # of one finalist's score
    least_loss: Unlisted[float] = 0.0  # of a mean that counts: an image, or its standard error

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Describe the finalists; None where the best trials were not trained again."""
        record = evidence.record
        found, best = record.current_finalists(), record.best_finalist()
        if best is None:
            return None
        seeds, image = seed_spread(record), image_worth(record)
        error = 0.0 if seeds is None else seeds.std / math.sqrt(len(best.scores))
        return cls(
            metric=record.metric,
            winner=best.trial,
            finalists=tuple(_parts(record, found)),
            split="folds" if record.recipe.n_folds > 1 else "split",
            seeds=seeds,
            least_loss=image or error,
        )

    def blocks(self) -> Iterator[Block]:
        yield Paragraph(self._answer())
        table = Table(
            caption="The finalists",
            header=("Trial", "In the search", "Mean again", "SD", "Lowest", "Highest", "Is best"),
            rows=tuple(self._row(one) for one in self.finalists),
            align="rrrrrrr",
        )
        words = Paragraph(
            "Scores of the search are those of the luckiest of many trainings, so the means are "
            "usually lower. They are of the same validation images, so that chance of the images "
            f"remains. {self.scatter()}",
            "quiet",
        )
        yield Details("Each finalist’s scores", (table, words))

    def scatter(self) -> str:
        """Say how much seeds change a score, as far as so few trainings tell it."""
        seeds, trainings = self.seeds, f"{len(self.finalists[0].repeats)} further trainings"
        if seeds is None:
            return f"How much seeds change a score is not known from {trainings}."
        found = spread(seeds.std, self.metric)
        if seeds.measured < seeds.std:
            return (
                f"Over {trainings} of each finalist seeds make less than one validation image is "
                f"worth ({found}); so few say little of how much they make."
            )
        return (
            f"Seeds make a standard deviation of about {found}, estimated from {trainings} of each "
            "finalist."
        )

    def summary(self) -> tuple[str, ...]:
        return (self._answer(),)

    def _answer(self) -> str:
        first, winner = self.finalists[0], self._named(self.winner)
        again = plural(len(winner.repeats), "further training")
        sentence = (
            f"Of {plural(len(self.finalists), 'finalist')}, trial {winner.trial} is best: "
            f"{score(winner.mean, self.metric)}, the mean of {again} on the same {self.split} with "
            "other seeds"
        )
        if winner.is_best is not None:
            sentence += f" ({chance(winner.is_best)} likely, as far as seeds decide)"
        return f"{sentence}.{self._in_the_search(first, winner)}"

    def _in_the_search(self, first: FinalistPart, winner: FinalistPart) -> str:
        """Say who was ahead in the search, where that was another and by more than is shown."""
        if first.trial == winner.trial or first.score is None or winner.score is None:
            return ""
        shown = score(first.score, self.metric)
        level = [one for one in self.finalists if score(one.score, self.metric) == shown]
        if winner in level:
            numbers = listed([str(one.trial) for one in level])
            who = "they" if len(level) == len(self.finalists) else f"trials {numbers}"
            return f" In the search {who} were level, with {shown}."
        if not self.metric.is_better(first.score, winner.score):
            return ""
        return f" In the search trial {first.trial} was ahead, with {shown}."

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
            "–" if one.is_best is None else chance(one.is_best),
        )


def _parts(record: StudyRecord, finalists: Sequence[Finalist]) -> Iterator[FinalistPart]:
    trials = {one.number: one for one in record.trials}
    chances = probabilities_of_being_best(
        [one.scores for one in finalists],
        higher_is_better=record.metric.higher_is_better,
        least_spread=image_worth(record),
    )
    for one, likely in zip(finalists, chances, strict=True):
        known = [value for value in one.scores if value is not None]
        yield FinalistPart(
            trial=one.trial,
            score=trial_score(trials[one.trial]),
            repeats=one.scores,
            mean=one.mean(),
            std=statistics.stdev(known) if len(known) > 1 else None,
            is_best=likely,
        )


def probabilities_of_being_best(
    repeats: Sequence[Sequence[float | None]], *, higher_is_better: bool, least_spread: float = 0.0
) -> list[float | None]:
    """Return for each candidate the probability that its mean is the best of all.

    Args:
        repeats: The scores of each candidate's repeats; None where one diverged.
        higher_is_better: Whether that is so of the scores.
        least_spread: The least that seeds can make, as `pooled_spread` takes it.

    Returns:
        Probabilities that add up to 1, none of them 0 or 1; None for all if a repeat diverged, or
        if nothing is known of the spread. Among equal means each is as likely.
    """
    seeds = pooled_spread(repeats, least_spread)
    if seeds is None or any(value is None for scores in repeats for value in scores):
        return [None] * len(repeats)
    values = [np.array(scores, dtype=float) for scores in repeats]
    means = np.array([scores.mean() for scores in values])
    # n repeats shrink a mean's distance from the others to n / (n + 1), and so its variance
    errors = np.array([math.sqrt(len(scores) + 1) / len(scores) for scores in values])
    rng = np.random.default_rng(0)
    # one deviation for all, which so few repeats leave uncertain: Student's t of several variables
    scale = seeds.std * np.sqrt(seeds.freedom / rng.chisquare(seeds.freedom, (_DRAWS, 1)))
    drawn = means + errors * scale * rng.standard_normal((_DRAWS, len(means)))
    best = drawn.argmax(axis=1) if higher_is_better else drawn.argmin(axis=1)
    wins = np.bincount(best, minlength=len(means)) + 1
    return [float(share) for share in wins / wins.sum()]
