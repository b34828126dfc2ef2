"""How much does the winner's score vary over folds, and how was it refitted?"""

from collections.abc import Iterator
from typing import Self, final

from search.report.evidence import Evidence
from search.report.findings.base import CERTAIN, Finding
from search.report.findings.blocks import Block, Rows
from search.report.findings.winner import Winner
from search.report.parts import Number, Unlisted
from search.text import duration, score, spread


@final
class FoldScores(Finding):
    """The winner's score on each fold."""

    key = "winner.fold_scores"
    section = CERTAIN
    narrow = True

    rows: Unlisted[tuple[tuple[str, str], ...]]

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Take the scores at E*; None without a winner, or where the last epoch counts."""
        winner, recipe = evidence.once(Winner.of), evidence.record.recipe
        if winner is None or recipe.protocol.scores_last_epoch:
            return None
        scores = [score(value, recipe.metric) for value in winner.fold_scores]
        best = ("E*, best epoch of the mean", str(winner.best_epoch))
        if len(scores) == 1:
            return cls(rows=(("validation score", scores[0]), best))
        return cls(
            rows=(
                *((f"fold {fold}", text) for fold, text in enumerate(scores, start=1)),
                ("mean", score(winner.mean, recipe.metric)),
                ("standard deviation (population)", spread(winner.std, recipe.metric)),
                best,
            )
        )

    def blocks(self) -> Iterator[Block]:
        """Yield the scores, their mean and standard deviation, and E*."""
        yield Rows(self.rows, "Validation score at E*")


@final
class Refit(Finding):
    """The winner trained again on all folds together."""

    key = "refit"
    section = CERTAIN
    narrow = True

    trial: int
    """The winner's number."""
    epochs: int
    """Epochs trained, which is the winner's E*."""
    seconds: Number
    """Seconds that it took."""
    threads: int
    """CPU threads that it used."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Take the refit; None where there is none (yet)."""
        refit = evidence.record.refit
        return None if refit is None else cls.model_validate(refit)

    def blocks(self) -> Iterator[Block]:
        """Yield its length, time and threads."""
        pairs = (
            ("trial", str(self.trial)),
            ("epochs", str(self.epochs)),
            ("time", duration(self.seconds)),
            ("threads", str(self.threads)),
        )
        yield Rows(pairs, "The refit on all training images")
