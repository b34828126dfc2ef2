"""Curves, E* and learning rates read from a history."""

import json
from dataclasses import replace

import pytest

from search.metric import ACCURACY, LOSS, METRICS, Metric
from search.training.history import FoldEpoch, History, best_epoch
from search.tuning.store import from_plain, to_plain
from search.user_metric import get_metric


def fold_epoch(
    accuracy: float | None = 0.5, loss: float | None = 1.0, rate: float = 0.1
) -> FoldEpoch:
    return FoldEpoch(
        train_loss=1.5,
        train_accuracy=0.25,
        validation_loss=loss,
        validation_accuracy=accuracy,
        learning_rate=rate,
        seconds=0.5,
    )


HISTORY = History(
    (
        (fold_epoch(0.2, 2.0, 0.3), fold_epoch(0.4, 1.0, 0.3), fold_epoch(0.6, 3.0, 0.3)),
        (fold_epoch(0.5, 1.5, 0.3), fold_epoch(0.7, 0.5, 0.1), fold_epoch(0.6, 1.0, 0.1)),
    )
)


def test_mean_curve_is_the_mean_over_folds() -> None:
    """Each epoch's value is the mean of the folds' figures, for either metric."""
    assert HISTORY.mean_curve(ACCURACY) == pytest.approx([0.4, 0.6])
    assert HISTORY.mean_curve(LOSS) == pytest.approx([2.0, 1.0])
    assert History().mean_curve(LOSS) == []


def test_fold_scores_are_those_of_the_epoch() -> None:
    """Epochs count from 1 and folds keep their order."""
    assert HISTORY.fold_scores(2, ACCURACY) == [0.5, 0.7, 0.6]
    assert HISTORY.fold_scores(1, LOSS) == [2.0, 1.0, 3.0]


@pytest.mark.parametrize(
    ("curve", "metric", "expected"),
    [
        ([0.1, 0.3, 0.2], ACCURACY, 2),
        ([0.1, 0.3, 0.2], LOSS, 1),
        ([0.1, 0.3, 0.3, 0.3], ACCURACY, 2),
        ([2.0, 1.0, 3.0, 1.0], LOSS, 2),
        ([0.5], ACCURACY, 1),
    ],
)
def test_best_epoch(curve: list[float], metric: Metric, expected: int) -> None:
    """E* counts from 1, goes up for accuracy and down for loss, the earliest on a tie."""
    assert best_epoch(curve, metric) == expected


def test_no_epoch_is_best_among_none() -> None:
    """An empty curve has no E*."""
    with pytest.raises(ValueError, match="at least one epoch"):
        best_epoch([], ACCURACY)


def test_truncated_keeps_the_first_epochs() -> None:
    """A cut history holds the oldest epochs; a longer cut than the history changes nothing."""
    assert HISTORY.truncated(1) == History(HISTORY.epochs[:1])
    assert HISTORY.truncated(0) == History()
    assert HISTORY.truncated(5) == HISTORY


def test_learning_rates_are_medians_over_folds() -> None:
    """One fold that fell behind does not move the epoch's rate."""
    assert HISTORY.learning_rates() == pytest.approx([0.3, 0.1])


def test_seconds_are_summed() -> None:
    """The wall time counts every fold of every epoch."""
    assert HISTORY.seconds() == pytest.approx(3.0)


@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_refit_has_no_score(metric: Metric) -> None:
    """Asking an epoch without validation for its score is an error, not a zero."""
    with pytest.raises(ValueError, match=f"no validation {metric}"):
        fold_epoch(None, None).score(metric)


@pytest.mark.parametrize("history", [History(), HISTORY, History(((fold_epoch(None, None),),))])
def test_json_keeps_every_bit(history: History) -> None:
    """A history comes back from JSON exactly as it was."""
    text = json.dumps(to_plain(history), allow_nan=False)
    assert from_plain(History, json.loads(text)) == history


def test_other_measures_are_scores_too() -> None:
    """The figure that a study is scored by is read back by its metric, not mistaken for another."""
    kappa, auroc = get_metric("kappa"), get_metric("auroc")
    fold = replace(fold_epoch(1.0, 0.5), measures={"kappa": 0.25})
    assert History(((fold, fold),)).mean_curve(kappa) == [0.25]
    with pytest.raises(ValueError, match="no validation AUROC was recorded"):
        fold.score(auroc)


def test_a_plain_training_loss_is_stored_only_if_it_is_another() -> None:
    """So that histories of before are written as they were, and read."""
    epoch = fold_epoch(1.0, 0.5)
    smoothed = replace(epoch, train_cross_entropy=0.25)
    assert "train_cross_entropy" not in to_plain(History(((epoch,),)))["epochs"][0][0]
    stored = to_plain(History(((smoothed,),)))
    assert stored["epochs"][0][0]["train_cross_entropy"] == 0.25
    assert from_plain(History, stored) == History(((smoothed,),))


def test_a_history_is_stored_with_its_measures_if_it_has_any() -> None:
    """Studies that are scored by accuracy or loss are stored as they always were."""
    plain = History(((fold_epoch(1.0, 0.5),),))
    measured = History(((replace(fold_epoch(1.0, 0.5), measures={"kappa": 0.25}),),))
    assert "measures" not in to_plain(plain)["epochs"][0][0]
    assert from_plain(History, to_plain(measured)) == measured
