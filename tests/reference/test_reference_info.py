"""What the analysis says of a dataset, and what it never looks at."""

import pytest
import torch

from search.data.dataset import TrainSplit
from search.data.splits import fixed_holdout
from search.errors import UserError
from search.reference.data_analysis import (
    MAX_CLASSES,
    MAX_IMAGES,
    MAX_PIXELS,
    analysis_info,
    channels_info,
    samples_info,
)
from tests.reference.conftest import DatasetMaker


def test_only_the_training_part_is_looked_at(make_dataset: DatasetMaker) -> None:
    """Whatever the validation images hold, nothing of the analysis changes."""
    dataset, split = make_dataset()
    (fold,) = fixed_holdout(split.labels.numpy(), 0.2, 37)
    before = analysis_info(dataset, split)
    poisoned = split.images.clone()
    poisoned[torch.from_numpy(fold.validation)] = 255
    after = analysis_info(dataset, TrainSplit(poisoned, split.labels))
    assert (before.table, before.channels) == (after.table, after.channels)
    pairs = zip(before.samples.images, after.samples.images, strict=True)
    assert all((one == other).all() for one, other in pairs)
    assert before.n_images == len(fold.train) == 48


def test_the_table_is_that_of_the_training_images(make_dataset: DatasetMaker) -> None:
    """Means and population deviations of each channel, then the same over 255."""
    dataset, split = make_dataset()
    (fold,) = fixed_holdout(split.labels.numpy(), 0.2, 37)
    pixels = split.images[torch.from_numpy(fold.train)].double().transpose(0, 1).flatten(1)
    mean, std, small_mean, small_std = analysis_info(dataset, split).table
    assert mean == pytest.approx(pixels.mean(dim=1).tolist())
    assert std == pytest.approx(pixels.std(dim=1, correction=0).tolist())
    assert small_mean == tuple(value / 255 for value in mean)
    assert small_std == tuple(value / 255 for value in std)


def test_samples_are_of_their_class_and_all_different(make_dataset: DatasetMaker) -> None:
    """Each row shows distinct training images of the class it is named after, the same ones always.

    The images here tell their class by their first pixel and themselves by the second.
    """
    dataset, split = make_dataset(n_images=90)
    split.images[:, 0, 0, 0] = split.labels.to(torch.uint8)
    split.images[:, 0, 0, 1] = torch.arange(90, dtype=torch.uint8)
    indices = torch.arange(10, 90)
    info = samples_info(split, indices, dataset.class_names)
    assert info.class_names == dataset.class_names
    for label, images in enumerate(info.images):
        assert images.shape == (MAX_IMAGES, 3, 4, 5)
        assert (images[:, 0, 0, 0] == label).all()
        shown = set(images[:, 0, 0, 1].tolist())
        assert len(shown) == MAX_IMAGES
        assert min(shown) >= 10
    again = samples_info(split, indices, dataset.class_names)
    assert all((a == b).all() for a, b in zip(info.images, again.images, strict=True))


def test_a_small_class_shows_what_it_has(make_dataset: DatasetMaker) -> None:
    """Three images are three samples, not an error and not eight."""
    _, split = make_dataset(n_images=9)
    info = samples_info(split, torch.arange(9), ("cat", "dog", "owl"))
    assert [len(images) for images in info.images] == [3, 3, 3]


def test_many_classes_are_taken_at_even_distances(make_dataset: DatasetMaker) -> None:
    """Of 300 classes twenty are shown, from the first to the last, and the others are counted."""
    names = tuple(f"{i:03}" for i in range(300))
    _, split = make_dataset(n_images=600, class_names=names)
    info = samples_info(split, torch.arange(600), names)
    assert (len(info.class_names), info.n_classes) == (MAX_CLASSES, 300)
    assert (info.class_names[0], info.class_names[-1]) == ("000", "299")
    steps = {int(b) - int(a) for a, b in zip(info.class_names, info.class_names[1:], strict=False)}
    assert steps == {15, 16}


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ((300, 150), (MAX_IMAGES, 3, MAX_PIXELS, 64)),
        ((10, 40), (4, 3, 10, 40)),
        ((1, 400), (1, 3, 1, MAX_PIXELS)),
    ],
)
def test_samples_of_any_size_fit(
    make_dataset: DatasetMaker, size: tuple[int, int], shape: tuple[int, ...]
) -> None:
    """Large images are reduced, of wide ones there are fewer, and proportions stay."""
    dataset, split = make_dataset(n_images=30, size=size)
    info = samples_info(split, torch.arange(30), dataset.class_names)
    assert info.images[0].shape == shape


def test_shares_add_up_and_keep_the_channels_apart() -> None:
    """Each channel's counts become shares of its pixels."""
    counts = torch.zeros(3, 256, dtype=torch.int64)
    counts[0, 3], counts[1, 4], counts[2, 5], counts[2, 255] = 4, 4, 1, 3
    info = channels_info(counts)
    assert [sum(channel) for channel in info.shares] == [1, 1, 1]
    assert (info.shares[2][5], info.shares[2][255]) == (0.25, 0.75)
    assert (info.alike, info.is_steep) == (False, False)


def test_grey_images_and_one_frequent_value_are_noticed() -> None:
    """Three channels alike are one line, and a black background asks for a logarithmic axis."""
    counts = torch.ones(3, 256, dtype=torch.int64)
    counts[:, 0] = 1000
    assert channels_info(counts)[1:] == (True, True)


def test_copies_of_cifar10_carry_its_name(make_dataset: DatasetMaker) -> None:
    """Files are named as in the report for CIFAR-10's classes and size, else after the dataset."""
    names = "airplane automobile bird cat deer dog frog horse ship truck"
    classes = tuple(names.split())
    copy = make_dataset(n_images=50_000, class_names=classes, size=(1, 1), name="jpegs")
    part = make_dataset(n_images=500, class_names=classes, size=(1, 1), name="jpegs")
    assert [analysis_info(*one).name for one in (copy, part)] == ["cifar10", "jpegs"]


def test_a_dataset_too_small_to_split_is_named(make_dataset: DatasetMaker) -> None:
    """One image a class cannot be on both sides of a split."""
    with pytest.raises(UserError, match="dataset: 'pets' is too small for the report's split: "):
        analysis_info(*make_dataset(n_images=3))
