"""Augmentation draws flips and crops for each image and nothing else."""

import pytest
import torch
from torch.nn.functional import pad

from spaces.augmentation import PRESETS, find_augmentation

N, SIDE = 64, 10
ALL = list(PRESETS)
DRAWN = [name for name in ALL if name != "none"]
CROP_PADDING = 4


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_images(n: int = N, width: int = SIDE) -> torch.Tensor:
    return torch.randint(1, 256, (n, 3, SIDE, width), dtype=torch.uint8, generator=seeded(9))


def augmented(images: torch.Tensor, name: str, generator: torch.Generator) -> torch.Tensor:
    """Return the images augmented as an epoch of one batch draws."""
    pipeline = find_augmentation(name)
    generators = [generator for _ in pipeline.steps]
    (draws,) = pipeline.draw([len(images)], generators, images.device)
    return pipeline.change_pixels(images, draws)


def windows(image: torch.Tensor) -> torch.Tensor:
    """Return all 81 x 2 crops (162, C, H, W) of a padded image, unmirrored and mirrored."""
    height, width = image.shape[1:]
    padded = pad(image, [CROP_PADDING] * 4)
    crops = padded.unfold(1, height, 1).unfold(2, width, 1).permute(1, 2, 0, 3, 4)
    plain = crops.reshape(-1, *image.shape)
    return torch.cat([plain, plain.flip(3)])


def which_window(image: torch.Tensor, found: torch.Tensor) -> int:
    """Return the number of the one window of `image` that `found` is."""
    same = (windows(image) == found).flatten(1).all(1).nonzero().flatten().tolist()
    assert len(same) == 1
    return int(same[0])


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("width", [SIDE, SIDE - 3])
def test_shape_and_dtype_are_kept(name: str, width: int) -> None:
    """The result has the images' shape, square or not, and stays uint8."""
    images = make_images(width=width)
    found = augmented(images, name, seeded())
    assert found.shape == images.shape
    assert found.dtype == torch.uint8


@pytest.mark.parametrize("name", ALL)
def test_source_is_left_alone(name: str) -> None:
    """The given images are the same afterwards."""
    images = make_images()
    before = images.clone()
    augmented(images, name, seeded())
    assert torch.equal(images, before)


def test_none_draws_nothing() -> None:
    """Without augmentation the images come back and the generator rests."""
    images, generator = make_images(), seeded()
    state = generator.get_state()
    assert torch.equal(augmented(images, "none", generator), images)
    assert torch.equal(generator.get_state(), state)


def test_flip_mirrors_some_images_and_keeps_the_others() -> None:
    """Each image is itself or its mirror image, and both occur about as often."""
    images = make_images()
    found = augmented(images, "flip", seeded())
    kept = (found == images).flatten(1).all(1)
    mirrored = (found == images.flip(3)).flatten(1).all(1)
    assert (kept ^ mirrored).all()
    assert N / 4 < int(kept.sum()) < 3 * N / 4


def test_crops_are_windows_of_the_padded_image() -> None:
    """Each result is one of the 81 x 2 windows of its image, and the draws differ."""
    images = make_images()
    found = augmented(images, "flip_crop", seeded())
    numbers = [which_window(a, b) for a, b in zip(images, found, strict=True)]
    assert len(set(numbers)) > N / 2
    assert {number >= 81 for number in numbers} == {False, True}


def test_every_shift_occurs() -> None:
    """Over many draws of one image every one of the 9 shifts occurs in both directions."""
    image = make_images(1)
    found = augmented(image.expand(400, -1, -1, -1), "flip_crop", seeded())
    numbers = {which_window(image[0], one) % 81 for one in found}
    assert {n // 9 for n in numbers} == set(range(9))
    assert {n % 9 for n in numbers} == set(range(9))


@pytest.mark.parametrize("name", DRAWN)
def test_draws_follow_the_generator(name: str) -> None:
    """The same seed gives the same images, another seed or the next batch gives others."""
    images, generator = make_images(), seeded()
    first, second = (augmented(images, name, generator) for _ in range(2))
    assert torch.equal(first, augmented(images, name, seeded()))
    assert not torch.equal(first, second)
    assert not torch.equal(first, augmented(images, name, seeded(1)))


@pytest.mark.parametrize("name", DRAWN)
def test_draws_leave_the_global_generator_alone(name: str) -> None:
    """Dropout's random numbers do not depend on the augmentation."""
    before = torch.get_rng_state()
    augmented(make_images(), name, seeded())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", DRAWN)
def test_result_is_channels_last(name: str) -> None:
    """The gather leaves the batch in the layout that convolutions want."""
    found = augmented(make_images(), name, seeded())
    assert found.is_contiguous(memory_format=torch.channels_last)
