"""Replaying parameters, listing them, and the trial that both rest on."""

import pytest
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.trial import BaseTrial

from spaces import Candidate, MLPConfig, SGDConfig, Space
from spaces.parameters import OfflineTrial, ParamValue, describe_range
from spaces.probing import find_parameters


def suggest(trial: BaseTrial) -> Candidate:
    rate = trial.suggest_float("lr", 0.001, 1.0)
    return Candidate(model=MLPConfig(), optimizer=SGDConfig(learning_rate=rate))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "'lr' is suggested but has no value"),
        ({"lr": 2.0}, "'lr' must be 0.001 to 1, got 2.0"),
        ({"lr": 0.1, "momentun": 0.9}, "'momentun' is never suggested by space 'toy'"),
    ],
)
def test_baseline_that_does_not_fit_is_refused(params: dict[str, ParamValue], message: str) -> None:
    """A baseline with a missing, unknown or impossible parameter is an error that names it."""
    with pytest.raises(ValueError, match=message):
        Space("toy", suggest, baseline_params=params).baseline()


def test_suggest_must_return_a_candidate() -> None:
    """A suggest that returns something else is told what it should return."""
    space = Space("toy", lambda trial: {"lr": 1})  # type: ignore[arg-type, return-value]
    with pytest.raises(TypeError, match="must return a Candidate, got dict"):
        space.candidate({})


def test_distributions_are_those_of_the_branch() -> None:
    """The distributions of known parameters are those that suggest asked for."""
    assert Space("toy", suggest).distributions({"lr": 0.5}) == {"lr": FloatDistribution(0.001, 1.0)}


def conditions(space: object) -> dict[str, str | None]:
    assert callable(space)
    return {parameter.name: parameter.condition for parameter in find_parameters(space)}


def test_conditions_of_a_chain_name_the_nearest() -> None:
    """In a chain of conditions each parameter names the one right before it."""

    def chain(trial: BaseTrial) -> None:
        if trial.suggest_categorical("a", ("on", "off")) == "on" and (
            trial.suggest_categorical("b", ("x", "y", "z")) != "z"
        ):
            trial.suggest_float("c", 0.0, 1.0)

    assert conditions(chain) == {"a": None, "b": "a = on", "c": "b = x or y"}


def test_conditions_of_two_parents_are_joined() -> None:
    """A parameter that hangs on two others names both."""

    def both(trial: BaseTrial) -> None:
        a, b = (trial.suggest_categorical(name, (True, False)) for name in ("a", "b"))
        if a and not b:
            trial.suggest_float("c", 0.0, 1.0)

    assert conditions(both)["c"] == "a = True and b = False"


def test_conditions_on_a_number_are_told_as_far_as_they_are_known() -> None:
    """An integer's values are listed; of a float it is only said that it matters."""

    def numbers(trial: BaseTrial) -> None:
        if trial.suggest_int("depth", 1, 4) > 2:
            trial.suggest_float("width", 0.0, 1.0)
        if trial.suggest_float("noise", 0.0, 1.0) > 0.2:
            trial.suggest_float("smooth", 0.0, 1.0)

    got = conditions(numbers)
    assert got["width"] == "depth = 3 or 4"
    assert got["smooth"] == "depending on noise"


def test_either_or_is_no_simple_condition() -> None:
    """A parameter that one of two others brings in comes "sometimes"."""

    def either(trial: BaseTrial) -> None:
        a, b = (trial.suggest_categorical(name, (True, False)) for name in ("a", "b"))
        if a or b:
            trial.suggest_float("c", 0.0, 1.0)

    assert conditions(either)["c"] == "sometimes"


def test_two_ranges_in_two_branches_are_refused() -> None:
    """One name with two ranges would break a study; the error says so before it starts."""

    def confused(trial: BaseTrial) -> None:
        high = 1.0 if trial.suggest_categorical("a", (True, False)) else 2.0
        trial.suggest_float("lr", 0.0, high)

    with pytest.raises(ValueError, match="'lr' has two ranges"):
        find_parameters(confused)


def test_asker_records_what_was_asked() -> None:
    """A trial made of one method records values, distributions, attributes and constraints."""

    class Lowest(OfflineTrial):
        def choose(self, name: str, distribution: BaseDistribution) -> ParamValue:
            assert isinstance(distribution, FloatDistribution)
            return distribution.low

    trial = Lowest()
    assert trial.suggest_float("x", 0.25, 1.0) == 0.25
    trial.set_user_attr("note", "kept")
    trial.set_constraint("size", 1)
    trial.report(0.5, 0)
    assert not trial.should_prune()
    assert trial.params == {"x": 0.25}
    assert trial.distributions == {"x": FloatDistribution(0.25, 1.0)}
    assert (trial.user_attrs, trial.constraints) == ({"note": "kept"}, {"size": 1.0})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lr", "0.0001 to 0.1 (log)"),
        ("width", "8 to 32 (steps of 8)"),
        ("depth", "1 to 3"),
        ("kind", "one of a, b"),
    ],
)
def test_ranges_in_words(name: str, words: str) -> None:
    """A range reads as its bounds with its scale, or as its choices."""

    def varied(trial: BaseTrial) -> None:
        trial.suggest_float("lr", 1e-4, 0.1, log=True)
        trial.suggest_int("width", 8, 32, step=8)
        trial.suggest_int("depth", 1, 3)
        trial.suggest_categorical("kind", ("a", "b"))

    ranges = {one.name: describe_range(one.distribution) for one in find_parameters(varied)}
    assert ranges[name] == words
