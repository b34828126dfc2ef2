"""Other ranges for parameters of a space."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from search.errors import UserError
from spaces import BUILT_IN, MLPConfig, Space, load_space
from spaces.errors import SpaceError
from spaces.load import describe_space, read_ranges
from spaces.prior import Weights
from tests.spaces.user_files import write_space

CNN = BUILT_IN["cnn"]


def ranges_of(space: Space) -> dict[str, Any]:
    return {one.name: one.distribution for one in space.parameters()}


def parsed(*texts: str, space: Space = CNN) -> dict[str, Any]:
    return read_ranges(space, texts)


def some_of(*choices: Any) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(choices), min_size=1, unique=True)


def refused(space: Space = CNN, **ranges: Any) -> str:
    with pytest.raises(UserError) as caught:
        space.with_ranges(**ranges)
    assert isinstance(caught.value, SpaceError)
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.slow
def test_only_what_is_given_changes() -> None:
    """Numbers keep scale, kind and step; other parameters, and the space itself, stay."""
    changed = ranges_of(
        CNN.with_ranges(sgd_lr=(1e-4, 1), batch_size=[32, 1024], base_width=8, growth=(1.5, 2.5))
    )
    before = ranges_of(CNN)
    assert {name: one for name, one in changed.items() if before[name] != one} == {
        "sgd_lr": FloatDistribution(1e-4, 1.0, log=True),
        "batch_size": CategoricalDistribution((32, 1024)),
        "base_width": IntDistribution(8, 8, log=True),
        "growth": FloatDistribution(1.5, 2.5, step=0.25),
    }
    assert set(changed) == set(before)
    assert describe_space(CNN) == describe_space(BUILT_IN["cnn"])


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILT_IN)
def test_the_same_ranges_are_the_same_space(name: str) -> None:
    """Points, grid, prior and candidates: nothing of a plan changes."""
    space = BUILT_IN[name]
    ranges = {one.name: _range(one.distribution) for one in space.parameters()}
    again = space.with_ranges(**ranges)
    assert describe_space(again) == describe_space(space)
    assert (again.portfolio, again.notices) == (space.portfolio, ())


@pytest.mark.slow
def test_a_parameter_that_keeps_its_range_changes_nothing() -> None:
    """A choice, a whole number and a number."""
    space, description = BUILT_IN["mlp"], describe_space(BUILT_IN["mlp"])
    kinds = {type(one.distribution): one for one in space.parameters()}
    for one in kinds.values():
        again = space.with_ranges(**{one.name: _range(one.distribution)})
        assert describe_space(again) == description


def _range(distribution: Any) -> Any:
    return getattr(distribution, "choices", None) or (distribution.low, distribution.high)


@pytest.mark.slow
@settings(deadline=None, max_examples=15)  # each asks the space some thousand times
@given(st.data())
def test_all_points_are_within(data: st.DataObject) -> None:
    """Portfolio, baseline and grid of any narrower space are points of it."""
    ends = st.floats(1e-3, 0.3)
    low, high = sorted((data.draw(ends), data.draw(ends)))
    sizes = data.draw(st.lists(st.sampled_from((32, 64, 128, 256, 512)), min_size=1, unique=True))
    optimizers = data.draw(
        st.lists(st.sampled_from(("sgd", "adam", "adamw")), min_size=1, unique=True)
    )
    space = CNN.with_ranges(sgd_lr=(low, high), batch_size=sizes, optimizer=optimizers)
    points = [*space.portfolio, next(space.grid())]
    points += [] if space.baseline_params is None else [space.baseline_params]
    for point in points:
        assert space.candidate(point)
        assert low <= float(str(point.get("sgd_lr", low))) <= high
        assert point["batch_size"] in sizes
        assert point["optimizer"] in optimizers


def test_points_outside_are_moved_or_left_out_and_told() -> None:
    """Numbers to the nearest value; where there is none the point is left out."""
    space = CNN.with_ranges(optimizer=("sgd",), sgd_lr=(0.1, 1.0), batch_size=(48, 512))
    assert {point["optimizer"] for point in space.portfolio} == {"sgd"}
    assert {(point["sgd_lr"], point["batch_size"]) for point in space.portfolio} == {(0.1, 48)}
    assert space.baseline_params is None
    (notice,) = space.notices
    assert "the baseline, whose batch_size is 64, is left out" in notice or "sgd_lr" in notice
    assert "of 8 points of the portfolio 1 moved, 7 left out" in notice
    assert CNN.with_ranges(kernel_size=(3,)).notices == ()


def test_grid_levels_outside_are_left_out() -> None:
    """A parameter that loses all of its levels has those of its new range."""
    space = CNN.with_ranges(sgd_lr=(0.05, 0.2), batch_size=(32, 64))
    assert space.grid_levels["sgd_lr"] == [0.1]
    assert "batch_size" not in space.grid_levels
    assert {point["batch_size"] for point in space.grid()} == {32, 64}


def test_a_prior_draws_every_choice_that_is_given() -> None:
    """A choice without a weight would never be drawn."""
    prior = CNN.with_ranges(batch_size=(64, 1024), optimizer=("sgd", "adam")).prior
    assert prior is not None
    assert "batch_size" not in prior.beliefs
    assert isinstance(prior.beliefs["optimizer"], Weights)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ({"sgd_rl": (0.1, 1)}, "space 'cnn' has no parameter 'sgd_rl': did you mean sgd_lr?"),
        ({"learning_rate": 1}, "did you mean sgd_lr, adamw_lr or adam_lr?"),
        ({"momentum": 1}, "did you mean sgd_momentum?"),
        ({"widht": 1}, "did you mean base_width?"),
        ({"xyz": 1}, "its parameters: base_width, growth, "),
        ({"sgd_lr": (1, 0.1)}, "'sgd_lr', which is 0.001 to 0.3 (log), cannot be (1, 0.1)"),
        ({"sgd_lr": (0, 1)}, "numbers above 0"),
        ({"sgd_lr": (0.1, 0.2, 0.3)}, "one number, or the lowest and the highest"),
        ({"sgd_lr": "high"}, "one number"),
        ({"sgd_lr": True}, "one number"),
        ({"base_width": (16, 32.5)}, "whole numbers"),
        ({"growth": (1, 1.3)}, "a multiple of 0.25 apart"),
        ({"batch_size": ()}, "different choices of the same kind"),
        ({"batch_size": (32, 32)}, "different choices"),
        ({"batch_size": ("32",)}, "of the same kind"),
        ({"pool_first": (1,)}, "of the same kind"),
        ({"activation": ("relu", "tanh")}, "'activation' cannot be 'tanh': activation must be one"),
        ({"kernel_size": (3, 4)}, "'kernel_size' cannot be 4: kernel_size must be odd"),
        ({"conv_dropout": (0.0, 2.0)}, "'conv_dropout' cannot be 2.0: conv_dropout must be"),
        ({"batch_size": (1,)}, "'batch_size' cannot be 1: "),
        ({"sgd_momentum": (0.8, 1.07)}, "'sgd_momentum' cannot be 1.07: "),  # only of some points
    ],
)
def test_what_is_no_range_is_refused(ranges: dict[str, Any], expected: str) -> None:
    """With the parameter, its range, what was given and what is accepted."""
    assert expected in refused(**ranges)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sgd_lr=1e-4..1", (1e-4, 1)),
        ("sgd_lr=.5", (0.5,)),
        ("base_width=8..64", (8, 64)),
        ("conv_dropout=-1..0", (-1, 0)),
        ("batch_size=32,64", (32, 64)),
        ("batch_size= 32 , 2048", (32, 2048)),
        ("pool_first=true", (True,)),
        ("pool_first=False,True", (False, True)),
        ("activation=relu,GELU", ("relu", "gelu")),
        ("activation=tanh", ("tanh",)),
    ],
)
def test_texts_are_read_as_the_parameters_are(text: str, expected: tuple[object, ...]) -> None:
    """Numbers, truth values and names, each of the parameter's own kind."""
    (found,) = parsed(text).values()
    assert found == expected
    assert [type(one) for one in found] == [type(one) for one in expected]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["sgd_lr=a..b", "sgd_lr=1..2..x", "sgd_lr=1e-4...1", "base_width=wide"]
)
def test_a_text_that_is_no_number_is_refused(text: str) -> None:
    """With the range as it is and the form that is accepted."""
    with pytest.raises(SpaceError, match=r"accepted: LOW\.\.HIGH, or one number"):
        parsed(text)


def test_a_range_of_choices_is_refused_with_how_they_are_written() -> None:
    told = refused(**parsed("batch_size=32..64"))
    assert "cannot be '32..64'" in told
    assert told.endswith("such as batch_size=32,64,128")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "choice"), [("optimizer", "lion"), ("schedule", "nothing")])
def test_an_unknown_kind_is_refused_with_those_that_are_known(name: str, choice: str) -> None:
    ranges: dict[str, Any] = {name: choice}
    assert f"{name} must be one of " in refused(**ranges)


@pytest.mark.slow
@pytest.mark.parametrize("ends", [(math.nan, 1.0), (0.1, math.inf), (-math.inf, 0.1)])
def test_ends_that_are_not_finite_are_refused(ends: tuple[float, float]) -> None:
    assert "one number, or the lowest and the highest" in refused(sgd_lr=ends)


@pytest.mark.slow
def test_an_unknown_choice_is_one_line_without_addresses() -> None:
    """What pydantic says of a candidate is cut down to the setting and what is accepted."""
    told = refused(augmentation=("cutot",))
    assert "'cutot' is no augmentation; accepted: none, flip" in told
    assert "pydantic" not in told
    assert told.count("cutot") == 2  # as the range, and as the setting


def test_an_unknown_name_in_a_text_is_refused_with_the_nearest() -> None:
    """Whatever its text."""
    assert "did you mean sgd_lr?" in refused(**parsed("sgd_rl=1..2,3"))


def test_a_users_space_takes_other_ranges(tmp_path: Path) -> None:
    """Also of choices that are stored as texts, in its file or on the command line."""
    suggest = (
        'sizes = trial.suggest_categorical("sizes", [(2, 4), (4, 4), (8,)])\n'
        'return make(width=sum(sizes), rate=trial.suggest_float("rate", 0.1, 1.0))'
    )
    setting = write_space(tmp_path, suggest)
    loaded = load_space(setting)
    narrowed = loaded.with_ranges(**parsed("sizes=(4, 4),(8,)", "rate=0.5..2", space=loaded))
    assert {point["sizes"] for point in narrowed.grid()} == {"(4, 4)", "(8,)"}
    assert narrowed.candidate({"sizes": "(8,)", "rate": 2.0}).optimizer.learning_rate == 2.0
    path = Path(setting.rpartition(":")[0])
    text = path.read_text("utf-8") + "SPACE = SPACE.with_ranges(sizes=[(16, 1), (8,)])\n"
    path.write_text(text, encoding="utf-8")
    widened = load_space(setting)
    assert {point["sizes"] for point in widened.grid()} == {"(16, 1)", "(8,)"}
    model = widened.candidate({"sizes": "(16, 1)", "rate": 0.5}).model
    assert isinstance(model, MLPConfig)
    assert model.hidden_widths == (17,)
