"""Which datasets count as CIFAR-10."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from torchvision.datasets import CIFAR10

from search.data.cache import CachePaths
from search.data.cifar10 import Cifar10Source, is_cifar10_copy, is_original_cifar10
from search.data.dataset import DatasetInfo

NAMES = "airplane automobile bird cat deer dog frog horse ship truck"
CLASSES = tuple(NAMES.split())


def dataset(name: str, source_fingerprint: str) -> DatasetInfo:
    """Return CIFAR-10's facts under a name, decoded from the given source."""
    cache = CachePaths.of(Path("data"), name, source_fingerprint).cache_dir
    return DatasetInfo(name, "content", CLASSES, (3, 32, 32), 50_000, 10_000, cache)


@pytest.fixture
def original(tmp_path: Path) -> DatasetInfo:
    return dataset("cifar10", Cifar10Source(tmp_path).fingerprint())


def test_the_published_files_are_the_original(original: DatasetInfo) -> None:
    """The fingerprint kept here is that of torchvision's checksums; the original is CIFAR-10."""
    assert is_original_cifar10(original)
    assert is_cifar10_copy(original)


def test_a_folder_of_that_name_is_no_original() -> None:
    """Another source may be called cifar10 and hold as many images; it is a copy at best."""
    folder = dataset("cifar10", "0" * 64)
    assert not is_original_cifar10(folder)
    assert is_cifar10_copy(folder)


def test_other_published_checksums_are_no_original(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were torchvision to accept other files, they would not count as those of the report."""
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", "0" * 32]])
    assert not is_original_cifar10(dataset("cifar10", Cifar10Source(tmp_path).fingerprint()))


@pytest.mark.parametrize("change", [{"n_train": 49_999}, {"class_names": CLASSES[::-1]}])
def test_a_copy_has_all_images_and_classes(original: DatasetInfo, change: dict[str, int]) -> None:
    """A part of CIFAR-10, or other classes, make another dataset; the size of images does not."""
    assert not is_cifar10_copy(replace(original, **change))  # type: ignore[arg-type]
    assert is_cifar10_copy(replace(original, name="small", image_shape=(3, 16, 16)))


@pytest.mark.slow
def test_torchvision_is_not_needed() -> None:
    """Asking takes no seconds of import."""
    code = "import sys, search.data.cifar10; sys.exit('torchvision' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
