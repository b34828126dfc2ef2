"""The list of studies, from a database of made-up trials."""

import io
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial
from rich.console import Console
from rich.table import Table
from rich.text import Text

from search.catalog.listing import (
    draw_studies,
    listed_studies,
    studies_json,
    studies_table,
    without_repetitions,
)
from search.paths import RunPaths
from search.tuning.storage import open_storage, storage_url

_RECIPE = {"space": "cnn", "sampler": "random", "validation": "kfold", "folds": 3,
           "with_baseline": True}  # fmt: skip

# State and day of a study whose trials were made just now.
ENDS = ("interrupted", f"{datetime.now():%Y-%m-%d}")


def cells(runs_dir: Path, metric: str | None, asked: int | None = 9) -> list[Any]:
    """Return the cells of a study: complete at 0.5 and 0.7, pruned at 0.9 and 0.1, one waiting."""
    storage = open_storage(storage_url(None, RunPaths(runs_dir, "any").database))
    study = optuna.create_study(study_name="mine", storage=storage)
    if metric is not None:
        study.set_user_attr("recipe", _RECIPE | {"metric": metric, "trials": asked})
        study.set_user_attr("dataset", {"name": "digits"})
    study.add_trials([create_trial(value=value) for value in (0.5, 0.7)])
    study.add_trials([create_trial(state=TrialState.PRUNED, value=value) for value in (0.9, 0.1)])
    study.add_trial(create_trial(state=TrialState.WAITING))
    return [
        cell
        for column in studies_table(listed_studies(runs_dir, None)).columns
        for cell in column.cells
    ]


def drawn_cells(runs_dir: Path) -> list[Any]:
    table = studies_table(listed_studies(runs_dir, None))
    return [cell for column in table.columns for cell in column.cells]


@pytest.mark.parametrize(("metric", "best"), [("accuracy", "70.00%"), ("loss", "0.5000 loss")])
def test_the_best_is_a_complete_trial(tmp_path: Path, metric: str, best: str) -> None:
    """A pruned trial's value is its last report and wins nothing; it counts as ended.

    The recipe is one of before trials had a limit of time.
    """
    *found, time = cells(tmp_path, metric)
    assert found == ["mine", "cnn", "random", "3-fold", "digits", "4 of 9", best, "–", *ENDS]
    assert time.endswith(" s")


def test_a_foreign_study_is_listed_as_such(tmp_path: Path) -> None:
    """A study that another program left in the database does not stop the list."""
    assert cells(tmp_path, None) == [
        "mine", "not made by this program", "", "", "", "4", "", "", "", "", "",
    ]  # fmt: skip


def test_a_diverged_trial_has_no_score(tmp_path: Path) -> None:
    """Optuna has chance for it, which is no validation result."""
    storage = open_storage(storage_url(None, RunPaths(tmp_path, "any").database))
    study = optuna.create_study(study_name="mine", storage=storage)
    study.set_user_attr("recipe", _RECIPE | {"metric": "accuracy", "trials": 2})
    study.set_user_attr("dataset", {"name": "digits"})
    attrs = [{"diverged": True, "plan": plan} for plan in range(2)]
    study.add_trials([create_trial(value=0.1, user_attrs=one) for one in attrs])
    row = [
        cell
        for column in studies_table(listed_studies(tmp_path, None)).columns
        for cell in column.cells
    ]
    assert row[-6:-2] == ["2 of 2", "no winner", "–", "ended"]


def test_a_study_whose_trials_are_done_is_searched(tmp_path: Path) -> None:
    """Only the winner's refit and test are left, which a call of Python may leave for later."""
    storage = open_storage(storage_url(None, RunPaths(tmp_path, "any").database))
    study = optuna.create_study(study_name="mine", storage=storage)
    study.set_user_attr("recipe", _RECIPE | {"metric": "accuracy", "trials": 2})
    study.set_user_attr("dataset", {"name": "digits"})
    study.add_trials([create_trial(value=0.5, user_attrs={"plan": plan}) for plan in range(2)])
    (listed,) = listed_studies(tmp_path, None)
    assert (listed.done, listed.state) == (2, "searched")


@pytest.mark.slow
def test_states_have_colours(tmp_path: Path) -> None:
    """As trials have: what is interrupted is yellow, another program's study is dim."""
    cells(tmp_path, "accuracy")
    optuna.create_study(
        study_name="theirs", storage=storage_url(None, RunPaths(tmp_path, "any").database)
    )
    table = studies_table(listed_studies(tmp_path, None))
    assert [row.style for row in table.rows] == ["yellow", "dim"]
    narrow = draw_studies(table, Console(width=20))
    assert [one.style for one in narrow if isinstance(one, Text)] == ["bold yellow", "bold dim"]


@pytest.mark.slow
@pytest.mark.parametrize(("width", "lines"), [(160, 1), (40, 0)])
def test_rows_that_do_not_fit_are_told_in_words(tmp_path: Path, width: int, lines: int) -> None:
    """No cell is broken: the name on a line of its own, what else is known below."""
    cells(tmp_path, "accuracy")
    console = Console(width=width, file=io.StringIO(), legacy_windows=False)
    drawn = list(draw_studies(studies_table(listed_studies(tmp_path, None)), console))
    assert sum(isinstance(one, Table) for one in drawn) == lines
    with console.capture() as captured:
        console.print(*drawn, sep="\n")
    assert "mine" in captured.get()
    assert "70.00%" in captured.get()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "words"), [(None, "4"), (9, "4 of 9"), (4, "4 of 4"), (2, "4 (2 requested)")]
)
def test_more_trials_than_are_asked_for_now_are_told_as_such(
    tmp_path: Path, asked: int | None, words: str
) -> None:
    """Whoever lowers --trials or --repeats does not read "4 of 2"."""
    assert cells(tmp_path, "accuracy", asked)[5] == words


def test_scripts_get_figures_whole(tmp_path: Path) -> None:
    """The same as an array of objects: fractions unrounded, null for what is not there."""
    cells(tmp_path, "accuracy")
    listed = json.loads(studies_json(listed_studies(tmp_path, None)))
    started, seconds = (listed[0].pop(name) for name in ("started", "seconds"))
    assert listed == [
        {
            "study": "mine",
            "space": "cnn",
            "sampler": "random",
            "validation": "kfold",
            "folds": 3,
            "holdout_fraction": None,
            "dataset": "digits",
            "done": 4,
            "asked": 9,
            "metric": "accuracy",
            "best": 0.7,
            "test": None,
            "without_winner": False,
            "damaged": False,
            "state": "interrupted",
            "repeats": None,
        }
    ]
    assert datetime.fromisoformat(started).date() == datetime.now().date()
    assert seconds >= 0


def test_a_foreign_study_is_one_for_scripts_too(tmp_path: Path) -> None:
    """Its name and ended trials are all that is known."""
    cells(tmp_path, None)
    (study,) = json.loads(studies_json(listed_studies(tmp_path, None)))
    assert study == dict.fromkeys(study) | {
        "study": "mine",
        "done": 4,
        "without_winner": False,
        "damaged": False,
    }


def test_repetitions_are_not_listed_with_their_study(tmp_path: Path) -> None:
    """One whose study is gone is; scripts get all of them."""
    cells(tmp_path, "accuracy")
    storage = open_storage(storage_url(None, RunPaths(tmp_path, "any").database))
    attrs = optuna.load_study(study_name="mine", storage=storage).user_attrs
    for name, repeated in (("part-1", "mine"), ("part-2", "mine"), ("orphan", "gone")):
        repetition = optuna.create_study(study_name=name, storage=storage)
        for key, value in (attrs | {"repeats_study": repeated}).items():
            repetition.set_user_attr(key, value)
    studies = listed_studies(tmp_path, None)
    assert [one.study for one in without_repetitions(studies)] == ["mine", "orphan"]
    told = {one["study"]: one["repeats"] for one in json.loads(studies_json(studies))}
    assert told == {"mine": None, "orphan": "gone", "part-1": "mine", "part-2": "mine"}


def test_a_study_with_damaged_settings_hides_no_other(tmp_path: Path) -> None:
    """It is listed as damaged, next to the others."""
    cells(tmp_path, "accuracy")
    storage = open_storage(storage_url(None, RunPaths(tmp_path, "any").database))
    broken = optuna.create_study(study_name="broken", storage=storage)
    broken.set_user_attr("recipe", {"samqler": "random"})
    first, second = listed_studies(tmp_path, None)
    assert (first.study, first.damaged) == ("broken", True)
    assert (second.study, second.damaged) == ("mine", False)
    assert drawn_cells(tmp_path)[2] == "damaged"


def test_pauses_are_no_time_of_a_study(tmp_path: Path) -> None:
    """Trials at once count once, and a night between two runs does not; ended once it is tested."""
    storage = open_storage(storage_url(None, RunPaths(tmp_path, "any").database))
    study = optuna.create_study(study_name="mine", storage=storage)
    study.set_user_attr("recipe", _RECIPE | {"metric": "accuracy", "trials": 3})
    study.set_user_attr("dataset", {"name": "digits"})
    study.set_user_attr("test", {"accuracy": 0.5})
    began = datetime(2026, 1, 5, 12)
    for first, last in ((0, 60), (30, 90), (50_000, 50_010)):
        trial = create_trial(value=0.5)
        trial.datetime_start = began + timedelta(seconds=first)
        trial.datetime_complete = began + timedelta(seconds=last)
        study.add_trial(trial)
    (listed,) = listed_studies(tmp_path, None)
    assert (listed.started, listed.seconds, listed.state) == (
        began.astimezone().isoformat(), 100.0, "ended",
    )  # fmt: skip
