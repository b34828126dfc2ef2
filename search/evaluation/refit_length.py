"""How many epochs the winner is refitted for.

A refit has no validation set, so its length follows from the search. E*, the best epoch of a noisy
curve, is mostly too early: an annealed schedule is then cut off before its rate has come down
(studies/curves/README.md has the figures).
"""

import math
import statistics
from collections.abc import Sequence
from typing import Literal

from search.data.dataset import DatasetInfo
from search.metric import ACCURACY
from search.recipe import Recipe
from search.training.bootstrap import score_error
from search.tuning.records import TrialRecord
from search.user_metric import get_metric


def refit_epochs(
    trial: TrialRecord, recipe: Recipe, dataset: DatasetInfo, horizon: int | None = None
) -> int:
    """Return how many epochs a complete trial is refitted for.

    By `recipe.refit`: "horizon", all epochs of a trial; "best-epoch", E*; "one-se", the last epoch
    whose score is within one standard error of that at E*. Where the refit's schedule is longer
    than a trial's, it ends at the same share of it.

    Args:
        trial: The trial.
        recipe: A resolved recipe.
        dataset: Its dataset.
        horizon: Epochs of the refit's schedule; None: a trial's.

    Raises:
        ValueError: The trial is not complete, or the rule is not resolved.
    """
    epochs = _rule_epochs(trial, recipe, dataset)
    return math.ceil(epochs * (horizon or recipe.epochs) / recipe.epochs)


def stretched(rates: Sequence[float], epochs: int, horizon: int) -> tuple[float, ...]:
    """Return the rate of each epoch of a refit: the one recorded at the same share of a trial.

    Args:
        rates: The recorded rates.
        epochs: Epochs of a trial.
        horizon: Epochs of the refit's schedule.
    """
    if horizon == epochs:
        return tuple(rates)
    last = len(rates) - 1
    return tuple(rates[min(epoch * epochs // horizon, last)] for epoch in range(horizon))


def _rule_epochs(trial: TrialRecord, recipe: Recipe, dataset: DatasetInfo) -> int:
    if trial.best_epoch is None:
        raise ValueError(f"trial must be complete, got trial {trial.number}")
    rule: Literal["auto", "horizon", "best-epoch", "one-se"] = recipe.refit
    match rule:
        case "horizon":
            return len(trial.history.epochs)
        case "best-epoch":
            return trial.best_epoch
        case "one-se":
            return _last_within(trial, recipe, _standard_error(trial, recipe, dataset))
    raise ValueError(f"refit must be resolved, got {rule!r}")


def _last_within(trial: TrialRecord, recipe: Recipe, error: float) -> int:
    metric = get_metric(recipe.metric)
    curve = metric.as_higher_is_better(trial.history.mean_curve(metric))
    least = max(curve) - error
    return max(epoch for epoch, score in enumerate(curve, start=1) if score >= least)


def _standard_error(trial: TrialRecord, recipe: Recipe, dataset: DatasetInfo) -> float:
    """Return that of the score at E*: binomial for an accuracy, for others over the folds.

    On a single fold it follows from the confusion matrix; that of a loss is not known: 0.
    """
    metric = get_metric(recipe.metric)
    scores = trial.history.fold_scores(trial.best_epoch or 1, metric)
    images = len(scores) * recipe.validation_share * dataset.n_train
    if len(scores) > 1 and metric is not ACCURACY:
        return statistics.stdev(scores) / math.sqrt(len(scores))
    return score_error(metric, statistics.fmean(scores), images, trial.confusion) or 0.0
