"""A tiny image folder and recipes for whole searches in one process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from search.recipe import Recipe
from search.tuning.records import TrialRecord


class SilentObserver:
    """Hears everything and keeps the order of events."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def notice(self, text: str) -> None:
        self.events.append(("notice", text))

    def progress(self, description: str, done: int, total: int) -> None:
        self.events.append(("progress", description, done, total))

    def study_opened(self, recipe: Recipe, n_planned: int, done: list[TrialRecord]) -> None:
        self.events.append(("opened", n_planned, len(done)))

    def trial_started(self, number: int, plan: int, slot: int) -> None:
        self.events.append(("started", number, plan, slot))

    def epoch_ended(self, number: int, epoch: int, score: float) -> None:
        self.events.append(("epoch", number, epoch, score))

    def trial_waiting(self, number: int) -> None:
        self.events.append(("waiting", number))

    def folds_earned(self, numbers: list[int], n_folds: int, of: int) -> None:
        self.events.append(("earned", numbers, n_folds, of))

    def stopping(self, n_training: int) -> None:
        self.events.append(("stopping", n_training))

    def trial_ended(self, trial: TrialRecord) -> None:
        self.events.append(("ended", trial.number, trial.state))

    def search_ended(self) -> None:
        self.events.append(("search ended",))


SPACE = """
from spaces import AdamConfig, Candidate, MLPConfig, SGDConfig, Space

def suggest(trial):
    width = trial.suggest_categorical("width", [2, 4, 8])
    if trial.suggest_categorical("optimizer", ["sgd", "adam"]) == "sgd":
        optimizer = SGDConfig(learning_rate=trial.suggest_float("sgd_lr", 1e-3, 1.0, log=True))
    else:
        optimizer = AdamConfig(learning_rate=trial.suggest_float("adam_lr", 1e-4, 0.1, log=True))
    model = MLPConfig(hidden_widths=(width,), dropouts=(0.1,))
    return Candidate(model=model, optimizer=optimizer, batch_size=16)

SPACE = Space(
    "tiny",
    suggest,
    baseline_params={"width": 4, "optimizer": "adam", "adam_lr": 0.01},
    grid_levels={"sgd_lr": [0.01, 0.1], "adam_lr": [0.01]},
)
"""


@pytest.fixture
def observer() -> SilentObserver:
    return SilentObserver()


@pytest.fixture(scope="session")
def image_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of noisy 8x8 images that differ in colour: 30 each, and 10 each to test."""
    root = tmp_path_factory.mktemp("images") / "colours"
    rng = np.random.default_rng(0)
    for part, count in (("train", 30), ("test", 10)):
        for channel, name in enumerate(("red", "green", "blue")):
            folder = root / part / name
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = rng.integers(0, 200, (8, 8, 3))
                pixels[:, :, channel] += 40
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i}.png")
    return root


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def make_recipe(image_folder: Path, data_dir: Path, tmp_path: Path) -> Callable[..., Recipe]:
    """Return a maker of small recipes; keyword arguments win over its defaults."""
    space = tmp_path / "tiny.py"
    space.write_text(SPACE, encoding="utf-8")

    def make(**settings: Any) -> Recipe:
        defaults: dict[str, Any] = {
            "space": f"{space}:SPACE",
            "dataset": str(image_folder),
            "data_dir": data_dir,
            "runs_dir": tmp_path / "runs",
            "study_name": "study",
            "trials": 5,
            "epochs": 4,
            "precision": "fp32",
            "workers": 1,
        }
        return Recipe(**(defaults | settings))

    return make
