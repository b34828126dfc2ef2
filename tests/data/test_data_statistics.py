from pathlib import Path

import numpy as np
import pytest
import torch

from search.data.dataset import ChannelStatistics, channel_histograms, channel_statistics


def random_images(n: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 3, 5, 4), dtype=torch.uint8, generator=generator)


def test_mean_and_std_agree_with_numpy() -> None:
    """The figures are NumPy's float64 ones, over more images than one chunk."""
    images = random_images(2500)
    indices = torch.randperm(2500, generator=torch.Generator().manual_seed(1))[:2100]
    values = images[indices].numpy().astype(np.float64)
    found = channel_statistics(images, indices)
    assert found.mean == pytest.approx(values.mean(axis=(0, 2, 3)), rel=1e-12)
    assert found.std == pytest.approx(values.std(axis=(0, 2, 3)), rel=1e-12)


def test_histograms_count_every_pixel() -> None:
    """Each channel's counts are NumPy's, as int64 of shape (3, 256)."""
    images = random_images(30)
    found = channel_histograms(images, torch.arange(30))
    expected = [np.bincount(images[:, c].flatten().numpy(), minlength=256) for c in range(3)]
    assert found.dtype == torch.int64
    assert np.array_equal(found.numpy(), np.stack(expected))


def test_only_given_indices_count() -> None:
    """Whatever the other images hold, it leaves no trace."""
    images, indices = random_images(40), torch.arange(0, 40, 3)
    before = channel_statistics(images, indices)
    others = torch.ones(40, dtype=torch.bool)
    others[indices] = False
    images[others] = 255
    assert channel_statistics(images, indices) == before


def test_order_of_indices_does_not_matter() -> None:
    """Integer sums give the same bits in any order."""
    images = random_images(300)
    forward = channel_statistics(images, torch.arange(300))
    assert channel_statistics(images, torch.arange(299, -1, -1)) == forward


def test_variance_is_exact_for_huge_counts() -> None:
    """One deviating pixel in 10**15 is not lost, as it would be in float64 sums."""
    counts = torch.zeros(1, 256, dtype=torch.int64)
    counts[0, 255], counts[0, 254] = 10**15, 1
    assert ChannelStatistics.from_histograms(counts).std[0] == pytest.approx(10**-7.5, rel=1e-9)


def test_constant_channel_has_a_safe_divisor() -> None:
    """A constant channel's deviation is exactly 0 and is divided by 1 instead."""
    images = random_images(10)
    images[:, 1] = 77
    found = channel_statistics(images, torch.arange(10))
    assert (found.mean[1], found.std[1], found.safe_std[1]) == (77.0, 0.0, 1.0)
    assert found.safe_std[0] == found.std[0]


def test_no_images_is_an_error() -> None:
    """Statistics of nothing do not exist; the histogram of nothing is zeros."""
    empty = torch.arange(0)
    assert channel_histograms(random_images(3), empty).sum() == 0
    with pytest.raises(ValueError, match="at least one image"):
        channel_statistics(random_images(3), empty)


def test_memory_mapped_images_work(tmp_path: Path) -> None:
    """Images on disk give what images in memory give."""
    images = random_images(50)
    np.save(tmp_path / "images.npy", images.numpy())
    mapped = torch.from_numpy(np.load(tmp_path / "images.npy", mmap_mode="c"))
    indices = torch.arange(5, 45)
    assert channel_statistics(mapped, indices) == channel_statistics(images, indices)
