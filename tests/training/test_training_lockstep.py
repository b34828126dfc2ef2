"""Folds in lockstep: each as if alone, stopped from outside or by divergence."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from cifar_models import MLPConfig
from search.data.dataset import TrainSplit, channel_statistics
from search.training.history import FoldEpoch
from search.training.settings import TrainingSettings
from search.training.trainer import FoldTask, FoldTraining, diverged, run_epochs
from spaces.candidate import Candidate, SGDConfig
from spaces.schedules import PlateauSchedule

N, N_FOLDS, EPOCHS = 36, 3, 4


def make_fold(number: int, learning_rate: float = 0.1) -> FoldTraining:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (N, 3, 4, 4), dtype=torch.uint8, generator=generator)
    data = TrainSplit(images, torch.randint(0, 2, (N,), generator=generator))
    validates = torch.arange(N) % N_FOLDS == number
    train, validation = torch.nonzero(~validates).flatten(), torch.nonzero(validates).flatten()
    candidate = Candidate(
        model=MLPConfig(hidden_widths=(6,), dropouts=(0.5,)),
        optimizer=SGDConfig(learning_rate=learning_rate),
        batch_size=8,
    )
    task = FoldTask(
        train=train,
        validation=validation,
        statistics=channel_statistics(images, train),
        schedule=PlateauSchedule(learning_rate, factor=0.5, patience=0),
        seed=number,
    )
    return FoldTraining(candidate, task, data, 2, TrainingSettings(EPOCHS))


def without_seconds(epochs: Sequence[Sequence[FoldEpoch]]) -> list[list[FoldEpoch]]:
    return [[replace(fold, seconds=0.0) for fold in folds] for folds in epochs]


def test_lockstep_is_each_fold_alone() -> None:
    """Figures and weights of folds trained together are, bit for bit, those of each alone."""
    together = [make_fold(number) for number in range(N_FOLDS)]
    figures = without_seconds(list(run_epochs(together, EPOCHS)))
    for number in range(N_FOLDS):
        alone = make_fold(number)
        expected = without_seconds(list(run_epochs([alone], EPOCHS)))
        assert [folds[number] for folds in figures] == [folds[0] for folds in expected]
        state = together[number].model.state_dict()
        assert all(torch.equal(state[k], v) for k, v in alone.model.state_dict().items())


def test_every_epoch_has_one_record_a_fold() -> None:
    """There are as many epochs as asked for, each with the figures of every fold in order."""
    figures = list(run_epochs([make_fold(number) for number in range(N_FOLDS)], EPOCHS))
    assert [len(folds) for folds in figures] == [N_FOLDS] * EPOCHS
    assert all(fold.seconds > 0 for folds in figures for fold in folds)


def test_nothing_is_trained_beyond_what_is_taken() -> None:
    """A caller that takes one epoch pays for one epoch."""
    fold, reference = make_fold(0), make_fold(0)
    next(run_epochs([fold], EPOCHS))
    reference.run_epoch(1)
    state = reference.model.state_dict()
    assert all(torch.equal(state[k], v) for k, v in fold.model.state_dict().items())


def test_divergence_ends_the_training() -> None:
    """A huge learning rate is reported as diverged, and no epoch follows; siblings end too."""
    folds = [make_fold(0), make_fold(1, learning_rate=1e30)]
    figures = list(run_epochs(folds, EPOCHS))
    assert len(figures) < EPOCHS
    assert [diverged(one) for one in figures] == [False] * (len(figures) - 1) + [True]
    assert not diverged(figures[-1][:1])


FINE = FoldEpoch(1.0, 0.5, 1.0, 0.5, 0.1, 1.0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["train_loss", "validation_loss"])
def test_any_loss_that_is_not_finite_is_divergence(name: str, bad: float) -> None:
    """NaN or infinity in training or validation of one fold is enough."""
    losses: dict[str, Any] = {name: bad}
    assert diverged((FINE, replace(FINE, **losses)))


def test_a_refit_without_validation_has_not_diverged() -> None:
    """Missing validation figures are no divergence."""
    assert not diverged((FINE, replace(FINE, validation_loss=None, validation_accuracy=None)))
