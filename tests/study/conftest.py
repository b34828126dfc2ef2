"""One small study made through the Python API, and what makes others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import search

RunMaker = Callable[..., search.Study]


def suggest(trial: Any) -> search.Candidate:
    """Suggest one of three widths and a learning rate."""
    width = trial.suggest_categorical("width", (2, 4, 8))
    rate = trial.suggest_float("lr", 1e-3, 0.1, log=True)
    model = search.MLPConfig(hidden_widths=(width,), dropouts=(0.1,))
    optimizer = search.AdamConfig(learning_rate=rate)
    return search.Candidate(model=model, optimizer=optimizer, batch_size=16)


@pytest.fixture
def run(image_folder: Path, data_dir: Path, tmp_path: Path) -> RunMaker:
    """Return `search.run` with small defaults; keyword arguments win over them."""
    return runner(tmp_path / "runs", image_folder, data_dir)


@pytest.fixture(scope="session")
def finished(
    image_folder: Path, data_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> search.Study:
    """A study of six trials that has been refitted and tested; not to be changed."""
    run = runner(tmp_path_factory.mktemp("finished"), image_folder, data_dir)
    study = run(trials=6, validation=search.KFold(2), study_name="finished")
    study.test()
    return study


def runner(runs_dir: Path, image_folder: Path, data_dir: Path) -> RunMaker:
    def run(**settings: Any) -> search.Study:
        defaults: dict[str, Any] = {
            "space": suggest,
            "data": image_folder,
            "data_dir": data_dir,
            "runs_dir": runs_dir,
            "trials": 3,
            "epochs": 3,
            "precision": "fp32",
            "workers": 1,
            "executor": "inline",
        }
        return search.run(**(defaults | settings))

    return run
