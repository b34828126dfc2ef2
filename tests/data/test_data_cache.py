import os
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
import torch
from PIL import Image

from search.data import sums
from search.data.cache import CachePaths, load_train_split, open_or_build
from search.data.dataset import Content, DatasetInfo, DatasetRequest, Part, Source
from search.data.sources import prepare_dataset
from search.errors import MachineError
from search.events import Listener

CLASSES = {"a": 12, "b": 11}


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def garble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[5:60] = b"#" * 55
    path.write_bytes(content)


def test_second_run_decodes_nothing(make_folder: Any, prepare: Any, recorder: Any) -> None:
    """What is in the cache is not decoded again."""
    root = make_folder(train=CLASSES)
    first = prepare(root)
    recorder.steps.clear()
    assert prepare(root) == first
    assert recorder.steps == []


def change_content(root: Path) -> None:
    Image.new("RGB", (6, 5)).save(root / "train" / "a" / "000.png")


def add_file(root: Path) -> None:
    Image.new("RGB", (6, 5)).save(root / "train" / "a" / "new.png")


def remove_file(root: Path) -> None:
    (root / "train" / "a" / "001.png").unlink()


@pytest.mark.parametrize("change", [change_content, add_file, remove_file])
def test_changed_files_are_decoded_again(
    make_folder: Any, prepare: Any, change: Callable[[Path], None]
) -> None:
    """A changed, added or removed file makes another dataset."""
    root = make_folder(train=CLASSES)
    first = prepare(root)
    change(root)
    assert prepare(root).fingerprint != first.fingerprint


def test_touched_file_keeps_the_fingerprint(make_folder: Any, prepare: Any, recorder: Any) -> None:
    """A new time of change alone costs another decoding but is the same dataset."""
    root = make_folder(train=CLASSES)
    first = prepare(root)
    recorder.steps.clear()
    os.utime(root / "train" / "a" / "000.png", ns=(1, 1))
    assert prepare(root).fingerprint == first.fingerprint
    assert recorder.steps


@pytest.mark.parametrize("what", ["image", "label", "class name", "size"])
def test_fingerprint_is_of_the_content(make_folder: Any, prepare: Any, what: str) -> None:
    """A pixel, a label, a class name or the image size each make another dataset."""
    sizes = {"a": 3, "b": 3}
    root = make_folder("one", train=sizes, test=sizes)
    other = shutil.copytree(root, root.parent / "two")
    assert prepare(root).fingerprint == prepare(other).fingerprint
    if what == "image":
        Image.new("RGB", (6, 5)).save(other / "test" / "b" / "002.png")
    elif what == "label":
        (other / "train" / "a" / "002.png").rename(other / "train" / "b" / "!.png")
    elif what == "class name":
        for part in ("train", "test"):
            (other / part / "b").rename(other / part / "c")
    size = 4 if what == "size" else None
    assert prepare(root).fingerprint != prepare(other, image_size=size).fingerprint


@pytest.mark.parametrize("damage", [Path.unlink, truncate, garble])
@pytest.mark.parametrize("file", ["info", "train_images", "train_labels"])
def test_damaged_cache_is_rebuilt(
    make_folder: Any,
    prepare: Any,
    recorder: Any,
    file: str,
    damage: Callable[[Path], None],
) -> None:
    """A missing, short or garbled file is noticed, told and repaired."""
    root = make_folder(train=CLASSES)
    first = prepare(root)
    before = load_train_split(first).images.clone()
    damage(getattr(CachePaths(first.cache_dir), file))
    assert prepare(root) == first
    assert torch.equal(load_train_split(first).images, before)
    assert len(recorder.notices) == 1
    assert "is damaged" in recorder.notices[0]


@pytest.mark.parametrize("damage", [Path.unlink, truncate])
@pytest.mark.parametrize("file", ["test_images", "test_labels"])
def test_missing_test_arrays_are_rebuilt(
    make_folder: Any, prepare: Any, file: str, damage: Callable[[Path], None]
) -> None:
    """The sealed arrays are checked by their size, without being opened."""
    root = make_folder(train=CLASSES)
    first = prepare(root)
    path = getattr(CachePaths(first.cache_dir), file)
    before = path.read_bytes()
    damage(path)
    prepare(root)
    assert path.read_bytes() == before


def test_description_of_other_shapes_is_damage(
    make_folder: Any, prepare: Any, recorder: Any
) -> None:
    """A description that does not fit the arrays is not believed."""
    root = make_folder(train=CLASSES)
    first = prepare(root)
    path = CachePaths(first.cache_dir).info
    path.write_text(path.read_text().replace(f'"n_train": {first.n_train}', '"n_train": 5'))
    assert prepare(root) == first
    assert len(recorder.notices) == 1


def test_training_split_never_opens_the_test_arrays(make_folder: Any, prepare: Any) -> None:
    """Opening the cache and loading the training split works on unreadable test arrays."""
    root = make_folder(train=CLASSES)
    info = prepare(root)
    paths = CachePaths(info.cache_dir)
    for path in (paths.test_images, paths.test_labels):
        path.write_bytes(b"#" * path.stat().st_size)
    assert prepare(root) == info
    assert len(load_train_split(info).labels) == info.n_train


def test_arrays_are_plain_npy_files(make_folder: Any, prepare: Any) -> None:
    """Everyone else reads the arrays with numpy.load, labels fitting images."""
    info = prepare(make_folder(train=CLASSES))
    paths = CachePaths(info.cache_dir)
    for images, labels, n in (
        (paths.train_images, paths.train_labels, info.n_train),
        (paths.test_images, paths.test_labels, info.n_test),
    ):
        assert (np.load(images).dtype, np.load(images).shape) == (np.uint8, (n, *info.image_shape))
        assert (np.load(labels).dtype, np.load(labels).shape) == (np.int64, (n,))


def test_writing_to_loaded_images_leaves_the_file(make_folder: Any, prepare: Any) -> None:
    """The map is copy-on-write: a mistake in training cannot spoil the cache."""
    info = prepare(make_folder(train=CLASSES))
    load_train_split(info).images.fill_(7)
    assert (load_train_split(info).images != 7).any()


def test_removed_cache_is_a_machine_failure(make_folder: Any, prepare: Any) -> None:
    """A worker that finds no cache says so and how to go on."""
    info = prepare(make_folder(train=CLASSES))
    shutil.rmtree(info.cache_dir)
    with pytest.raises(MachineError, match="run again to rebuild"):
        load_train_split(info)


def test_simultaneous_runs_decode_once(make_folder: Any, prepare: Any, recorder: Any) -> None:
    """Of runs that start together one decodes, and the others wait for it."""
    root = make_folder(train=CLASSES)
    with ThreadPoolExecutor(3) as pool:
        infos = list(pool.map(prepare, [root] * 3))
    assert infos[0] == infos[1] == infos[2]
    assert [done for _, done, _ in recorder.steps].count(23) == 1


@final
class _Failing(Source):
    """A source that dies in the middle of its training images."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    @property
    def name(self) -> str:
        return "failing"

    def fingerprint(self) -> str:
        return "0" * 64

    def read(self, listener: Listener) -> Content:
        labels = np.zeros(2, dtype=np.int64)
        return Content(("a", "b"), (3, 2, 2), Part(labels, self._batches()), Part(labels, iter([])))

    def _batches(self) -> Any:
        yield np.zeros((1, 3, 2, 2), dtype=np.uint8)
        raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_interrupted_writing_leaves_no_cache(
    data_dir: Path, recorder: Any, error: BaseException
) -> None:
    """Neither Ctrl-C nor a full disk leaves anything but the lock."""
    with pytest.raises(type(error)):
        open_or_build(_Failing(error), data_dir, recorder)
    assert [path.suffix for path in data_dir.glob("cache/*")] in ([], [".lock"])


def test_leftovers_of_a_killed_run_are_replaced(make_folder: Any, prepare: Any) -> None:
    """A half-written folder of a killed run is neither used nor in the way."""
    root = make_folder(train=CLASSES)
    info = prepare(root)
    partial = CachePaths(info.cache_dir).partial.cache_dir
    info.cache_dir.rename(partial)
    CachePaths(partial).train_images.unlink()
    assert prepare(root) == info
    assert not partial.exists()


def test_cache_folder_is_absolute(
    make_folder: Any, recorder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers in another folder find a cache under a relative data_dir."""
    monkeypatch.chdir(tmp_path)
    root = make_folder(train=CLASSES)
    info: DatasetInfo = prepare_dataset(DatasetRequest(str(root), Path("data")), recorder)
    assert info.cache_dir.parent == tmp_path / "data" / "cache"


def _bare(path: Path) -> Path:
    """Write an image anew, so that its values lie bare at the end of the file."""
    Image.open(path).save(path, "BMP")
    return path


def _rewrite(path: Path) -> None:
    """Change a file's pixels, keeping its size and its time of change."""
    before, content = path.stat(), bytearray(path.read_bytes())
    content[-20] ^= 0xFF
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


@pytest.mark.parametrize("suffix", ["bmp", "npy"])
def test_a_file_that_changed_unseen_is_decoded_again(
    make_folder: Any, prepare: Any, recorder: Any, tmp_path: Path, suffix: str
) -> None:
    """Neither its size nor its time tells; the file system knows that something happened."""
    if suffix == "npy":
        root, images = tmp_path / "arrays", np.arange(300, dtype=np.uint8).reshape(-1, 5, 5)
        root.mkdir()
        np.save(root / "images.npy", images)
        np.save(root / "labels.npy", np.arange(len(images)) % 2)
        path = root / "images.npy"
    else:
        root = make_folder(train={"a": 3, "b": 3}, test={"a": 1, "b": 1})
        path = _bare(root / "train" / "a" / "000.png")
    before = prepare(root)
    _rewrite(path)
    after = prepare(root)
    assert after.fingerprint != before.fingerprint
    assert any("1 file of " in notice and path.name in notice for notice in recorder.notices)
    recorder.notices.clear()
    assert prepare(root).fingerprint == after.fingerprint
    assert not any("decoding the images again" in notice for notice in recorder.notices)


def test_files_that_were_only_touched_are_summed_once(
    make_folder: Any, prepare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another owner or mode changes no pixel; the next time nothing is read again."""
    root = make_folder(train={"a": 3, "b": 3}, test={"a": 1, "b": 1})
    before = prepare(root)
    summed: list[Path] = []
    sums_of = sums.sums_of

    def watched(files: Sequence[Path]) -> dict[str, str | None]:
        summed.extend(files)
        return sums_of(files)

    monkeypatch.setattr(sums, "sums_of", watched)
    monkeypatch.setattr(sums, "_GRANULARITY_NS", 0)
    time.sleep(0.02)
    path = root / "train" / "a" / "000.png"
    path.chmod(0o600)
    assert prepare(root).fingerprint == before.fingerprint
    assert summed == [path]
    time.sleep(0.02)
    prepare(root)
    assert summed == [path]


def test_verify_reads_every_file(
    make_folder: Any, data_dir: Path, recorder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even those of which the file system says nothing, as on some network disks."""
    root = make_folder(train={"a": 3, "b": 3}, test={"a": 1, "b": 1})
    path = _bare(root / "train" / "b" / "001.png")
    request = DatasetRequest(str(root), data_dir)
    before = prepare_dataset(request, recorder)
    monkeypatch.setattr(sums, "_GRANULARITY_NS", -(10**18))  # no file is ever suspected
    _rewrite(path)
    assert prepare_dataset(request, recorder).fingerprint == before.fingerprint
    prepare_dataset(request, recorder, verify=True)
    assert any("1 file of " in notice for notice in recorder.notices)
