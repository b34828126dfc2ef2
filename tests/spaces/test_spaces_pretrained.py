"""Spaces of pretrained networks: what a user says, and what it means."""

import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from optuna.trial import FixedTrial
from torchvision import models

from cifar_models import PretrainedConfig
from cifar_models.weights import PretrainedWeights, published
from search.errors import UserError
from search.executors.inline import InlineExecutor
from search.tuning.preparing import prepare
from spaces import BUILT_IN, Space, pretrained_space
from spaces.inputs import model_inputs
from spaces.pretrained import Training

BACKBONE = "shufflenet_v2_x0_5"


def names(space: Space) -> set[str]:
    return {parameter.name for parameter in space.parameters()}


def model_of(space: Space) -> PretrainedConfig:
    model = space.candidate(space.portfolio[0]).model
    assert isinstance(model, PretrainedConfig)
    return model


@pytest.mark.slow
@pytest.mark.parametrize(
    ("training", "found"),
    [
        ("both", {"frozen", "backbone_rate"}),
        ("frozen", set()),
        ("fine_tuned", {"backbone_rate"}),
    ],
)
@pytest.mark.parametrize("image_size", [48, (32, 64)])
def test_only_what_is_open_is_a_parameter(
    training: Training, found: set[str], image_size: Any
) -> None:
    """Portfolio and grid are points of the space, whatever is left open."""
    space = pretrained_space(BACKBONE, weights="none", training=training, image_size=image_size)
    found = found | ({"image_size"} if isinstance(image_size, tuple) else set())
    assert names(space) & {"frozen", "backbone_rate", "image_size"} == found
    assert space.portfolio
    for point in (*space.portfolio, *space.grid()):
        trial = FixedTrial(dict(point))
        model = space.suggest(trial).model
        assert trial.params == point
        assert isinstance(model, PretrainedConfig)
        assert training == "both" or model.frozen == (training == "frozen")


def test_sizes_are_those_that_the_backbone_takes() -> None:
    """By default small ones and its own; a vision transformer only takes its own."""
    sizes = {
        parameter.name: parameter.distribution for parameter in BUILT_IN["pretrained"].parameters()
    }
    assert getattr(sizes["image_size"], "choices", None) == (64, 128, 224)
    assert "image_size" not in names(pretrained_space("vit_b_32", weights="none"))
    assert model_of(pretrained_space("vit_b_32", weights="none")).image_size == 224


@pytest.mark.slow
def test_normalization_is_that_of_the_weights() -> None:
    """torchvision knows it; a user's own wins."""
    space = pretrained_space("efficientnet_v2_l", weights="IMAGENET1K_V1", image_size=64)
    assert model_of(space).mean == (0.5, 0.5, 0.5)
    own = pretrained_space(BACKBONE, weights="none", mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    assert (model_of(own).mean, model_of(own).std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))


def test_download_means_the_recommended_weights_by_name() -> None:
    """A later version of torchvision that recommends others changes no stored study."""
    (one,) = model_inputs(pretrained_space("resnet50", image_size=64))
    assert one == PretrainedWeights("resnet50", "IMAGENET1K_V2")
    assert not model_inputs(BUILT_IN["cnn"])


def test_the_built_in_space_looks_nothing_up_until_it_is_asked() -> None:
    """It is made at every start of the program, and torchvision is slow to import."""
    assert model_of(BUILT_IN["pretrained"]).weights in published("mobilenet_v3_small")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pretrained_space("resnet_18"), "did you mean resnet18"),
        (lambda: pretrained_space(BACKBONE, weights="weights.pth"), "no file 'weights.pth'"),
        (lambda: pretrained_space(BACKBONE, training="some"), "training must be"),  # type: ignore[arg-type]
        (lambda: pretrained_space("vit_b_32", weights="none", image_size=64), "whose own is 224"),
        (lambda: pretrained_space(BACKBONE, weights="none", image_size=()), "image_size needs"),
    ],
)
def test_mistakes_are_named(make: Callable[[], Space], message: str) -> None:
    """In one line, when the space is made."""
    with pytest.raises(ValueError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    """At once, not when the first trial is trained."""
    torch.save(models.squeezenet1_1().state_dict(), tmp_path / "squeezenet.pth")
    with pytest.raises(ValueError, match=rf"conv1\.0\.weight of {BACKBONE} is missing"):
        pretrained_space(BACKBONE, weights=str(tmp_path / "squeezenet.pth"))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where torchvision's downloads are, an empty folder."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return tmp_path / "hub" / "checkpoints"


def test_without_a_connection_nothing_is_begun(
    hub: Path, make_recipe: Any, listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says what is missing and where to put it."""

    def offline(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    recipe = make_recipe(space="pretrained")
    with InlineExecutor() as executor, pytest.raises(UserError) as caught:
        prepare(recipe, executor, listener)
    message = str(caught.value)
    assert "\n" not in message
    for part in ("mobilenet_v3_small-047dcff4.pth into", str(hub), "weights=FILE"):
        assert part in message
    assert not recipe.runs_dir.exists()
    assert any("downloading" in notice for notice in listener.notices())


def test_a_damaged_download_is_noticed(hub: Path) -> None:
    """Its name has the first digits of its hash."""
    hub.mkdir(parents=True)
    (hub / "mobilenet_v3_small-047dcff4.pth").write_bytes(b"half a file")
    (one,) = model_inputs(BUILT_IN["pretrained"])
    with pytest.raises(ValueError, match="is damaged: delete it"):
        one.obtain(lambda _: None)
