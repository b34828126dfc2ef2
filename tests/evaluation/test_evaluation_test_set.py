"""Opening the test split: recorded first, every time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import optuna
import pytest
import torch
from PIL import Image

from search.data.cache import CachePaths
from search.data.dataset import DatasetInfo
from search.errors import MachineError
from search.evaluation.test_set import open_test_split
from search.tuning.store import read_test_accesses


@pytest.fixture
def study() -> Iterator[optuna.Study]:
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield optuna.create_study()
    optuna.logging.set_verbosity(level)


def test_split_is_the_folders_test_part(
    study: optuna.Study, dataset: DatasetInfo, image_folder: Path
) -> None:
    """Images are uint8 (N, 3, H, W) and labels int64 (N,), those of the test folder."""
    split = open_test_split(study, dataset, "a test")
    assert split.images.shape == (10, 3, 5, 6)
    assert (split.images.dtype, split.labels.dtype) == (torch.uint8, torch.int64)
    assert split.labels.bincount().tolist() == [5, 5]
    first = np.asarray(Image.open(image_folder / "test" / "dark" / "0.png")).transpose(2, 0, 1)
    assert any(np.array_equal(first, image) for image in split.images[split.labels == 0].numpy())


def test_changing_the_split_does_not_change_the_cache(
    study: optuna.Study, dataset: DatasetInfo
) -> None:
    """The memory map is copy-on-write: nothing written to it reaches the disk."""
    before = CachePaths(dataset.cache_dir).test_images.read_bytes()
    open_test_split(study, dataset, "a test").images.zero_()
    assert CachePaths(dataset.cache_dir).test_images.read_bytes() == before


def test_openings_are_recorded_in_order(study: optuna.Study, dataset: DatasetInfo) -> None:
    """Each opening leaves its purpose and its time, in UTC, after the earlier ones."""
    start = datetime.now(UTC)
    for purpose in ("first", "second", "third"):
        open_test_split(study, dataset, purpose)
    openings = read_test_accesses(study)
    assert [opening.purpose for opening in openings] == ["first", "second", "third"]
    times = [opening.time for opening in openings]
    assert times == sorted(times)
    assert start <= times[0] <= times[-1] <= datetime.now(UTC)


@pytest.mark.parametrize("name", ["test_images", "test_labels"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "pickled"])
def test_opening_is_recorded_even_where_reading_fails(
    name: str, damage: str, study: optuna.Study, dataset: DatasetInfo
) -> None:
    """A damaged split is one line that says how to go on, and the attempt is on record."""
    path: Path = getattr(CachePaths(dataset.cache_dir), name)
    if damage == "missing":
        path.unlink()
    elif damage == "pickled":
        np.save(path, np.array([{"not": "an array"}], dtype=object), allow_pickle=True)
    else:
        path.write_bytes(path.read_bytes()[: 0 if damage == "empty" else -3])
    with pytest.raises(MachineError, match=r"cannot be read.*run again") as caught:
        open_test_split(study, dataset, "in vain")
    assert "\n" not in str(caught.value)
    assert [opening.purpose for opening in read_test_accesses(study)] == ["in vain"]


def test_nothing_is_read_where_the_opening_cannot_be_recorded(
    study: optuna.Study, dataset: DatasetInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record comes first: without it the split stays closed."""

    def refuse(*_: object) -> None:
        raise RuntimeError("storage is gone")

    monkeypatch.setattr(study, "set_user_attr", refuse)
    monkeypatch.setattr(np, "load", lambda *_, **__: pytest.fail("the split was read"))
    with pytest.raises(RuntimeError, match="storage is gone"):
        open_test_split(study, dataset, "unrecorded")
