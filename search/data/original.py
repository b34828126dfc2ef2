"""Which datasets are CIFAR-10: by what they hold, not by what they are called."""

from pathlib import Path

from search.data.cache import CachePaths
from search.data.dataset import DatasetInfo

_N_TRAIN = 50_000
_CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
# What Cifar10Source.fingerprint() returns: a hash of the md5s of the published files, kept here
# because importing torchvision to ask for it takes seconds.
_FINGERPRINT = "f313d2db7ba8ed9f2a3e289ca7c074d08bfbf51f9a1ae2f21486c74d53aeccae"


def is_original_cifar10(dataset: DatasetInfo) -> bool:
    """Return whether the dataset is the published CIFAR-10, its pixels and their order.

    That is, whether its cache was made of files with the published md5s: the folder of a cache is
    named after its source's fingerprint. The folder itself need not be there any more.
    """
    original = CachePaths.of(Path(), "cifar10", _FINGERPRINT).cache_dir
    return dataset.cache_dir.name == original.name


def is_cifar10_copy(dataset: DatasetInfo) -> bool:
    """Return whether the dataset has CIFAR-10's classes and as many training images.

    True for the original too, and for copies whose pixels were compressed or resized.
    """
    return dataset.class_names == _CLASS_NAMES and dataset.n_train == _N_TRAIN
