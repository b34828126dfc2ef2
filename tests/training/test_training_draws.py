"""Draws made ahead are those that were made batch by batch."""

import pytest
import torch

from spaces.augmentation import AUGMENTATIONS, Augmentation, find_augmentation

CPU = torch.device("cpu")
DRAWN = [one for one in AUGMENTATIONS if one.name != "none"]


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("augmentation", DRAWN, ids=lambda one: one.name)
def test_an_epoch_draws_as_its_batches_would_in_turn(augmentation: Augmentation) -> None:
    """Each batch has the draws that it would have made for itself after those before it."""
    generator = seeded()
    expected = [augmentation.draw([size], generator, CPU)[0] for size in (5, 5, 2)]
    found = augmentation.draw([5, 5, 2], seeded(), CPU)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_without_draws_images_come_back() -> None:
    """The very images, not a copy."""
    images = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    assert find_augmentation("none").apply(images, None) is images


def test_nothing_is_drawn_where_nothing_is_augmented() -> None:
    """Without augmentation there are no draws, and the generator rests."""
    generator = seeded()
    assert find_augmentation("none").draw([5, 2], generator, CPU) == [None, None]
    assert torch.equal(generator.get_state(), seeded().get_state())


@pytest.mark.parametrize("augmentation", DRAWN, ids=lambda one: one.name)
def test_an_epoch_without_batches_draws_nothing(augmentation: Augmentation) -> None:
    """No batches, no draws."""
    assert augmentation.draw([], seeded(), CPU) == []
