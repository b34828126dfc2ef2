"""The changes between two candidates, and the candidates between them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_models import CNNConfig, MLPConfig
from search.ablation.changes import changed, changes_between
from spaces import BUILT_IN, AdamWConfig, Candidate, Cutout, OneCycleConfig, SGDConfig
from spaces.losses import FocalLoss
from spaces.parameters import RandomTrial

SGD = SGDConfig(learning_rate=0.1, momentum=0.9)


def candidate(**settings: Any) -> Candidate:
    return Candidate(**{"model": CNNConfig(), "optimizer": SGD, **settings})


def test_each_setting_is_a_change() -> None:
    """Named as part.setting, with the values on both sides."""
    other = candidate(
        model=CNNConfig(activation="gelu"),
        optimizer=SGDConfig(learning_rate=0.2, momentum=0.9),
        batch_size=32,
    )
    found = {one.name: (one.before, one.after) for one in changes_between(candidate(), other)}
    assert found == {
        "model.activation": ("relu", "gelu"),
        "optimizer.learning_rate": ("0.1", "0.2"),
        "batch_size": ("64", "32"),
    }


@pytest.mark.parametrize(
    ("settings", "name", "after"),
    [
        (
            {"optimizer": AdamWConfig(learning_rate=0.002)},
            "optimizer",
            "AdamW with learning rate 0.002 and weight decay 0.01",
        ),
        ({"schedule": OneCycleConfig()}, "schedule", "raised and lowered in one cycle"),
        ({"loss": FocalLoss(gamma=1.5)}, "loss", "focal loss (gamma 1.5)"),
        ({"augmentation": ("flip", Cutout(size=0.25))}, "augmentation", None),
        ({"class_weights": "balanced"}, "class_weights", "balanced"),
    ],
)
def test_another_kind_of_a_part_is_one_change(
    settings: dict[str, Any], name: str, after: str | None
) -> None:
    """An optimizer brings its rate and decay with it."""
    (found,) = changes_between(candidate(), candidate(**settings))
    assert found.name == name
    assert after in (None, found.after)
    assert changed(candidate(), candidate(**settings), [found]) == candidate(**settings)


def test_settings_that_cannot_change_alone_are_one_change() -> None:
    """A further layer has a width and a dropout."""
    two, three = (
        candidate(model=MLPConfig(hidden_widths=widths, dropouts=dropouts, activation=activation))
        for widths, dropouts, activation in (
            ((32, 16), (0.1, 0.1), "relu"),
            ((32, 16, 8), (0.1, 0.2, 0.3), "silu"),
        )
    )
    size, activation = changes_between(two, three)
    assert (size.name, activation.name) == ("model", "model.activation")
    assert size.fields == (("model", "hidden_widths"), ("model", "dropouts"))
    assert changed(two, three, [size]) == candidate(
        model=MLPConfig(hidden_widths=(32, 16, 8), dropouts=(0.1, 0.2, 0.3), activation="relu")
    )


def test_what_does_not_go_together_is_none() -> None:
    """Settings of another layer cannot be taken alone."""
    two = candidate(model=MLPConfig(hidden_widths=(32, 16), dropouts=(0.1, 0.1)))
    three = candidate(model=MLPConfig(hidden_widths=(32, 16, 8), dropouts=(0.1, 0.1, 0.1)))
    (size,) = changes_between(two, three)
    half = type(size)(size.name, size.fields[:1], "", "")
    assert changed(two, three, [half]) is None


def _random(space: str, index: int) -> Candidate:
    rng = np.random.default_rng(index)
    return BUILT_IN[space].suggest(RandomTrial(lambda _: rng))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(("mlp", "cnn", "resnet")), st.integers(0, 999), st.integers(0, 999))
def test_all_changes_lead_from_one_candidate_to_the_other(space: str, a: int, b: int) -> None:
    """And none leaves it as it is; candidates that are alike have none."""
    start, end = _random(space, a), _random(space, b)
    found = changes_between(start, end)
    assert changed(start, end, ()) == start
    assert changed(start, end, found) == end
    assert len({one.name for one in found}) == len(found)
    assert changes_between(start, start) == ()
    for one in found:
        assert changed(start, end, [one]) not in (None, start)


def test_another_kind_of_network_is_one_change() -> None:
    """Its sizes mean nothing for the other."""
    mlp = candidate(model=MLPConfig(hidden_widths=(8,), dropouts=(0.1,)))
    (found,) = changes_between(candidate(), mlp)
    assert found.name == "model"
    assert found.after == mlp.model.describe()
