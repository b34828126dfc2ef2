"""What the dashboard's pictures of one trial show. Pure."""

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from search import text
from search.metric import Metric
from search.report.trials import trial_score
from search.training.history import Confusion, FoldEpoch
from search.tuning.records import TrialRecord


class TrialCurveInfo(NamedTuple):
    """The validation figure by epoch, of each fold and their mean; `training` is a mean too.

    `best_epoch` (E*) is None for a trial that did not complete.
    """

    title: str
    metric: Metric
    folds: tuple[tuple[float, ...], ...]
    mean: tuple[float, ...]
    training: tuple[float, ...]
    best_epoch: int | None


class TrialConfusionInfo(NamedTuple):
    """`counts[i][j]` validation images of class i were called j; shares are of the row's sum."""

    title: str
    class_names: tuple[str, ...]
    counts: Confusion
    shares: tuple[tuple[float, ...], ...]


def trial_curve_info(trial: TrialRecord, metric: Metric) -> TrialCurveInfo | None:
    """Return the trial's curves, None where no epoch is stored."""
    if not trial.history.epochs:
        return None
    return TrialCurveInfo(
        title=_title(trial, metric),
        metric=metric,
        folds=tuple(tuple(curve) for curve in trial.history.fold_curves(metric)),
        mean=tuple(trial.history.mean_curve(metric)),
        training=tuple(fmean(_trained(fold, metric) for fold in e) for e in trial.history.epochs),
        best_epoch=trial.best_epoch,
    )


def trial_confusion_info(
    trial: TrialRecord, metric: Metric, class_names: Sequence[str]
) -> TrialConfusionInfo | None:
    """Return the trial's confusion matrix, None where none is stored."""
    if trial.confusion is None:
        return None
    return TrialConfusionInfo(
        title=_title(trial, metric),
        class_names=tuple(class_names),
        counts=trial.confusion,
        shares=tuple(tuple(n / max(sum(row), 1) for n in row) for row in trial.confusion),
    )


def _trained(fold: FoldEpoch, metric: Metric) -> float:
    return fold.train_accuracy if metric == "accuracy" else fold.train_loss


def _title(trial: TrialRecord, metric: Metric) -> str:
    score = text.score(trial_score(trial), metric)
    epoch = trial.best_epoch or len(trial.history.epochs)
    return f"trial {trial.number}, {trial.kind}: {score} at epoch {epoch}"
