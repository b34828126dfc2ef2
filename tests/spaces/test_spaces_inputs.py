"""Files that networks start from, on their way to other machines."""

from pathlib import Path

import pytest
import torch

from cifar_models.backbone import Backbone
from cifar_models.pretrained import PretrainedConfig
from cifar_models.weights import PretrainedWeights
from spaces.candidate import Candidate
from spaces.cnn import CNN_SPACE
from spaces.inputs import input_paths, relocated

_BACKBONE = "squeezenet1_1"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "own.pth"
    torch.save(Backbone(_BACKBONE, frozen=True).network.state_dict(), path)
    return path


def _candidate(weights: Path) -> Candidate:
    found = PretrainedWeights.find(_BACKBONE, str(weights))
    assert found is not None
    model = PretrainedConfig(backbone=_BACKBONE, weights=found.name, weights_file=found.file)
    baseline = CNN_SPACE.baseline()
    assert baseline is not None
    return baseline.model_copy(update={"model": model})


def test_weights_are_found_on_another_machine(weights: Path, tmp_path: Path) -> None:
    """Under another name; they are still known by their hash, and a changed file is refused."""
    stored = _candidate(weights).model_dump_json()
    assert input_paths(stored) == (weights,)
    there = tmp_path / "inputs" / "1234.pth"
    there.parent.mkdir()
    there.write_bytes(weights.read_bytes())
    moved = Candidate.from_json(relocated(stored, lambda path: {weights: there}[path]))
    (found,) = moved.model.starting_inputs
    assert found.paths() == (str(there),)
    assert isinstance(found, PretrainedWeights)
    assert set(found.load()) == set(torch.load(weights, weights_only=True))
    there.write_bytes(b"other")
    with pytest.raises(ValueError, match="has changed"):
        found.load()


def test_published_weights_are_found_too(tmp_path: Path) -> None:
    """By the hash that torchvision puts into the name of their file."""
    model = PretrainedConfig(backbone=_BACKBONE, weights="IMAGENET1K_V1")
    (path,) = model.starting_inputs[0].paths()
    assert Path(path).name == "squeezenet1_1-b8a52dc0.pth"
    there = tmp_path / "1234.pth"
    there.write_bytes(b"other")
    moved = model.relocated(lambda _: str(there))
    assert moved.weights == "IMAGENET1K_V1"
    with pytest.raises(ValueError, match="has changed"):
        moved.starting_inputs[0].load()


def test_other_networks_start_from_no_file(tmp_path: Path) -> None:
    """Nothing changes on the way."""
    baseline = CNN_SPACE.baseline()
    assert baseline is not None
    stored = baseline.model_dump_json()
    assert input_paths(stored) == ()
    assert relocated(stored, lambda _: tmp_path) is stored
