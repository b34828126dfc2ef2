"""A tiny image folder, and a winner to refit, export and test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cifar_models import MLPConfig
from search.data.dataset import DatasetInfo, DatasetRequest
from search.data.sources import prepare_dataset
from search.recipe import Recipe
from search.training.history import FoldEpoch, History
from search.tuning.records import TrialRecord
from spaces.candidate import Candidate, PlateauConfig, SGDConfig
from tests.study_fixtures import EventRecorder

CANDIDATE = Candidate(
    model=MLPConfig(hidden_widths=(6,), dropouts=(0.2,)),
    optimizer=SGDConfig(learning_rate=0.05),
    schedule=PlateauConfig(factor=0.5, patience=0),
    batch_size=8,
)
# Epoch by epoch, the rates that three folds recorded: their medians are 0.05, 0.025, 0.0125.
FOLD_RATES = [(0.05, 0.05, 0.05), (0.025, 0.05, 0.025), (0.0125, 0.025, 0.0125)]


@pytest.fixture
def listener() -> EventRecorder:
    return EventRecorder()


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Two classes of noisy 6x5 images, dark and bright: 12 each to learn, 5 each to test."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 12), ("test", 5)):
        for offset, name in ((0, "dark"), (100, "light")):
            folder = tmp_path / "shades" / part / name
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = rng.integers(offset, offset + 156, (5, 6, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{i}.png")
    return tmp_path / "shades"


@pytest.fixture
def dataset(image_folder: Path, tmp_path: Path, listener: EventRecorder) -> DatasetInfo:
    return prepare_dataset(DatasetRequest(str(image_folder), tmp_path / "data"), listener)


@pytest.fixture
def recipe() -> Recipe:
    """Return a resolved recipe with a horizon of 8 epochs."""
    return Recipe(space="mlp", epochs=8, device="cpu", precision="fp32", refit="best-epoch")


@pytest.fixture
def make_winner() -> Callable[..., TrialRecord]:
    """Return a maker of complete trials with E* = 3; keyword arguments win."""

    def make(**changes: Any) -> TrialRecord:
        epochs = [
            tuple(FoldEpoch(1.0, 0.5, 1.0, 0.5, rate, 0.1) for rate in rates)
            for rates in [*FOLD_RATES, (1e-3,) * 3]
        ]
        values: dict[str, Any] = {
            "number": 7,
            "plan": 5,
            "attempt": 0,
            "state": "complete",
            "params": {},
            "candidate": CANDIDATE,
            "best_epoch": 3,
            "history": History(tuple(epochs)),
        }
        return TrialRecord(**(values | changes))

    return make
