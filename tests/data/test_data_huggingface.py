"""Folders that Hugging Face `datasets` saved."""

import io
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from search.data.cache import load_origins, load_train_split
from search.errors import UserError

datasets = pytest.importorskip("datasets")


def png(seed: int, size: tuple[int, int] = (8, 6)) -> bytes:
    """Return a random PNG of (width, height) `size`."""
    values = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG")
    return file.getvalue()


def split(count: int, seed: int = 0, **changes: Any) -> Any:
    """Return images of the classes cat and dog in turn, each from one of four owners."""
    columns = {
        "picture": [{"bytes": png(seed + i), "path": None} for i in range(count)],
        "kind": [i % 2 for i in range(count)],
        "owner": [f"owner {i // 2 % 4}" for i in range(count)],
        **changes,
    }
    features = {
        "picture": datasets.Image(),
        "kind": datasets.ClassLabel(names=["dog", "cat"]),
        "owner": datasets.Value("string"),
    }
    kept = {name: kind for name, kind in features.items() if name in columns}
    return datasets.Dataset.from_dict(columns, datasets.Features(kept))


def saved(folder: Path, **splits: Any) -> Path:
    datasets.DatasetDict(splits).save_to_disk(str(folder))
    return folder


def test_splits_are_the_parts(prepare: Any, recorder: Any, tmp_path: Path) -> None:
    """Names and order of the classes are the feature's; validation images join those to train."""
    root = saved(tmp_path / "pets", train=split(8), validation=split(4, 100), test=split(6, 200))
    info = prepare(root)
    assert (info.name, info.class_names) == ("pets", ("dog", "cat"))
    assert (info.n_train, info.n_test, info.image_shape) == (12, 6, (3, 6, 8))
    assert load_origins(info)[0].validation == (8, 9, 10, 11)
    assert len(recorder.notices) == 1
    found = load_train_split(info)
    expected = np.asarray(Image.open(io.BytesIO(png(101))))
    assert np.array_equal(found.images[9].numpy(), expected.transpose(2, 0, 1))
    assert found.labels.tolist() == [0, 1] * 6
    assert prepare(root).fingerprint == info.fingerprint


def test_one_dataset_has_its_test_set_set_aside(prepare: Any, tmp_path: Path) -> None:
    """The owner's images stay together where groups are given."""
    split(40).save_to_disk(str(tmp_path / "pets"))
    info = prepare(tmp_path / "pets", test_fraction=0.25, groups="owner", image_size=4)
    train, test = load_origins(info)
    assert info.n_train + info.n_test == 40
    assert info.image_shape == (3, 4, 4)
    assert set(train.groups).isdisjoint(test.groups)


def test_images_are_read_as_a_person_sees_them(prepare: Any, tmp_path: Path) -> None:
    """Turned as EXIF says, and transparency on white."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    file = io.BytesIO()
    Image.new("RGBA", (8, 6), (0, 0, 0, 0)).save(file, "PNG", exif=exif.tobytes())
    pictures = [{"bytes": file.getvalue(), "path": None}] * 8
    root = saved(tmp_path / "pets", train=split(8, picture=pictures), test=split(4))
    info = prepare(root)
    assert info.image_shape == (3, 8, 6)
    assert load_train_split(info).images.min() == 255


@pytest.mark.slow
def test_columns_can_be_chosen(prepare: Any, tmp_path: Path) -> None:
    """A column of texts as classes; a wrong one is named with what there is."""
    root = saved(tmp_path / "pets", train=split(16), test=split(8))
    assert prepare(root, label_column="owner").class_names[0] == "owner 0"
    with pytest.raises(UserError, match="label_column must be one of 'kind', 'owner', got 'x'"):
        prepare(root, label_column="x")
    with pytest.raises(UserError, match="image_column must be one of 'picture', got 'owner'"):
        prepare(root, image_column="owner")
    with pytest.raises(UserError, match="groups: there is no column 'x'"):
        prepare(root, groups="x")


def test_broken_images_are_counted(prepare: Any, recorder: Any, tmp_path: Path) -> None:
    """All in one pass; or left out, and said."""
    pictures = [{"bytes": png(i), "path": None} for i in range(12)]
    pictures[3] = {"bytes": b"no image", "path": None}
    pictures[5] = {"bytes": png(5)[:90], "path": None}
    root = saved(tmp_path / "pets", train=split(12, picture=pictures), test=split(4))
    with pytest.raises(UserError, match=r"2 images .*'train 3 .*'train 5 .*skip_broken"):
        prepare(root)
    assert prepare(root, skip_broken=True).n_train == 10
    assert any("2 images" in notice and "left out" in notice for notice in recorder.notices)


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        ({"test": 4}, "must have images in split 'train'"),
        ({"train": 4, "extra": 4}, "got 'train', 'extra'"),
        ({"train": 4, "training": 4}, "several splits for one part, 'train', 'training'; accepted"),
    ],
)
def test_other_splits_are_refused(
    prepare: Any, tmp_path: Path, splits: dict[str, int], words: str
) -> None:
    """The line says which there are."""
    root = saved(tmp_path / "pets", **{name: split(count) for name, count in splits.items()})
    with pytest.raises(UserError, match=words):
        prepare(root)


def test_a_damaged_folder_is_named(prepare: Any, tmp_path: Path) -> None:
    """A split that is gone, and labels that are missing."""
    root = saved(tmp_path / "pets", train=split(8, owner=[None] * 8), test=split(4))
    with pytest.raises(UserError, match=r"column 'owner' of .* has no value for 8 of 8 images"):
        prepare(root, label_column="owner")
    shutil.rmtree(root / "train")
    with pytest.raises(UserError, match="pets cannot be read: "):
        prepare(root)


def test_the_extra_is_named(prepare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `datasets` the line says what to install."""
    root = saved(tmp_path / "pets", train=split(8), test=split(4))
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UserError, match=r"cifar-search\[huggingface\]"):
        prepare(root)
