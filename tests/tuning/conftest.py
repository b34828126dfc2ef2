"""Searches that several tests compare theirs with."""

from pathlib import Path
from typing import Any

import pytest

from search.executors import InlineExecutor
from search.executors.probes import Price, WarmUp
from search.tuning import running_trials
from search.tuning.records import StudyRecord
from tests.study_fixtures import EventRecorder, recipe_maker
from tests.tuning.searches import Priced, Undisturbed, searched


@pytest.fixture(scope="session")
def undisturbed(
    image_folder: Path, data_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Undisturbed:
    """Return what searches with given settings, each once."""
    known: dict[str, StudyRecord] = {}

    def record(settings: dict[str, Any]) -> StudyRecord:
        key = repr(settings)
        if key not in known:
            folder = tmp_path_factory.mktemp("undisturbed")
            recipe = recipe_maker(folder, image_folder, data_dir)(**settings)
            known[key] = searched(recipe, EventRecorder(), InlineExecutor())
        return known[key]

    return record


@pytest.fixture
def looked_at_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scheduler not wait for a `LateExecutor`, whose jobs end by being looked at."""
    monkeypatch.setattr(running_trials, "_POLL_SECONDS", 0.0)


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> Priced:
    """Return what sets the seconds that any candidate is found to take for an image."""

    def price(seconds: float) -> None:
        def prices(warm_up: WarmUp, _: object) -> tuple[Price, ...]:
            return (Price(1000, seconds),) * len(warm_up.candidates)

        monkeypatch.setattr(WarmUp, "run", prices)

    return price
