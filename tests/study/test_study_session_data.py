"""Arrays and PyTorch's datasets as data: what is accepted, and that content is what counts."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

import search
from search.data.cache import load_origins
from search.data.dataset import DatasetRequest
from search.data.sources import prepare_dataset
from search.files import remove_folder
from search.study.session_data import dataset_setting
from tests.study.conftest import RunMaker
from tests.study_fixtures import EventRecorder

Arrays = tuple[npt.NDArray[np.uint8], npt.NDArray[Any]]


def images_and_labels(n: int = 30, side: int = 6) -> Arrays:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n, side, side, 3), dtype=np.uint8), np.arange(n) % 3


class Pairs(torch.utils.data.Dataset[tuple[Any, int]]):
    """A PyTorch dataset of what a transform made of the images."""

    def __init__(self, data: Arrays, transform: Any, classes: tuple[str, ...] | None) -> None:
        self._data, self._transform = data, transform
        if classes is not None:
            self.classes = classes

    def __len__(self) -> int:
        return len(self._data[1])

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self._transform(self._data[0][index]), int(self._data[1][index])


def to_tensor(image: npt.NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(image.transpose(2, 0, 1).copy()).float() / 255


def fingerprint(data: Any, data_dir: Path) -> tuple[str, tuple[str, ...], int, int]:
    setting = dataset_setting(data, data_dir, {})
    found = prepare_dataset(DatasetRequest(setting, data_dir), lambda _: None)
    return found.fingerprint, found.class_names, found.n_train, found.n_test


def test_names_and_paths_are_taken_as_they_are(tmp_path: Path) -> None:
    assert dataset_setting("digits", tmp_path, {}) == "digits"
    assert dataset_setting(Path("a/b"), tmp_path, {}) == "a/b"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("transform", [Image.fromarray, to_tensor, np.asarray])
@pytest.mark.parametrize("classes", [None, ("ant", "bee", "cat")])
def test_datasets_of_pytorch_are_read(
    transform: Any, classes: tuple[str, ...] | None, tmp_path: Path
) -> None:
    """Pictures, tensors and arrays; labels are called as the dataset says."""
    data = images_and_labels()
    _, names, n_train, n_test = fingerprint(Pairs(data, transform, classes), tmp_path)
    assert names == (classes or ("0", "1", "2"))
    assert n_train + n_test == 30
    assert n_test == 3


def test_content_is_what_counts(tmp_path: Path) -> None:
    """Equal arrays are one dataset, in other sessions too; a changed pixel or label is another."""
    images, labels = images_and_labels()
    first = fingerprint((images, labels), tmp_path)
    assert fingerprint((images.copy(), labels.tolist()), tmp_path) == first
    changed = images.copy()
    changed[0, 0, 0, 0] ^= 1
    assert fingerprint((changed, labels), tmp_path)[0] != first[0]
    assert fingerprint((images, np.roll(labels, 1)), tmp_path)[0] != first[0]
    for cache in tmp_path.iterdir():
        remove_folder(cache)
    assert fingerprint((images, labels), tmp_path) == first


def test_a_test_set_is_kept_apart(tmp_path: Path) -> None:
    """Its images are not split again."""
    data = {"train": images_and_labels(30), "test": images_and_labels(9)}
    assert fingerprint(data, tmp_path)[2:] == (30, 9)


def test_labels_may_be_objects(tmp_path: Path) -> None:
    """As a column of text of pandas is, of categories too; what is no label is refused."""
    images, labels = images_and_labels()
    names = np.array(["ant", "bee", "cat"])[labels]
    expected = fingerprint((images, names), tmp_path)
    assert expected[1] == ("ant", "bee", "cat")
    assert fingerprint((images, names.astype(object)), tmp_path) == expected
    pandas = pytest.importorskip("pandas")
    assert fingerprint((images, pandas.Series(names)), tmp_path) == expected
    assert fingerprint((images, pandas.Series(names).astype("category")), tmp_path) == expected
    with pytest.raises(search.UserError, match="ndarray is not an array of numbers or labels"):
        fingerprint((images, np.array([*names[:-1], None], object)), tmp_path)


def test_groups_of_images_in_memory_stay_together(tmp_path: Path) -> None:
    """Those of the test set too; they are part of what the dataset is."""
    images, labels = images_and_labels(60)
    groups = np.repeat(np.arange(20), 3)
    setting = dataset_setting((images, labels), tmp_path, {}, groups)
    assert setting != dataset_setting((images, labels), tmp_path, {})
    found = prepare_dataset(DatasetRequest(setting, tmp_path), lambda _: None)
    train, test = (set(one.groups) for one in load_origins(found))
    assert train.isdisjoint(test)
    assert train | test == set(map(str, range(20)))
    with pytest.raises(search.UserError, match="groups: must be text"):
        dataset_setting("digits", tmp_path, {}, groups)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (3, "must be a name or path, .*got int"),
        ((1, 2, 3), r"must be \(images, labels\), got 3 values"),
        ({}, "got none"),
        ({"train": images_and_labels(), "rest": images_and_labels()}, "got 'train', 'rest'"),
        ({"train": images_and_labels(), "test": 3}, "got tuple and int"),
        (([np.zeros((2, 2)), np.zeros((3, 3))], [0, 1]), "must all have the same shape"),
        (Pairs(images_and_labels(0), np.asarray, None), "the dataset is empty"),
        (np.zeros((4, 2, 2)), "item 0 must be an image and its label, got ndarray"),
    ],
)
def test_other_things_are_refused(data: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(search.UserError, match=words):
        dataset_setting(data, tmp_path, {})


@pytest.mark.slow
def test_a_study_of_arrays_continues(run: RunMaker) -> None:
    """The same arrays are the same data; others are refused."""
    images, labels = images_and_labels()
    study = run(data=(images, labels), trials=1, study_name="arrays")
    assert len(run(data=(images.copy(), labels), trials=2, study_name="arrays").trials) == 2
    with pytest.raises(search.UserError, match="dataset"):
        run(data=(images[::-1].copy(), labels), study_name="arrays")
    predicted = study.refit().predict(images)
    assert set(predicted) <= {0, 1, 2}
    assert (predicted == labels).mean() == study.model.score(images, labels)


def test_images_for_validation_are_known(tmp_path: Path) -> None:
    """Those of "val" join the others, last, and are what validation "given" uses."""
    images, labels = images_and_labels(60)
    train, val, test = ((images[i : i + 20], labels[i : i + 20]) for i in (0, 20, 40))
    groups = np.arange(40) // 4
    setting = dataset_setting({"train": train, "val": val, "test": test}, tmp_path, {}, groups)
    told = EventRecorder()
    found = prepare_dataset(DatasetRequest(setting, tmp_path), told)
    assert (found.n_train, found.n_test) == (40, 20)
    assert load_origins(found)[0].validation == tuple(range(20, 40))
    assert load_origins(found)[0].groups == tuple(map(str, groups))
    assert sum("validation images join" in one for one in told.notices()) == 1
    data = {"train": Pairs(train, np.asarray, None), "val": Pairs(val, np.asarray, None)}
    setting = dataset_setting(data, tmp_path, {"test_fraction": 0.25})
    found = prepare_dataset(DatasetRequest(setting, tmp_path), told)
    assert (found.n_train, found.n_test) == (30, 10)
    assert 0 < len(load_origins(found)[0].validation) < 20


def test_where_validation_begins_is_part_of_the_dataset(tmp_path: Path) -> None:
    """The same images, divided otherwise, are another one; without "val" nothing changes."""
    images, labels = images_and_labels()
    parts: list[Any] = [
        {"train": (images[:at], labels[:at]), "val": (images[at:], labels[at:])} for at in (15, 18)
    ]
    cases = [(images, labels), *parts]
    settings = {dataset_setting(one, tmp_path, {}) for one in cases}
    assert len(settings) == 3
    with pytest.raises(search.UserError, match="got 'val'"):
        dataset_setting({"val": (images, labels)}, tmp_path, {})
    odd = {"train": (images, labels), "val": (images[:, :3], labels)}
    with pytest.raises(search.UserError, match="training and validation images differ"):
        dataset_setting(odd, tmp_path, {})
