"""Parallel coordinates, by hand-made studies."""

from dataclasses import replace

import pytest

from search.report.blocks import Chart
from search.report.explorer import explorer_content
from search.report.findings.parallel_coordinates import ParallelCoordinates
from search.report.scales import linear_scale, log_scale
from search.report.scoring import After, comparable_trials
from tests.report import report_fakes as fakes


def axes_of(fake: fakes.Fake) -> ParallelCoordinates:
    found = ParallelCoordinates.of(fake.evidence())
    assert found is not None
    return found


def chart_of(info: ParallelCoordinates) -> Chart:
    (plot,) = info.plots()
    assert plot.page is not None
    return plot.page()


def test_axes_carry_positions_and_ticks() -> None:
    """A logarithmic range, choices and the score each become positions from 0 to 1."""
    fake = fakes.study_of(
        [{"rate": 1e-3, "kind": "adam"}, {"rate": 1e-2, "kind": "sgd"}], [0.5, 0.75]
    )
    info = axes_of(fake)
    kind, rate, score = info.dimensions
    assert (kind.name, rate.name, score.name) == ("kind", "rate", "validation accuracy")
    assert rate.positions == pytest.approx((0.25, 0.5))
    assert [label for _, label in rate.ticks] == ["0.0001", "0.001", "0.01", "0.1", "1"]
    assert kind.positions == (1.0, 0.0)
    assert kind.ticks == ((0.0, "sgd"), (1.0, "adam"))
    assert score.positions == (0.0, 1.0)
    assert info.values == (0.5, 0.75)


def test_a_missing_parameter_stands_at_the_dash() -> None:
    """A trial without a conditional parameter stands below that parameter's whole range."""
    fake = fakes.study_of([{"x": 0.0, "y": 0.3}, {"y": 0.4}, {"x": 1.0, "y": 0.5}], [0.1, 0.2, 0.3])
    x = axes_of(fake).dimensions[0]
    assert x.ticks[0] == (0.0, "not used")
    assert x.positions[1] == 0.0
    assert 0.0 < x.positions[0] < x.positions[2] == 1.0


def test_axes_follow_the_order_of_importance() -> None:
    """Parameters named in the order come first, others by name, the score last."""
    fake = fakes.study_of([{"x": 0.1, "y": 0.2, "rate": 0.01}], [0.5])
    info = ParallelCoordinates.ordered(fake.evidence(), ["y"])
    names = [dimension.name for dimension in info.dimensions]
    assert names == ["y", "rate", "x", "validation accuracy"]


def test_the_epoch_at_which_trials_are_compared_is_told() -> None:
    """Pruned trials have no score: with them, all stand where they were after one epoch."""
    trials = [
        fakes.complete_trial(0, [0.2, 0.3, 0.9], params={"x": 0.1}),
        fakes.other_trial(
            1, "pruned", value=0.4, params={"x": 0.2}, history=fakes.history([[0.1, 0.4]])
        ),
    ]
    study = fakes.optuna_study(trials, [{"x": fakes.RANGES["x"]}] * 2)
    info = axes_of(fakes.Fake(fakes.study_record(trials), study))
    assert (info.after, info.values) == (After(epoch=2), (0.3, 0.4))
    assert info.dimensions[-1].name == "validation accuracy after epoch\N{NO-BREAK SPACE}2"


def test_no_axes_without_scored_trials(unfinished: fakes.Fake) -> None:
    """A study without a complete trial gives a reason."""
    info = axes_of(unfinished)
    assert (info.dimensions, info.reason) == ((), "no trial is complete yet")


def test_one_trial_is_not_drawn_as_lines(kfold: fakes.Fake) -> None:
    record = kfold.record
    alone = kfold._replace(record=replace(record, trials=(record.complete()[0],)))
    assert axes_of(alone).plots() == ()
    assert axes_of(kfold).plots()


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 0.3), (0.8, 0.98), (16, 128), (-1e-9, 1e-9), (0.1234, 0.1235)]
)
def test_linear_ticks_are_few_and_inside(low: float, high: float) -> None:
    """Ticks rise from one end to the other, and are never so many that they overprint."""
    positions = [position for position, _ in linear_scale(low, high).ticks()]
    assert positions == sorted(positions)
    assert positions[0] == 0.0
    assert positions[-1] == pytest.approx(1.0)
    assert 2 <= len(positions) <= 9


def test_a_single_value_stands_in_the_middle() -> None:
    """A range of one value has one tick at half height."""
    assert linear_scale(3, 3).ticks() == ((0.5, "3"),)
    assert log_scale(3, 3).ticks() == ((0.5, "3"),)
    assert [label for _, label in log_scale(64, 2048).ticks()] == ["64", "100", "1000", "2048"]


@pytest.mark.slow
def test_chart_holds_every_trial(kfold: fakes.Fake) -> None:
    """Each scored trial is one line over all axes, the best ones drawn last."""
    info = axes_of(kfold)
    figure = chart_of(info).figure
    lines = [text for trace in figure.data for text in trace.text if text]
    assert len(lines) == len(info.numbers) * len(info.dimensions)
    best = info.numbers[info.values.index(max(info.values))]
    last = figure.data[-1]
    assert best in last.customdata
    assert set(last.customdata) - {None} <= {trial.number for trial in kfold.record.trials}


@pytest.mark.slow
def test_chart_has_room_for_its_last_name(kfold: fakes.Fake) -> None:
    """The chart grows by what stands beyond its last axis, and a long name is broken."""
    info = axes_of(kfold)

    def chart_with(name: str) -> Chart:
        *others, last, score = info.dimensions
        dimensions = (*others, last._replace(name=name), score)
        return chart_of(info.model_copy(update={"dimensions": dimensions}))

    narrow, wide, long = (chart_with("x" * n) for n in (1, 24, 60))
    margin = wide.figure.layout.margin.r
    assert margin > 24 * 6
    assert wide.min_width - narrow.min_width == margin - narrow.figure.layout.margin.r > 0
    assert long.figure.layout.margin.r == margin
    assert long.figure.layout.xaxis.ticktext[-1] == "<br>".join(("x" * 24, "x" * 24, "x" * 12))


def test_unlike_scores_share_no_axis(kfold: fakes.Fake) -> None:
    """Where trials were stopped early, all are placed and coloured by the epoch that they share."""
    record, study = kfold
    ranges, found = [one.distributions for one in study.trials], comparable_trials(record)
    content = explorer_content(record, ranges, (), found)
    (score,) = (one for one in content["columns"] if one["score"])
    (compared,) = (one for one in content["columns"] if one["compared"])
    assert (score["axis"], compared["axis"]) == (False, True)
    assert found.after is not None
    known = [value for value in compared["values"] if value is not None]
    assert sorted(known) == pytest.approx(sorted(found.values), rel=1e-6)
    complete = replace(record, trials=tuple(t for t in record.trials if t.kind == "complete"))
    alike = explorer_content(complete, ranges, (), comparable_trials(complete))
    assert [one["score"] for one in alike["columns"] if one["axis"]].count(True) == 1
    assert not any(one["compared"] for one in alike["columns"])


def test_it_begins_with_how_the_trials_ended() -> None:
    """The best and the worst score of those that are complete, and how many others there are."""
    points = [{"rate": 10.0**-power} for power in (1, 2, 3)]
    fake = fakes.study_of(points, [0.5, 0.75, 0.25])
    assert axes_of(fake).sentences()[0] == (
        "3 of 3 trials are complete, with a validation accuracy of 25.00% to 75.00%."
    )
    pruned = fakes.other_trial(1, "pruned", value=0.1, history=fakes.history([[0.1]]))
    record = fakes.study_record([fakes.complete_trial(0, [0.5]), pruned])
    told, *_ = axes_of(fakes.Fake(record, fakes.optuna_study(record.trials))).sentences()
    assert told == "1 of 2 trials is complete, with a validation accuracy of 50.00%; 1 pruned."


def test_the_sentence_about_losses_ends_with_the_lowest() -> None:
    """Which is the best, as the highest of accuracies is."""
    fake = fakes.study_of([{"rate": 0.1}, {"rate": 0.01}], [0.75, 0.5])
    recipe = fake.record.recipe.model_copy(update={"metric": "loss"})
    found = axes_of(fake._replace(record=replace(fake.record, recipe=recipe)))
    assert "a validation loss of 0.7500 to 0.5000" in found.sentences()[0]
