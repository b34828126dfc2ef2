"""The multilayer perceptron."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from cifar_models import MLPConfig, count_parameters


def test_default_is_the_hand_tuned_network() -> None:
    """The default has the hand-tuned network's layers, in its order and with its settings."""
    layers = [repr(layer) for layer in MLPConfig().build((3, 32, 32), 10)]
    expected: list[nn.Module] = [
        nn.Flatten(),
        nn.Linear(3072, 512),
        nn.BatchNorm1d(512),
        nn.ReLU(),
        nn.Dropout(0.4),
        nn.Linear(512, 256),
        nn.BatchNorm1d(256),
        nn.ReLU(),
        nn.Dropout(0.4),
        nn.Linear(256, 10),
    ]
    assert layers == [repr(layer) for layer in expected]


def test_default_has_the_hand_tuned_parameter_count() -> None:
    """The default network has 1,708,810 parameters on CIFAR-10."""
    assert count_parameters(MLPConfig(), (3, 32, 32), 10) == 1_708_810


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 48, 40), (2, 1, 1)])
@pytest.mark.parametrize("num_classes", [2, 37])
def test_any_shape_and_class_count(shape: tuple[int, int, int], num_classes: int) -> None:
    """Every image shape and class count gives one logit a class."""
    model = MLPConfig(hidden_widths=(16, 8)).build(shape, num_classes)
    assert model(torch.zeros(4, *shape)).shape == (4, num_classes)


def test_batch_norm_can_be_left_out() -> None:
    """Without batch norm there is none, and everything else stays."""
    with_norm = MLPConfig().build((1, 4, 4), 3)
    without = MLPConfig(batch_norm=False).build((1, 4, 4), 3)
    kept = [repr(layer) for layer in with_norm if not isinstance(layer, nn.BatchNorm1d)]
    assert [repr(layer) for layer in without] == kept


def test_each_hidden_layer_has_its_own_dropout() -> None:
    """The rates are used in the order of the layers."""
    model = MLPConfig(hidden_widths=(8, 8, 8), dropouts=(0.1, 0.2, 0.3)).build((1, 4, 4), 2)
    assert [layer.p for layer in model if isinstance(layer, nn.Dropout)] == [0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MLPConfig(hidden_widths=()), r"hidden_widths .*\(\)"),
        (lambda: MLPConfig(hidden_widths=(8, 0)), r"hidden_widths .*\(8, 0\)"),
        (lambda: MLPConfig(dropouts=(0.1, 1.0)), r"dropouts .*1\.0"),
        (lambda: MLPConfig(dropouts=(-0.1, 0.1)), r"dropouts .*-0\.1"),
        (lambda: MLPConfig(dropouts=(0.1,)), r"dropouts .* 2 hidden .*\(0\.1,\)"),
    ],
)
def test_bad_arguments_are_named(make: Callable[[], MLPConfig], message: str) -> None:
    """A bad argument's error names the argument and its value."""
    with pytest.raises(ValueError, match=message):
        make()
