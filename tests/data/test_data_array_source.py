"""Datasets of arrays: .npz files as people publish them, and folders of .npy files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.data.cache import CachePaths, load_train_split
from search.errors import UserError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (12, 6, 5), dtype=np.uint8)
LABELS = np.arange(12) % 3


def save(path: Path, **arrays: Any) -> Path:
    np.savez(path, allow_pickle=False, **arrays)
    return path


def train_and_test(path: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    """Write the first eight as training and the others as test images."""
    parts = {"train": slice(None, 8), "test": slice(8, None)}
    arrays = {f"{part}_images": images[where] for part, where in parts.items()}
    return save(path, **arrays, **{f"{p}_labels": labels[w] for p, w in parts.items()})


def test_a_file_of_medmnist_is_a_dataset(tmp_path: Path, prepare: Any, recorder: Any) -> None:
    """Grey (N, 28, 28), labels (N, 1); its validation part joins the training part."""
    images = RNG.integers(0, 256, (20, 28, 28), dtype=np.uint8)
    labels = (np.arange(20, dtype=np.uint8) % 2)[:, None]
    bounds = {"train": slice(0, 10), "val": slice(10, 14), "test": slice(14, 20)}
    arrays = {f"{part}_images": images[where] for part, where in bounds.items()}
    arrays |= {f"{part}_labels": labels[where] for part, where in bounds.items()}
    info = prepare(save(tmp_path / "pneumonia.npz", **arrays))
    assert (info.name, info.class_names, info.image_shape) == ("pneumonia", ("0", "1"), (3, 28, 28))
    assert (info.n_train, info.n_test) == (14, 6)
    split = load_train_split(info)
    assert np.array_equal(split.images.numpy(), np.repeat(images[:14, None], 3, 1))
    assert split.labels.tolist() == labels[:14, 0].tolist()
    assert "validation images join those for training" in recorder.notices[0]


@pytest.mark.parametrize(
    ("images", "labels"),
    [("x_train", "y_train"), ("X_train", "Y_train"), ("images", "labels"), ("arr_0", "arr_1")],
)
def test_names_are_those_that_people_use(
    tmp_path: Path, prepare: Any, images: str, labels: str
) -> None:
    """Without a test set, a part of each class is set aside."""
    arrays = {images: np.repeat(GREY, 5, 0), labels: np.repeat(LABELS, 5)}
    info = prepare(save(tmp_path / "a.npz", **arrays))
    assert (info.n_train, info.n_test) == (54, 6)


def test_npy_files_lie_in_a_folder(tmp_path: Path, prepare: Any) -> None:
    """The folder is named, or any of the files; both are one dataset."""
    for name, array in (
        ("x_train", GREY),
        ("y_train", LABELS),
        ("x_test", GREY),
        ("y_test", LABELS),
    ):
        np.save(tmp_path / f"{name}.npy", array)
    info = prepare(tmp_path)
    assert (info.n_train, info.n_test) == (12, 12)
    assert prepare(tmp_path / "x_train.npy") == info


@pytest.mark.parametrize(
    "shape", [(12, 6, 5), (12, 6, 5, 1), (12, 1, 6, 5), (12, 6, 5, 3), (12, 3, 6, 5)]
)
def test_shapes(tmp_path: Path, prepare: Any, shape: tuple[int, ...]) -> None:
    """Grey or in colour, channels first or last."""
    images = RNG.integers(0, 256, shape, dtype=np.uint8)
    found = load_train_split(prepare(train_and_test(tmp_path / "a.npz", images, LABELS))).images
    expected = images if len(shape) == 4 else images[:, None]
    expected = expected if expected.shape[1] in (1, 3) else expected.transpose(0, 3, 1, 2)
    assert np.array_equal(found.numpy(), np.broadcast_to(expected, (12, 3, 6, 5))[:8])


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([0, 0.5, 1], np.float32, [0, 128, 255]),
        ([-1, 0, 1], np.float64, [0, 128, 255]),
        ([0, 100.4, 255], np.float32, [0, 100, 255]),
        ([0, 1, 1], np.bool_, [0, 255, 255]),
        ([0, 2048, 4095], np.uint16, [0, 128, 255]),
        ([0, 100, 255], np.int64, [0, 100, 255]),
    ],
)
def test_values_are_scaled_by_their_range(
    tmp_path: Path, prepare: Any, values: list[float], kind: type, expected: list[int]
) -> None:
    """Of the training images; floats are rounded."""
    images: np.ndarray = np.zeros((12, 1, 3), dtype=kind)
    images[:] = np.array(values, dtype=kind)
    info = prepare(train_and_test(tmp_path / "a.npz", images, LABELS))
    assert load_train_split(info).images[0, :, 0].tolist() == [expected] * 3
    assert np.load(CachePaths(info.cache_dir).test_images)[0, 0, 0].tolist() == expected


def test_transparent_arrays_are_on_white(tmp_path: Path, prepare: Any) -> None:
    """As transparent files are."""
    images = np.zeros((12, 1, 2, 4), dtype=np.uint8)
    images[:, :, 0, 3] = 255
    info = prepare(train_and_test(tmp_path / "a.npz", images, LABELS))
    assert load_train_split(info).images[0, 0].tolist() == [[0, 255]]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.array(["dog", "cat", "eel"] * 4), ("cat", "dog", "eel")),
        (np.array([b"dog", b"cat", b"eel"] * 4), ("cat", "dog", "eel")),
        (np.array([7, -1, 10] * 4), ("-1", "7", "10")),
        (np.array([0.0, 1.0, 2.0] * 4), ("0", "1", "2")),
        (np.array([[0], [5], [9]] * 4), ("0", "5", "9")),
        (np.eye(3)[[0, 1, 2] * 4], ("0", "1", "2")),
        (np.array([True, False, True] * 4), ("False", "True")),
    ],
)
def test_labels_are_any_numbers_or_text(
    tmp_path: Path, prepare: Any, labels: np.ndarray, names: tuple[str, ...]
) -> None:
    """Classes are named after them, in their order."""
    assert prepare(train_and_test(tmp_path / "a.npz", GREY, labels)).class_names == names


def test_test_images_of_another_size_are_told(tmp_path: Path, prepare: Any, recorder: Any) -> None:
    """They are scaled like the others, which may not be what was meant."""
    path = tmp_path / "a.npz"
    save(path, x_train=GREY, y_train=LABELS, x_test=GREY.repeat(2, axis=1), y_test=LABELS)
    assert prepare(path).image_shape == (3, 6, 5)
    told = "dataset: training images are 5x6, test images 5x12; all are scaled to 5x6"
    assert told in recorder.notices


def test_large_arrays_are_scaled(tmp_path: Path, prepare: Any, recorder: Any) -> None:
    """To 64 pixels with a notice, or to the size that is asked for."""
    images = RNG.integers(0, 256, (12, 70, 80), dtype=np.uint8)
    path = train_and_test(tmp_path / "a.npz", images, LABELS)
    assert prepare(path).image_shape == (3, 64, 64)
    assert "images are 80x70 pixels; they are scaled to 64x64" in recorder.notices[0]
    assert prepare(path, image_size=16).image_shape == (3, 16, 16)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"faces": GREY}, "has arrays 'faces'; accepted: train_images and train_labels or"),
        ({"images": GREY, "labels": LABELS[:5]}, "12 training images and 5 labels"),
        (
            {"images": GREY, "labels": LABELS / 2},
            "must be whole numbers or text, got float64",
        ),
        ({"images": GREY, "labels": np.ones((12, 4))}, r"one per image, got an array of \[12, 4\]"),
        ({"images": GREY, "labels": LABELS * 0}, "at least 2 classes, got '0'"),
        ({"images": GREY[:, 0], "labels": LABELS}, r"must be \(N, H, W\).* got an array of"),
        ({"images": GREY * 1000.0, "labels": LABELS}, r"got float64 in 0\.\.|got float64 in"),
        (
            {"images": GREY * np.nan, "labels": LABELS},
            "12 of 12 have NaN or infinite values, the first at index 0",
        ),
        ({"images": GREY.astype(str), "labels": LABELS}, "images must be numbers"),
        ({"images": GREY, "labels": np.where(LABELS > 0, LABELS, np.nan)}, "got NaN for image 0"),
        ({"images": GREY[:, :0], "labels": LABELS}, r"images must have pixels, got the shape \("),
        (
            {
                "images": GREY / 255,
                "labels": LABELS,
                "test_images": np.where(np.arange(12)[:, None, None] % 4 == 2, np.inf, GREY / 255),
                "test_labels": LABELS,
            },
            "test images must be finite numbers, but 3 of 12 .* the first at index 2$",
        ),
        (
            {"images": GREY, "labels": LABELS, "test_images": GREY, "test_labels": LABELS + 1},
            "test images have labels that no class has: '3'",
        ),
    ],
)
def test_other_arrays_are_refused(
    tmp_path: Path, prepare: Any, arrays: dict[str, np.ndarray], words: str
) -> None:
    """In one line that says what is accepted."""
    with pytest.raises(UserError, match=words) as caught:
        prepare(save(tmp_path / "a.npz", **arrays))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PK\3\4" + b"\0" * 50, b"text"])
def test_damaged_files_are_named(tmp_path: Path, prepare: Any, content: bytes) -> None:
    """Nothing in them is unpickled."""
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"^dataset: .*a\.npz cannot be read: "):
        prepare(tmp_path / "a.npz")


def test_images_without_their_labels_are_told(tmp_path: Path, prepare: Any) -> None:
    """As no test set would be made of them; of the training images it always was told."""
    images, labels = np.zeros((20, 4, 4), np.uint8), np.arange(20) % 2
    path = save(tmp_path / "a.npz", train_images=images, train_labels=labels, test_images=images)
    with pytest.raises(UserError, match="'test_images' without 'test_labels'"):
        prepare(path)


def test_another_file_with_that_ending_is_told_in_our_words(tmp_path: Path, prepare: Any) -> None:
    """NumPy would advise to load it unsafely."""
    (tmp_path / "a.npz").write_text("label,pixel0")
    with pytest.raises(UserError, match="it is damaged, or holds no arrays"):
        prepare(tmp_path / "a.npz")


def test_python_objects_are_not_loaded(tmp_path: Path, prepare: Any) -> None:
    """They could run code."""
    labels = np.array(["a", "b", None] * 4, dtype=object)
    np.savez(tmp_path / "a.npz", images=GREY, labels=labels)
    with pytest.raises(UserError, match=r"Python objects; accepted: .*astype\(str\)"):
        prepare(tmp_path / "a.npz")


def test_images_of_another_type_mean_what_they_say(tmp_path: Path, prepare: Any) -> None:
    """Test images as floats are those of the training images' whole numbers; others are refused."""
    path = tmp_path / "a.npz"
    floats = (GREY / 255).astype(np.float32)
    save(path, x_train=GREY, y_train=LABELS, x_test=floats, y_test=LABELS)
    info = prepare(path)
    test = np.load(CachePaths(info.cache_dir).test_images)
    assert test[:, 0].tolist() == GREY.tolist()
    save(path, x_train=GREY, y_train=LABELS, x_test=floats * 255, y_test=LABELS)
    with pytest.raises(UserError, match=r"test images must be floats of 0 to 1, or whole numbers"):
        prepare(path)
    save(path, x_train=GREY, y_train=LABELS, x_val=floats, y_val=LABELS)
    with pytest.raises(UserError, match=r"images are of two types: uint8 and float32"):
        prepare(path)
