"""Draws made ahead are those that would be made batch by batch."""

import pytest
import torch

from spaces.augmentation import (
    AUGMENTATIONS,
    Augmentation,
    CustomAugmentation,
    Pipeline,
    find_augmentation,
)

CPU = torch.device("cpu")
DRAWN = [one for one in AUGMENTATIONS if one is not CustomAugmentation]  # which draws for itself


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", DRAWN, ids=lambda one: one.key())
def test_an_epoch_draws_as_its_batches_would_in_turn(kind: type[Augmentation]) -> None:
    """Each batch has the draws that it would have made for itself after those before it."""
    pipeline, generator = Pipeline((kind.model_validate({}),)), seeded()
    expected = [pipeline.draw([size], [generator], CPU)[0] for size in (5, 5, 2)]
    found = pipeline.draw([5, 5, 2], [seeded()], CPU)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert [one.shape[1] for (one,) in found] == [5, 5, 2]


def test_each_augmentation_draws_from_a_generator_of_its_own() -> None:
    """What follows in a pipeline does not change the draws of what stands before."""
    steps = tuple(kind.model_validate({}) for kind in DRAWN)
    for length in range(1, len(steps) + 1):
        generators = [seeded(place) for place in range(length)]
        (found,) = Pipeline(steps[:length]).draw([4], generators, CPU)
        alone = [
            Pipeline((step,)).draw([4], [seeded(place)], CPU)[0][0]
            for place, step in enumerate(steps[:length])
        ]
        torch.testing.assert_close(list(found), alone, rtol=0, atol=0)


def test_nothing_happens_without_augmentation() -> None:
    """Nothing is drawn, and the very images come back, not a copy."""
    none, images = find_augmentation("none"), torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    assert none.draw([5, 2], [], CPU) == [(), ()]
    assert none.change_pixels(images, ()) is images
    assert none.change_normalized(images, ()) is images


@pytest.mark.parametrize("kind", DRAWN, ids=lambda one: one.key())
def test_an_epoch_without_batches_draws_nothing(kind: type[Augmentation]) -> None:
    """No batches, no draws."""
    assert Pipeline((kind.model_validate({}),)).draw([], [seeded()], CPU) == []
