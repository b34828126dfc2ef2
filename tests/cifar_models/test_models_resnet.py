"""The residual network."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from cifar_models import ResNetConfig, build_model, count_parameters, multiply_adds
from cifar_models.layers import LAYERS, DropPath, Residual, layer_arguments
from cifar_models.resnet import STEMS
from search.evaluation.code import network_code
from search.training.fused import fuse_for_inference, fuse_for_training

SMALL = ResNetConfig(channels=(4, 6, 8), blocks=2, drop_path=0.5)


def trained(config: ResNetConfig, shape: tuple[int, int, int] = (3, 16, 16)) -> nn.Sequential:
    """Return a network whose branches have left zero, and whose batch norms have seen images."""
    torch.manual_seed(0)
    model = config.build(shape, 5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    model.train()(torch.randn(16, *shape))
    return model


@pytest.mark.parametrize("stem", [one.name for one in STEMS])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 33, 17), (3, 8, 8), (3, 2, 2)])
def test_any_shape_gives_one_logit_a_class(stem: str, shape: tuple[int, int, int]) -> None:
    """Odd sides too: branch and shortcut halve them alike, down to a single pixel."""
    model = ResNetConfig(channels=(4, 4, 8), stem=stem).build(shape, 7)
    assert model(torch.randn(2, *shape)).shape == (2, 7)


def test_a_new_network_is_its_shortcuts() -> None:
    """The last batch norm of each branch starts at zero, which only the shortcut passes."""
    torch.manual_seed(0)
    model = SMALL.build((3, 16, 16), 5).eval()
    widths = (4, 4, 4, 6, 6, 8)
    blocks = [module for module in model if isinstance(module, Residual)]
    for width, block in zip(widths, blocks, strict=True):
        inputs = torch.randn(2, width, 6, 6)
        assert torch.equal(block(inputs), block.activation(block.shortcut(inputs)))


def test_depth_is_that_of_the_longest_path() -> None:
    """ResNet-20 of He et al. has 20 layers and 0.27 million parameters on CIFAR-10."""
    twenty = ResNetConfig(channels=(16, 32, 64), blocks=3, stem="full")
    assert twenty.depth == 20
    assert 0.26e6 < count_parameters(twenty, (3, 32, 32), 10) < 0.28e6
    assert 40e6 < multiply_adds(twenty, (3, 32, 32), 10) < 42e6


def test_a_stem_of_stride_two_costs_a_quarter() -> None:
    """All further layers see a quarter of the pixels."""
    full, strided = (
        multiply_adds(ResNetConfig(stem=stem), (3, 32, 32), 10) for stem in ("full", "strided")
    )
    assert full / strided == pytest.approx(4, rel=0.01)


def test_drop_path_rises_with_depth() -> None:
    """From none in the first block to the full rate in the last."""
    model = ResNetConfig(channels=(4, 4, 4), drop_path=0.4).build((3, 8, 8), 2)
    rates = [module.rate for module in model.modules() if isinstance(module, DropPath)]
    assert rates == [0.2, 0.4]


def test_drop_path_drops_whole_images_and_keeps_the_mean() -> None:
    """In training each image is zero or scaled by 1 / (1 - rate); in evaluation nothing changes."""
    torch.manual_seed(0)
    layer, inputs = DropPath(0.25), torch.ones(4000, 2, 3, 3)
    outputs = layer.train()(inputs)
    values = outputs.flatten(1)
    assert bool((values == values[:, :1]).all())
    assert set(values[:, 0].tolist()) == {0.0, float(torch.tensor(1 / 0.75))}
    assert float(values[:, 0].mean()) == pytest.approx(1, abs=0.05)
    assert torch.equal(layer.eval()(inputs), inputs)


@pytest.mark.parametrize("size", [(16, 16), (7, 9)])
def test_fused_networks_compute_the_same(size: tuple[int, int]) -> None:
    """Blocks are fused inside: in training on the same weights, in evaluation without norms."""
    model = trained(SMALL, (3, *size))
    images = torch.randn(12, 3, *size)
    fused = fuse_for_training(model).train()
    assert {id(one) for one in fused.parameters()} == {id(one) for one in model.parameters()}
    results = []
    for network in (model.train(), fused):
        torch.manual_seed(1)
        network.zero_grad(set_to_none=True)
        loss = network(images).square().mean()
        loss.backward()
        results.append([loss.detach(), *(one.grad for one in model.parameters())])
    torch.testing.assert_close(results[1], results[0], rtol=1e-5, atol=1e-6)
    evaluated = fuse_for_inference(model)
    left = (nn.BatchNorm2d, DropPath, nn.Dropout)
    assert not any(isinstance(module, left) for module in evaluated.modules())
    assert all(module.training for module in model.modules())
    with torch.inference_mode():
        torch.testing.assert_close(evaluated(images), model.eval()(images), rtol=1e-4, atol=1e-5)


def test_its_code_makes_the_same_network_even_of_odd_images() -> None:
    """Settings that torch leaves out of a layer's repr, such as ceil_mode, are written too."""
    model = trained(SMALL).eval()
    code = network_code(model)
    names = {"nn": nn, "torch": torch, "Tensor": torch.Tensor}
    exec(f"{code.definition}\nnetwork = {code.call}", names)  # noqa: S102
    theirs: nn.Module = names["network"]  # type: ignore[assignment]
    theirs.load_state_dict(model.state_dict())
    images = torch.randn(3, 3, 13, 7)
    assert torch.equal(theirs.eval()(images), model(images))


@pytest.mark.parametrize("layer", [DropPath(0.1), SMALL.build((3, 8, 8), 2)[3]])
def test_layers_keep_what_made_them(layer: nn.Module) -> None:
    """By which code and fused networks make them again."""
    assert type(layer) in LAYERS
    assert repr(type(layer)(**layer_arguments(layer))) == repr(layer)


def test_other_layers_have_no_arguments() -> None:
    """Those of torch are written by their repr."""
    with pytest.raises(TypeError, match="ReLU"):
        layer_arguments(nn.ReLU())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ResNetConfig(channels=()), r"channels .*\(\)"),
        (lambda: ResNetConfig(blocks=0), r"blocks .*0"),
        (lambda: ResNetConfig(stem="huge"), "stem must be one of full, strided, patch, got 'huge'"),
        (lambda: ResNetConfig(drop_path=1.0), r"drop_path .*1\.0"),
        (lambda: ResNetConfig(head_dropout=-0.1), r"head_dropout .*-0\.1"),
        (lambda: ResNetConfig(activation="step"), "activation .*'step'"),
        (lambda: build_model(ResNetConfig(stem="patch"), (3, 1, 8), 2), "too small .* at least 2"),
    ],
)
def test_bad_arguments_are_named(make: Callable[[], object], message: str) -> None:
    """A bad argument's error names the argument and its value."""
    with pytest.raises(ValueError, match=message):
        make()


def test_it_is_told() -> None:
    """In words, and in keywords that tell apart what a table shows."""
    assert ResNetConfig().describe() == (
        "three residual stages of 32, 64 and 128 channels with one block each (a 3x3 stem of "
        "stride 2, ReLU, no drop path) and a global average pooling head with no dropout"
    )
    assert "drop path up to 0.5" in SMALL.describe()
    assert SMALL.keywords() == "resnet 4-6-8 x2 relu"
