"""Families of networks that a user's space brings along."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from cifar_models import FAMILIES, ModelConfig, build_model, count_parameters, multiply_adds
from cifar_models.family import check_output
from spaces import Candidate, CNNConfig, MLPConfig, SGDConfig, load_space
from spaces.candidate import (
    candidate_differences,
    describe_candidate,
    summarize_candidate,
    tell_candidate,
)
from spaces.families import FamilySource, StoredNetwork, check_family, family_kind

DATACLASS = """\
@dataclass(frozen=True)
class Net(ModelConfig):
    kind: Literal["net"] = "net"
    widths: tuple[int, ...] = (4, 8)
    rate: float = 0.1
    name: str = "plain"
    bias: bool | None = None

    def build(self, input_shape, num_classes):
        return nn.Sequential(nn.Flatten(), nn.LazyLinear(num_classes))
"""
PYDANTIC = """\
class Net(BaseModel, ModelConfig):
    model_config = ConfigDict(frozen=True)
    kind: Literal["net"] = "net"
    widths: tuple[int, ...] = (4, 8)
    rate: float = Field(0.1, gt=0)
    name: str = "plain"
    bias: bool | None = None

    def build(self, input_shape, num_classes):
        return nn.Sequential(nn.Flatten(), nn.LazyLinear(num_classes))
"""
HEAD = """\
from dataclasses import dataclass
from typing import Literal
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from spaces import Candidate, ModelConfig, SGDConfig, Space
"""
SPACE = """
def suggest(trial):
    model = Net(widths=(trial.suggest_int("width", 2, 6), 8), rate=0.25)
    return Candidate(model=model, optimizer=SGDConfig())

SPACE = Space("own", suggest, families=(Net,))
"""


def write(folder: Path, family: str = DATACLASS, space: str = SPACE) -> str:
    path = folder / "own.py"
    path.write_text(f"{HEAD}\n{family}\n{space}", encoding="utf-8")
    return f"{path}:SPACE"


def refused(setting: str) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        load_space(setting)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("family", [DATACLASS, PYDANTIC], ids=["dataclass", "pydantic"])
@pytest.mark.parametrize("postponed", ["", "from __future__ import annotations\n"])
def test_a_family_of_a_users_file_makes_candidates(
    tmp_path: Path, family: str, postponed: str
) -> None:
    """They are stored with the family's name and fields, and come back by its code."""
    path = Path(write(tmp_path, family).rpartition(":")[0])
    path.write_text(postponed + path.read_text("utf-8"), encoding="utf-8")
    space = load_space(f"{path}:SPACE")
    candidate, source = space.candidate({"width": 3}), space.family_source
    text = candidate.model_dump_json()
    assert json.loads(text)["model"] == {
        "kind": "net", "widths": [3, 8], "rate": 0.25, "name": "plain", "bias": None,
    }  # fmt: skip
    assert Candidate.from_json(text, space.families) == candidate
    assert source is not None
    path.unlink()  # as in a worker on another machine
    again = Candidate.from_json(text, source.load())
    assert again.model_dump_json() == text
    assert isinstance(again.model.build((3, 4, 4), 5), nn.Module)


def test_words_come_from_its_fields(tmp_path: Path) -> None:
    """For sentences, prose and tables; also if its code has not been run."""
    candidate = load_space(write(tmp_path)).candidate({"width": 3})
    stored = Candidate.from_json(candidate.model_dump_json())
    assert isinstance(stored.model, StoredNetwork)
    for one in (candidate, stored):
        words = "layers of net (widths 3-8, rate 0.25, name plain, bias None)"
        assert describe_candidate(one).startswith(f"The {words}; ")
        assert f"The network has the {words}." in tell_candidate(one)
        assert summarize_candidate(one).startswith("net widths=3-8 rate=0.25 name=plain")
    other = load_space(write(tmp_path)).candidate({"width": 4})
    assert candidate_differences(candidate, other) == (("model.widths", "3, 8", "4, 8"),)


def test_a_stored_network_is_kept_but_not_built(tmp_path: Path) -> None:
    """Its JSON stays the same, byte for byte; building it says why it cannot be."""
    candidate = load_space(write(tmp_path)).candidate({"width": 3})
    text = candidate.model_dump_json()
    stored = Candidate.from_json(text)
    assert stored.model_dump_json() == text
    assert stored.with_families((type(candidate.model),)) == candidate
    with pytest.raises(ValueError, match=r"family 'net' is not of this program, and its code"):
        build_model(stored.model, (3, 8, 8), 3)
    with pytest.raises(ValueError, match="does not match any of the expected tags"):
        Candidate.model_validate_json(text)  # such as a model.json without code


@pytest.mark.parametrize("config", [MLPConfig(), CNNConfig()])
def test_networks_of_this_program_need_no_code(config: ModelConfig) -> None:
    """They are read as ever."""
    candidate = Candidate(model=config, optimizer=SGDConfig())
    assert Candidate.from_json(candidate.model_dump_json()).model == config
    assert {family_kind(type(config))} <= {family.kind for family in FAMILIES}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("families=(Net,)", "families=()", "Space(..., families=(Net,))"),
        ("families=(Net,)", "families=Net", "families must be a tuple, such as (Net,)"),
        ("families=(Net,)", "families=(dict,)", "family dict must be a class derived from"),
        ("frozen=True", "frozen=False", "must be a frozen dataclass"),
        ('kind: Literal["net"] = "net"', 'kind: str = "My Net"', "got 'My Net'"),
        ('kind: Literal["net"] = "net"\n', "pass\n", "such as `kind: Literal['mine'] = 'mine'`"),
        ('kind: Literal["net"] = "net"', 'kind: str = "cnn"', "must not be called 'cnn'"),
        ("    def build", "    def make", "abstract"),
        ("rate: float", "rate: object", "is another network after JSON"),
        ("rate=0.25", "rate=lambda: 1", "cannot be stored as JSON"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """When the space is loaded, before anything is prepared."""
    family, space = DATACLASS.replace(old, new), SPACE.replace(old, new)
    if "rate: object" in new:
        space = space.replace("rate=0.25", "rate=(1, 2)")
    assert expected in refused(write(tmp_path, family, space))


def test_a_pydantic_family_checks_its_fields(tmp_path: Path) -> None:
    """And its message names the field."""
    space = SPACE.replace("rate=0.25", "rate=-1")
    assert "Net.rate: Input should be greater than 0" in refused(write(tmp_path, PYDANTIC, space))


def test_families_of_this_program_are_families() -> None:
    """A user's space may list them too."""
    for family in FAMILIES:
        check_family(family)


class Odd(ModelConfig):
    """Builds whatever it was given."""

    kind = "odd"

    def __init__(self, network: type[nn.Module]) -> None:
        self._network = network

    def build(self, input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
        return self._network()


class Valued(nn.Module):
    """Needs its values: nothing that a meta tensor has."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(12, 5)
        self.scale = float(self.head.weight.detach().abs().max().item())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(images.flatten(1)) * self.scale
        return logits


def test_a_network_that_needs_its_values_is_measured_too() -> None:
    """By really making it, which draws nothing from torch's global generator."""
    before = torch.get_rng_state()
    assert count_parameters(Odd(Valued), (3, 2, 2), 5) == 65
    assert multiply_adds(Odd(Valued), (3, 2, 2), 5) == 60
    check_output(Odd(Valued), (3, 2, 2), 5)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_no_logits_is_refused() -> None:
    """With the shape that is wanted, and what it is."""
    with pytest.raises(
        TypeError, match=r"must return logits \(2, 4\) of images \(2, 3, 2, 2\), got"
    ):
        check_output(Odd(Valued), (3, 2, 2), 4)


def test_the_source_of_families_is_plain(tmp_path: Path) -> None:
    """It travels to workers and into model.json: texts alone, and no path of this machine."""
    source = load_space(write(tmp_path)).family_source
    assert isinstance(source, FamilySource)
    assert str(tmp_path) not in repr(source)
    assert dict(source.files).keys() == {"own.py"}
