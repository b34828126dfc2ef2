"""Parallel coordinates, by hand-made studies."""

from collections.abc import Sequence
from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from search.report.info.parallel import parallel_coordinates_info
from search.report.plots.scales import linear_scale, log_scale
from search.report.trials import After
from tests.report import report_fakes as fakes

X, RATE = FloatDistribution(0.0, 1.0), FloatDistribution(1e-3, 1e-1, log=True)
KIND = CategoricalDistribution(("sgd", "adam"))


def study_of(points: Sequence[dict[str, Any]], scores: Sequence[float]) -> fakes.Fake:
    """Return a study whose trials have these parameters and scores."""
    known = {
        "x": X, "y": X, "rate": RATE, "kind": KIND, "fixed": IntDistribution(3, 3),
    }  # fmt: skip
    trials = [
        fakes.complete_trial(i, [score], params=params)
        for i, (params, score) in enumerate(zip(points, scores, strict=True))
    ]
    distributions = [{name: known[name] for name in params} for params in points]
    return fakes.Fake(fakes.study_record(trials), fakes.optuna_study(trials, distributions))


def test_axes_carry_positions_and_ticks() -> None:
    """A logarithmic range, choices and the score each become positions from 0 to 1."""
    fake = study_of([{"rate": 1e-3, "kind": "adam"}, {"rate": 1e-2, "kind": "sgd"}], [0.5, 0.75])
    info = parallel_coordinates_info(*fake)
    kind, rate, score = info.dimensions
    assert (kind.name, rate.name, score.name) == ("kind", "rate", "validation accuracy")
    assert rate.positions == pytest.approx((0.0, 0.5))
    assert [label for _, label in rate.ticks] == ["0.001", "0.01", "0.1"]
    assert kind.positions == (1.0, 0.0)
    assert kind.ticks == ((0.0, "sgd"), (1.0, "adam"))
    assert score.positions == (0.0, 1.0)
    assert info.values == (0.5, 0.75)


def test_a_missing_parameter_stands_at_the_dash() -> None:
    """A trial without a conditional parameter stands below that parameter's whole range."""
    fake = study_of([{"x": 0.0, "y": 0.3}, {"y": 0.4}, {"x": 1.0, "y": 0.5}], [0.1, 0.2, 0.3])
    x = parallel_coordinates_info(*fake).dimensions[0]
    assert x.ticks[0] == (0.0, "-")
    assert x.positions[1] == 0.0
    assert 0.0 < x.positions[0] < x.positions[2] == 1.0


def test_axes_follow_the_order_of_importance() -> None:
    """Parameters named in the order come first, others by name, the score last."""
    fake = study_of([{"x": 0.1, "y": 0.2, "rate": 0.01}], [0.5])
    info = parallel_coordinates_info(*fake, order=["y"])
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
    study = fakes.optuna_study(trials, [{"x": X}] * 2)
    info = parallel_coordinates_info(fakes.study_record(trials), study)
    assert (info.after, info.values) == (After(epoch=2), (0.3, 0.4))
    assert info.dimensions[-1].name == "validation accuracy after epoch\N{NO-BREAK SPACE}2"


def test_no_axes_without_scored_trials(unfinished: fakes.Fake) -> None:
    """A study without a complete trial gives a reason."""
    info = parallel_coordinates_info(*unfinished)
    assert (info.dimensions, info.reason) == ((), "no trial is complete yet")


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
