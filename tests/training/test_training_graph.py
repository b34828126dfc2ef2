"""Recorded steps learn what eager ones learn, with a capture that runs on the CPU."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from cifar_models import CNNConfig, MLPConfig
from search.data.dataset import ChannelStatistics, TrainSplit
from search.training.history import FoldEpoch
from search.training.settings import TrainingSettings
from search.training.steps import (
    EagerStep,
    GraphCapture,
    GraphStep,
    Learner,
    StepBuilder,
    TrainingStep,
    build_step,
    make_capturable,
    undo_warm_up,
)
from search.training.trainer import FoldTask, FoldTraining
from spaces import optimizers
from spaces.candidate import AdamConfig, Candidate, OptimizerConfig, SGDConfig
from spaces.losses import FocalLoss
from spaces.schedules import Schedule
from tests.spaces.augmentation_examples import EXAMPLES

N_TRAIN, N_VALIDATION, N_CLASSES, EPOCHS = 30, 10, 3, 3
MLP = MLPConfig(hidden_widths=(8,), dropouts=(0.3,))
CNN = CNNConfig(channels=(4, 6), conv_dropout=0.2, head_dropout=0.3)
CAPTURABLE = {name: one for name, one in EXAMPLES.items() if one.capturable}
VARIED = (SGDConfig, AdamConfig)
OPTIMIZERS: dict[str, OptimizerConfig] = {
    "pure-sgd": SGDConfig(momentum=0.0),
    "sgd": SGDConfig(weight_decay=1e-3),
    "nesterov": SGDConfig(nesterov=True),
    "adam": AdamConfig(weight_decay=1e-3),
    **{one.__name__: one.model_validate({}) for one in optimizers.OPTIMIZERS if one not in VARIED},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "full-batches": {"batch_size": 10},
    "one-image-left": {"batch_size": 29},
    "flip": {"augmentation": "flip"},
    "crop": {"augmentation": "flip_crop"},
    "clip": {"gradient_clip": 0.1},
    "smooth": {"label_smoothing": 0.2},
    "all": {"augmentation": "flip_crop", "gradient_clip": 0.1, "label_smoothing": 0.2},
    "focal": {"loss": FocalLoss(), "class_weights": "balanced"},
    **{name: {"augmentation": (one,)} for name, one in CAPTURABLE.items()},
    "every": {"augmentation": tuple(CAPTURABLE.values()), "loss": FocalLoss()},
}


class CpuCapture(GraphCapture):
    """Really runs what it records, as a warm-up does, and runs it again at each replay."""

    def __init__(self, error: Exception | None = None) -> None:
        self.replays, self._error = 0, error

    def capture(self, function: Callable[[], None]) -> None:
        self._function = function
        for _ in range(3):
            function()
        if self._error is not None:
            raise self._error

    def replay(self) -> None:
        self.replays += 1
        self._function()


class HalvingRates(Schedule):
    """Another rate at each step, all of them float32 numbers, as a recording rounds to these."""

    def rates(self, epoch: int, steps: int) -> list[float]:
        return [2.0 ** -(4 + epoch + step) for step in range(steps)]

    def after(self, validation_loss: float) -> "HalvingRates":
        return self


def eager(learner: Learner, train: torch.Tensor) -> TrainingStep:
    return EagerStep(learner)


def recorded(capture: GraphCapture) -> StepBuilder:
    return lambda learner, train: build_step(learner, train, capture)


def make_candidate(model: MLPConfig | CNNConfig = CNN, **changes: Any) -> Candidate:
    settings = {"optimizer": AdamConfig(), "batch_size": 8, **changes}
    return Candidate(model=model, **settings)


def make_training(candidate: Candidate, build: StepBuilder, seed: int = 3) -> FoldTraining:
    generator, n = torch.Generator().manual_seed(0), N_TRAIN + N_VALIDATION
    images = torch.randint(0, 256, (n, 3, 8, 8), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, N_CLASSES, (n,), generator=generator)
    task = FoldTask(
        train=torch.arange(N_TRAIN),
        validation=torch.arange(N_TRAIN, n),
        statistics=ChannelStatistics((120.0, 130.0, 125.0), (70.0, 71.0, 72.0)),
        schedule=HalvingRates(),
        seed=seed,
    )
    data = TrainSplit(images, labels)
    return FoldTraining(candidate, task, data, N_CLASSES, TrainingSettings(EPOCHS), build)


def run(training: FoldTraining, epochs: int = EPOCHS) -> list[FoldEpoch]:
    return [replace(training.run_epoch(e), seconds=0.0) for e in range(1, epochs + 1)]


def assert_same_state(one: nn.Module, other: nn.Module) -> None:
    torch.testing.assert_close(one.state_dict(), other.state_dict(), rtol=0, atol=0)


def assert_learns_as_eager(candidate: Candidate) -> None:
    plain, recording = (
        make_training(candidate, eager),
        make_training(candidate, recorded(CpuCapture())),
    )
    assert run(recording) == run(plain)
    assert_same_state(recording.model, plain.model)


@pytest.mark.slow
@pytest.mark.parametrize("model", [MLP, CNN], ids=["mlp", "cnn"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_recorded_steps_learn_bit_for_bit_what_eager_ones_do(
    optimizer: str, model: MLPConfig | CNNConfig
) -> None:
    """For every optimizer, losses, weights and buffers are equal, partial batches included."""
    assert_learns_as_eager(make_candidate(model, optimizer=OPTIMIZERS[optimizer]))


@pytest.mark.slow
@pytest.mark.parametrize("settings", SETTINGS)
def test_recorded_steps_follow_every_setting(settings: str) -> None:
    """Augmentation, clipping, smoothing and batch sizes reach the recorded step."""
    assert_learns_as_eager(make_candidate(**SETTINGS[settings]))


def test_full_batches_are_replayed_and_smaller_ones_are_not() -> None:
    """Of 30 images in batches of 8, three batches an epoch are replayed."""
    capture = CpuCapture()
    run(make_training(make_candidate(), recorded(capture)))
    assert capture.replays == 3 * EPOCHS


def test_tensors_that_a_recording_uses_stay_in_place() -> None:
    """Weights, buffers, optimizer state and rate keep their memory while training goes on."""
    seen: list[Learner] = []

    def build(learner: Learner, train: torch.Tensor) -> TrainingStep:
        seen.append(learner)
        return build_step(learner, train, CpuCapture())

    def places() -> list[int]:
        network, optimizer = seen[0].network, seen[0].optimizer
        states = [value for state in optimizer.state.values() for value in state.values()]
        rates = [group["lr"] for group in optimizer.param_groups]
        tensors = [*network.parameters(), *network.buffers(), *states, *rates]
        return [tensor.data_ptr() for tensor in tensors]

    training = make_training(make_candidate(), build)
    before = places()
    run(training)
    assert places() == before


def test_recording_leaves_no_trace() -> None:
    """Weights, buffers and random state are as before, fresh optimizer state is zero."""
    seen: list[Learner] = []

    def build(learner: Learner, train: torch.Tensor) -> TrainingStep:
        seen.append(learner)
        return build_step(learner, train, CpuCapture())

    random_state = torch.get_rng_state()
    recording = make_training(make_candidate(), build)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert_same_state(recording.model, make_training(make_candidate(), eager).model)
    states = [v for state in seen[0].optimizer.state.values() for v in state.values()]
    assert states
    assert all(not value.any() for value in states)
    assert all(parameter.grad is None for parameter in recording.model.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_rehearsal_in_the_midst_of_training_is_undone(optimizer: str) -> None:
    """Optimizer state that was there gets its old values back, so training goes on as it would."""
    candidate = make_candidate(optimizer=OPTIMIZERS[optimizer])
    seen: list[Learner] = []

    def build(learner: Learner, train: torch.Tensor) -> TrainingStep:
        seen.append(learner)
        return EagerStep(learner)

    disturbed, plain = make_training(candidate, build), make_training(candidate, eager)
    for training in (disturbed, plain):
        training.run_epoch(1)
    with undo_warm_up(seen[0]):
        seen[0].learn(torch.arange(8), ())
    for training in (disturbed, plain):
        training.run_epoch(2)
    assert_same_state(disturbed.model, plain.model)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_failed_recording_falls_back_to_the_same_training(optimizer: str) -> None:
    """Where a step cannot be captured, eager steps go on from the same state, and it is said."""
    candidate = make_candidate(optimizer=OPTIMIZERS[optimizer])
    capture = CpuCapture(RuntimeError("operation not permitted\nwhen stream is capturing"))
    fallen, plain = make_training(candidate, recorded(capture)), make_training(candidate, eager)
    assert fallen.fallback == "RuntimeError: operation not permitted"
    assert plain.fallback is None
    assert run(fallen) == run(plain)
    assert_same_state(fallen.model, plain.model)
    assert capture.replays == 0


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), KeyError("bug")])
def test_other_failures_of_recording_are_not_hidden(error: Exception) -> None:
    """Neither too little memory nor a mistake of ours leads to a silent fallback."""
    with pytest.raises(type(error)):
        make_training(make_candidate(), recorded(CpuCapture(error)))


def test_nothing_is_recorded_where_no_batch_is_full() -> None:
    """With fewer images than a batch has, every step is eager."""
    capture = CpuCapture()
    training = make_training(make_candidate(batch_size=64), recorded(capture))
    run(training)
    assert capture.replays == 0
    assert training.fallback is None


def test_a_function_of_the_users_is_not_recorded_and_the_trial_says_so() -> None:
    """It may decide things on the CPU, which a replay would repeat for ever."""
    capture = CpuCapture()
    candidate = make_candidate(augmentation=EXAMPLES["custom"])
    training = make_training(candidate, recorded(capture))
    assert training.fallback == "posterize may decide things on the CPU"
    assert run(training) == run(make_training(candidate, eager))
    assert capture.replays == 0


@pytest.mark.slow
@pytest.mark.parametrize("augmentation", ["flip", tuple(EXAMPLES.values())], ids=["flip", "every"])
def test_folds_that_take_turns_learn_as_alone(augmentation: Any) -> None:
    """A fold's epochs depend on its task alone, not on recordings replayed between them."""
    candidate = make_candidate(augmentation=augmentation, class_weights="balanced")
    alone = [make_training(candidate, recorded(CpuCapture()), seed) for seed in (3, 4)]
    together = [make_training(candidate, recorded(CpuCapture()), seed) for seed in (3, 4)]
    expected = [run(training) for training in alone]
    turns = [[replace(t.run_epoch(e), seconds=0.0) for t in together] for e in (1, 2, 3)]
    assert [list(fold) for fold in zip(*turns, strict=True)] == expected


def test_a_cpu_has_nothing_to_record() -> None:
    """On a CPU steps are eager."""
    training = make_training(make_candidate(), build_step)
    assert isinstance(training._step, EagerStep)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_recordable_optimizer_reads_its_rate_from_a_tensor(optimizer: str) -> None:
    """Each group has a rate that a recording can read; Adam is told that it is recorded."""
    seen: list[Learner] = []

    def build(learner: Learner, train: torch.Tensor) -> TrainingStep:
        seen.append(learner)
        return EagerStep(learner)

    make_training(make_candidate(optimizer=OPTIMIZERS[optimizer]), build)
    (rate,) = make_capturable(seen[0].optimizer, "cpu")
    groups = seen[0].optimizer.param_groups
    assert all(group["lr"] is rate.tensor for group in groups)
    assert all(group.get("capturable", True) for group in groups)


def test_step_records_only_images_learned_from() -> None:
    """The images that a recording is made with are the training part's."""
    met: list[list[int]] = []

    def build(learner: Learner, train: torch.Tensor) -> TrainingStep:
        step = build_step(learner, train[5:], CpuCapture())
        assert isinstance(step, GraphStep)
        met.append(step._indices.tolist())
        return step

    make_training(make_candidate(), build)
    assert met == [list(range(5, 13))]
