"""Other programs read the database of a running search; it loses nothing by that."""

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from search import load_study
from search.evaluation.exporting import export_recipe
from search.events import Event
from search.pipeline import run_and_report, run_study
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.run_events import TrialEnded
from search.tuning.storage import open_storage, storage_url
from search.tuning.store import find_study, read_study


@pytest.mark.slow
def test_what_ends_after_others_have_read_is_stored(make_recipe: Callable[..., Recipe]) -> None:
    """The search and its dashboard publisher write by two connections; each reader ends in between.

    A reader that takes itself for the last one to leave would delete the log that they write to.
    """
    recipe = make_recipe(trials=3, epochs=1)

    def read_after_trial(event: Event) -> None:
        if isinstance(event, TrialEnded):
            assert recipe.study_name in _listed(recipe.runs_dir)

    outcome, report = run_and_report(recipe, read_after_trial, StopRequest(), executor="inline")
    assert report is not None
    database = outcome.paths.database
    copy = database.with_name("copy.db")  # what is in the files, whoever has them open
    for suffix in ("", "-wal"):
        source = Path(f"{database}{suffix}")
        if source.exists():
            Path(f"{copy}{suffix}").write_bytes(source.read_bytes())
    stored = find_study(open_storage(storage_url(None, copy)), recipe.study_name)
    assert stored is not None
    record = read_study(stored)
    assert [trial.kind for trial in record.trials] == ["complete"] * 3
    assert record.test == outcome.record.test


def _listed(runs_dir: Path) -> str:
    command = [sys.executable, "-m", "search", "list", "--runs-dir", str(runs_dir)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.slow
def test_a_budget_that_a_reproduction_once_had_is_left_out(
    make_recipe: Callable[..., Recipe],
) -> None:
    """Its study is read, continued and exported as it was made."""
    recipe = make_recipe(sampler="baseline", trials=1, epochs=1)
    outcome = run_study(recipe, lambda _: None, executor="inline")
    stored = outcome.study.user_attrs["recipe"] | {"budget": 600.0}
    outcome.study.set_user_attr("recipe", stored)
    assert read_study(outcome.study).recipe == outcome.record.recipe
    again = run_study(recipe.model_copy(update={"trials": 2}), lambda _: None, executor="inline")
    assert len(again.record.repeats) == 2
    exported = export_recipe(again.record, again.record.complete()[0], None).toml
    assert Recipe(**tomllib.loads(exported)).budget is None
    study = load_study(recipe.study_name, runs_dir=recipe.runs_dir, executor="inline")
    assert study.run(trials=3).record.n_done() == 3
