"""MixUp and CutMix: training images mixed in pairs, and their labels with them.

The partner of an image is the one before it in the batch, which is a random one, because batches
are shuffled, and never the image itself.
"""

import inspect
from collections.abc import Iterator
from typing import ClassVar, Literal, Self, final

import numpy as np
import torch
from optuna.trial import BaseTrial
from pydantic import Field
from torch import Tensor

from cifar_models.family import write_number
from spaces.augmentation.base import Augmentation, ScriptStep, Stage, write_probability


def _draw_beta(alpha: float, size: int, generator: torch.Generator) -> Tensor:
    """Return float32 (size,) of the distribution Beta(alpha, alpha)."""
    seed = int(torch.randint(2**62, (), generator=generator))
    drawn = np.random.default_rng(seed).beta(alpha, alpha, size)
    return torch.from_numpy(drawn).float()


# Exported scripts contain the functions word for word: lines have at most 88 characters.
def mix(values: Tensor, kept: Tensor) -> Tensor:
    """Return each row mixed with the one before; `kept` (N,) is how much stays."""
    kept = kept.view(-1, *[1] * (values.dim() - 1))
    return torch.lerp(values.roll(1, 0), values, kept)


class _Mixing(Augmentation):
    """What MixUp and CutMix share: how much of an image is drawn from Beta(alpha, alpha).

    `probability` is that with which an image is mixed at all.
    """

    stage: ClassVar[Stage] = "normalized"
    mixes_labels: ClassVar[bool] = True

    alpha: float = Field(ge=0.01, le=10)
    probability: float = Field(1.0, gt=0, le=1)

    def draw(self, size: int, generator: torch.Generator) -> Tensor:
        """Return float32 (n_draws, size): shares that images keep, and uniform numbers."""
        kept = _draw_beta(self.alpha, size, generator)
        rest = torch.rand(self.n_draws, size, generator=generator)
        unmixed = rest[0] >= self.probability
        return torch.cat([torch.where(unmixed, 1.0, kept)[None], rest[1:]])

    def settings(self) -> Iterator[str]:
        yield f"alpha {write_number(self.alpha)}"
        yield from write_probability(self.probability)

    def _kept_in_script(self) -> Iterator[str]:
        yield f"beta = torch.distributions.Beta({self.alpha}, {self.alpha})"
        yield "kept = beta.sample((n,)).to(device)"
        if self.probability < 1:
            mixed = f"torch.rand(n, device=device) < {self.probability}"
            yield f"kept = torch.where({mixed}, kept, 1.0)"


@final
class MixUp(_Mixing):
    """Each image becomes a weighted mean of two, and so does its label (Zhang et al., 2018).

    Weights are drawn per image from Beta(alpha, alpha): with a small alpha most images stay nearly
    as they are.
    """

    words: ClassVar[str] = "mixup"
    n_draws: ClassVar[int] = 1

    name: Literal["mixup"] = "mixup"
    alpha: float = Field(0.2, ge=0.01, le=10)

    @classmethod
    def suggest(cls, trial: BaseTrial) -> Self:
        return cls(alpha=trial.suggest_float("mixup_alpha", 0.05, 1.0, log=True))

    def apply(self, images: Tensor, draws: Tensor) -> Tensor:
        return mix(images, draws[0])

    def mix_targets(self, targets: Tensor, draws: Tensor, size: tuple[int, int]) -> Tensor:  # noqa: ARG002
        return mix(targets, draws[0])

    def script(self) -> ScriptStep:
        line = "images, targets = mix(images, kept), mix(targets, kept)"
        return ScriptStep((inspect.getsource(mix),), (*self._kept_in_script(), line))


def boxes(kept: Tensor, draws: Tensor, size: tuple[int, int]) -> Tensor:
    """Return bool (N, H, W): where an image shows the one before it.

    Boxes have the image's shape, cover 1 - kept of it and are cut off at its border.
    """
    inside: list[Tensor] = []
    for length, centre in zip(size, draws, strict=True):
        part = (length * (1 - kept).clamp(min=0).sqrt()).round()
        middle = (centre * length).floor().clamp(max=length - 1)
        start = (middle - (part / 2).floor())[:, None]
        places = torch.arange(length, device=kept.device)
        inside.append((places >= start) & (places < start + part[:, None]))
    return inside[0][:, :, None] & inside[1][:, None, :]


@final
class CutMix(_Mixing):
    """A box of each image is replaced by that of another image (Yun et al., 2019).

    Both labels have the shares of the area that their images have.
    """

    words: ClassVar[str] = "CutMix"
    n_draws: ClassVar[int] = 3

    name: Literal["cutmix"] = "cutmix"
    alpha: float = Field(1.0, ge=0.01, le=10)

    @classmethod
    def suggest(cls, trial: BaseTrial) -> Self:
        return cls(
            alpha=trial.suggest_float("cutmix_alpha", 0.2, 2.0, log=True),
            probability=trial.suggest_float("cutmix_probability", 0.1, 1.0),
        )

    def apply(self, images: Tensor, draws: Tensor) -> Tensor:
        height, width = images.shape[2:]
        inside = boxes(draws[0], draws[1:], (height, width))
        return torch.where(inside[:, None], images.roll(1, 0), images)

    def mix_targets(self, targets: Tensor, draws: Tensor, size: tuple[int, int]) -> Tensor:
        return mix(targets, 1 - boxes(draws[0], draws[1:], size).float().mean((1, 2)))

    def script(self) -> ScriptStep:
        lines = (
            "inside = boxes(kept, torch.rand(2, n, device=device), (HEIGHT, WIDTH))",
            "images = torch.where(inside[:, None], images.roll(1, 0), images)",
            "targets = mix(targets, 1 - inside.float().mean((1, 2)))",
        )
        functions = (inspect.getsource(mix), inspect.getsource(boxes))
        return ScriptStep(functions, (*self._kept_in_script(), *lines))
