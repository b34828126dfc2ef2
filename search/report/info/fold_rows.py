"""The winner's score on each fold, as rows. Pure."""

from search.metric import Metric
from search.report.findings.winner import Winner
from search.text import score, spread


def fold_rows(winner: Winner, metric: Metric) -> tuple[tuple[str, str], ...]:
    """Return each fold's score at E*, their mean and spread, and E* itself as rows."""
    scores = [score(value, metric) for value in winner.fold_scores]
    best = ("E*, best epoch of the mean", str(winner.best_epoch))
    if len(scores) == 1:
        return (("validation score", scores[0]), best)
    return (
        *((f"fold {fold}", text) for fold, text in enumerate(scores, start=1)),
        ("mean", score(winner.mean, metric)),
        ("standard deviation (of these, n)", spread(winner.std, metric)),
        best,
    )
