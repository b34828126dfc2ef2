"""report.json and its schema."""

import json
import math
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from search.report.evidence import Evidence, TestedStudy
from search.report.finding import finite, without_folders
from search.report.findings import find_all
from search.report.findings.baseline_comparison import BaselineComparison
from search.report.findings.study import study_status
from search.report.render.json import report_json, report_schema
from search.tuning.records import AcceptedChange
from tests.report import report_fakes as fakes

_SCHEMA = Path(__file__).parents[2] / "search" / "report" / "report.schema.json"
_STUDIES = [
    "kfold_evidence",
    "unfinished_evidence",
    "hostile_evidence",
    "many_classes_evidence",
    "reproduction_evidence",
]


def _read(evidence: Evidence) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(report_json(find_all(evidence)), parse_constant=refuse)


@pytest.fixture(params=_STUDIES)
def evidence(request: pytest.FixtureRequest) -> Evidence:
    found: Evidence = request.getfixturevalue(request.param)
    return found


@pytest.mark.slow
def test_the_committed_schema_is_that_of_the_program() -> None:
    """Who changes a field writes the schema again, with UPDATE_SNAPSHOTS=1."""
    if os.environ.get("UPDATE_SNAPSHOTS"):
        _SCHEMA.write_text(report_schema(), "utf-8")
    assert _SCHEMA.read_text("utf-8") == report_schema()


@pytest.mark.slow
def test_every_report_keeps_to_the_schema(evidence: Evidence) -> None:
    """Searches and baselines, ended or not, by folds or holdout, with names of any kind."""
    validator = Draft202012Validator(json.loads(report_schema()))
    assert list(validator.iter_errors(_read(evidence))) == []


@pytest.mark.slow
def test_the_schema_refuses_what_is_wrong(kfold_evidence: Evidence) -> None:
    """A field of another type, one that lacks and another version are noticed."""
    validator, facts = Draft202012Validator(json.loads(report_schema())), _read(kfold_evidence)
    facts["format"], facts["test"]["accuracy"] = 2, "high"
    del facts["trials"][0]["plan"]
    wrong = [best_match([error]).json_path for error in validator.iter_errors(facts)]
    assert sorted(wrong) == ["$.format", "$.test.accuracy", "$.trials[0]"]


def test_every_field_is_described() -> None:
    """The docstring under it says what it is, in which unit."""
    schema = json.loads(report_schema())
    parts = {"Report": schema} | schema["$defs"]
    silent = [
        f"{name}.{field}"
        for name, part in parts.items()
        for field, rule in part.get("properties", {}).items()
        if not rule.get("description")
    ]
    assert silent == []


@pytest.mark.slow
def test_it_says_what_the_page_says(kfold_evidence: Evidence) -> None:
    """Winner, test, baseline and trials, with every digit."""
    record, facts = kfold_evidence.record, _read(kfold_evidence)
    winner, test, versus = record.winner(), record.test, kfold_evidence.once(BaselineComparison.of)
    assert winner is not None
    assert test is not None
    assert versus is not None
    assert versus.paired is not None
    assert facts["format"] == 1
    assert facts["study"]["folds_hash"] == record.folds_hash
    assert (facts["winner"]["trial"], facts["winner"]["mean"]) == (winner.number, winner.mean)
    assert facts["winner"]["fold_scores"] == list(winner.fold_scores)
    assert facts["test"]["interval"] == list(test.interval)
    assert facts["test"]["confusion"] == [list(row) for row in test.confusion]
    assert facts["versus"]["paired"]["p_value"] == versus.paired.p_value
    assert [trial["number"] for trial in facts["trials"]] == [t.number for t in record.trials]
    assert sum(one["importance"] for one in facts["importances"]["parameters"]) == pytest.approx(1)
    assert facts["optimism"]["words"]
    assert facts["advice"]["words"]
    assert datetime.fromisoformat(facts["openings"][0]["time"]) == record.openings[0].time


def test_a_candidate_can_be_built_from_it(kfold_evidence: Evidence) -> None:
    """Its settings are exact."""
    winner = kfold_evidence.record.winner()
    assert winner is not None
    assert winner.candidate is not None
    settings = _read(kfold_evidence)["winner"]["candidate"]["settings"]
    assert type(winner.candidate).model_validate(settings) == winner.candidate


def test_what_is_not_there_yet_is_null(unfinished_evidence: Evidence) -> None:
    """No winner, no test, and a sentence that says so."""
    facts = _read(unfinished_evidence)
    assert (facts["winner"], facts["test"], facts["refit"], facts["optimism"]) == (None,) * 4
    assert facts["study"]["ended"] is False
    assert facts["study"]["missing"] == study_status(unfinished_evidence.record)


def test_numbers_that_are_not_finite_are_null(unfinished: fakes.Fake) -> None:
    """JSON has no NaN: neither as a value nor among a trial's parameters."""
    wild = fakes.other_trial(0, "pruned", value=math.nan, params={"x": math.inf, "y": [math.nan]})
    record = replace(unfinished.record, trials=(wild, *unfinished.record.trials[1:]))
    (trial, *_) = _read(Evidence(record, unfinished.study))["trials"]
    assert trial["value"] is None
    assert trial["parameters"] == {"x": None, "y": [None]}
    assert finite((1.0, -math.inf, "nan")) == [1.0, None, "nan"]


def test_no_path_of_the_machine_is_told(unfinished: fakes.Fake) -> None:
    """Folders and databases are left out; of a path elsewhere the name stays."""
    record = unfinished.record
    failed = fakes.other_trial(0, "failed", reason="no room for '/home/me/runs/x.npz'")
    change = AcceptedChange(datetime(2026, 11, 22, tzinfo=UTC), 1, ("space '/home/me/s.py:S'",))
    update = {
        "space": "/home/me/s.py:S",
        "dataset": "/home/me/photos",
        "runs_dir": Path("/home/me/runs"),
        "data_dir": Path("/home/me/data"),
        "storage": "sqlite:////home/me/x.db",
    }
    record = replace(
        record,
        recipe=record.recipe.model_copy(update=update),
        trials=(failed, *record.trials[1:]),
        changes=(change,),
    )
    told = report_json(find_all(Evidence(record, unfinished.study)))
    assert "/home" not in told
    assert "no room for 'x.npz'" in told
    assert json.loads(told)["recipe"]["dataset"] == "photos"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/home/me/photos", "photos"),
        ("~/photos/mine", "mine"),
        ("at /a/b.py:S, line 3", "at b.py:S, line 3"),
        ("studies/best.py:CNN", "studies/best.py:CNN"),
        ("cats and/or dogs", "cats and/or dogs"),
        ("https://host/a/b", "https://host/a/b"),
        ("1 / 3", "1 / 3"),
    ],
)
def test_only_paths_from_the_root_are_cut(text: str, told: str) -> None:
    """What is relative, or no path at all, stays as it is."""
    assert without_folders(text) == told


def test_a_baseline_study_has_its_trainings(
    reproduction: TestedStudy, reproduction_evidence: Evidence
) -> None:
    """One row a training with its interval, and the figures of the hand-tuned report."""
    facts = _read(reproduction_evidence)
    assert facts["study"]["kind"] == "baseline"
    assert [row["trial"] for row in facts["repeats"]["rows"]] == [0, 1, 2]
    assert facts["repeats"]["rows"][0]["interval"] == list(reproduction.record.repeats[0].interval)
    assert len(facts["reported"]) == 4
    assert (facts["importances"], facts["advice"]) == (None, None)
