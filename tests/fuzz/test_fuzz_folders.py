"""Image folders: whatever lies in them, they are a dataset or one line."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image

from search.data.cache import CachePaths
from search.data.dataset import DatasetInfo, DatasetRequest
from search.data.image_files import EXTENSIONS
from search.data.sources import prepare_dataset
from search.events import Event, Notice
from tests.fuzz.fuzzing import fuzz, refusal

KINDS = ["image", "image", "image", "text", "empty", "folder", "link", "lost link", "loop", "pipe"]

names = st.sampled_from(["1.png", "2.png", "03.png", "a.jpg", "b.JPEG", "notes", ".x", "x.heic"])
odd_names = st.text("aé\n\x1b .", min_size=1, max_size=3).map(lambda name: f"{name}.png".encode())
files = st.dictionaries(
    names.map(str.encode) | odd_names | st.just(b"\xff\xfe.png"),
    st.sampled_from(KINDS),
    max_size=5,
)
classes = st.sampled_from([b"cat", b"dog", b"emu", b".git", b"\xff", b"a\nb"]) | st.text(
    "aé ", min_size=1, max_size=2
).map(str.encode)
part = st.dictionaries(classes, files | st.just("text") | st.just("loop"), max_size=4)
Part = Mapping[bytes, Mapping[bytes, str] | str]


def check_event(event: Event) -> None:
    """Check that a notice is one line."""
    if isinstance(event, Notice):
        assert "\n" not in event.text


def make(path: bytes, kind: str) -> None:
    """Put one entry there, unless the system has no such name."""
    match kind:
        case "image":
            with open(path, "wb") as file:  # noqa: PTH123 - a name of bytes
                Image.new("L", (2, 2), len(path) % 256).save(file, "PNG")
        case "text" | "empty":
            with open(path, "wb") as file:  # noqa: PTH123
                file.write(b"no image" if kind == "text" else b"")
        case "folder":
            os.mkdir(path)  # noqa: PTH102
        case "link":
            os.symlink(b"1.png", path)  # noqa: PTH211
        case "lost link":
            os.symlink(b"nowhere", path)  # noqa: PTH211
        case "loop":
            os.symlink(path, path)  # noqa: PTH211
        case "pipe":
            os.mkfifo(path)


def fill(folder: Path, content: Part) -> None:
    folder.mkdir(parents=True)
    for name, files in content.items():
        path = os.path.join(os.fsencode(folder), name)  # noqa: PTH118
        if isinstance(files, str):
            make(path, files)
            continue
        os.mkdir(path)  # noqa: PTH102
        for file, kind in files.items():
            make(os.path.join(path, file), kind)  # noqa: PTH118


def prepared(root: Path) -> DatasetInfo:
    return prepare_dataset(
        DatasetRequest(str(root / "pets"), root / "data", test_fraction=0.5), check_event
    )


def check(root: Path) -> None:
    """Check that the folder is refused with nothing left, or that each image is in its class."""
    words = refusal(lambda: prepared(root))
    caches = [path for path in root.glob("data/cache/*") if path.is_dir()]
    if words is not None:
        assert caches == []
        return
    info = prepared(root)
    paths = CachePaths(info.cache_dir)
    labels = np.concatenate([np.load(paths.train_labels), np.load(paths.test_labels)])
    for label, name in enumerate(info.class_names):
        found = root.glob(f"pets/t*/{name}/*")
        shown = (path for path in found if path.name[0] != "." and not path.is_dir())
        n_files = sum(path.suffix.lower() in EXTENSIONS for path in shown)
        assert (labels == label).sum() == n_files


@pytest.mark.slow
@fuzz(150, train=part, test=st.none() | part)
def test_a_folder_is_a_dataset_or_one_line(train: Part, test: Part | None) -> None:
    """Empty and single classes, links in circles, pipes, files for folders, names of any bytes."""
    root = Path(tempfile.mkdtemp())
    try:
        fill(root / "pets" / "train", train)
        if test is not None:
            fill(root / "pets" / "test", test)
        check(root)
    finally:
        shutil.rmtree(root)


sizes = st.integers(0, 4)
sound = st.dictionaries(st.sampled_from([b"cat", b"dog", b"emu"]), sizes, min_size=1, max_size=3)


@pytest.mark.slow
@fuzz(60, train=sound, test=st.none() | sound)
def test_a_sound_folder_of_any_size_is_a_dataset_or_one_line(
    train: dict[bytes, int], test: dict[bytes, int] | None
) -> None:
    """However few images a class has, and however the classes of both parts differ."""
    root = Path(tempfile.mkdtemp())
    images = {part: {b"%d.png" % i: "image" for i in range(part)} for part in range(5)}
    try:
        fill(root / "pets" / "train", {name: images[n] for name, n in train.items()})
        if test is not None:
            fill(root / "pets" / "test", {name: images[n] for name, n in test.items()})
        check(root)
    finally:
        shutil.rmtree(root)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("closed", ["", "train", "train/cat", "train/cat/1.png", "test"])
def test_a_folder_without_permission_is_one_line(closed: str, tmp_path: Path) -> None:
    """The line names what cannot be read."""
    images = {b"1.png": "image", b"2.png": "image"}
    fill(tmp_path / "pets" / "train", {b"cat": images, b"dog": images})
    fill(tmp_path / "pets" / "test", {b"cat": images})
    path = tmp_path / "pets" / closed
    path.chmod(0)
    try:
        assert refusal(lambda: prepared(tmp_path)) is not None
    finally:
        path.chmod(0o700)
