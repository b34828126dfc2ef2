"""Predictions of validation images: kept with a training's state, joined over folds, bounded."""

from pathlib import Path

import numpy as np
import pytest
import torch

from cifar_models import MLPConfig
from search.data.dataset import TrainSplit
from search.data.predictions import (
    FoldPredictions,
    TrialPredictions,
    fits,
    load_fold_predictions,
    save_fold_predictions,
)
from search.errors import MachineError
from search.training.checkpoints import Checkpoints
from search.training.trainer import FoldState, FoldTraining
from spaces.candidate import AdamConfig, Candidate
from tests.training.tiny_training import noise_images, tiny_training

EPOCHS = 3


@pytest.fixture(scope="module")
def data() -> TrainSplit:
    return noise_images()


def make_training(
    data: TrainSplit, resume: FoldState | None = None, *, keeps: bool = True
) -> FoldTraining:
    candidate = Candidate(
        model=MLPConfig(hidden_widths=(8,), dropouts=(0.2,)),
        optimizer=AdamConfig(),
        batch_size=8,
        test_time_flip=True,
    )
    return tiny_training(candidate, data, EPOCHS, resume, keeps_predictions=keeps)


def fold(first: int, probabilities: list[list[list[float]]]) -> FoldPredictions:
    """Return predictions of two images of the classes 0 and 1, from an index."""
    return FoldPredictions(
        np.arange(first, first + 2), np.array([0, 1]), np.array(probabilities, dtype=np.float16)
    )


FIRST = fold(0, [[[0.75, 0.25], [0.75, 0.25]], [[0.5, 0.5], [0.25, 0.75]]])
SECOND = fold(2, [[[0.25, 0.75], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])


def test_they_are_those_that_the_epochs_are_scored_by(data: TrainSplit) -> None:
    """One for each epoch, with the candidate's flips; probabilities add up to one."""
    training = make_training(data)
    accuracies = [training.run_epoch(i + 1).validation_accuracy for i in range(EPOCHS)]
    kept = training.predictions()
    assert kept is not None
    assert kept.shape == (EPOCHS, 10, 2)
    right = kept.argmax(dim=2) == data.labels[30:]
    assert right.double().mean(dim=1).tolist() == pytest.approx(accuracies)
    assert np.allclose(kept.double().sum(dim=2), 1, atol=1e-3)


def test_keeping_them_changes_no_figure(data: TrainSplit) -> None:
    """Nothing is kept where nobody asked."""
    with_them, without = make_training(data), make_training(data, keeps=False)
    for epoch in range(1, EPOCHS + 1):
        a, b = with_them.run_epoch(epoch), without.run_epoch(epoch)
        assert (a.train_loss, a.validation_loss) == (b.train_loss, b.validation_loss)
    assert without.predictions() is None
    assert not len(without.state().predictions)


def test_a_resumed_training_keeps_the_same(data: TrainSplit, tmp_path: Path) -> None:
    """Those of the epochs before the checkpoint are in it."""
    whole, first, checkpoints = make_training(data), make_training(data), Checkpoints(tmp_path, "")
    for epoch in range(1, EPOCHS + 1):
        whole.run_epoch(epoch)
    first.run_epoch(1)
    checkpoints.save(0, first.state())
    second = make_training(data, checkpoints.load(0))
    for epoch in range(1, EPOCHS + 1):
        second.run_epoch(epoch)
    expected, found = whole.predictions(), second.predictions()
    assert expected is not None
    assert found is not None
    assert torch.equal(found, expected)


def test_an_ended_training_has_them_without_its_network(data: TrainSplit, tmp_path: Path) -> None:
    """As where the coordinator was killed before it recorded the trial."""
    whole, checkpoints = make_training(data), Checkpoints(tmp_path, "key")
    for epoch in range(1, EPOCHS + 1):
        whole.run_epoch(epoch)
    checkpoints.save(0, whole.state().of_ended())
    again = make_training(data, checkpoints.load(0)).predictions()
    assert again is not None
    assert again.shape == (EPOCHS, 10, 2)


def test_a_checkpoint_of_an_earlier_release_goes_on_without_them(data: TrainSplit) -> None:
    """Half of the epochs would say nothing."""
    first = make_training(data, keeps=False)
    first.run_epoch(1)
    second = make_training(data, first.state())
    second.run_epoch(2)
    assert second.predictions() is None


def test_folds_of_several_files_are_joined(tmp_path: Path) -> None:
    """In the order of their numbers, at the epoch that counts; classes after every epoch."""
    paths = [tmp_path / "a" / "one.npz", tmp_path / "a" / "two.npz"]
    save_fold_predictions(paths[0], {1: SECOND})
    save_fold_predictions(paths[1], {0: FIRST})
    joined = TrialPredictions.of(load_fold_predictions(paths).values(), epoch=2)
    assert joined.images.tolist() == [0, 1, 2, 3]
    assert joined.labels.tolist() == [0, 1, 0, 1]
    assert joined.probabilities.tolist() == [[0.5, 0.5], [0.25, 0.75], [0.0, 1.0], [1.0, 0.0]]
    assert joined.classes.tolist() == [[0, 0, 1, 1], [0, 1, 1, 0]]


def test_a_trials_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    """There may be none."""
    path = tmp_path / "new" / "plan-0.npz"
    assert TrialPredictions.load(path) is None
    written = TrialPredictions.of([FIRST, SECOND], epoch=1)
    written.save(path)
    read = TrialPredictions.load(path)
    assert read is not None
    for name, value in vars(written).items():
        assert np.array_equal(getattr(read, name), value)
        assert getattr(read, name).dtype == value.dtype


@pytest.mark.parametrize("damage", [b"", b"PK", b"no archive at all"])
def test_a_damaged_file_is_told_in_one_line(damage: bytes, tmp_path: Path) -> None:
    """With what to do about it."""
    path = tmp_path / "plan-0.npz"
    path.write_bytes(damage)
    with pytest.raises(MachineError, match=r"plan-0.npz are damaged; remove the file"):
        TrialPredictions.load(path)


def test_arrays_of_unlike_images_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "plan-0.npz"
    np.savez(
        path,
        images=np.arange(3),
        labels=np.zeros(2, dtype=np.int64),
        probabilities=np.zeros((3, 2), dtype=np.float16),
        classes=np.zeros((1, 3), dtype=np.uint8),
    )
    with pytest.raises(MachineError, match="damaged"):
        TrialPredictions.load(path)


def test_a_fold_of_many_images_and_classes_keeps_nothing() -> None:
    """32 MB are the bound: CIFAR-10 by holdout fits, a thousand classes do not."""
    assert fits(epochs=40, images=10_000, classes=10)
    assert fits(epochs=1, images=2**20, classes=16)
    assert not fits(epochs=1, images=2**20 + 1, classes=16)
