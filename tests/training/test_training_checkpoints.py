"""Checkpoints: whole or not at all, of this very training, and bit-equal to go on from."""

import dataclasses
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cifar_models import CNNConfig, MLPConfig
from search.data.dataset import TrainSplit
from search.paths import RunPaths
from search.pipeline import run_study
from search.recipe import Recipe
from search.training.checkpoints import Checkpoints, training_key
from search.training.history import FoldEpoch
from search.training.trainer import FoldState, FoldTraining
from spaces import optimizers
from spaces.augmentation import PRESETS
from spaces.candidate import (
    Candidate,
    ConstantConfig,
    CosineConfig,
    OneCycleConfig,
    OptimizerConfig,
    PlateauConfig,
    ScheduleConfig,
    SGDConfig,
)
from spaces.losses import LOSSES, LossConfig
from tests.spaces.augmentation_examples import EXAMPLES
from tests.training.tiny_training import noise_images, tiny_training

Maker = Callable[..., Recipe]
EPOCHS = 4
OPTIMIZERS = (
    SGDConfig(nesterov=True, weight_decay=1e-3),
    *(kind.model_validate({}) for kind in optimizers.OPTIMIZERS if kind is not SGDConfig),
)
SCHEDULES = (
    ConstantConfig(), PlateauConfig(patience=0), CosineConfig(), OneCycleConfig()
)  # fmt: skip
MODELS = (
    MLPConfig(hidden_widths=(8,), dropouts=(0.2,)),
    CNNConfig(channels=(4, 8), conv_dropout=0.2),
)


@pytest.fixture(scope="module")
def data() -> TrainSplit:
    return noise_images()


def make_training(
    candidate: Candidate, data: TrainSplit, resume: FoldState | None = None
) -> FoldTraining:
    return tiny_training(candidate, data, EPOCHS, resume)


def figures(training: FoldTraining) -> list[FoldEpoch]:
    """Return the figures of all epochs, without their times."""
    epochs = [training.run_epoch(epoch) for epoch in range(1, EPOCHS + 1)]
    return [dataclasses.replace(epoch, seconds=0.0) for epoch in epochs]


def assert_same_weights(a: FoldTraining, b: FoldTraining) -> None:
    ours, theirs = a.model.state_dict(), b.model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS, ids=["mlp", "cnn"])
@pytest.mark.parametrize(
    ("optimizer", "schedule", "augmentation"),
    list(product(OPTIMIZERS, SCHEDULES, list(PRESETS))),
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_a_resumed_training_is_bit_equal(
    model: Any,
    optimizer: OptimizerConfig,
    schedule: ScheduleConfig,
    augmentation: str,
    data: TrainSplit,
    tmp_path: Path,
) -> None:
    """Killed after any epoch and gone on with from the file: the same curves and weights."""
    candidate = Candidate(
        model=model,
        optimizer=optimizer,
        schedule=schedule,
        augmentation=augmentation,
        batch_size=8,
    )
    whole, checkpoints = make_training(candidate, data), Checkpoints(tmp_path, "key")
    expected = figures(whole)
    for killed_after in range(1, EPOCHS):
        first = make_training(candidate, data)
        for epoch in range(1, killed_after + 1):
            first.run_epoch(epoch)
        checkpoints.save(0, first.state())
        second = make_training(candidate, data, checkpoints.load(0))
        assert figures(second) == expected
        assert_same_weights(second, whole)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS, ids=["mlp", "cnn"])
@pytest.mark.parametrize("augmentation", EXAMPLES)
@pytest.mark.parametrize("loss", LOSSES, ids=lambda kind: kind.key())
def test_a_resumed_training_with_any_augmentation_and_loss_is_bit_equal(
    model: Any, augmentation: str, loss: type[LossConfig], data: TrainSplit, tmp_path: Path
) -> None:
    """Random numbers of an augmentation and weights of classes follow from task and epoch."""
    candidate = Candidate(
        model=model,
        optimizer=OPTIMIZERS[0],
        augmentation=EXAMPLES[augmentation],
        batch_size=8,
        loss=loss.model_validate({}),
        class_weights="balanced",
        label_smoothing=0.1,
    )
    whole, checkpoints = make_training(candidate, data), Checkpoints(tmp_path, "key")
    expected = figures(whole)
    first = make_training(candidate, data)
    first.run_epoch(1)
    checkpoints.save(0, first.state())
    second = make_training(candidate, data, checkpoints.load(0))
    assert figures(second) == expected
    assert_same_weights(second, whole)


def make_state(value: float) -> FoldState:
    epoch = FoldEpoch(value, 0.5, value, 0.5, 0.1, 1.0)
    return FoldState(
        (epoch,), {"weight": torch.full((3,), value)}, {"state": {}, "param_groups": []}
    )


def test_the_newest_state_is_loaded(tmp_path: Path) -> None:
    """The key and the fold say whose it is; there is none of another."""
    checkpoints = Checkpoints(tmp_path / "plan-3", "key")
    assert checkpoints.load(0) is None
    for value in (1.0, 2.0, 3.0):
        checkpoints.save(0, make_state(value))
    state = checkpoints.load(0)
    assert state is not None
    assert state.history == make_state(3.0).history
    assert state.model["weight"].tolist() == [3.0] * 3
    assert checkpoints.load(1) is None
    assert Checkpoints(tmp_path / "plan-3", "other").load(0) is None


@pytest.mark.parametrize("damage", ["truncated", "emptied", "flipped", "removed"])
def test_damage_falls_back_on_the_one_before(damage: str, tmp_path: Path) -> None:
    """What cannot be trusted is passed over; a damaged pair is as good as none."""
    checkpoints = Checkpoints(tmp_path, "key")
    for value in (1.0, 2.0):
        checkpoints.save(0, make_state(value))
    _damage(tmp_path / "fold-0.ckpt", damage)
    state = checkpoints.load(0)
    assert state is not None
    assert state.model["weight"].tolist() == [1.0] * 3
    _damage(tmp_path / "fold-0.previous", damage)
    assert checkpoints.load(0) is None


def _damage(path: Path, damage: str) -> None:
    data = path.read_bytes()
    if damage == "removed":
        path.unlink()
    elif damage == "flipped":
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    else:
        path.write_bytes(data[: len(data) // 2] if damage == "truncated" else b"")


def test_damage_of_the_newest_is_known(tmp_path: Path) -> None:
    """So that it can be said; where there is no file, or another training's, nothing is damaged."""
    checkpoints = Checkpoints(tmp_path, "key")
    assert not checkpoints.damaged(0)
    checkpoints.save(0, make_state(1.0))
    assert not checkpoints.damaged(0)
    assert not Checkpoints(tmp_path, "another").damaged(0)
    _damage(tmp_path / "fold-0.ckpt", "flipped")
    assert checkpoints.damaged(0)


def test_every_flipped_bit_is_caught(tmp_path: Path) -> None:
    """300 flips at places drawn from the whole file, which torch would mostly load silently."""
    checkpoints, path = Checkpoints(tmp_path, "key"), tmp_path / "fold-0.ckpt"
    checkpoints.save(0, make_state(1.0))
    good, places = path.read_bytes(), np.random.default_rng(0)
    for _ in range(300):
        bit = int(places.integers(8 * len(good)))
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bad)
        assert checkpoints.load(0) is None, bit


def test_a_write_that_fails_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk costs the new state alone."""
    checkpoints = Checkpoints(tmp_path, "key")
    checkpoints.save(0, make_state(1.0))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("search.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoints.save(0, make_state(2.0))
    state = checkpoints.load(0)
    assert state is not None
    assert state.model["weight"].tolist() == [1.0] * 3


def test_keys_tell_trainings_apart() -> None:
    """Any fact that differs makes another key; the same facts make the same."""
    assert training_key("a", 1) == training_key("a", 1)
    keys = {training_key(*facts) for facts in [("a", 1), ("a", 2), ("b", 1), ("a", "1"), ("a",)]}
    assert len(keys) == 5


@pytest.mark.slow
@pytest.mark.parametrize("killed_at", [1, 3, 6, 9, 14])
@pytest.mark.parametrize("folds", [1, 3])
def test_an_interrupted_search_trains_no_epoch_twice(
    killed_at: int,
    folds: int,
    make_recipe: Maker,
    listener: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Interrupted at any epoch, search or refit, it ends as if it had not been, at its cost."""
    validation: dict[str, Any] = {"validation": "kfold", "folds": folds} if folds > 1 else {}
    settings = {"trials": 2, "epochs": 3, "pruner": "none"} | validation
    trained = _count_epochs(monkeypatch, None)
    expected = run_study(make_recipe(**settings), listener, executor="inline").record
    n_epochs = len(trained)
    if killed_at >= n_epochs:
        pytest.skip("ended before")
    again = make_recipe(**settings, runs_dir=tmp_path / "again")
    trained = _count_epochs(monkeypatch, killed_at)
    with pytest.raises(KeyboardInterrupt):
        run_study(again, listener, executor="inline")
    outcome = run_study(again, listener, executor="inline")
    found = [t for t in outcome.record.trials if t.state == "complete"]
    assert [(t.plan, t.mean, t.params) for t in found] == [
        (t.plan, t.mean, t.params) for t in expected.trials
    ]
    assert outcome.record.test == expected.test
    # the epoch that was cut off, and for folds in lockstep those before it in the same epoch
    assert len(trained) <= n_epochs + folds
    assert not any(outcome.paths.checkpoints_dir.rglob("*")), "checkpoints are left"


@pytest.mark.slow
def test_a_search_tells_of_a_damaged_checkpoint(
    make_recipe: Maker, listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, with trial and fold; it goes on from the one before."""
    recipe = make_recipe(trials=2, epochs=3, pruner="none")
    _count_epochs(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        run_study(recipe, listener, executor="inline")
    folder = RunPaths(recipe.runs_dir, recipe.study_name).trial_checkpoints(0)
    _damage(folder / "fold-0.ckpt", "flipped")
    run_study(recipe, listener, executor="inline")
    told = listener.notices()
    assert told
    assert all("fold 0" in text and "damaged" in text for text in told)


def _count_epochs(monkeypatch: pytest.MonkeyPatch, killed_at: int | None) -> list[int]:
    """Return a list that grows with every epoch trained; the one of that number is interrupted."""
    monkeypatch.undo()
    trained: list[int] = []
    whole = FoldTraining._run_epoch

    def run(self: FoldTraining, epoch: int) -> FoldEpoch:
        trained.append(epoch)
        if len(trained) - 1 == killed_at:
            raise KeyboardInterrupt
        return whole(self, epoch)

    monkeypatch.setattr(FoldTraining, "_run_epoch", run)
    return trained
