"""The leaderboard as lines."""

from rich.console import Console, RenderableType

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
