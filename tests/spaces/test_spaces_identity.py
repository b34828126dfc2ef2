"""Built-in spaces are known by what they do; a change of that is told by the parameter."""

import dataclasses
import json
from collections.abc import Callable

import pytest
from optuna.trial import BaseTrial

from spaces import BUILT_IN, Candidate, CNNConfig, MLPConfig, SGDConfig, Space
from spaces.load import describe_space, space_changes
from spaces.optimizers import OPTIMIZERS

OF_0_1 = "from optuna.trial import BaseTrial\n\ndef suggest_mlp(trial):\n    pass"


def suggest(
    trial: BaseTrial, most: float = 0.1, *, wide: bool = False, extra: bool = False
) -> Candidate:
    rate = trial.suggest_float("lr", 1e-3, most, log=True)
    width = trial.suggest_int("width", 4, 8)
    if extra:
        trial.suggest_categorical("extra", (1, 2))
    model = MLPConfig(hidden_widths=(2 * width if wide else width,), dropouts=(0.0,))
    return Candidate(model=model, optimizer=SGDConfig(learning_rate=rate))


TINY = Space("tiny", suggest, baseline_params={"lr": 0.01, "width": 4})


def changed(function: Callable[[BaseTrial], Candidate]) -> tuple[str, ...]:
    other = dataclasses.replace(TINY, suggest=function)
    return space_changes("tiny", describe_space(TINY), describe_space(other))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_built_in_spaces_do_what_those_of_0_1_did(name: str) -> None:
    """A study that stored the code of 0.1 goes on. Where this fails, such studies cannot."""
    assert space_changes(name, OF_0_1, describe_space(BUILT_IN[name])) == ()


def test_the_same_effect_in_other_words_is_the_same_space() -> None:
    """How suggest is written does not matter."""
    assert changed(lambda trial: suggest(trial, 0.1)) == ()


def test_each_change_is_told_by_what_changed() -> None:
    """A range, a new parameter, one that is gone, or other candidates of the same parameters."""
    assert changed(lambda trial: suggest(trial, 0.2)) == (
        "parameter 'lr': 0.001 to 0.1 (log) is now 0.001 to 0.2 (log)",
    )
    assert changed(lambda trial: suggest(trial, extra=True)) == ("parameter 'extra' is new",)
    assert changed(lambda trial: suggest(trial, wide=True)) == (
        "the same parameters give other candidates",
    )
    fewer = describe_space(dataclasses.replace(TINY, suggest=lambda t: suggest(t, extra=True)))
    assert space_changes("tiny", fewer, describe_space(TINY)) == ("parameter 'extra' was removed",)


def test_baseline_and_grid_count() -> None:
    """They are points of the plan."""
    other = dataclasses.replace(
        TINY, baseline_params={"lr": 0.02, "width": 4}, grid_levels={"lr": (0.1,)}
    )
    assert space_changes("tiny", describe_space(TINY), describe_space(other)) == (
        "baseline of 'lr': 0.01 is now 0.02",
        "grid levels of 'lr': None is now [0.1]",
    )


def test_a_condition_counts() -> None:
    """A parameter that appears elsewhere than before is told with its conditions."""

    def conditional(trial: BaseTrial, *, always: bool) -> Candidate:
        flip = trial.suggest_categorical("flip", (True, False))
        if flip or always:
            trial.suggest_float("much", 0.0, 1.0)
        return Candidate(model=CNNConfig(), optimizer=SGDConfig(), test_time_flip=flip)

    spaces = (
        Space("tiny", lambda trial: conditional(trial, always=False)),
        Space("tiny", lambda trial: conditional(trial, always=True)),
    )
    (change,) = space_changes("tiny", *map(describe_space, spaces))
    assert change == "parameter 'much': 0 to 1, if flip = True is now 0 to 1"


def test_a_description_of_another_version_is_refused() -> None:
    """What cannot be compared is not taken for unchanged."""
    later = json.dumps({"format": 2})
    assert space_changes("tiny", later, describe_space(TINY)) != ()


def test_registering_an_optimizer_leaves_the_built_in_spaces_alone() -> None:
    """They list what they choose among: a stored plan must not grow with a registry."""
    asked = {one.name: one.distribution for one in BUILT_IN["cnn"].parameters()}["optimizer"]
    assert set(getattr(asked, "choices", ())) <= {one.key() for one in OPTIMIZERS}


@pytest.mark.parametrize("name", BUILT_IN)
def test_describing_asks_the_space_a_bounded_number_of_times(name: str) -> None:
    """It is done at each start of a study."""
    space, trials = BUILT_IN[name], []

    def suggest(trial: BaseTrial) -> Candidate:
        trials.append(trial)
        return space.suggest(trial)

    describe_space(dataclasses.replace(space, suggest=suggest))
    assert 0 < len(trials) <= 2000
