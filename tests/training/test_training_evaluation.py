"""Normalisation, and loss and accuracy over chosen images."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from cifar_models import MLPConfig
from search.data.dataset import ChannelStatistics, TrainSplit
from search.metric import MeanOver
from search.training.evaluation import (
    MetricAccumulator,
    Normalizer,
    evaluate,
    predict_logits,
    with_test_time_augmentation,
)
from search.training.settings import TrainingSettings
from spaces.candidate import Candidate, SGDConfig

STATISTICS = ChannelStatistics((10.0, 100.0, 200.0), (5.0, 50.0, 0.0))


def make_data(n: int = 23) -> TrainSplit:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (n, 3, 4, 4), dtype=torch.uint8, generator=generator)
    return TrainSplit(images, torch.randint(0, 5, (n,), generator=generator))


def make_model() -> nn.Module:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Dropout(), nn.Linear(16, 5)
        )


def test_normalizer_follows_its_formula() -> None:
    """Images become (x - mean) / std per channel; a constant channel is divided by one."""
    images = make_data().images
    before = images.clone()
    found = Normalizer(STATISTICS, "cpu")(images)
    mean = torch.tensor([10.0, 100.0, 200.0]).view(1, 3, 1, 1)
    std = torch.tensor([5.0, 50.0, 1.0]).view(1, 3, 1, 1)
    torch.testing.assert_close(found, (images.float() - mean) / std)
    assert found.dtype == torch.float32
    assert found.is_contiguous()
    assert torch.equal(images, before)


@pytest.mark.parametrize("evaluation_batch", [1, 7, 1000])
def test_evaluation_is_the_mean_over_images(evaluation_batch: int) -> None:
    """Loss and accuracy weigh every chosen image alike, whatever the batches, dropout off."""
    data, model, normalize = make_data(), make_model(), Normalizer(STATISTICS, "cpu")
    indices = torch.tensor([20, 3, 4, 11, 0, 7, 8, 21, 22, 5, 6])
    metrics = evaluate(
        model, data, indices, normalize, TrainingSettings(1, evaluation_batch=evaluation_batch)
    )
    with torch.no_grad():
        logits = model.eval()(normalize(data.images[indices]))
    labels = data.labels[indices]
    assert metrics.mean_loss() == pytest.approx(float(cross_entropy(logits, labels)), rel=1e-5)
    assert metrics.accuracy() == float((logits.argmax(1) == labels).double().mean())


def test_evaluation_changes_nothing() -> None:
    """Weights and batch-norm statistics are the same after an evaluation."""
    data, model = make_data(), make_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    evaluate(model, data, torch.arange(9), Normalizer(STATISTICS, "cpu"), TrainingSettings(1))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("evaluation_batch", [4, 23, 1000])
def test_logits_keep_the_order_of_the_images(evaluation_batch: int) -> None:
    """Logits are float32 (N, classes), row i for image i, however they are batched."""
    data, model, normalize = make_data(), make_model(), Normalizer(STATISTICS, "cpu")
    settings = TrainingSettings(1, evaluation_batch=evaluation_batch)
    found = predict_logits(model, data.images, normalize, settings)
    with torch.no_grad():
        torch.testing.assert_close(found, model.eval()(normalize(data.images)))
    assert found.dtype == torch.float32
    assert not found.requires_grad


@pytest.mark.parametrize(("mean_over", "loss"), [("images", 2.0), ("batches", 3.0)])
def test_a_small_batch_weighs_as_asked_for(mean_over: MeanOver, loss: float) -> None:
    """It counts for its images, or like any other batch, as in hand-written loops."""
    metrics = MetricAccumulator("cpu", mean_over)
    metrics.reset(images=4, batches=2)
    right = torch.eye(4)
    metrics.add(torch.tensor(1.0), right[:3], torch.tensor([0, 1, 0]))
    metrics.add(torch.tensor(5.0), right[:1], torch.tensor([0]))
    assert metrics.mean_loss() == pytest.approx(loss)
    assert metrics.accuracy() == 0.75


def test_restarted_sums_know_nothing_of_before() -> None:
    """The same tensors serve the next epoch."""
    metrics = MetricAccumulator("cpu")
    for _ in range(2):
        metrics.reset(images=2, batches=1)
        metrics.add(torch.tensor(3.0), torch.eye(2), torch.tensor([0, 0]))
    assert (metrics.mean_loss(), metrics.accuracy()) == (3.0, 0.5)


@pytest.mark.parametrize("flip", [False, True])
def test_a_flip_at_test_time_averages_both_images(flip: bool) -> None:
    """The logits are the mean of the image's and the mirror image's, or the image's alone."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    images = torch.rand(3, 1, 3, 4)
    candidate = Candidate(model=MLPConfig(), optimizer=SGDConfig(), test_time_flip=flip)
    alone, mirrored = network(images), network(images.flip(3))
    expected = (alone + mirrored) / 2 if flip else alone
    assert torch.allclose(with_test_time_augmentation(network, candidate)(images), expected)
