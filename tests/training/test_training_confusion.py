"""Confusion matrices of validations: exact counts, carried by epochs, summed over folds."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from cifar_models import MLPConfig
from search.data.dataset import ChannelStatistics, TrainSplit
from search.training.evaluation import (
    MOST_CONFUSED_CLASSES,
    MetricAccumulator,
    Normalizer,
    evaluate,
)
from search.training.history import Confusion, FoldEpoch, History
from search.training.settings import TrainingSettings
from search.training.trainer import FoldTask, FoldTraining
from spaces.candidate import Candidate, SGDConfig
from spaces.schedules import ConstantSchedule

STATISTICS = ChannelStatistics((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
CANDIDATE = Candidate(model=MLPConfig(hidden_widths=(4,), dropouts=(0.0,)), optimizer=SGDConfig())
EPOCH = FoldEpoch(1.0, 0.5, 1.0, 0.5, 0.1, 1.0)


def make_data(n: int = 40, classes: int = 3) -> TrainSplit:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (n, 3, 4, 4), dtype=torch.uint8, generator=generator)
    return TrainSplit(images, torch.randint(0, classes, (n,), generator=generator))


@pytest.mark.parametrize("evaluation_batch", [1, 7, 1000])
def test_every_image_is_counted_once(evaluation_batch: int) -> None:
    """Row i, column j holds the images of class i called j, however they are batched."""
    data, model = make_data(), nn.Sequential(nn.Flatten(), nn.Linear(48, 3))
    chosen, normalize = torch.arange(5, 30), Normalizer(STATISTICS, "cpu")
    settings = TrainingSettings(1, evaluation_batch=evaluation_batch)
    found = evaluate(model, data, chosen, normalize, settings, 3).confusion()
    with torch.no_grad():
        named = model(normalize(data.images[chosen])).argmax(1).tolist()
    pairs = list(zip(data.labels[chosen].tolist(), named, strict=True))
    assert found == tuple(tuple(pairs.count((i, j)) for j in range(3)) for i in range(3))


@pytest.mark.parametrize(
    ("n_classes", "kept"), [(0, False), (MOST_CONFUSED_CLASSES, True), (101, False)]
)
def test_a_matrix_of_many_classes_is_not_kept(n_classes: int, kept: bool) -> None:
    """Nor is one where nobody asked for it."""
    metrics = MetricAccumulator("cpu", n_classes=n_classes)
    metrics.reset(images=1, batches=1)
    metrics.add(torch.tensor(1.0), torch.eye(101)[:1], torch.tensor([0]))
    assert (metrics.confusion() is not None) == kept


def test_restarted_sums_forget_the_matrix() -> None:
    """The same tensor serves the next epoch."""
    metrics = MetricAccumulator("cpu", n_classes=2)
    for _ in range(2):
        metrics.reset(images=2, batches=1)
        metrics.add(torch.tensor(3.0), torch.eye(2), torch.tensor([0, 0]))
    assert metrics.confusion() == ((1, 1), (0, 0))


def test_an_epoch_carries_the_matrix_of_its_validation() -> None:
    """Its diagonal is the accuracy; a refit, which validates nothing, has none."""
    data, settings = make_data(), TrainingSettings(epochs=1)
    task = FoldTask(torch.arange(20), torch.arange(20, 40), STATISTICS, ConstantSchedule(0.1), 3)
    epoch = FoldTraining(CANDIDATE, task, data, 3, settings).run_epoch(1)
    assert epoch.confusion is not None
    assert sum(map(sum, epoch.confusion)) == 20
    assert sum(epoch.confusion[i][i] for i in range(3)) / 20 == epoch.validation_accuracy
    refit = FoldTraining(CANDIDATE, replace(task, validation=None), data, 3, settings)
    assert refit.run_epoch(1).confusion is None


def test_folds_are_added_up() -> None:
    """Each validation image of the study is in one fold, so that sums count it once."""
    one, two = ((3, 1), (0, 4)), ((2, 2), (1, 3))
    assert _history(one, two).confusion(1) == ((5, 3), (1, 7))
    assert _history(one).confusion(1) == one


def test_a_fold_without_its_matrix_leaves_none() -> None:
    """As where one went on from a checkpoint that did not hold it: a part would mislead."""
    assert _history(((3, 1), (0, 4)), None).confusion(1) is None


def _history(*folds: Confusion | None) -> History:
    return History((tuple(replace(EPOCH, confusion=one) for one in folds),))
