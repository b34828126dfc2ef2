"""Fold racing against k-fold without it and against holdout: the same plan, the same pruner."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from rich.console import Console

from search import text
from search.executors import InlineExecutor, ProcessExecutor
from search.metric import ACCURACY
from search.progress.console import PlainDisplay
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.opening import open_study
from search.tuning.preparing import prepare
from search.tuning.records import StudyRecord
from search.tuning.run import run_search
from search.tuning.store import read_study
from tests.benchmarks.checks import Bound, Check, show_checks
from tests.benchmarks.machine import machine_facts

MOST_COST, MOST_LOSS = 1.6, 0.5  # times the holdout search, points of accuracy


@final
@dataclass(frozen=True)
class Searched:
    """A search of the plan: its record, and the seconds it took from start to end."""

    record: StudyRecord
    wall: float

    @property
    def seconds(self) -> float:
        """Return the seconds of all networks, added up, those in vain included."""
        return sum(trial.seconds for trial in self.record.trials)

    @property
    def score(self) -> float:
        """Return the winner's validation accuracy."""
        winner = self.record.winner()
        return winner.mean or 0.0 if winner is not None else 0.0

    def describe(self) -> str:
        """Return the winner and the epochs, in words."""
        winner = self.record.winner()
        epochs = sum(trial.fold_epochs for trial in self.record.trials)
        name = "no winner" if winner is None else f"winner: point {winner.plan} of the plan"
        return f"{epochs:,} epochs, {self.wall:.0f} s, {name}, {text.score(self.score, ACCURACY)}"


def run(results_dir: Path, **settings: Any) -> None:
    """Print cost and winner of the three searches; `settings` are those of a recipe."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = Recipe.from_sources(None, settings | {"runs_dir": Path(folder)})
        holdout = _search(recipe, study_name="holdout")
        racing = _search(recipe, study_name="racing", validation="kfold", racing=True)
        plain = _search(recipe, study_name="kfold", validation="kfold")
    facts = {name: getattr(racing.record.recipe, name) for name in ("space", "pruner", "epochs")}
    facts |= {"trials": racing.record.recipe.trials, "data": racing.record.dataset.name}
    checks = list(_checks(holdout, racing, plain))
    show_checks("racing", "Fold racing, 5 folds", checks, facts | machine_facts(), results_dir)


def _checks(holdout: Searched, racing: Searched, plain: Searched) -> Iterator[Check]:
    yield Check("holdout: cost", "s", (holdout.seconds,), note=holdout.describe())
    yield Check("k-fold: cost", "s", (plain.seconds,), note=plain.describe())
    yield Check("racing: cost", "s", (racing.seconds,), note=racing.describe())
    cost = racing.seconds / holdout.seconds
    yield Check("racing / holdout", "times", (cost,), Bound("<=", MOST_COST))
    yield Check("k-fold / holdout", "times", (plain.seconds / holdout.seconds,))
    loss = 100 * (plain.score - racing.score)
    yield Check("racing's winner short of k-fold's", "points", (loss,), Bound("<=", MOST_LOSS))


def _search(recipe: Recipe, **changes: Any) -> Searched:
    """Run the search alone: no refit, no test set."""
    display = PlainDisplay(Console(stderr=True))
    asked = Recipe.model_validate(recipe.model_dump() | changes)
    opened = open_study(prepare(asked, InlineExecutor(), display))
    workers = ProcessExecutor(opened.recipe.workers, opened.recipe.threads)
    begin = time.perf_counter()
    try:
        run_search(opened, workers, display, StopRequest())
    finally:
        workers.close()
    return Searched(read_study(opened.study), time.perf_counter() - begin)
