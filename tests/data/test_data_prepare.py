from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.data import npy
from search.data.cache import CachePaths, load_train_split
from search.data.dataset import DatasetRequest
from search.data.sources import AUTO, SOURCES, dataset_folder, prepare_dataset
from search.errors import MachineError, UserError


def test_digits_are_embedded(prepare: Any) -> None:
    """Digits need no file: 1,797 grey images as 3x32x32 with a stratified fifth sealed."""
    info = prepare("digits")
    assert (info.name, info.class_names) == ("digits", tuple("0123456789"))
    assert (info.image_shape, info.n_train, info.n_test) == ((3, 32, 32), 1437, 360)
    test_labels = np.load(CachePaths(info.cache_dir).test_labels)
    assert np.bincount(test_labels).tolist() == [36, 36, 35, 37, 36, 37, 36, 36, 35, 36]


def test_digits_use_the_whole_range(prepare: Any) -> None:
    """Ink is 255, paper 0, all channels equal."""
    images = load_train_split(prepare("digits")).images
    assert (int(images.min()), int(images.max())) == (0, 255)
    assert bool((images == images[:, :1]).all())


def test_digits_are_the_same_everywhere(prepare: Any) -> None:
    """The content is exact in float32, so its fingerprint is a constant."""
    assert prepare("digits").fingerprint.startswith("05cd7598d1c14bcf")


@pytest.mark.parametrize("dataset", ["cifar", "nowhere/at/all", "", "\0", "x" * 5000])
def test_unknown_dataset_is_refused(prepare: Any, dataset: str) -> None:
    """What is neither a name nor a folder gets one line with what is accepted."""
    with pytest.raises(
        UserError, match=r"neither auto, cifar10, .*, digits, .* nor an existing image"
    ) as caught:
        prepare(dataset)
    assert str(caught.value).endswith("(PATH/train/<class>/<image> or PATH/<class>/<image>)")


def test_file_as_dataset_is_refused(prepare: Any, tmp_path: Path) -> None:
    """A file is no image folder."""
    (tmp_path / "archive.zip").write_bytes(b"")
    with pytest.raises(UserError, match="nor an existing image folder"):
        prepare(tmp_path / "archive.zip")


def test_image_size_is_for_folders(prepare: Any) -> None:
    """A setting that would be ignored is refused; the size that digits have is fine."""
    with pytest.raises(UserError, match=r"^image_size is only for image folders.* got 64$"):
        prepare("digits", image_size=64)
    assert prepare("digits", image_size=32).image_shape == (3, 32, 32)


def test_file_as_data_dir_is_refused(tmp_path: Path, recorder: Any) -> None:
    """A data_dir that is a file is the user's mistake."""
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"^data_dir must be a folder, got the file"):
        prepare_dataset(DatasetRequest("digits", tmp_path / "file"), recorder)


def test_full_disk_is_a_machine_failure(
    prepare: Any, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is told with what was kept and how to go on, and leaves no half cache."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(npy.ArrayFile, "write", fail)
    with pytest.raises(MachineError, match=r"No space left on device; nothing half-written"):
        prepare("digits")
    assert not [path for path in data_dir.glob("cache/*") if path.is_dir()]


def test_every_source_can_be_asked_for(prepare: Any, data_dir: Path, make_folder: Any) -> None:
    """Keywords are unique, each finds its own source only, and a path is nobody's keyword."""
    keywords = [kind.keyword for kind in SOURCES if kind.keyword is not None]
    assert len({AUTO, *keywords}) == len(keywords) + 1
    for keyword in (*keywords, str(make_folder(train={"a": 2, "b": 2}))):
        found = [kind for kind in SOURCES if kind.find(DatasetRequest(keyword, data_dir))]
        assert [kind.keyword for kind in found] == [keyword if keyword in keywords else None]
    for kind in SOURCES:
        assert kind.accepts
        assert kind.title
        assert kind.keyword in (None, kind.accepts)
        assert not kind.automatic or kind.keyword


@pytest.mark.parametrize("dataset", ["auto", "cifar10", "digits"])
def test_only_paths_name_folders(dataset: str) -> None:
    """Images can only have been seen where a folder was named."""
    assert dataset_folder(dataset) is None
    assert dataset_folder("photos") == Path("photos")
