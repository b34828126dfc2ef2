"""Twins: the same function, gradients and buffers as the plain network."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

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


class _Standardized(nn.Conv2d):
    """A convolution whose filters have mean 0 and deviation 1."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        mean = self.weight.mean((1, 2, 3), keepdim=True)
        weight = (self.weight - mean) / (self.weight.std((1, 2, 3), keepdim=True) + 1e-5)
        outputs: torch.Tensor = self._conv_forward(images, weight, self.bias)
        return outputs


class _Doubled(nn.Linear):
    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(features)


class _Shifted2d(nn.BatchNorm2d):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images) + 1


class _Shifted1d(nn.BatchNorm1d):
    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return super().forward(features) + 1


class _Negated(nn.ReLU):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return -super().forward(inputs)


class _NegatedPool(nn.MaxPool2d):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = super().forward(-inputs)
        return -outputs


class _CenteredPool(nn.AvgPool2d):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = super().forward(inputs - inputs.mean())
        return outputs


class _Always(nn.Dropout):
    """Scales in both modes, so that leaving it out or replacing it shows."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return 3 * inputs


class _Fixed2d(nn.Dropout2d):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs - 1


class _Halved(nn.Sequential):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = super().forward(inputs)  # type: ignore[no-untyped-call]
        return outputs / 2


def _hooked(layer: nn.Module) -> nn.Module:
    layer.register_forward_hook(lambda module, inputs, outputs: 2 * outputs + 1)
    return layer


def _hooked_before(layer: nn.Module) -> nn.Module:
    layer.register_forward_pre_hook(lambda module, inputs: (inputs[0] ** 2,))
    return layer


def _patched(layer: nn.Module) -> nn.Module:
    def forward(inputs: torch.Tensor) -> torch.Tensor:
        return -inputs

    layer.forward = forward
    return layer


def _conv() -> nn.Conv2d:
    return nn.Conv2d(3, 6, 3)


# Each has a layer that may compute anything, or a norm that remembers batches in its own way.
OF_USERS: dict[str, Callable[[], tuple[nn.Module, ...]]] = {
    "convolution": lambda: (_Standardized(3, 6, 3), nn.BatchNorm2d(6)),
    "norm": lambda: (_conv(), _Shifted2d(6)),
    "linear": lambda: (nn.Flatten(), _Doubled(243, 6), nn.BatchNorm1d(6)),
    "norm of vectors": lambda: (nn.Flatten(), nn.Linear(243, 6), _Shifted1d(6)),
    "activation": lambda: (_conv(), _Negated(), nn.MaxPool2d(2)),
    "max pooling": lambda: (_conv(), nn.ReLU(), _NegatedPool(2)),
    "average pooling": lambda: (_conv(), _Fixed2d(), _CenteredPool(2)),
    "dropout": lambda: (_conv(), _Always()),
    "dropout of channels": lambda: (_conv(), _Fixed2d(), nn.MaxPool2d(2), nn.AvgPool2d(2)),
    "sequence": lambda: (_Halved(_conv(), nn.BatchNorm2d(6)),),
    "weight norm": lambda: (parametrizations.weight_norm(_conv()), nn.BatchNorm2d(6)),
    "parametrized linear": lambda: (
        nn.Flatten(),
        parametrizations.weight_norm(nn.Linear(243, 6)),
        nn.BatchNorm1d(6),
    ),
    "hook of a layer": lambda: (_hooked(_conv()), nn.BatchNorm2d(6)),
    "hook of a norm": lambda: (_conv(), _hooked_before(nn.BatchNorm2d(6))),
    "hook of a dropout": lambda: (_conv(), _hooked(nn.Dropout(0.0))),
    "hook of an activation": lambda: (_conv(), _hooked_before(nn.ReLU()), nn.MaxPool2d(2)),
    "patched activation": lambda: (_conv(), _patched(nn.ReLU()), nn.MaxPool2d(2)),
    "mean of all batches": lambda: (_conv(), nn.BatchNorm2d(6, momentum=None)),
    "mean of all batches of vectors": lambda: (
        nn.Flatten(),
        nn.Linear(243, 6),
        nn.BatchNorm1d(6, momentum=None),
    ),
    "statistics of the batch": lambda: (_conv(), nn.BatchNorm2d(6, track_running_stats=False)),
    "norm without weights": lambda: (
        nn.Flatten(),
        nn.Linear(243, 6),
        nn.BatchNorm1d(6, affine=False),
    ),
    "falling activations": lambda: (
        _conv(),
        nn.LeakyReLU(-0.5),
        nn.MaxPool2d(2),
        nn.ELU(-0.5),
        nn.MaxPool2d(2),
    ),
}
# Linear layers on inputs (N, L, C), whose batch norm is that of L; also with as many of each.
_LENGTHS: dict[str, Callable[[], tuple[nn.Module, ...]]] = {
    "length as width": lambda: (nn.Flatten(2), nn.Linear(81, 3), nn.BatchNorm1d(3)),
    "length other than width": lambda: (nn.Flatten(2), nn.Linear(81, 5), nn.BatchNorm1d(3)),
}


def _small_batches() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(8, 3, 9, 9, generator=generator) for _ in range(3)]


@pytest.mark.parametrize("name", [*OF_USERS, *_LENGTHS])
def test_what_may_compute_something_else_is_left_as_it_is(name: str) -> None:
    """A user's subclass or hook is called; twins have the plain outputs, gradients and buffers."""
    torch.manual_seed(1)
    plain = nn.Sequential(*(OF_USERS | _LENGTHS)[name]())
    mirrored = copy.deepcopy(plain)
    twin = fuse_for_training(mirrored)
    for images in _small_batches():
        results = []
        for network in (plain.train(), twin.train()):
            network.zero_grad(set_to_none=True)
            outputs = network(images)
            outputs.square().mean().backward()
            results.append(outputs)
        torch.testing.assert_close(results[1], results[0], rtol=1e-5, atol=1e-5)
    gradients = {one: parameter.grad for one, parameter in mirrored.named_parameters()}
    for one, parameter in plain.named_parameters():
        torch.testing.assert_close(gradients[one], parameter.grad, rtol=1e-4, atol=1e-5)
    for one, buffer in plain.state_dict().items():
        torch.testing.assert_close(mirrored.state_dict()[one], buffer, rtol=1e-5, atol=1e-6)
    evaluated = fuse_for_inference(plain)
    plain.eval()
    with torch.inference_mode():
        for images in _small_batches():
            torch.testing.assert_close(evaluated(images), plain(images), rtol=1e-4, atol=1e-5)


def test_a_hook_of_the_network_itself_is_called() -> None:
    """A sequence made again would not have it."""
    plain = nn.Sequential(_conv(), nn.BatchNorm2d(6))
    _hooked(plain)
    images = _small_batches()[0]
    expected = copy.deepcopy(plain).train()(images)
    assert torch.equal(fuse_for_training(copy.deepcopy(plain)).train()(images), expected)
    evaluated = fuse_for_inference(plain)
    assert torch.equal(evaluated(images), plain.eval()(images))


def test_a_frozen_bias_gets_no_gradient() -> None:
    """Weight decay would change it otherwise."""
    network = nn.Sequential(_conv(), nn.BatchNorm2d(6))
    bias = network.get_parameter("0.bias").requires_grad_(False)
    fuse_for_training(network).train()(_small_batches()[0]).square().mean().backward()
    assert bias.grad is None


def test_pooling_that_returns_places_stays_behind_its_activation() -> None:
    """It returns two tensors, which an activation does not take."""
    network = nn.Sequential(_conv(), nn.ReLU(), nn.MaxPool2d(2, return_indices=True))
    images = _small_batches()[0]
    values, places = network(images)
    fused_values, fused_places = fuse_for_training(network)(images)
    assert torch.equal(fused_values, values)
    assert torch.equal(fused_places, places)
