"""The course of a search and its best trials, by hand-made studies."""

import statistics

from search.plotting import paper_style
from search.report.blocks import Table
from search.report.charts import trial_hover_texts, with_stories
from search.report.findings.trials import Trials, optimization_history
from tests.report import report_fakes as fakes


def test_best_so_far_runs_over_trials_that_can_win() -> None:
    """Neither a pruned trial's last report nor a diverged trial's chance raises the best."""
    record = fakes.study_record(
        [
            fakes.other_trial(0, "pruned", value=0.9),
            fakes.complete_trial(1, [0.5, 0.6]),
            fakes.other_trial(2, "complete", value=0.95, diverged=True),
            fakes.complete_trial(3, [0.55]),
            fakes.complete_trial(4, [0.7, 0.6]),
            fakes.other_trial(5, "running"),
        ]
    )
    points = optimization_history(record)
    assert [p.best for p in points] == [None, 0.6, 0.6, 0.6, 0.7]
    assert [p.value for p in points] == [0.9, 0.6, 0.95, 0.55, 0.7]
    assert [p.kind for p in points] == ["pruned", "complete", "diverged", "complete", "complete"]


def test_best_so_far_follows_the_plan() -> None:
    """The order is the plan's, so that no number of workers and no second attempt changes it."""
    first = fakes.complete_trial(0, [0.5], plan=1)
    again = fakes.complete_trial(2, [0.6], plan=0, attempt=1)
    failed = fakes.other_trial(1, "failed", plan=0)
    points = optimization_history(fakes.study_record([first, failed, again]))
    assert [p.number for p in points] == [1, 2, 0]
    assert [p.best for p in points] == [None, 0.6, 0.6]


def test_best_so_far_falls_with_a_loss() -> None:
    """With the loss as the score, lower is better."""
    trials = [
        fakes.other_trial(i, "complete", value=v, mean=v, best_epoch=1)
        for i, v in enumerate([0.9, 0.7, 0.8])
    ]
    record = fakes.study_record(trials, recipe={"metric": "loss"})
    assert [p.best for p in optimization_history(record)] == [0.9, 0.7, 0.7]


def test_history_has_labels_and_whole_trials(kfold: fakes.Fake) -> None:
    """The axes are named, and each kind of trial stands in the legend."""
    (plot,) = Trials.of(kfold.evidence()).plots()
    assert plot.paper is not None
    with paper_style():
        figure = plot.paper()
    (axes,) = figure.axes
    assert axes.get_xlabel() == "trial, in the plan's order"
    assert axes.get_ylabel() == "validation accuracy"
    assert all(tick == round(tick) for tick in axes.get_xticks())
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"complete", "diverged (chance)", "infeasible", "failed", "best so far"} <= set(legend)


def test_history_chart_tells_each_trial(kfold: fakes.Fake) -> None:
    """Hovering gives the trial's number, state, score, folds and candidate in words."""
    (plot,) = Trials.of(kfold.evidence()).plots()
    assert plot.page is not None
    figure = with_stories(plot.page().figure, trial_hover_texts(kfold.record))
    complete = next(trace for trace in figure.data if trace.name == "complete")
    story = complete.customdata[0]
    assert story.startswith("<b>trial 0</b>, complete: ")
    assert "folds: " in story
    assert "hree convolutions" in story


def test_the_winner_is_marked(kfold: fakes.Fake) -> None:
    """By a star, on paper and on the page; where no trial can win there is none."""
    (plot,) = Trials.of(kfold.evidence()).plots()
    assert plot.page is not None
    assert plot.paper is not None
    winner = kfold.record.winner()
    assert winner is not None
    (star,) = [one for one in plot.page().figure.data if one.name == "winner"]
    assert (star.x, star.y) == ((winner.plan,), (winner.mean,))
    assert "winner" in [one.get_label() for one in plot.paper().axes[0].lines]
    lost = fakes.study_record([fakes.other_trial(index, "failed") for index in range(2)])
    (plot,) = Trials.of(fakes.evidence(lost)).plots()
    assert plot.page is not None
    assert "winner" not in [one.name for one in plot.page().figure.data]


def test_the_table_holds_the_ten_best() -> None:
    """It holds complete trials only, best first, with a spread where there are folds."""
    trials = [fakes.complete_trial(i, [0.1 + 0.01 * i]) for i in range(12)]
    (table,) = tables(Trials.of(fakes.evidence(fakes.study_record(trials))))
    assert [row[:2] for row in table.rows] == [
        (str(rank), str(number)) for rank, number in enumerate(range(11, 1, -1), start=1)
    ]
    assert "Spread" not in table.header


def test_a_spread_needs_folds(kfold: fakes.Fake) -> None:
    """With cross-validation each row has the sample standard deviation over its folds."""
    (table,) = tables(Trials.of(kfold.evidence()))
    winner = kfold.record.winner()
    assert winner is not None
    spread = statistics.stdev(winner.fold_scores)
    assert table.rows[0][table.header.index("Spread")] == f"{100 * spread:.2f} points"


def tables(finding: Trials) -> list[Table]:
    return [block for block in finding.blocks() if isinstance(block, Table)]


def test_one_trial_is_no_course() -> None:
    """An axis around a single value would go from -100% to 300%."""
    found = Trials.of(fakes.evidence(fakes.study_record([fakes.complete_trial(0, *[[0.6]] * 5)])))
    assert found.plots() == ()
    assert len(tables(found)) == 1


def test_a_study_that_has_just_begun_has_no_course() -> None:
    """One sentence stands in its place."""
    found = Trials.of(fakes.evidence(fakes.study_record([fakes.other_trial(0, "running")])))
    assert found.plots() == ()
    assert len(found.sentences()) == 1
