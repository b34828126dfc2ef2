"""Trials by column: which conditions hold, in which order, as a table and as CSV."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from search.errors import UserError
from search.report.trial_table import all_columns
from search.tuning.records import StudyRecord
from search.views.selected_trials import Condition, Selection, describe_selection, selection_csv
from search.views.stored_study import describe_trials
from tests.report import report_fakes as fakes
from tests.views import showing_fakes


@pytest.fixture(scope="module")
def record() -> StudyRecord:
    """Return three complete trials and others, with a parameter that one of them lacks."""
    trials = [
        fakes.complete_trial(0, [0.5], params={"rate": 0.01, "kind": "sgd"}),
        fakes.complete_trial(1, [0.9], params={"rate": 0.1, "kind": "adam"}),
        fakes.complete_trial(2, [0.7], params={"kind": "Adam"}),
        fakes.other_trial(3, "pruned", value=0.2, params={"rate": 0.5, "kind": "sgd"}),
        fakes.other_trial(4, "failed", reason="killed"),
    ]
    return fakes.study_record(trials)


def chosen(record: StudyRecord, *filters: str, sort: str | None = None) -> list[int]:
    return Selection.parse(filters, sort).rows(all_columns(record))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ((), [0, 1, 2, 3, 4]),
        (("rate<0.1",), [0]),
        (("rate<=0.1", "kind=sgd"), [0]),
        (("rate > 0.05",), [1, 3]),
        (("rate=-",), [2, 4]),
        (("rate!=-",), [0, 1, 3]),
        (("kind=adam",), [1, 2]),
        (("score>=70%",), [1, 2]),
        (("score>=0.7", "state!=pruned"), [1, 2]),
        (("params_rate=0.5",), [3]),
        (("state=failed",), [4]),
    ],
)
def test_all_conditions_hold(
    record: StudyRecord, filters: tuple[str, ...], expected: list[int]
) -> None:
    """A trial without a value passes none but a comparison with "-"."""
    assert chosen(record, *filters) == expected


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("rate", [0, 1, 3, 2, 4]), ("-rate", [3, 1, 0, 2, 4]), ("-score", [1, 2, 0, 3, 4])],
)
def test_missing_values_come_last_whichever_way(
    record: StudyRecord, sort: str, expected: list[int]
) -> None:
    """They are neither small nor large."""
    assert chosen(record, sort=sort) == expected


@pytest.mark.parametrize(
    ("filters", "sort", "named"),
    [
        (["rate"], None, "rate"),
        (["rate~1"], None, "rate~1"),
        (["nope<1"], None, "nope"),
        ([], "-nope", "nope"),
        (["rate<fast"], None, "fast"),
        (["kind<sgd"], None, "kind"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    record: StudyRecord, filters: list[str], sort: str | None, named: str
) -> None:
    """It names what was given, and what would be accepted."""
    with pytest.raises(UserError, match=named) as raised:
        chosen(record, *filters, sort=sort)
    assert "\n" not in str(raised.value)


def test_an_unknown_column_names_those_there_are(record: StudyRecord) -> None:
    """Outcomes and parameters."""
    with pytest.raises(UserError) as raised:
        chosen(record, sort="nope")
    for name in ("score", "rate", "kind", "seconds"):
        assert f"{name!r}" in str(raised.value)


@given(
    sign=st.sampled_from(["<", "<=", ">", ">=", "=", "!="]),
    value=st.floats(-1e6, 1e6),
    bound=st.floats(-1e6, 1e6),
)
def test_conditions_are_those_of_python(sign: str, value: float, bound: float) -> None:
    """For numbers of every size, written as Python writes them."""
    expected = eval(f"value {'==' if sign == '=' else sign} bound")  # noqa: S307
    assert Condition.parse(f"x{sign}{bound!r}").holds(value) == expected


def test_csv_has_the_selected_trials_in_order(record: StudyRecord) -> None:
    """With every column, whatever the selection is about."""
    text = selection_csv(record, Selection.parse(["rate!=-"], "-rate"))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["trial"] for row in rows] == ["3", "1", "0"]
    assert {"params_kind", "reason", "score"} <= set(rows[0])


def test_the_table_has_the_columns_asked_for_and_marks_the_best(record: StudyRecord) -> None:
    """The winner stands out, failures are red."""
    console = Console(width=120, file=io.StringIO(), force_terminal=True, color_system="standard")
    with console.capture() as captured:
        console.print(*describe_selection(record, Selection.parse(["score>0"], "kind")))
    lines = captured.get().splitlines()
    assert "kind" in lines[1]
    assert any("32m" in line and "90.00%" in line for line in lines)
    assert "4 of 5 trials" in lines[-1]


@pytest.mark.slow
def test_a_stored_study_is_shown_as_csv(tmp_path: Path) -> None:
    """As `show STUDY --csv` prints it."""
    made = fakes.realistic(6)
    showing_fakes.store(made.record, tmp_path, made.study)
    (text,) = describe_trials(made.record.name, tmp_path, None, Selection(), as_csv=True)
    rows = list(csv.DictReader(io.StringIO(str(text))))
    assert [row["trial"] for row in rows] == list("012345")
    assert float(rows[0]["params_sgd_lr"]) == made.record.trials[0].params["sgd_lr"]
