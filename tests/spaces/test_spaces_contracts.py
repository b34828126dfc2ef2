"""What every space promises, the built-in ones and a user's own."""

from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
import torch
from optuna.distributions import BaseDistribution
from optuna.trial import FixedTrial, Trial

from cifar_models import build_model, count_parameters
from spaces import BUILT_IN, Candidate, CNNConfig, Cutout, FlipCrop, Space, load_space
from spaces.errors import SettingError
from spaces.parameters import ParamValue

USER_SPACE = """\
from spaces import Candidate, MLPConfig, SGDConfig, Space

def suggest(trial):
    depth = trial.suggest_int("depth", 1, 3)
    widths = tuple(trial.suggest_int(f"width_{i}", 8, 64, log=True) for i in range(depth))
    model = MLPConfig(hidden_widths=widths, dropouts=(0.0,) * depth)
    lr = trial.suggest_float("lr", 1e-3, 1e-1, log=True)
    return Candidate(model=model, optimizer=SGDConfig(learning_rate=lr))

TINY = Space("tiny", suggest)
"""


@pytest.fixture(params=[*BUILT_IN, "user"])
def space(request: pytest.FixtureRequest, tmp_path: Path) -> Space:
    if request.param in BUILT_IN:
        return load_space(request.param)
    path = tmp_path / "tiny.py"
    path.write_text(USER_SPACE, encoding="utf-8")
    return load_space(f"{path}:TINY")


@pytest.fixture
def study() -> Iterator[optuna.Study]:
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    optuna.logging.set_verbosity(verbosity)


def draw(space: Space, study: optuna.Study, count: int) -> Iterator[tuple[Candidate, Trial]]:
    for _ in range(count):
        trial = study.ask()
        yield space.suggest(trial), trial


@pytest.mark.slow
def test_random_draws_are_candidates_that_can_be_built(space: Space, study: optuna.Study) -> None:
    """Every random draw is a valid candidate for 32x32 images and for images of 8x8."""
    channels = 3 if space.name == "pretrained" else 1
    for candidate, _ in draw(space, study, 100):
        assert isinstance(candidate, Candidate)
        assert count_parameters(candidate.model, (3, 32, 32), 10) > 0
        assert count_parameters(candidate.model, (channels, 8, 8), 2) > 0


def test_candidates_come_back_from_json(space: Space, study: optuna.Study) -> None:
    """A candidate written as JSON and read again is the same candidate."""
    for candidate, _ in draw(space, study, 50):
        assert Candidate.from_json(candidate.model_dump_json()) == candidate


def test_settings_of_candidates_can_be_replaced(space: Space, study: optuna.Study) -> None:
    """Only those that are given change, and they are checked."""
    for candidate, _ in draw(space, study, 5):
        other = candidate.replace(batch_size=7, augmentation=("flip_crop", Cutout(size=0.25)))
        assert other.batch_size == 7
        assert other.augmentation == (FlipCrop(), Cutout(size=0.25))
        assert candidate.replace() == candidate
        back = {"batch_size": candidate.batch_size, "augmentation": candidate.augmentation}
        assert other.replace(**back) == candidate
        for wrong in ({"batch_size": 1}, {"learning_rate": 0.1}):
            with pytest.raises(SettingError):
                candidate.replace(**wrong)


def test_params_make_the_same_candidate_again(space: Space, study: optuna.Study) -> None:
    """A trial's parameters replay to its candidate and ask for the trial's distributions."""
    for candidate, trial in draw(space, study, 50):
        assert space.candidate(trial.params) == candidate
        assert space.distributions(trial.params) == trial.distributions


def test_grid_has_each_combination_once(space: Space) -> None:
    """The grid is not empty, and no combination comes twice."""
    points = [tuple(point.items()) for point in space.grid()]
    assert points
    assert len(set(points)) == len(points)


def test_grid_comes_in_the_same_order_each_time(space: Space) -> None:
    """Two enumerations agree, parameter for parameter."""
    first, second = list(space.grid()), list(space.grid())
    assert [list(point.items()) for point in first] == [list(point.items()) for point in second]


def test_grid_points_are_distinct_candidates_of_the_space(space: Space) -> None:
    """Each grid point replays in Optuna, uses all its parameters, and makes its own candidate."""
    candidates = set()
    points = list(space.grid())
    for point in points:
        trial = FixedTrial(dict(point))
        candidates.add(space.suggest(trial).model_dump_json())
        assert trial.params == point
    assert len(candidates) == len(points)


@pytest.mark.slow
def test_parameters_list_all_that_is_ever_asked(space: Space, study: optuna.Study) -> None:
    """Every parameter of every draw is listed, with the distribution that Optuna was given."""
    listed = {parameter.name: parameter.distribution for parameter in space.parameters()}
    asked: dict[str, BaseDistribution] = {}
    for _, trial in draw(space, study, 200):
        asked |= trial.distributions
    assert listed == asked


@pytest.mark.slow
def test_conditions_hold_in_every_draw(space: Space, study: optuna.Study) -> None:
    """A parameter is there exactly where its condition holds, and always where it has none."""
    parameters = space.parameters()
    for _, trial in draw(space, study, 100):
        for parameter in parameters:
            assert (parameter.name in trial.params) == holds(parameter.condition, trial.params)


def holds(condition: str | None, params: dict[str, ParamValue]) -> bool:
    if condition is None:
        return True
    name, _, values = condition.partition(" = ")
    return str(params[name]) in values.replace(" or ", ", ").split(", ")


def test_baseline_lies_inside(space: Space) -> None:
    """Optuna replays the baseline's parameters without a warning, and asks for all of them."""
    if space.baseline_params is None:
        assert space.baseline() is None
        return
    trial = FixedTrial(dict(space.baseline_params))
    assert space.suggest(trial) == space.baseline()
    assert trial.params == space.baseline_params


def test_widths_of_the_cnn_space_stay_in_bounds(study: optuna.Study) -> None:
    """Channels are multiples of eight that never shrink, from 16 up to four times 128."""
    for candidate, _ in draw(BUILT_IN["cnn"], study, 200):
        assert isinstance(candidate.model, CNNConfig)
        first, second, third = candidate.model.channels
        assert 16 <= first <= second <= third <= 512
        assert all(width % 8 == 0 for width in candidate.model.channels)


def test_a_drawn_network_computes(space: Space, study: optuna.Study) -> None:
    """A drawn candidate's network maps images to logits."""
    candidate, _ = next(draw(space, study, 1))
    assert build_model(candidate.model, (3, 8, 8), 5)(torch.zeros(2, 3, 8, 8)).shape == (2, 5)
