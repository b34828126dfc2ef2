"""What an augmentation is: a way to change a whole batch of training images at random."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias, final

import torch
from torch import Tensor

from spaces.registered import NamedConfig

Stage: TypeAlias = Literal["pixels", "normalized"]
"""What an augmentation works on.

Attributes:
    pixels: uint8 images (N, 3, H, W), as they are stored.
    normalized: float32 images (N, 3, H, W) of mean 0 and deviation 1 per channel, so that zero is
        the mean of the training images; with pretrained weights, that of the
        images that these were trained on.
"""


# Exported scripts contain the function word for word: lines have at most 88 characters.
def windows(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return, for image i, the pixels at rows[i] x columns[i], channels-last."""
    which = torch.arange(len(images), device=images.device)[:, None, None]
    pixels = images.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None, :]]
    return pixels.permute(0, 3, 1, 2)


@final
@dataclass(frozen=True)
class ScriptStep:
    """An augmentation in an exported script.

    Attributes:
        functions: The code of each function to define; they may use `math`, `torch` and `nn`.
        lines: What to do with `images` and, if labels are mixed, `targets` (N, classes); `n` is the
            number of images, `device` where they are.
    """

    functions: tuple[str, ...]
    lines: tuple[str, ...]


class Augmentation(NamedConfig):
    """One augmentation with its settings.

    Random numbers are drawn for a whole epoch on the CPU, with a generator of the training's seed,
    so that they are the same on every device and after a kill. `apply` and `mix_targets` only use
    what was drawn, and read nothing back from the device, so that a step can be captured as a CUDA
    graph.

    Attributes:
        stage: What it works on.
        mixes_labels: Whether an image may become a mixture of two, and its label with it.
        capturable: Whether `apply` and `mix_targets` can be captured.
        n_draws: How many random numbers an image needs.
    """

    stage: ClassVar[Stage]
    mixes_labels: ClassVar[bool] = False
    capturable: ClassVar[bool] = True
    n_draws: ClassVar[int]

    def draw(self, size: int, generator: torch.Generator) -> torch.Tensor:
        """Return the random numbers of a batch (n_draws, size), here uniform in [0, 1)."""
        return torch.rand(self.n_draws, size, generator=generator)

    @abstractmethod
    def apply(self, images: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        """Return images of the stage's type, changed as drawn; same shape and type."""

    def mix_targets(
        self,
        targets: torch.Tensor,
        draws: torch.Tensor,  # noqa: ARG002
        size: tuple[int, int],  # noqa: ARG002
    ) -> torch.Tensor:
        """Return the probabilities (N, classes) that belong to the images of `apply`.

        Args:
            targets: Those before, float32 (N, classes).
            draws: As given to `apply`.
            size: Height and width of the images.
        """
        return targets

    @abstractmethod
    def settings(self) -> Iterator[str]:
        """Yield, in words, each setting that matters."""

    def describe(self) -> str:
        """Return it in words: "cutout (squares of 50% of the side)"."""
        settings = ", ".join(self.settings())
        return f"{self.words} ({settings})" if settings else self.words

    def keyword(self) -> str:
        """Return one word for tables."""
        return self.name

    @abstractmethod
    def script(self) -> ScriptStep:
        """Return what does the same in an exported script."""


def write_share(share: float) -> str:
    """Return a fraction as a percentage: "50%", "12.5%"."""
    return f"{100 * share:.3g}%"


def write_probability(probability: float) -> Iterator[str]:
    """Yield how many images an augmentation changes, if not all."""
    if probability < 1:
        yield f"on {write_share(probability)} of the images"
