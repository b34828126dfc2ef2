"""The training loop against the same steps written plainly with torch.

It guards every later speed-up: whatever the loop does, it must do what this plain code does.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, TensorDataset

from cifar_models import CNNConfig, MLPConfig, build_model
from search.data.dataset import ChannelStatistics, TrainSplit, channel_statistics
from search.seeding import derive_seed
from search.training.settings import TrainingSettings
from search.training.trainer import FoldTask, FoldTraining
from spaces.candidate import AdamConfig, AdamWConfig, Candidate, PlateauConfig, SGDConfig
from tests.training.training_plain import with_plain_dropout

EPOCHS, N_TRAIN, N_VALIDATION, N_CLASSES, SEED = 5, 44, 20, 3, 7
SHAPE = (3, 8, 8)
# The two sides round differently (fused optimizers, channels-last convolutions, /255 first), by
# about 1e-7 a step. Over 30 steps that grows to 2e-6 for weights and to 2e-6 of the value for
# running variances (measured); an error of the loop, such as a wrong batch, rate, seed or decay,
# shows from 1e-4 up. Losses agree to 2e-7.
STATE_TOLERANCE = 1e-5
LOSS_TOLERANCE = 2e-6

MLP = MLPConfig(hidden_widths=(16, 8), dropouts=(0.3, 0.2))
PLAIN_MLP = MLPConfig(hidden_widths=(16, 8), dropouts=(0.3, 0.2), batch_norm=False)
CNN = CNNConfig(channels=(4, 6), conv_dropout=0.2, head_dropout=0.3)
SGD = SGDConfig(learning_rate=0.05, momentum=0.9, weight_decay=1e-3)
NESTEROV = SGDConfig(learning_rate=0.2, momentum=0.8, nesterov=True)
PURE_SGD = SGDConfig(learning_rate=0.1, momentum=0.0)
# A bias in front of a batch norm has a gradient of rounding noise, which Adam scales up to whole
# steps; L2 decay gives it a gradient to speak of, so batch-normed networks are compared with it.
ADAM = AdamConfig(learning_rate=3e-3, weight_decay=1e-2)
PURE_ADAM = AdamConfig(learning_rate=3e-3, betas=(0.8, 0.99))
ADAMW = AdamWConfig(learning_rate=3e-3, weight_decay=0.1)
PLATEAU = PlateauConfig(factor=0.3, patience=0)

CANDIDATES = {
    "mlp-sgd": Candidate(model=MLP, optimizer=SGD, schedule=PLATEAU, batch_size=8),
    "mlp-nesterov": Candidate(
        model=MLP, optimizer=NESTEROV, schedule=PLATEAU, batch_size=8, label_smoothing=0.1
    ),
    "mlp-adam": Candidate(
        model=MLP, optimizer=ADAM, schedule=PLATEAU, batch_size=8, gradient_clip=0.5
    ),
    "mlp-pure-adam": Candidate(
        model=PLAIN_MLP, optimizer=PURE_ADAM, schedule=PLATEAU, batch_size=8
    ),
    "mlp-adamw": Candidate(
        model=PLAIN_MLP, optimizer=ADAMW, schedule=PLATEAU, batch_size=8, label_smoothing=0.2
    ),
    "cnn-pure-sgd": Candidate(model=CNN, optimizer=PURE_SGD, schedule=PLATEAU, batch_size=8),
    "cnn-sgd": Candidate(
        model=CNN, optimizer=SGD, schedule=PLATEAU, batch_size=8, gradient_clip=0.5
    ),
    "cnn-nesterov": Candidate(model=CNN, optimizer=NESTEROV, schedule=PLATEAU, batch_size=16),
    "cnn-adam": Candidate(
        model=CNN, optimizer=ADAM, schedule=PLATEAU, batch_size=8, label_smoothing=0.1
    ),
}


@dataclass(frozen=True)
class Epoch:
    """One epoch of either side: its figures and the state it left."""

    learning_rate: float
    figures: tuple[float, float, float, float]
    state: dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def data() -> TrainSplit:
    """Random images whose channels differ, with random labels, so that plateaus come soon."""
    generator = torch.Generator().manual_seed(0)
    n = N_TRAIN + N_VALIDATION
    images = torch.randint(0, 200, (n, *SHAPE), dtype=torch.uint8, generator=generator)
    images += torch.tensor([0, 20, 40], dtype=torch.uint8).view(1, 3, 1, 1)
    return TrainSplit(images, torch.randint(0, N_CLASSES, (n,), generator=generator))


def train_with_our_loop(candidate: Candidate, data: TrainSplit) -> Iterator[Epoch]:
    train = torch.arange(N_TRAIN)
    task = FoldTask(
        train=train,
        validation=torch.arange(N_TRAIN, N_TRAIN + N_VALIDATION),
        statistics=channel_statistics(data.images, train),
        schedule=candidate.schedule.build(candidate.optimizer.learning_rate, EPOCHS),
        seed=SEED,
    )
    settings = TrainingSettings(EPOCHS, evaluation_batch=7)
    training = FoldTraining(candidate, task, data, N_CLASSES, settings)
    for epoch in range(1, EPOCHS + 1):
        one = training.run_epoch(epoch)
        assert one.validation_loss is not None
        assert one.validation_accuracy is not None
        yield Epoch(
            one.learning_rate,
            (one.train_loss, one.train_accuracy, one.validation_loss, one.validation_accuracy),
            _copy_state(training.model),
        )


def train_plainly(candidate: Candidate, data: TrainSplit) -> Iterator[Epoch]:
    statistics = channel_statistics(data.images, torch.arange(N_TRAIN))
    dataset = TensorDataset(_to_floats(data.images, statistics), data.labels)
    validation = TensorDataset(*dataset[N_TRAIN : N_TRAIN + N_VALIDATION])
    torch.manual_seed(derive_seed(SEED, "init"))
    model = with_plain_dropout(build_model(candidate.model, SHAPE, N_CLASSES))
    optimizer = _plain_optimizer(candidate, model)
    scheduler = ReduceLROnPlateau(optimizer, mode="min", factor=0.3, patience=0)
    criterion = nn.CrossEntropyLoss(label_smoothing=candidate.label_smoothing)
    for epoch in range(1, EPOCHS + 1):
        rate = optimizer.param_groups[0]["lr"]
        # Its own generator, as a loader draws from the global one, which dropout needs.
        loader = DataLoader(
            dataset, candidate.batch_size, sampler=_order(epoch), generator=torch.Generator()
        )
        torch.manual_seed(derive_seed(SEED, "dropout", epoch))
        trained = _train_epoch(model, loader, criterion, optimizer, candidate.gradient_clip)
        validated = _validate(model, DataLoader(validation, 5, generator=torch.Generator()))
        scheduler.step(validated[0])
        yield Epoch(rate, (*trained, *validated), _copy_state(model))


def _to_floats(images: torch.Tensor, statistics: ChannelStatistics) -> torch.Tensor:
    """Return what ToTensor and Normalize make of the images."""
    mean = torch.tensor(statistics.mean).view(1, -1, 1, 1) / 255
    std = torch.tensor(statistics.std).view(1, -1, 1, 1) / 255
    return (images.float() / 255 - mean) / std


def _order(epoch: int) -> list[int]:
    shuffle = torch.Generator().manual_seed(derive_seed(SEED, "order", epoch))
    order: list[int] = torch.randperm(N_TRAIN, generator=shuffle).tolist()
    return order


def _plain_optimizer(candidate: Candidate, model: nn.Module) -> torch.optim.Optimizer:
    settings = candidate.optimizer.model_dump(exclude={"name", "learning_rate"})
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    optimizer: torch.optim.Optimizer = kind[candidate.optimizer.name](
        model.parameters(), lr=candidate.optimizer.learning_rate, **settings
    )
    return optimizer


def _train_epoch(
    model: nn.Module,
    loader: "DataLoader[tuple[torch.Tensor, ...]]",
    criterion: nn.Module,
    optimizer: torch.optim.Optimizer,
    clip: float | None,
) -> tuple[float, float]:
    model.train()
    loss_sum, correct = 0.0, 0
    for images, labels in loader:
        optimizer.zero_grad()
        logits = model(images)
        loss = criterion(logits, labels)
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        loss_sum += loss.item() * len(labels)
        correct += int((logits.argmax(1) == labels).sum())
    return loss_sum / N_TRAIN, correct / N_TRAIN


@torch.no_grad()
def _validate(
    model: nn.Module, loader: "DataLoader[tuple[torch.Tensor, ...]]"
) -> tuple[float, float]:
    model.eval()
    criterion = nn.CrossEntropyLoss(reduction="sum")
    loss_sum, correct = 0.0, 0
    for images, labels in loader:
        logits = model(images)
        loss_sum += criterion(logits, labels).item()
        correct += int((logits.argmax(1) == labels).sum())
    return loss_sum / N_VALIDATION, correct / N_VALIDATION


def _copy_state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", CANDIDATES)
def test_loop_does_what_plain_torch_does(name: str, data: TrainSplit) -> None:
    """Weights, batch-norm buffers, losses, accuracies and rates agree after every epoch."""
    ours = list(train_with_our_loop(CANDIDATES[name], data))
    plain = list(train_plainly(CANDIDATES[name], data))
    for mine, theirs in zip(ours, plain, strict=True):
        torch.testing.assert_close(
            mine.state, theirs.state, rtol=STATE_TOLERANCE, atol=STATE_TOLERANCE
        )
        assert mine.figures == pytest.approx(theirs.figures, rel=LOSS_TOLERANCE)
        assert mine.learning_rate == pytest.approx(theirs.learning_rate, rel=1e-12)
    assert len({epoch.learning_rate for epoch in ours}) > 1, "the plateau rule was never at work"
