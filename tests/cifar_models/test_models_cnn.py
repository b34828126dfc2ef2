"""The convolutional network."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from cifar_models import CNNConfig, count_parameters
from cifar_models.cnn import HEADS, POOLINGS


def test_default_is_the_hand_tuned_network() -> None:
    """The default has the hand-tuned network's layers, in its order and with its settings."""
    expected: list[nn.Module] = []
    for width_in, width in ((3, 32), (32, 64), (64, 128)):
        expected += [
            nn.Conv2d(width_in, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Dropout2d(0.1),
            nn.MaxPool2d(2, 2),
        ]
    expected += [nn.Flatten(), nn.Dropout(0.4), nn.Linear(2048, 10)]
    layers = [repr(layer) for layer in CNNConfig().build((3, 32, 32), 10)]
    assert layers == [repr(layer) for layer in expected]


def test_default_has_the_hand_tuned_parameter_count() -> None:
    """The default network has 114,186 parameters on CIFAR-10."""
    assert count_parameters(CNNConfig(), (3, 32, 32), 10) == 114_186


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 48, 40), (3, 8, 8)])
@pytest.mark.parametrize("num_classes", [2, 37])
@pytest.mark.parametrize("head", [one.name for one in HEADS])
def test_any_shape_and_class_count(
    shape: tuple[int, int, int], num_classes: int, head: str
) -> None:
    """Every image shape and class count gives one logit a class, whatever the head."""
    model = CNNConfig(channels=(4, 4, 8), head=head).build(shape, num_classes)
    assert model(torch.zeros(2, *shape)).shape == (2, num_classes)


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_convolutions_keep_the_size(kernel_size: int) -> None:
    """Only the poolings shrink the image, whatever the kernel."""
    model = CNNConfig(channels=(4,), kernel_size=kernel_size).build((3, 9, 12), 2)
    assert model[0](torch.zeros(1, 3, 9, 12)).shape == (1, 4, 9, 12)


@pytest.mark.parametrize("pooling", [one.name for one in POOLINGS])
def test_pooling_is_the_one_asked_for(pooling: str) -> None:
    """A pooling halves the image: by the largest of 2x2 or overlapping 3x3 values, or the mean."""
    pool = CNNConfig(channels=(4,), pooling=pooling).build((3, 8, 8), 2)[4]
    row = torch.tensor([[[[0.0, 9.0, 2.0, 1.0], [0.0, 3.0, 2.0, 3.0]]]])
    expected = {"max": [9.0, 3.0], "overlapping_max": [9.0, 9.0], "average": [3.0, 2.0]}
    assert pool(row).flatten().tolist() == expected[pooling]


def test_pooling_first_follows_the_convolution() -> None:
    """Then batch norm and activation see the pooled values, and no bias is learned in vain."""
    config = CNNConfig(channels=(4, 8), pool_first=True)
    kinds = [type(layer) for layer in config.build((3, 8, 8), 2)][:5]
    assert kinds == [nn.Conv2d, nn.MaxPool2d, nn.BatchNorm2d, nn.ReLU, nn.Dropout2d]
    convolution = config.build((3, 8, 8), 2)[0]
    assert isinstance(convolution, nn.Conv2d)
    assert convolution.bias is None


@pytest.mark.parametrize("pooling", [one.name for one in POOLINGS])
def test_odd_images_suit_every_pooling(pooling: str) -> None:
    """The flattened head fits whatever a pooling leaves of an odd side."""
    model = CNNConfig(channels=(4, 4, 8), pooling=pooling).build((3, 17, 23), 5)
    assert model(torch.zeros(2, 3, 17, 23)).shape == (2, 5)


@pytest.mark.parametrize("shape", [(3, 7, 32), (3, 32, 7)])
def test_too_small_an_image_is_refused(shape: tuple[int, int, int]) -> None:
    """An image that cannot be halved once a block is refused with the size that it needs."""
    with pytest.raises(ValueError, match=r"input_shape .* too small .* at least 8"):
        CNNConfig().build(shape, 10)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CNNConfig(channels=()), r"channels .*\(\)"),
        (lambda: CNNConfig(channels=(8, -1)), r"channels .*\(8, -1\)"),
        (lambda: CNNConfig(kernel_size=4), r"kernel_size .*4"),
        (lambda: CNNConfig(kernel_size=-1), r"kernel_size .*-1"),
        (lambda: CNNConfig(conv_dropout=1.0), r"conv_dropout .*1\.0"),
        (lambda: CNNConfig(head_dropout=-0.5), r"head_dropout .*-0\.5"),
    ],
)
def test_bad_arguments_are_named(make: Callable[[], CNNConfig], message: str) -> None:
    """A bad argument's error names the argument and its value."""
    with pytest.raises(ValueError, match=message):
        make()
