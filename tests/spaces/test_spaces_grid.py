"""Enumeration of a space, with toy spaces whose grids are known."""

import itertools
from collections.abc import Callable

import pytest
from optuna.trial import BaseTrial

from spaces.parameters import ParamValue
from spaces.space import enumerate_grid


def points(
    suggest: Callable[[BaseTrial], object], **levels: tuple[ParamValue, ...]
) -> list[dict[str, ParamValue]]:
    return list(enumerate_grid(suggest, levels))


def test_no_parameters_make_one_point() -> None:
    """A space that asks for nothing has one point, without parameters."""
    assert points(lambda trial: None) == [{}]


def test_conditional_parameters_come_only_in_their_branch() -> None:
    """A branch contributes its own levels; the other branches never see them."""

    def suggest(trial: BaseTrial) -> None:
        if trial.suggest_categorical("kind", ("plain", "deep")) == "deep":
            trial.suggest_categorical("depth", (2, 3))
        trial.suggest_categorical("flag", (True, False))

    assert points(suggest) == [
        {"kind": "plain", "flag": True},
        {"kind": "plain", "flag": False},
        {"kind": "deep", "depth": 2, "flag": True},
        {"kind": "deep", "depth": 2, "flag": False},
        {"kind": "deep", "depth": 3, "flag": True},
        {"kind": "deep", "depth": 3, "flag": False},
    ]


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda trial: trial.suggest_float("x", 0.0, 1.0), [0.0, 0.5, 1.0]),
        (lambda trial: trial.suggest_float("x", 1e-4, 1.0, log=True), [1e-4, 1e-2, 1.0]),
        (lambda trial: trial.suggest_float("x", 0.0, 0.6, step=0.1), [0.0, 0.3, 0.6]),
        (lambda trial: trial.suggest_float("x", 0.0, 0.5, step=0.1), [0.0, 0.2, 0.5]),
        (lambda trial: trial.suggest_int("x", 1, 9), [1, 5, 9]),
        (lambda trial: trial.suggest_int("x", 8, 40, step=8), [8, 24, 40]),
        (lambda trial: trial.suggest_int("x", 16, 256, log=True), [16, 64, 256]),
        (lambda trial: trial.suggest_int("x", 1, 2), [1, 2]),
        (lambda trial: trial.suggest_int("x", 7, 7), [7]),
        (lambda trial: trial.suggest_float("x", 0.3, 0.3), [0.3]),
        (lambda trial: trial.suggest_float("x", 0.3, 0.3, log=True), [0.3]),
        (lambda trial: trial.suggest_categorical("x", ("a", None, 2)), ["a", None, 2]),
    ],
)
def test_levels_without_being_told(
    ask: Callable[[BaseTrial], object], expected: list[ParamValue]
) -> None:
    """A categorical gives all its choices, a number low, middle and high on its own scale."""
    got = [point["x"] for point in points(ask)]
    assert got == [
        pytest.approx(value) if value.__class__ is float else value for value in expected
    ]
    assert [type(value) for value in got] == [type(value) for value in expected]


def test_named_levels_replace_the_own_ones() -> None:
    """Levels that are named are taken in their order, as the type of the range, none twice."""
    got = points(lambda trial: trial.suggest_float("x", 0, 4), x=(3, 1, 3.0))
    assert [point["x"] for point in got] == [3.0, 1.0]
    assert all(isinstance(point["x"], float) for point in got)


@pytest.mark.parametrize("level", [5, 0.25, "two", None, True, float("nan")])
def test_level_outside_its_range_names_the_parameter(level: ParamValue) -> None:
    """A level that the range does not hold is an error with parameter, range and value."""
    with pytest.raises(ValueError, match=r"'width' must be 0 to 4.*got"):
        points(lambda trial: trial.suggest_int("width", 0, 4), width=(level,))


def test_unknown_choice_names_the_parameter() -> None:
    """A level that is no choice of a categorical is an error with the choices."""
    with pytest.raises(ValueError, match="'kind' must be one of a, b, got 'c'"):
        points(lambda trial: trial.suggest_categorical("kind", ("a", "b")), kind=("c",))


def test_empty_levels_name_the_parameter() -> None:
    """A parameter needs at least one level."""
    with pytest.raises(ValueError, match="'x' must not be empty"):
        points(lambda trial: trial.suggest_int("x", 0, 4), x=())


def test_asking_twice_is_one_parameter() -> None:
    """A parameter that is asked for again keeps its value and adds no level."""

    def suggest(trial: BaseTrial) -> None:
        first, second = (trial.suggest_categorical("x", (1, 2)) for _ in range(2))
        assert first == second

    assert points(suggest) == [{"x": 1}, {"x": 2}]


def test_one_name_for_two_ranges_is_refused() -> None:
    """One name asked for with two ranges in one trial is an error that names it."""

    def suggest(trial: BaseTrial) -> None:
        trial.suggest_float("rate", 0.0, 1.0)
        trial.suggest_float("rate", 0.0, 2.0)

    with pytest.raises(ValueError, match="'rate' is suggested twice"):
        points(suggest)


def test_grid_is_lazy() -> None:
    """The first points of an enormous grid come at once."""

    def suggest(trial: BaseTrial) -> None:
        for i in range(100):
            trial.suggest_categorical(f"x{i}", (0, 1))

    assert len(list(itertools.islice(enumerate_grid(suggest, {}), 5))) == 5


def test_space_that_changes_its_mind_is_found_out() -> None:
    """A space whose questions hang on something else than the answers is refused."""
    names = iter(("a", "b", "c", "d"))
    with pytest.raises(ValueError, match="suggest must depend only on the trial's values"):
        points(lambda trial: trial.suggest_categorical(next(names), (1, 2)))
