"""Pretrained backbones: weights, frozen or fine-tuned, their own normalization and size."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models
from torchvision.models import get_model_builder
from torchvision.models._api import Weights

from cifar_models import PretrainedConfig, build_model, count_parameters, multiply_adds
from cifar_models.backbone import Backbone
from cifar_models.layers import Resize
from cifar_models.weights import PretrainedWeights, backbone_names, published

SMALL = PretrainedConfig(backbone="shufflenet_v2_x0_5", image_size=32)
OWN = (3, 12, 10)
FORMATS = ("plain", "checkpoint", "parallel", "safetensors")


def torchvision_network(seed: int = 5, n_classes: int = 7) -> nn.Module:
    """Return a network of torchvision as a user may have trained it."""
    torch.manual_seed(seed)
    network: nn.Module = models.shufflenet_v2_x0_5(num_classes=n_classes)
    network.train()(torch.randn(8, 3, 32, 32))  # so that the batch norms have statistics
    return network.eval()


def weights_file(folder: Path, kind: str = "plain") -> Path:
    state = torchvision_network().state_dict()
    path = folder / f"{kind}.{'safetensors' if kind == 'safetensors' else 'pth'}"
    match kind:
        case "plain":
            torch.save(state, path)
        case "checkpoint":
            torch.save({"epoch": 3, "state_dict": state}, path)
        case "parallel":
            torch.save({f"module.{name}": value for name, value in state.items()}, path)
        case "safetensors":
            save_file(state, path)
    return path


def with_file(path: Path, **changes: Any) -> PretrainedConfig:
    found = PretrainedWeights.find(SMALL.backbone, str(path))
    assert found is not None
    return replace(SMALL, weights=found.name, weights_file=found.file, **changes)


def started(config: PretrainedConfig) -> nn.Module:
    network = build_model(config, OWN, 4)
    config.load_inputs(network)
    return network


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMATS)
def test_the_backbone_is_that_of_the_file(kind: str, tmp_path: Path) -> None:
    """Features are those of torchvision's network, whatever the file looks like."""
    network = started(with_file(weights_file(tmp_path, kind))).eval()
    images = torch.randn(5, 3, 32, 32)
    theirs = torchvision_network()
    theirs.fc = nn.Identity()
    with torch.inference_mode():
        assert torch.equal(network.get_submodule("1")(images), theirs(images))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "densenet121", "regnet_x_400mf"])
def test_any_backbone_has_a_new_last_layer(name: str) -> None:
    """Fully connected or convolutional, it gives way to one of the dataset's classes."""
    config = PretrainedConfig(backbone=name, image_size=64)
    network = build_model(config, OWN, 4).eval()
    assert network(torch.randn(2, *OWN)).shape == (2, 4)
    counted = sum(one.numel() for one in network.parameters())
    assert count_parameters(config, OWN, 4) == counted
    assert not any(isinstance(one, nn.Dropout) and one.p for one in network.modules())


def _smallest_of_each_family() -> list[str]:
    """Return one name per module of torchvision; names of a module differ in numbers alone."""
    names = sorted(backbone_names(), key=lambda name: _weights(name).meta["num_params"])
    families = {get_model_builder(name).__module__: name for name in reversed(names)}
    return sorted(families.values())


def _weights(name: str) -> Weights:
    return list(published(name).values())[-1]


@pytest.mark.slow
@pytest.mark.parametrize("name", _smallest_of_each_family())
def test_classifiers_of_all_families_can_be_one(name: str) -> None:
    """It takes images of the size that its weights were trained with."""
    (size,) = _weights(name).transforms().crop_size
    assert multiply_adds(PretrainedConfig(backbone=name, image_size=size), OWN, 4) > 0


def test_counting_draws_no_random_numbers() -> None:
    """Not even for a backbone that cannot be built without values."""
    before = torch.get_rng_state()
    count_parameters(PretrainedConfig(backbone="regnet_x_400mf"), OWN, 4)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_frozen_backbone_stays_as_it_is(tmp_path: Path) -> None:
    """In training too: no gradients, no new statistics, the features of evaluation."""
    config = with_file(weights_file(tmp_path), frozen=True)
    network = started(config)
    backbone, images = network.get_submodule("1"), torch.randn(6, *OWN)
    before = {name: one.clone() for name, one in backbone.state_dict().items()}
    with torch.no_grad():
        expected = network.eval()(images)
    logits = network.train()(images)
    assert not any(module.training for module in backbone.get_submodule("network").modules())
    assert torch.equal(logits, expected)
    optimizer = torch.optim.SGD(config.parameter_groups(network), lr=0.1, weight_decay=0.1)  # type: ignore[arg-type]
    logits.square().sum().backward()
    optimizer.step()
    assert all(one.grad is None for one in backbone.parameters())
    assert all(torch.equal(before[name], one) for name, one in backbone.state_dict().items())
    assert not torch.equal(network(images), expected)


def test_a_frozen_backbone_has_no_backward_pass() -> None:
    """Its features are leaves: what was computed for them is not kept."""
    for frozen in (True, False):
        backbone = Backbone(SMALL.backbone, frozen=frozen).train()
        features = backbone(torch.randn(2, 3, 32, 32))
        assert (features.grad_fn is None) == frozen


def test_a_fine_tuned_backbone_learns_at_its_share_of_the_rate() -> None:
    """The last layer learns at the whole rate, and every parameter belongs to one group."""
    config = replace(SMALL, backbone_rate=0.25)
    network = build_model(config, OWN, 4)
    head, backbone = config.parameter_groups(network)
    assert "rate_share" not in head
    assert backbone["rate_share"] == 0.25
    found = {id(one) for group in (head, backbone) for one in group["params"]}
    assert found == {id(one) for one in network.parameters()}
    assert len(head["params"]) == 2


@pytest.mark.parametrize(("size", "shape"), [(16, (12, 10)), (4, (12, 10)), (8, (8, 8))])
def test_images_are_scaled_inside(size: int, shape: tuple[int, int]) -> None:
    """Larger or smaller, to a square, in the precision that they come in; means are kept."""
    images = torch.ones(2, 3, *shape, dtype=torch.bfloat16)
    scaled = Resize(size)(images)
    assert (scaled.shape, scaled.dtype) == ((2, 3, size, size), torch.bfloat16)
    assert torch.equal(scaled, torch.ones_like(scaled))


def test_smaller_images_are_means_of_all_pixels() -> None:
    """A bright pixel between those that plain interpolation would read is not lost."""
    images = torch.zeros(1, 1, 16, 16)
    images[0, 0, 0, 0] = 1
    assert float(Resize(4)(images).sum()) > 0


@pytest.mark.slow
def test_sizes_are_counted_once() -> None:
    """Settings that change no size share one count."""
    one = replace(SMALL, frozen=True, head_dropout=0.3, weights="IMAGENET1K_V1")
    assert one.same_size() == SMALL.same_size()
    assert multiply_adds(one, OWN, 4) == multiply_adds(SMALL, OWN, 4)
    assert multiply_adds(replace(SMALL, image_size=64), OWN, 4) > multiply_adds(SMALL, OWN, 4)


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    """What the weights are is decided when the study starts, and checked whenever they are read."""
    path = weights_file(tmp_path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    config = with_file(path)
    assert config.weights == f"sha256:{digest}"
    torch.save(torchvision_network(seed=6).state_dict(), path)
    with pytest.raises(ValueError, match="has changed"):
        started(config)
    path.unlink()
    with pytest.raises(ValueError, match="does not exist any more"):
        started(config)


def test_a_trained_network_needs_no_file(tmp_path: Path) -> None:
    """Its weights are its own; the place of the file stays on the machine."""
    config = with_file(weights_file(tmp_path)).portable()
    assert str(tmp_path) not in repr(config)
    assert build_model(config, OWN, 4)(torch.randn(2, *OWN)).shape == (2, 4)


class Planted:
    """What a pickle would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("planted"),))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "holds no weights, it holds a list"),
        ({"fc.weight": torch.zeros(1)}, "conv1.0.weight of shufflenet_v2_x0_5 is missing"),
        (
            models.shufflenet_v2_x1_0().state_dict(),
            r"must have shape \(24, 24, 1, 1\), it has \(58, 24, 1, 1\)",
        ),
        (Planted(), "holds no weights"),
        (b"text", "holds no weights"),
    ],
    ids=["list", "head", "other", "code", "text"],
)
def test_what_is_no_weights_is_refused(
    content: object, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line that says why; nothing in the file is run."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(ValueError, match=message) as caught:
        started(with_file(path))
    assert "\n" not in str(caught.value)
    assert not Path("planted").exists()


def test_published_names_of_old_densenets_are_understood() -> None:
    """Their weights were published before layers could not have dots in their names."""
    backbone = Backbone("densenet121", frozen=True)
    state = backbone.network.state_dict()
    old = {
        name.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): value + 1
        for name, value in state.items()
        if not name.endswith("num_batches_tracked")
    }
    assert old.keys() - state.keys()
    expected = {name: value + 1 for name, value in state.items()}
    backbone.load(old)
    for name, value in backbone.network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(value, expected[name])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PretrainedConfig(backbone="resnet_18"), "did you mean resnet18 or"),
        (lambda: PretrainedConfig(backbone="fasterrcnn"), "classifier of torchvision"),
        (lambda: PretrainedConfig(image_size=0), "image_size .*0"),
        (lambda: PretrainedConfig(backbone_rate=0.0), r"backbone_rate .*0\.0"),
        (lambda: PretrainedConfig(std=(0.1, 0.0, 0.1)), "std must be positive"),
        (lambda: PretrainedConfig(head_dropout=1.0), r"head_dropout .*1\.0"),
        (lambda: build_model(SMALL, (1, 8, 8), 2), "3 channels"),
        (lambda: PretrainedWeights.find("resnet18", "none.pth"), "no file 'none.pth'"),
        (lambda: PretrainedWeights("resnet18", "V9").load(), "not among those of torchvision"),
    ],
)
def test_bad_arguments_are_named(make: Callable[[], object], message: str) -> None:
    """A bad argument's error names the argument, its value and what would be accepted."""
    with pytest.raises(ValueError, match=message):
        make()


def test_it_is_told() -> None:
    """What it starts from and what of it learns."""
    assert SMALL.describe() == (
        "torchvision's shufflenet_v2_x0_5 (random weights, fine-tuned, on images scaled to 32 "
        "pixels) and a new linear layer with no dropout"
    )
    tuned = replace(SMALL, backbone_rate=0.1, weights="IMAGENET1K_V1")
    assert "weights IMAGENET1K_V1, fine-tuned at 0.1 times the learning rate" in tuned.describe()
    assert "frozen" in replace(SMALL, frozen=True).describe()
    assert SMALL.keywords() == "pretrained shufflenet_v2_x0_5 32px fine-tuned"
