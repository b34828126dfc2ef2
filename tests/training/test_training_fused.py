"""Twins: the same function, gradients and buffers as the plain network."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from cifar_models import CNNConfig, MLPConfig
from search.training.fused import FastDropout, fuse_for_inference, fuse_for_training
from tests.training.training_plain import with_plain_dropout

CONFIGS: list[Any] = [
    CNNConfig(channels=(4, 8, 8)),
    CNNConfig(channels=(4, 8, 8), activation="leaky_relu", head="global_max"),
    CNNConfig(channels=(4, 8, 8), activation="elu", kernel_size=5, pooling="average"),
    CNNConfig(channels=(4, 8, 8), activation="gelu", head="global_average"),
    CNNConfig(channels=(4, 8, 8), activation="silu", conv_dropout=0.0),
    CNNConfig(channels=(4, 8, 8), pooling="overlapping_max"),
    CNNConfig(channels=(4, 8, 8), activation="gelu", pool_first=True),
    MLPConfig(hidden_widths=(16, 8)),
    MLPConfig(hidden_widths=(16, 8), activation="silu", batch_norm=False),
]


def _batches() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(12, 3, 16, 16, generator=generator) for _ in range(3)]


def _networks(config: Any) -> tuple[nn.Sequential, nn.Sequential, nn.Module]:
    """Return a plain network, its copy, and the copy's training twin."""
    torch.manual_seed(1)
    plain: nn.Sequential = config.build((3, 16, 16), 5)
    mirrored = copy.deepcopy(plain)
    return plain, mirrored, fuse_for_training(mirrored)


def _feeds_batch_norm(network: nn.Sequential, name: str) -> bool:
    place, kind = name.split(".")
    following = network[min(int(place) + 1, len(network) - 1)]
    return kind == "bias" and isinstance(following, (nn.BatchNorm1d, nn.BatchNorm2d))


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_a_training_twin_gives_the_plain_outputs_gradients_and_buffers(config: Any) -> None:
    """With the same seed, dropout included, three steps agree to float32 rounding."""
    plain, mirrored, twin = _networks(config)
    for step, images in enumerate(_batches()):
        losses = []
        for network in (with_plain_dropout(plain), twin):
            torch.manual_seed(step)
            network.train()
            network.zero_grad(set_to_none=True)
            outputs = network(images)
            outputs.square().mean().backward()
            losses.append(outputs)
        torch.testing.assert_close(losses[1], losses[0], rtol=1e-5, atol=1e-5)
        gradients = dict(mirrored.named_parameters())
        for name, parameter in plain.named_parameters():
            ours = gradients[name].grad
            torch.testing.assert_close(ours, parameter.grad, rtol=1e-4, atol=1e-5)
            # In front of a batch norm the plain bias has a gradient of pure rounding noise.
            assert ours is not None
            assert not _feeds_batch_norm(plain, name) or not ours.any()
        for name, buffer in plain.state_dict().items():
            torch.testing.assert_close(mirrored.state_dict()[name], buffer, rtol=1e-5, atol=1e-6)


def test_pooling_before_relu_and_dropout_is_bitwise_the_same() -> None:
    """Reordering changes not one bit in float32: ReLU rises and dropout scales channels."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(8, 6, 8, 8, generator=generator)
    plain = nn.Sequential(nn.ReLU(), nn.Dropout2d(0.5), nn.MaxPool2d(2))
    results = []
    for network in (with_plain_dropout(plain), fuse_for_training(plain)):
        inputs = images.clone().requires_grad_()
        torch.manual_seed(3)
        outputs = network(inputs)
        outputs.square().sum().backward()
        results.append((outputs, inputs.grad))
    assert [type(m) for m in fuse_for_training(plain).children()] == [
        nn.MaxPool2d,
        nn.ReLU,
        FastDropout,
    ]
    assert torch.equal(results[0][0], results[1][0])
    gradients = [gradient for _, gradient in results]
    assert gradients[0] is not None
    assert gradients[1] is not None
    assert torch.equal(gradients[0], gradients[1])


@pytest.mark.parametrize("activation", [nn.GELU(), nn.SiLU()])
def test_activations_that_fall_somewhere_stay_before_the_pooling(activation: nn.Module) -> None:
    """GELU and SiLU are not monotone: the largest input need not give the largest output."""
    plain = nn.Sequential(activation, nn.Dropout2d(0.1), nn.MaxPool2d(2))
    assert [type(m) for m in fuse_for_training(plain).children()] == [
        type(activation),
        nn.MaxPool2d,
        FastDropout,
    ]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_an_evaluation_twin_predicts_what_the_plain_network_predicts(config: Any) -> None:
    """Folded batch norm and left-out dropout change outputs by rounding only."""
    plain, _, _ = _networks(config)
    plain.train()
    for images in _batches():
        plain(images)
    before = copy.deepcopy(plain.state_dict())
    twin = fuse_for_inference(plain)
    plain.eval()
    with torch.inference_mode():
        for images in _batches():
            torch.testing.assert_close(twin(images), plain(images), rtol=1e-4, atol=1e-5)
    left_behind = (nn.BatchNorm1d, nn.Dropout, nn.Dropout2d)
    assert not any(isinstance(module, left_behind) for module in twin.children())
    # a largest value scaled by a negative factor is a smallest one: behind a pooling it stays
    behind_pooling = getattr(config, "pool_first", False)
    assert any(isinstance(module, nn.BatchNorm2d) for module in twin.children()) == behind_pooling
    for name, value in plain.state_dict().items():
        assert torch.equal(value, before[name]), "the plain network is untouched"


def test_a_twin_has_no_parameters_of_its_own() -> None:
    """Training the twin is training the network: every parameter is the very same object."""
    _, mirrored, twin = _networks(CONFIGS[0])
    assert {id(p) for p in twin.parameters()} == {id(p) for p in mirrored.parameters()}


@pytest.mark.parametrize(
    "settings",
    [{"groups": 3}, {"dilation": 2}, {"stride": 2}, {"padding": 1, "padding_mode": "reflect"}],
    ids=str,
)
def test_any_convolution_before_a_batch_norm_keeps_its_settings(settings: Any) -> None:
    """A user's network may group or dilate its channels, or pad with more than zeros."""
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(3, 6, 3, **settings), nn.BatchNorm2d(6)).train()
    images = torch.randn(4, 3, 9, 9)
    fused = fuse_for_training(copy.deepcopy(plain)).train()
    torch.testing.assert_close(fused(images), plain(images), rtol=1e-5, atol=1e-5)
    evaluated = fuse_for_inference(plain)
    torch.testing.assert_close(evaluated(images), plain.eval()(images), rtol=1e-5, atol=1e-5)
