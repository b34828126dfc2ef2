"""Networks of a user's own take one training step before a search."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import nn

from cifar_models import ModelConfig
from search.data.dataset import DatasetInfo
from search.recipe import Recipe
from search.tuning.trying_out import check_families
from spaces import Candidate, MLPConfig, SGDConfig, Space
from spaces.user_object import UserCodeError

_DATASET = DatasetInfo("pets", "f" * 64, ("cat", "dog"), (3, 4, 4), 1000, 100, Path("cache"))
_steps: list[str] = []


class Net(nn.Module):
    """Notes each of its training steps."""

    def __init__(self, kind: str, n_classes: int) -> None:
        super().__init__()
        self.kind, self.head = kind, nn.Linear(48, n_classes)
        self.unused = nn.Linear(1, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.training:
            _steps.append(self.kind)
        features = images.flatten(1)
        if self.kind == "blind":
            with torch.no_grad():
                features = self.head(features)
        elif self.kind == "constant":
            features = torch.zeros(len(images), 2, requires_grad=True)
        else:
            features = self.head(features)
        return features


@dataclass(frozen=True)
class Good(ModelConfig):
    kind: Literal["good"] = "good"
    wide: bool = False

    def build(self, input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
        if self.wide:
            raise ValueError("too wide")
        return Net(self.kind, num_classes)


@dataclass(frozen=True)
class Blind(ModelConfig):
    kind: Literal["blind"] = "blind"

    def build(self, input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
        return Net(self.kind, num_classes)


@dataclass(frozen=True)
class Constant(ModelConfig):
    kind: Literal["constant"] = "constant"

    def build(self, input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
        return Net(self.kind, num_classes)


@dataclass(frozen=True)
class Empty(ModelConfig):
    kind: Literal["empty"] = "empty"

    def build(self, input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.AdaptiveAvgPool1d(2))


def check(*models: ModelConfig, planned: bool) -> list[str]:
    """Return the families that took a training step, once each, of a space of these networks."""

    def suggest(trial: Any) -> Candidate:
        model = models[trial.suggest_int("which", 0, len(models) - 1)]
        return Candidate(model=model, optimizer=SGDConfig())

    families = tuple(dict.fromkeys(map(type, models)))
    space = Space("nets", suggest, families=families)
    known = [Candidate(model=one, optimizer=SGDConfig()) for one in models] if planned else []
    _steps.clear()
    check_families(Recipe(space="nets", dataset="pets"), space, _DATASET, known)
    return _steps


@pytest.mark.parametrize("planned", [True, False])
def test_each_family_takes_one_step(planned: bool) -> None:
    """Of the first network that fits; those of this program take none, and nothing is drawn."""
    before = torch.get_rng_state()
    assert check(MLPConfig(), Good(wide=True), Good(), Good(), planned=planned) == ["good"]
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Blind(), "its logits are detached from its parameters, which cannot learn"),
        (Constant(), "none of its parameters gets a gradient"),
        (Empty(), "it has no parameters"),
    ],
)
@pytest.mark.parametrize("planned", [True, False])
def test_a_later_family_that_cannot_learn_is_named(
    model: ModelConfig, reason: str, planned: bool
) -> None:
    with pytest.raises(UserCodeError) as caught:
        check(Good(), Good(), Good(), model, planned=planned)
    assert str(caught.value) == f"network family {model.kind!r}: in training mode: {reason}"
