"""A tiny image folder and recipes for whole searches in one process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from PIL import Image

from search.events import Event, Notice
from search.recipe import Recipe
from search.tuning.records import StudyRecord

E = TypeVar("E", bound=Event)


class EventRecorder:
    """A listener that keeps every event, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def all(self, kind: type[E]) -> list[E]:
        """Return the events of one class."""
        return [event for event in self.events if isinstance(event, kind)]

    def notices(self) -> list[str]:
        """Return the texts of all notices."""
        return [notice.text for notice in self.all(Notice)]


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
def listener() -> EventRecorder:
    return EventRecorder()


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
    return recipe_maker(tmp_path, image_folder, data_dir)


def recipe_maker(folder: Path, image_folder: Path, data_dir: Path) -> Callable[..., Recipe]:
    """Return a maker of small recipes, whose space and runs are in the folder."""
    space = folder / "tiny.py"
    space.write_text(SPACE, encoding="utf-8")

    def make(**settings: Any) -> Recipe:
        defaults: dict[str, Any] = {
            "space": f"{space}:SPACE",
            "dataset": str(image_folder),
            "data_dir": data_dir,
            "runs_dir": folder / "runs",
            "study_name": "study",
            "trials": 5,
            "epochs": 4,
            "precision": "fp32",
            "workers": 1,
        }
        return Recipe(**(defaults | settings))

    return make


def ended_results(record: StudyRecord) -> list[tuple[Any, ...]]:
    """Return what a search came to, whatever interrupted it: its trials that ended, by index."""
    ended = [t for t in record.trials if t.state in ("complete", "pruned")]
    return sorted((t.plan, t.state, t.value, t.best_epoch, t.fold_scores) for t in ended)
