"""All trials as CSV."""

import csv
import io

import pytest

from search.report.trial_table import trials_csv
from search.tuning.records import StudyRecord
from tests.report import report_fakes as fakes


def rows(record: StudyRecord) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(trials_csv(record))))


def test_every_trial_has_a_row_with_every_digit() -> None:
    """Outcome, each fold's score and what was sampled can be computed with."""
    record = fakes.realistic(40, n_folds=3).record
    found = rows(record)
    assert [int(row["trial"]) for row in found] == [trial.number for trial in record.trials]
    for row, trial in zip(found, record.trials, strict=True):
        assert row["state"] == trial.kind
        folds = [float(row[f"fold_{k}"]) for k in (1, 2, 3) if row[f"fold_{k}"]]
        assert tuple(folds) == trial.fold_scores
        assert {name: row[f"params_{name}"] for name in trial.params} == {
            name: str(value) for name, value in trial.params.items()
        }


def test_the_spread_is_that_of_the_other_tables() -> None:
    """The sample standard deviation of the folds; none for a single one."""
    record = fakes.study_record([fakes.complete_trial(0, [0.5], [0.6], [0.7])])
    assert float(rows(record)[0]["std"]) == pytest.approx(0.1)
    assert "std" not in rows(fakes.study_record([fakes.complete_trial(0, [0.5])]))[0]


def test_parameters_that_a_trial_lacks_are_empty_and_names_do_not_clash() -> None:
    """A parameter may have the name of an outcome."""
    trials = [
        fakes.complete_trial(0, [0.5], params={"epochs": 7}),
        fakes.complete_trial(1, [0.6], params={"a, b": "x"}),
    ]
    first, second = rows(fakes.study_record(trials))
    assert (first["epochs"], first["params_epochs"], first["params_a, b"]) == ("1", "7", "")
    assert (second["params_epochs"], second["params_a, b"]) == ("", "x")


def test_reasons_name_no_folders() -> None:
    """The file may be sent to somebody."""
    trial = fakes.other_trial(0, "failed", reason="cannot read /home/me/secret/image.png")
    (row,) = rows(fakes.study_record([trial]))
    assert row["reason"] == "cannot read image.png"
