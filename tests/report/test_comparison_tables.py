"""Comparisons in words, Markdown and CSV."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from search.report.comparison import Comparison, compare
from search.report.render.side_by_side import (
    comparison_csv,
    comparison_markdown,
    notes,
    text_rows,
)
from search.tuning.records import AcceptedChange
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes
from tests.report.comparison_fakes import compared, search


def _two() -> Comparison:
    """Return an ended search beside its baseline, and one that has not begun."""
    ended = fakes.with_end(search("ended", [0.5, 0.75]))
    return compare([compared(ended, baseline_fakes.reproduction(2)), compared(search("open", []))])


def test_a_row_reads_well() -> None:
    """Percentages, intervals, points and times, as in the report."""
    row = text_rows(_two())[0]
    assert [row[name] for name in ("trials", "epochs", "time")] == [
        "2 complete",
        "6",
        "20 min 00 s",
    ]
    assert row["validation score"] == "75.00%"
    assert row["test accuracy"].endswith("%)")
    assert " (" in row["test accuracy"]
    assert row["baseline’s test accuracy"].endswith(", 2 trainings)")
    assert " (SD " in row["baseline’s test accuracy"]
    assert row["difference"].startswith("+")
    assert " points (+" in row["difference"]


def test_what_is_not_there_yet_is_a_dash() -> None:
    """An empty cell could be a mistake, a dash cannot."""
    row = text_rows(_two())[1]
    names = (
        "trials",
        "validation score",
        "test accuracy",
        "baseline’s test accuracy",
        "difference",
    )
    assert {row[name] for name in names} == {"–"}
    assert (row["epochs"], row["time"]) == ("0", "0 s")


def test_a_loss_is_called_one() -> None:
    """Four decimals, and a word, so that it is not taken for an accuracy."""
    trial = fakes.complete_trial(0, [0.5], [0.7], mean=0.4, std=0.1)
    record = fakes.study_record([trial], recipe={"metric": "loss"})
    assert (
        text_rows(compare([compared(record)]))[0]["validation score"]
        == "loss 0.4000 (SD 0.1414, 2 folds)"
    )


def test_a_difference_without_an_interval_stands_alone() -> None:
    """No empty brackets."""
    info = _two()
    versus = info.rows[0].versus
    assert versus is not None
    worse = versus.overall.model_copy(update={"gain": -0.012})
    unpaired = versus.model_copy(update={"paired": None, "overall": worse})
    row = info.rows[0]._replace(versus=unpaired)
    assert text_rows(info._replace(rows=(row,)))[0]["difference"] == "−1.20 points against 64.70%"


def test_one_dataset_is_named_and_several_are_warned_of() -> None:
    """Studies of different images may be compared, but not without a word."""
    one = search("a", [0.5])
    other = replace(
        search("b", [0.5]), dataset=replace(one.dataset, name="birds", fingerprint="e2" * 32)
    )
    (same,) = notes(compare([compared(one)]))
    assert same.endswith("same data: photos.")
    several = [compared(one), compared(other), compared(replace(one, name="c"))]
    (different,) = notes(compare(several))
    assert different.endswith("a, c of photos (f1f1f1f1f1f1); b of birds (e2e2e2e2e2e2).")


def test_a_study_whose_code_changed_is_named() -> None:
    """Its trials are not all of one code, which who compares it should know."""
    change = AcceptedChange(datetime(2026, 11, 22, tzinfo=UTC), 1, ("torch 2.11.0 -> 2.12.0",))
    info = compare(
        [compared(replace(search("a", [0.5]), changes=(change,))), compared(search("b", [0.5]))]
    )
    (changed,) = notes(info)[1:]
    assert changed.endswith(": a.")


def test_a_missing_figure_is_explained() -> None:
    """Baselines alone, or searches that have just begun, have no course."""
    info = compare([compared(baseline_fakes.reproduction(2).record)])
    assert "no plot" in notes(info)[-1]


@pytest.mark.slow
def test_markdown_is_a_table_with_its_reading_and_its_command() -> None:
    """Every line has a cell for each column; the command makes it again."""
    lines = comparison_markdown(
        _two(), "python -m search report ended open --runs-dir r"
    ).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 4
    assert {line.count("|") for line in table} == {len(text_rows(_two())[0]) + 1}
    assert table[0].startswith("| study | space |")
    assert lines[-1] == "Made by `python -m search report ended open --runs-dir r`."


def test_a_bar_in_a_name_does_not_end_a_cell() -> None:
    """A space may lie in a file of any name."""
    record = search("a", [0.5])
    recipe = record.recipe.model_copy(update={"space": "x|y.py:SPACE"})
    text = comparison_markdown(compare([compared(replace(record, recipe=recipe))]), "")
    assert "| x\\|y.py:SPACE |" in text


@pytest.mark.slow
def test_csv_has_every_digit_and_empty_cells() -> None:
    """Other programs read numbers, and nothing where there is nothing."""
    info = _two()
    ended, begun = csv.DictReader(io.StringIO(comparison_csv(info)))
    row = info.rows[0]
    gain, test, baseline_test = row.versus, row.test, row.baseline_test
    assert gain is not None
    assert gain.paired is not None
    assert baseline_test is not None
    assert test is not None
    assert test.interval is not None
    assert float(ended["test"]) == test.value
    assert (float(ended["test_low"]), float(ended["test_high"])) == test.interval
    assert float(ended["difference"]) == gain.overall.gain
    assert (float(ended["difference_low"]), float(ended["difference_high"])) == gain.paired.interval
    assert float(ended["baseline_test_std"]) == baseline_test.std
    assert ended["trials_complete"] == "2"
    assert float(ended["hours"]) == 1 / 3
    assert begun["test"] == begun["difference"] == begun["baseline"] == ""
