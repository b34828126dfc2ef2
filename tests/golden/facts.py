"""A study's results, part by part, read from its database with Optuna and sqlite3 alone."""

import json
import re
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import distribution_to_json
from optuna.trial import FrozenTrial

_ENDED = ("COMPLETE", "PRUNED")
_SCORE = ("best_epoch", "fold_scores", "score_mean", "score_std", "diverged", "infeasible")
_CANDIDATE = ("candidate", "n_parameters")
_ORDER = ("plan", "attempt", "fold_epochs")
# Of how a study is run, not of what it is.
_ASIDE = ("data_dir", "runs_dir", "storage", "study_name", "workers")
# Settings that are newer than the record, with the values that mean what studies did before.
_NEWER: dict[str, Any] = {
    "batch": None,
    "set": None,
    "start": "baseline",
    "prior": "off",
    "start_from": None,
    "refit": "best-epoch",
    "refit_epochs": None,
    "objective": None,
    "choose": None,
    "budget": None,
    "max_multiply_adds": None,
    "resize": "stretch",
    "skip_broken": False,
    "image_column": None,
    "label_column": None,
    "split_column": None,
    "groups": None,
    "drop_duplicates": False,
    "finalists": None,
    "repeats": 5,
    "ensemble": None,
}
_BY_DATASET = ("duplicates",)  # the hash of the folds says what it did
_NEWER_BY_SAMPLER: dict[str, dict[str, Any]] = {
    "baseline": {"refit": "one-se"},  # nothing depends on it: a replication is not refitted
    "tpe": {"batch": 1},
}
_NEWER_FIGURES = ("train_cross_entropy",)  # of an epoch

Parts = dict[str, Any]


def load_study(database: Path, name: str) -> optuna.Study:
    """Return a study of a SQLite file."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return optuna.load_study(study_name=name, storage=f"sqlite:///{database}")


def point_parts(study: optuna.Study) -> Parts:
    """Return what the plan tried, which no machine changes unless the sampler learns."""
    parts: Parts = {}
    for plan, trial in _by_plan(study).items():
        ranges = {name: distribution_to_json(one) for name, one in trial.distributions.items()}
        parts[f"plan {plan} params"] = [trial.params, ranges]
        parts[f"plan {plan} candidate"] = [trial.user_attrs.get(name) for name in _CANDIDATE]
    return parts


def setting_parts(study: optuna.Study) -> Parts:
    """Return recipe, dataset and folds."""
    attrs = study.user_attrs
    newer = _NEWER | _NEWER_BY_SAMPLER.get(attrs["recipe"]["sampler"], {})
    recipe = {
        name: value
        for name, value in attrs["recipe"].items()
        if name not in (*_ASIDE, *_BY_DATASET) and (name, value) not in newer.items()
    }
    return {"recipe": recipe, "dataset": attrs["dataset"], "folds hash": attrs["folds_hash"]}


def trial_parts(study: optuna.Study) -> Parts:
    """Return what was measured of every plan index."""
    parts: Parts = {}
    for plan, trial in _by_plan(study).items():
        attrs = trial.user_attrs
        parts[f"plan {plan} state"] = trial.state.name
        parts[f"plan {plan} curve"] = sorted(trial.intermediate_values.items())
        parts[f"plan {plan} history"] = _older_history(attrs.get("history"))
        parts[f"plan {plan} confusion"] = attrs.get("confusion")
        parts[f"plan {plan} score"] = [trial.values, *(attrs.get(name) for name in _SCORE)]
        parts[f"plan {plan} same as"] = _plan(study, attrs.get("same_as"))
    return parts


def _older_history(history: Parts | None) -> Parts | None:
    """Return a history without the figures that are newer than the record."""
    if history is None:
        return None
    epochs = [
        [{k: v for k, v in fold.items() if k not in _NEWER_FIGURES} for fold in folds]
        for folds in history["epochs"]
    ]
    return history | {"epochs": epochs}


def result_parts(study: optuna.Study) -> Parts:
    """Return what was measured: of every plan index, of the refit and of the test."""
    parts, attrs = trial_parts(study), study.user_attrs
    refit = attrs.get("refit") or {}
    parts["refit"] = refit | {"trial": _plan(study, refit.get("trial"))}
    if "history" in refit:
        parts["refit"]["history"] = _older_history(refit["history"])
    test = attrs.get("test")
    parts["test"] = test and {name: one for name, one in test.items() if name != "measures"}
    parts["repeats"] = attrs.get("repeats")
    return parts


def order_part(study: optuna.Study) -> list[list[Any]]:
    """Return each trial's number, plan index, attempt, state and effort, by number."""
    return [
        [trial.number, trial.state.name, *(trial.user_attrs.get(name) for name in _ORDER)]
        for trial in study.trials
    ]


def openings(study: optuna.Study) -> list[str]:
    """Return the purposes for which the test set was opened."""
    return [one["purpose"] for one in study.user_attrs.get("test_openings", [])]


def attribute_names(database: Path, name: str) -> dict[str, list[str]]:
    """Return the names of Optuna's attributes of the study and of its trials together."""
    of_trials = "trial_id IN (SELECT trial_id FROM trials WHERE study_id = ?)"
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT study_id FROM studies WHERE study_name = ?"
        (study_id,) = connection.execute(query, (name,)).fetchone()
        return {
            f"{owner} {kind} attributes": _names(
                connection, f"{owner}_{kind}_attributes WHERE {where}", study_id
            )
            for owner, where in (("study", "study_id = ?"), ("trial", of_trials))
            for kind in ("user", "system")
        }


def _names(connection: sqlite3.Connection, source: str, study_id: int) -> list[str]:
    rows = connection.execute(f"SELECT DISTINCT key FROM {source}", (study_id,))  # noqa: S608
    return sorted({_general(key) for (key,) in rows})


def _general(key: str) -> str:
    """Return an attribute's name without the numbers of trials and artifacts in it."""
    return ":".join("#" if re.search(r"\d", part) else part for part in key.split(":"))


def summary(study: optuna.Study) -> list[str]:
    """Return a line a trial, to be read by people."""
    return [
        f"{trial.number} plan {trial.user_attrs.get('plan')} {trial.state.name} "
        f"{trial.value} {json.dumps(trial.params)}"
        for trial in study.trials
    ]


def _by_plan(study: optuna.Study) -> Mapping[int, FrozenTrial]:
    """Return the trial that ended, of each plan index; of several the last."""
    ended = [trial for trial in study.trials if trial.state.name in _ENDED]
    return dict(sorted((trial.user_attrs["plan"], trial) for trial in _last(ended)))


def _last(trials: list[FrozenTrial]) -> Iterator[FrozenTrial]:
    latest = {trial.user_attrs["plan"]: trial for trial in trials}
    yield from latest.values()


def _plan(study: optuna.Study, number: int | None) -> int | None:
    return None if number is None else int(study.trials[number].user_attrs["plan"])
