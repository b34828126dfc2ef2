"""Draws made ahead are those that were made batch by batch."""

import pytest
import torch

from search.training.augmentation import augment, draw_epoch
from spaces.candidate import AugmentationName

CPU = torch.device("cpu")
DRAWN: list[AugmentationName] = ["flip", "flip_crop"]


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("name", DRAWN)
def test_an_epoch_draws_as_its_batches_would_in_turn(name: AugmentationName) -> None:
    """Each batch has the draws that it would have made for itself after those before it."""
    generator = seeded()
    expected = [draw_epoch(name, [size], generator, CPU)[0] for size in (5, 5, 2)]
    found = draw_epoch(name, [5, 5, 2], seeded(), CPU)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_without_draws_images_come_back() -> None:
    """The very images, not a copy."""
    images = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    assert augment(images, "none", None) is images


def test_nothing_is_drawn_where_nothing_is_augmented() -> None:
    """Without augmentation there are no draws, and the generator rests."""
    generator = seeded()
    assert draw_epoch("none", [5, 2], generator, CPU) == [None, None]
    assert torch.equal(generator.get_state(), seeded().get_state())


@pytest.mark.parametrize("name", DRAWN)
def test_an_epoch_without_batches_draws_nothing(name: AugmentationName) -> None:
    """No batches, no draws."""
    assert draw_epoch(name, [], seeded(), CPU) == []
