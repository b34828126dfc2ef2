"""What training promises for the networks of every family."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch
from torch import nn

from cifar_models import FAMILIES, ModelConfig
from search.data.dataset import TrainSplit, channel_statistics
from search.training.checkpoints import Checkpoints
from search.training.history import FoldEpoch
from search.training.settings import Precision, TrainingSettings
from search.training.steps import EagerStep, Learner, TrainingStep, build_step
from search.training.trainer import FoldState, FoldTask, FoldTraining, run_epochs
from spaces.candidate import AdamWConfig, Candidate
from spaces.schedules import ConstantSchedule
from tests import families
from tests.training.test_training_graph import CpuCapture

EPOCHS, N_TRAIN, N_VALIDATION, N_CLASSES = 3, 30, 10, 3
_RATE = 2**-7  # the same in float32, which captured steps have

every_family = pytest.mark.parametrize("model", families.EXAMPLES.values(), ids=families.EXAMPLES)


def easy_data() -> TrainSplit:
    """Noise with one bright channel, which says the class."""
    generator = torch.Generator().manual_seed(1)
    n = N_TRAIN + N_VALIDATION
    labels = torch.arange(n) % N_CLASSES
    images = torch.randint(0, 60, (n, 3, 8, 8), generator=generator)
    images[torch.arange(n), labels] += 150
    return TrainSplit(images.to(torch.uint8), labels)


def make_training(
    model: ModelConfig,
    *,
    eager: bool = False,
    captured: bool = False,
    resume: FoldState | None = None,
    precision: Precision = "fp32",
    epochs: int = EPOCHS,
    seed: int = 3,
    augmentation: str = "flip",
) -> FoldTraining:
    data, train = easy_data(), torch.arange(N_TRAIN)
    candidate = Candidate(
        model=model,
        optimizer=AdamWConfig(learning_rate=_RATE),
        batch_size=8,
        augmentation=augmentation,
        test_time_flip=True,
        gradient_clip=5.0,
    )
    task = FoldTask(
        train=train,
        validation=torch.arange(N_TRAIN, N_TRAIN + N_VALIDATION),
        statistics=channel_statistics(data.images, train),
        schedule=ConstantSchedule(_RATE),
        seed=seed,
    )

    def build(learner: Learner, indices: torch.Tensor) -> TrainingStep:
        if eager:
            return EagerStep(learner)
        return build_step(learner, indices, CpuCapture() if captured else None)

    settings = TrainingSettings(epochs, precision=precision)
    return FoldTraining(candidate, task, data, N_CLASSES, settings, build, resume)


def run(training: FoldTraining, epochs: int = EPOCHS) -> list[FoldEpoch]:
    return [replace(training.run_epoch(e), seconds=0.0) for e in range(1, epochs + 1)]


def assert_same_weights(one: FoldTraining, other: FoldTraining) -> None:
    torch.testing.assert_close(
        one.model.state_dict(), other.model.state_dict(), rtol=0, atol=0, equal_nan=True
    )


def test_every_family_has_an_example() -> None:
    """A new family is held to the same promises."""
    assert set(families.kinds()) == {family.kind for family in FAMILIES}


@pytest.mark.slow
@every_family
def test_training_repeats_bit_for_bit(model: ModelConfig) -> None:
    """The same task gives the same figures and weights; the global generator is left alone."""
    first = make_training(model)
    figures, before = run(first), torch.get_rng_state()
    torch.rand(3)
    second = make_training(model)
    assert run(second) == figures
    assert_same_weights(first, second)
    assert not torch.equal(torch.get_rng_state(), before)


@pytest.mark.slow
@every_family
def test_a_resumed_training_is_bit_equal(model: ModelConfig, tmp_path: Path) -> None:
    """Killed after any epoch and resumed from the file: the same curves and weights."""
    whole, checkpoints = make_training(model), Checkpoints(tmp_path, "key")
    expected = run(whole)
    for killed_after in range(1, EPOCHS):
        first = make_training(model)
        run(first, killed_after)
        checkpoints.save(0, first.state())
        second = make_training(model, resume=checkpoints.load(0))
        assert run(second) == expected
        assert_same_weights(second, whole)


@pytest.mark.slow
@every_family
def test_a_captured_step_learns_what_an_eager_one_does(model: ModelConfig) -> None:
    """Losses, weights and buffers are equal bit for bit, partial batches included."""
    plain, recorded = make_training(model, eager=True), make_training(model, captured=True)
    assert recorded.fallback is None
    assert run(recorded) == run(plain)
    assert_same_weights(recorded, plain)


@pytest.mark.slow
@every_family
def test_folds_in_lockstep_are_each_as_if_alone(model: ModelConfig) -> None:
    """Which worker trains which folds changes nothing."""
    together = [make_training(model, seed=seed) for seed in (3, 4)]
    figures = list(run_epochs(together, EPOCHS))
    for number, seed in enumerate((3, 4)):
        alone = make_training(model, seed=seed)
        expected = run(alone)
        assert [replace(folds[number], seconds=0.0) for folds in figures] == expected
        assert_same_weights(together[number], alone)


@pytest.mark.slow
@every_family
def test_an_easy_problem_is_learned(model: ModelConfig) -> None:
    """In bf16 as in fp32, with weights kept in float32."""
    for precision in get_args(Precision):
        training = make_training(model, precision=precision, epochs=30)
        figures = run(training, 30)
        assert (figures[-1].validation_accuracy or 0) > 0.85, precision
        kinds = {one.dtype for one in training.model.state_dict().values()}
        assert kinds <= {torch.float32, torch.int64}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pretrained-frozen", "cnn"])
def test_a_backbone_sees_its_own_normalization(name: str) -> None:
    """Not that of the folds, which is what other networks see, in training and validation."""
    model, data = families.EXAMPLES[name], easy_data()
    measured = channel_statistics(data.images, torch.arange(N_TRAIN))
    mean, std = (
        (torch.tensor([0.5, 0.5, 0.5]) * 255, torch.tensor([0.229, 0.224, 0.225]) * 255)
        if name == "pretrained-frozen"
        else (torch.tensor(measured.mean), torch.tensor(measured.std))
    )
    expected = (data.images - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    seen: list[torch.Tensor] = []
    remember = nn.modules.module.register_module_forward_pre_hook(
        lambda module, inputs: seen.append(inputs[0]) if len(inputs[0].shape) == 4 else None
    )
    training = make_training(model, augmentation="none")
    with remember:
        training.run_epoch(1)
    whole = [one for one in seen if one.shape[1:] == (3, 8, 8)]
    for images in whole:
        ours = images.flatten(1).float()
        distances = [
            torch.cdist(ours, one.flatten(1), compute_mode="donot_use_mm_for_euclid_dist").amin(1)
            for one in (expected, expected.flip(3))
        ]
        assert float(torch.minimum(*distances).max()) < 1e-4
    assert sum(len(one) for one in whole) >= N_TRAIN + 2 * N_VALIDATION
