"""Several augmentations, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import torch
from torch import Tensor

from cifar_models.family import write_list
from spaces.augmentation.base import Augmentation, Stage

Draws: TypeAlias = tuple[Tensor, ...]
"""The random numbers of one batch: those of each augmentation (n_draws, N)."""


@final
@dataclass(frozen=True)
class Pipeline:
    """Augmentations in the order in which they are applied."""

    steps: tuple[Augmentation, ...] = ()

    @property
    def mixes_labels(self) -> bool:
        """Whether images may be mixed, so that labels become probabilities."""
        return any(step.mixes_labels for step in self.steps)

    def why_not_capturable(self) -> str | None:
        """Return why steps with it cannot be captured as a CUDA graph, or None."""
        names = [step.keyword() for step in self.steps if not step.capturable]
        return f"{write_list(names)} may decide things on the CPU" if names else None

    def draw(
        self, sizes: Sequence[int], generators: Sequence[torch.Generator], device: torch.device
    ) -> list[Draws]:
        """Return the random numbers of each batch of an epoch, on `device`.

        Args:
            sizes: How many images each batch has.
            generators: One on the CPU for each augmentation.
            device: Where the numbers are needed; each augmentation's are moved there at once.
        """
        columns: list[Sequence[Tensor]] = []
        for step, generator in zip(self.steps, generators, strict=True):
            drawn = [step.draw(size, generator) for size in sizes]
            moved = torch.cat(drawn, dim=1).to(device) if drawn else None
            columns.append([] if moved is None else torch.split(moved, list(sizes), dim=1))
        return [tuple(column[batch] for column in columns) for batch in range(len(sizes))]

    def example(self, size: int, device: torch.device) -> Draws:
        """Return some random numbers of a batch, always the same."""
        generators = [torch.Generator().manual_seed(0) for _ in self.steps]
        (draws,) = self.draw([size], generators, device)
        return draws

    def change_pixels(self, images: Tensor, draws: Draws) -> Tensor:
        """Return uint8 images (N, 3, H, W) after the augmentations that work on these."""
        return self._apply("pixels", images, draws)

    def change_normalized(self, images: Tensor, draws: Draws) -> Tensor:
        """Return normalized float32 images (N, 3, H, W) after the other augmentations."""
        return self._apply("normalized", images, draws)

    def _apply(self, stage: Stage, images: Tensor, draws: Draws) -> Tensor:
        for step, drawn in zip(self.steps, draws, strict=True):
            if step.stage == stage:
                images = step.apply(images, drawn)
        return images

    def mix_targets(self, targets: Tensor, draws: Draws, size: tuple[int, int]) -> Tensor:
        """Return the probabilities (N, classes) of the images' classes after all mixing.

        Args:
            targets: Those of the images as they are stored, float32 (N, classes).
            draws: As given to the other methods.
            size: Height and width of the images.
        """
        for step, drawn in zip(self.steps, draws, strict=True):
            targets = step.mix_targets(targets, drawn, size)
        return targets

    def describe(self) -> str:
        """Return the augmentations in words: "random flips and cutout (...)"."""
        return write_list([step.describe() for step in self.steps] or ["no augmentation"])

    def keyword(self) -> str:
        """Return a word for tables: "flip_crop+cutout"."""
        return "+".join(step.keyword() for step in self.steps) or "none"

    def why_invalid(self) -> str | None:
        """Return in words why the augmentations cannot follow each other like this, or None.

        What is done to stored pixels comes first, and mixing last: boxes of CutMix that are moved,
        covered or mixed once more by boxes would not have the area that their labels say.
        """
        for before, after in zip(self.steps, self.steps[1:], strict=False):
            if _rank(after) < _rank(before):
                return (
                    f"{after.keyword()} must come before {before.keyword()}; accepted: first what "
                    "changes stored pixels, then what changes normalized images, then what mixes "
                    "images"
                )
        mixing = [step.name for step in self.steps if step.mixes_labels]
        twice = next((name for name in mixing if mixing.count(name) > 1), None)
        return None if twice is None else f"{twice} may stand there only once"


def _rank(step: Augmentation) -> int:
    return 2 if step.mixes_labels else ("pixels", "normalized").index(step.stage)
