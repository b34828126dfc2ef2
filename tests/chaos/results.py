"""What a search found, as one hash: equal for two searches only if all their figures are."""

import dataclasses
import hashlib
import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from search.paths import ModelPaths
from search.training.history import History
from search.tuning.records import StudyRecord, TrialRecord
from tests.chaos.searches import Search

_ENDED = ("complete", "pruned")


def results_hash(search: Search) -> str:
    """Return the hash of trials, winner, refit, test result and exported weights."""
    record = search.record()
    weights = ModelPaths(search.paths.model_dir).weights.read_bytes()
    table = results_table(record) | {"weights": hashlib.sha256(weights).hexdigest()}
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()


def results_table(record: StudyRecord) -> dict[str, Any]:
    """Return all that a search must repeat, in plan order: no times, no trial numbers."""
    ended = sorted((t for t in record.trials if t.state in _ENDED), key=lambda trial: trial.plan)
    plans = {trial.number: trial.plan for trial in record.trials}
    refit, winner = record.refit, record.winner()
    return {
        "trials": [_row(trial) for trial in ended],
        "winner": winner and winner.plan,
        "refit": refit and [plans[refit.trial], refit.epochs, _figures(refit.history)],
        "test": record.test and dataclasses.asdict(record.test),
    }


def _row(trial: TrialRecord) -> list[Any]:
    candidate = trial.candidate and trial.candidate.model_dump_json()
    scores = [trial.value, trial.best_epoch, trial.fold_scores, trial.mean, trial.std]
    facts = [trial.plan, trial.state, trial.params, candidate, trial.diverged, trial.reason]
    return [*facts, *scores, _figures(trial.history)]


def _figures(history: History) -> list[list[dict[str, Any]]]:
    return [
        [dataclasses.asdict(dataclasses.replace(fold, seconds=0.0)) for fold in folds]
        for folds in history.epochs
    ]


def wrong_plans(record: StudyRecord, n_plans: int) -> list[int]:
    """Return the plan indices that have not exactly one COMPLETE or PRUNED trial."""
    ended = Counter(trial.plan for trial in record.trials if trial.state in _ENDED)
    return [plan for plan in range(n_plans) if ended[plan] != 1] + sorted(
        plan for plan in ended if plan not in range(n_plans)
    )


def database_damage(database: Path) -> str | None:
    """Return what SQLite's own check finds wrong with a file, None where that is nothing."""
    with closing(sqlite3.connect(database)) as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
    return None if verdict == "ok" else str(verdict)
