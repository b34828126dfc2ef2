"""Building networks and counting their parameters."""

from itertools import product

import pytest
import torch

from cifar_models import CNNConfig, MLPConfig, ModelConfig, build_model, count_parameters
from cifar_models.cnn import HEADS, POOLINGS
from cifar_models.family import ACTIVATIONS, find_activation

CONFIGS: list[ModelConfig] = [
    MLPConfig(hidden_widths=(12,), dropouts=(0.0,)),
    MLPConfig(hidden_widths=(12, 7), batch_norm=False),
    *(
        CNNConfig(channels=(4, 6), head=head.name, pooling=pooling.name, activation=activation.name)
        for head, pooling, activation in product(HEADS, POOLINGS, ACTIVATIONS)
    ),
    CNNConfig(channels=(5, 5, 5), kernel_size=5),
]


@pytest.mark.parametrize("config", CONFIGS, ids=repr)
def test_count_is_that_of_the_real_network(config: ModelConfig) -> None:
    """The count equals the number of weights of the network that would be trained."""
    model = build_model(config, (3, 16, 20), 7)
    real = sum(weights.numel() for weights in model.parameters() if weights.requires_grad)
    assert count_parameters(config, (3, 16, 20), 7) == real


@pytest.mark.parametrize("config", [MLPConfig(), CNNConfig()], ids=["mlp", "cnn"])
def test_counting_draws_no_random_numbers(config: ModelConfig) -> None:
    """Counting leaves torch's generator as it was."""
    before = torch.get_rng_state()
    count_parameters(config, (3, 32, 32), 10)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("config", [MLPConfig(), CNNConfig()], ids=["mlp", "cnn"])
def test_same_seed_gives_the_same_weights(config: ModelConfig) -> None:
    """The weights hang on torch's seed alone."""
    weights = []
    for _ in range(2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            weights.append(build_model(config, (3, 8, 8), 2).state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize("shape", [(3, 32), (0, 32, 32), (3, 32, -1)])
@pytest.mark.parametrize("config", [MLPConfig(), CNNConfig()], ids=["mlp", "cnn"])
def test_bad_shape_is_named(config: ModelConfig, shape: tuple[int, int, int]) -> None:
    """A shape that is none is refused by name and value."""
    with pytest.raises(ValueError, match="input_shape must be"):
        build_model(config, shape, 10)


@pytest.mark.parametrize("num_classes", [-1, 0, 1])
def test_fewer_than_two_classes_are_refused(num_classes: int) -> None:
    """There is nothing to classify with fewer than two classes."""
    with pytest.raises(ValueError, match=f"num_classes .*{num_classes}"):
        build_model(CNNConfig(), (3, 32, 32), num_classes)


def test_unknown_activation_is_named() -> None:
    """An activation that does not exist is refused by name."""
    with pytest.raises(ValueError, match=r"activation .*'tanhh'"):
        find_activation("tanhh")
