"""How long a refit takes, by each rule."""

from dataclasses import replace

import pytest

from search.evaluation.refit_length import refit_epochs, stretched
from search.training.history import FoldEpoch, History
from tests.fakes import make_plan, make_recipe, make_trial

_RISING_THEN_NOISY = (0.2, 0.6, 0.8, 0.79, 0.795, 0.5)


def _history(*folds: tuple[float, ...]) -> History:
    epochs = zip(*folds, strict=True)
    return History(
        tuple(
            tuple(FoldEpoch(1.0, 0.5, 1 - value, value, 0.1, 1.0) for value in epoch)
            for epoch in epochs
        )
    )


@pytest.mark.parametrize(("rule", "epochs"), [("horizon", 6), ("best-epoch", 3), ("one-se", 5)])
def test_each_rule_reads_the_curve(rule: str, epochs: int) -> None:
    """With 200 validation images one standard error at 0.8 is 0.028."""
    trial = replace(make_trial(0), history=_history(_RISING_THEN_NOISY), best_epoch=3)
    recipe = make_recipe(refit=rule, holdout_fraction=0.2)
    assert refit_epochs(trial, recipe, replace(make_plan().dataset, n_train=1000)) == epochs


def test_a_longer_schedule_ends_at_the_same_share() -> None:
    """Half of 6 epochs is half of 40, and recorded rates last longer."""
    trial = replace(make_trial(0), history=_history(_RISING_THEN_NOISY), best_epoch=3)
    recipe = make_recipe(refit="best-epoch", epochs=6)
    assert refit_epochs(trial, recipe, make_plan().dataset, horizon=40) == 20
    assert stretched((0.3, 0.2, 0.1), 3, 3) == (0.3, 0.2, 0.1)
    assert stretched((0.3, 0.2, 0.1), 3, 7) == (0.3, 0.3, 0.3, 0.2, 0.2, 0.1, 0.1)


def test_more_images_leave_less_room() -> None:
    """With 200,000 validation images 0.795 is no longer as good as 0.8."""
    trial = replace(make_trial(0), history=_history(_RISING_THEN_NOISY), best_epoch=3)
    recipe = make_recipe(refit="one-se", holdout_fraction=0.2)
    assert refit_epochs(trial, recipe, replace(make_plan().dataset, n_train=10**6)) == 3


def test_a_loss_is_judged_over_folds() -> None:
    """Losses are 1 - 0.7 and 1 - 0.8 at epoch 2: their mean has a standard error of 0.05."""
    trial = replace(
        make_trial(0), history=_history((0.2, 0.7, 0.66), (0.2, 0.8, 0.76)), best_epoch=2
    )
    recipe = make_recipe(refit="one-se", metric="loss", validation="kfold", folds=2)
    assert refit_epochs(trial, recipe, make_plan().dataset) == 3


def test_the_loss_of_one_fold_has_no_room() -> None:
    """Nothing is known of its error, so the best epoch counts."""
    trial = replace(make_trial(0), history=_history((0.2, 0.7, 0.69)), best_epoch=2)
    assert refit_epochs(trial, make_recipe(refit="one-se", metric="loss"), make_plan().dataset) == 2


def test_an_incomplete_trial_is_refused() -> None:
    """It has no best epoch."""
    trial = replace(make_trial(0), best_epoch=None)
    with pytest.raises(ValueError, match="complete"):
        refit_epochs(trial, make_recipe(refit="horizon"), make_plan().dataset)
