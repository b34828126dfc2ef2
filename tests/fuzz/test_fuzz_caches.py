"""Caches of decoded images and stored folds: damage is noticed, never used."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from PIL import Image

from search.data.cache import CachePaths, load_train_split
from search.data.dataset import DatasetInfo, DatasetRequest
from search.data.sources import prepare_dataset
from search.data.splits import Fold, folds_hash, load_folds, save_folds
from search.events import Event, Notice
from search.files import verify_checksums
from tests.fuzz.fuzzing import Edit, damaged, edits, fuzz, refusal

pytestmark = pytest.mark.slow

READ = ["dataset.json", "SHA256SUMS", "train_images.npy", "train_labels.npy"]
SEALED = ["test_images.npy", "test_labels.npy"]


class Notices(list[str]):
    """A listener that keeps the notices."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.append(event.text)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiny image folder."""
    root = tmp_path_factory.mktemp("caches") / "pets"
    for number, name in enumerate(("train/a", "train/b", "test/a", "test/b")):
        (root / name).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (3, 2), (number, i, 200)).save(root / name / f"{number}{i}.png")
    return root


@pytest.fixture(scope="module")
def cached(root: Path) -> Iterator[DatasetInfo]:
    yield prepare(root, Notices())
    shutil.rmtree(root.parent / "data")


def prepare(root: Path, notices: Notices) -> DatasetInfo:
    return prepare_dataset(DatasetRequest(str(root), root.parent / "data"), notices)


@fuzz(60, name=st.sampled_from(READ), changes=edits(2))
def test_a_damaged_cache_is_noticed_and_made_anew(
    name: str, changes: list[Edit], root: Path, cached: DatasetInfo
) -> None:
    """Truncated, flipped and overwritten files: the images that are learned from stay the same."""
    path = cached.cache_dir / name
    whole = path.read_bytes()
    path.write_bytes(damaged(whole, changes))
    changed = path.read_bytes() != whole
    notices = Notices()
    assert prepare(root, notices) == cached
    expected = torch.tensor([[0, i, 200] for i in range(3)] + [[1, i, 200] for i in range(3)])
    assert torch.equal(load_train_split(cached).images[:, :, 0, 0], expected.byte())
    if changed and name != "SHA256SUMS":  # there a byte may be of no consequence
        assert "is damaged" in notices[0]


@fuzz(60, name=st.sampled_from(SEALED), changes=edits(2))
def test_damage_of_the_sealed_arrays_is_known(
    name: str, changes: list[Edit], cached: DatasetInfo
) -> None:
    """Whoever opens the test split can tell that it is as it was written."""
    path = cached.cache_dir / name
    whole = path.read_bytes()
    path.write_bytes(damaged(whole, changes))
    paths = CachePaths(cached.cache_dir)
    try:
        if path.read_bytes() == whole:
            verify_checksums((paths.test_images, paths.test_labels))
        else:
            with pytest.raises(ValueError, match=f"^{name} does not match its SHA-256"):
                verify_checksums((paths.test_images, paths.test_labels))
    finally:
        path.write_bytes(whole)


@fuzz(200, changes=edits())
def test_damaged_folds_are_the_same_or_refused(
    changes: list[Edit], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No other fold is ever trained on."""
    path = tmp_path_factory.getbasetemp() / "folds.npz"
    folds = (Fold(np.arange(8), np.arange(8, 12)), Fold(np.arange(4, 12), np.arange(4)))
    save_folds(path, folds)
    path.write_bytes(damaged(path.read_bytes(), changes))
    words = refusal(lambda: load_folds(path, folds_hash(folds)))
    if words is None:
        assert folds_hash(load_folds(path, folds_hash(folds))) == folds_hash(folds)
    else:
        assert str(path) in words
