"""The leaderboard as lines."""

from dataclasses import replace

from rich.console import Console, RenderableType

from search.tuning.after_search import Finalist
from search.tuning.records import StudyRecord
from search.views.running import best_table, describe_result, who_won
from search.views.stored_study import count_trials, leaderboard
from spaces.cnn import CNN_SPACE
from tests.report.report_fakes import complete_trial, study_record


def text(renderables: list[RenderableType], width: int) -> list[str]:
    console = Console(width=width, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        for one in renderables:
            console.print(one)
    return captured.get().splitlines()


def test_a_narrow_terminal_gets_the_candidate_below() -> None:
    """Ten trials of ten folds at 80 columns: no line is broken within its figures."""
    curves = [[0.1 * (fold % 3), 0.5 + 0.01 * fold] for fold in range(10)]
    trials = [complete_trial(i, *curves, candidate=CNN_SPACE.baseline()) for i in range(10)]
    record = study_record(trials, recipe={"validation": "kfold", "folds": 10})
    lines = text(list(leaderboard(record, None, narrow=True)), 80)
    assert lines[0].split() == [
        "rank",
        "trial",
        "score",
        "spread",
        "E*/epochs",
        "parameters",
        "time",
    ]
    assert [line.split()[0] for line in lines[1:] if not line.startswith("      ")] == (
        [str(rank) for rank in range(1, 10)] + ["10"]
    )
    assert max(map(len, lines)) <= 80
    assert "      folds 50.00%" in lines[2]


def test_columns_without_figures_are_left_out() -> None:
    """Holdout has neither a spread nor folds."""
    record = study_record([complete_trial(0, [0.5])])
    heading, *_ = text(list(leaderboard(record, 1, narrow=False)), 200)
    assert heading.split() == [
        "rank",
        "trial",
        "score",
        "E*/epochs",
        "parameters",
        "time",
        "candidate",
    ]


def test_a_study_that_has_just_started_has_no_trials() -> None:
    """Nothing is drawn, and one phrase says why."""
    assert list(leaderboard(study_record([]), None, narrow=True)) == []
    assert count_trials(study_record([])) == "no trials yet"


def test_the_winner_is_marked_where_finalists_decided() -> None:
    """The line above tells by what; ranks are those of the search."""
    record = chosen_by_finalists()
    above, heading, *rows = text(list(leaderboard(record, None, narrow=False)), 1000)
    assert heading.split()[:2] == ["rank", "trial"]
    assert [row.split()[:3] for row in rows] == [["1", "0", "90.00%"], ["2", "*", "1"]]
    assert "trial 1 has won" in above
    assert "85.00%" in above
    plain = text(list(leaderboard(replace(record, finalists=()), None, narrow=False)), 300)
    assert all("* " not in line and "has won" not in line for line in plain)


def test_the_best_trials_at_the_end_of_a_run_are_marked_alike() -> None:
    record = chosen_by_finalists()
    rows = [line for line in text([best_table(record)], 120) if "%" in line]
    assert ["*" in row for row in rows] == [False, True]
    (words,) = who_won(record)
    assert "trial 1 has won" in words
    assert "trained again: 85.00%" in " ".join(text(list(describe_result(record)), 120))


def chosen_by_finalists() -> StudyRecord:
    """Return a study whose trial 0 was ahead in the search, and whose trial 1 has won."""
    baseline = CNN_SPACE.baseline()
    assert baseline is not None
    other = baseline.model_copy(update={"batch_size": 32})
    trials = [
        complete_trial(0, [0.90], candidate=baseline),
        complete_trial(1, [0.89], candidate=other),
    ]
    return replace(
        study_record(trials), finalists=(Finalist(0, (0.80, 0.80)), Finalist(1, (0.84, 0.86)))
    )
