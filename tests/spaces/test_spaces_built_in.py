"""The built-in spaces."""

import pytest
from optuna.trial import FixedTrial

from spaces import BUILT_IN, AdamConfig, Candidate, CNNConfig, MLPConfig, PlateauConfig, SGDConfig

HAND_TUNED = {
    "mlp": Candidate(
        model=MLPConfig(),
        optimizer=AdamConfig(learning_rate=1e-3, weight_decay=1e-6),
        schedule=PlateauConfig(factor=0.1, patience=3),
        batch_size=64,
    ),
    "cnn": Candidate(
        model=CNNConfig(),
        optimizer=SGDConfig(learning_rate=0.01, momentum=0.9, weight_decay=1e-3),
        schedule=PlateauConfig(factor=0.1, patience=3),
        batch_size=64,
    ),
}


@pytest.mark.parametrize("name", HAND_TUNED)
def test_baseline_is_the_hand_tuned_candidate(name: str) -> None:
    """The baseline, replayed by Optuna or by the space, is the hand-tuned candidate exactly."""
    space = BUILT_IN[name]
    assert space.baseline() == HAND_TUNED[name]
    assert space.suggest(FixedTrial(dict(space.baseline_params or {}))) == HAND_TUNED[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILT_IN)
def test_every_optimizer_has_its_own_learning_rate(name: str) -> None:
    """Learning rate, momentum and weight decay appear with their optimizer alone."""
    conditions = {parameter.name: parameter.condition for parameter in BUILT_IN[name].parameters()}
    for optimizer in ("sgd", "adam", "adamw"):
        assert conditions[f"{optimizer}_lr"] == f"optimizer = {optimizer}"
        assert conditions[f"{optimizer}_weight_decay"] == f"optimizer = {optimizer}"
    assert conditions["sgd_momentum"] == conditions["sgd_nesterov"] == "optimizer = sgd"


def test_dropout_of_the_mlp_space_is_shared_or_per_layer() -> None:
    """One rate where dropout is shared, two where each layer has its own."""
    conditions = {parameter.name: parameter.condition for parameter in BUILT_IN["mlp"].parameters()}
    assert conditions["dropout"] == "dropout_mode = shared"
    assert conditions["dropout_1"] == conditions["dropout_2"] == "dropout_mode = per_layer"


@pytest.mark.parametrize("name", BUILT_IN)
def test_grid_is_coarse_and_tries_conditional_learning_rates(name: str) -> None:
    """The grid has tens of points, with at least two learning rates for each optimizer in it."""
    points = list(BUILT_IN[name].grid())
    assert 10 <= len(points) <= 36
    for optimizer in {str(point["optimizer"]) for point in points}:
        rates = {point[f"{optimizer}_lr"] for point in points if point["optimizer"] == optimizer}
        assert len(rates) >= 2


@pytest.mark.parametrize("name", BUILT_IN)
def test_grid_levels_are_all_used(name: str) -> None:
    """Every level that the space names is in its grid: no name is misspelt, none is dead."""
    points = list(BUILT_IN[name].grid())
    for parameter, levels in BUILT_IN[name].grid_levels.items():
        assert {point[parameter] for point in points if parameter in point} == set(levels)


@pytest.mark.slow
@pytest.mark.parametrize("other", BUILT_IN)
def test_shared_parameters_have_one_range_in_all_spaces(other: str) -> None:
    """A training parameter means the same in every space."""
    cnn, ranges = (
        {parameter.name: parameter.distribution for parameter in BUILT_IN[name].parameters()}
        for name in ("cnn", other)
    )
    shared = cnn.keys() & ranges.keys()
    assert {"optimizer", "sgd_lr", "batch_size", "schedule", "augmentation"} <= shared
    if other == "pretrained":  # whose networks need more memory for each image
        shared -= {"batch_size"}
    assert all(cnn[name] == ranges[name] for name in shared)


def test_spaces_without_a_hand_tuned_network_have_no_baseline() -> None:
    """Nobody has tuned one, so there is none to reproduce."""
    assert {name for name, space in BUILT_IN.items() if space.baseline()} == set(HAND_TUNED)
