import gzip
import hashlib
import pickle
import socket
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from search.data import sources as prepare_module
from search.data.cache import CachePaths, load_train_split
from search.data.cifar10 import Cifar10Source
from search.data.dataset import DatasetRequest
from search.data.download import download
from search.data.sources import prepare_dataset
from search.errors import MachineError, UserError

NAMES = ["plane", "car"]
PER_BATCH = 6


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def batch(number: int) -> bytes:
    """Return a batch as old NumPy pickled the real ones: integer flags, former module names."""
    rng = np.random.default_rng(number)
    data = rng.integers(0, 256, (PER_BATCH, 3072), dtype=np.uint8)
    content = pickle.dumps({"data": data, "labels": [i % 2 for i in range(PER_BATCH)]}, protocol=2)
    flags, old_flags = b"\x89\x88\x87", b"K\x00K\x01\x87"  # (False, True) -> (0, 1)
    assert content.count(flags) == 1
    return content.replace(flags, old_flags).replace(b"numpy._core", b"numpy.core")


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a tiny CIFAR-10 archive that torchvision's class takes for its own."""
    source = tmp_path / "server" / CIFAR10.base_folder
    source.mkdir(parents=True)
    for i in range(1, 6):
        (source / f"data_batch_{i}").write_bytes(batch(i))
    (source / "test_batch").write_bytes(batch(6))
    (source / "batches.meta").write_bytes(pickle.dumps({"label_names": NAMES}))
    path: Path = tmp_path / "server" / CIFAR10.filename
    with tarfile.open(path, "w:gz") as tar:
        tar.add(source, CIFAR10.base_folder)
    for attribute in ("train_list", "test_list"):
        files = [[name, md5(source / name)] for name, _ in getattr(CIFAR10, attribute)]
        monkeypatch.setattr(CIFAR10, attribute, files)
    meta = {"filename": "batches.meta", "key": "label_names", "md5": md5(source / "batches.meta")}
    monkeypatch.setattr(CIFAR10, "meta", meta)
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(path))
    monkeypatch.setattr(CIFAR10, "url", path.as_uri())
    return path


def put_archive(archive: Path, data_dir: Path) -> Path:
    """Place the archive as a user without network would."""
    data_dir.mkdir(exist_ok=True)
    target = data_dir / archive.name
    archive.rename(target)
    return target


def unpack(archive: Path, data_dir: Path) -> Path:
    """Place the unpacked batches, as torchvision leaves them, and take the server away."""
    data_dir.mkdir(exist_ok=True)
    archive.unlink()
    batches: Path = data_dir / CIFAR10.base_folder
    (archive.parent / batches.name).rename(batches)
    return batches


def visible(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


def test_downloaded_when_absent(
    archive: Path, prepare: Any, data_dir: Path, recorder: Any, capfd: Any
) -> None:
    """An empty data_dir gets archive, batches and cache, with progress and nothing printed."""
    info = prepare("cifar10")
    assert (info.name, info.class_names) == ("cifar10", tuple(NAMES))
    assert (info.image_shape, info.n_train, info.n_test) == ((3, 32, 32), 30, 6)
    assert visible(data_dir) == {CIFAR10.filename, CIFAR10.base_folder, "cache"}
    size = archive.stat().st_size
    assert recorder.steps[-1] == ("Downloading CIFAR-10", size, size)
    assert capfd.readouterr() == ("", "")


def test_images_are_the_batches_in_order(archive: Path, prepare: Any) -> None:
    """Images, channels and labels are those of the batches, training and test apart."""
    info = prepare("cifar10")
    split = load_train_split(info)
    expected = [image for number in range(1, 6) for image in pickled_images(number)]
    assert split.images.flatten(1).tolist() == expected
    assert split.labels.tolist() == [0, 1] * 15
    test_images = np.load(CachePaths(info.cache_dir).test_images)
    assert test_images.reshape(PER_BATCH, -1).tolist() == pickled_images(6)


def pickled_images(number: int) -> list[list[int]]:
    rng = np.random.default_rng(number)
    pixels: list[list[int]] = rng.integers(0, 256, (PER_BATCH, 3072), dtype=np.uint8).tolist()
    return pixels


def test_archive_in_data_dir_needs_no_network(archive: Path, prepare: Any, data_dir: Path) -> None:
    """The archive that a user put there is unpacked."""
    put_archive(archive, data_dir)
    assert prepare("cifar10").n_train == 30


def test_batches_in_data_dir_need_no_network(archive: Path, prepare: Any, data_dir: Path) -> None:
    """What torchvision has unpacked earlier is used as it is."""
    unpack(archive, data_dir)
    assert prepare("cifar10").n_train == 30
    assert not (data_dir / CIFAR10.filename).exists()


def test_missing_batch_is_unpacked_again(archive: Path, prepare: Any, data_dir: Path) -> None:
    """A deleted batch comes back from the archive."""
    first = prepare("cifar10")
    (data_dir / CIFAR10.base_folder / "data_batch_3").unlink()
    for path in first.cache_dir.iterdir():
        path.unlink()
    archive.unlink()
    assert prepare("cifar10") == first


def test_cache_alone_is_enough(archive: Path, prepare: Any, data_dir: Path) -> None:
    """Once decoded, neither batches nor network are needed, by auto neither."""
    first = prepare("cifar10")
    archive.unlink()
    (data_dir / CIFAR10.filename).unlink()
    (data_dir / CIFAR10.base_folder).rename(data_dir / "elsewhere")
    assert prepare("cifar10") == prepare("auto") == first


@final
class Trap:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["data_batch_2", "test_batch", "batches.meta"])
@pytest.mark.parametrize("dataset", ["cifar10", "auto"])
def test_corrupt_batch_is_named_and_never_unpickled(
    archive: Path, prepare: Any, data_dir: Path, tmp_path: Path, name: str, dataset: str
) -> None:
    """The md5 is checked before any file is unpickled, the damaged one above all."""
    batches = unpack(archive, data_dir)
    (batches / name).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(UserError, match=rf"{name} is corrupt .* delete it") as caught:
        prepare(dataset)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "sprung").exists()


def test_trap_springs_when_unpickled(tmp_path: Path) -> None:
    """The trap of the test above works."""
    pickle.loads(pickle.dumps(Trap(tmp_path / "sprung")))  # noqa: S301
    assert (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("name", "kind", "link"),
    [
        ("../out", tarfile.REGTYPE, ""),
        (f"{CIFAR10.base_folder}/../../../out", tarfile.REGTYPE, ""),
        ("{outside}/out", tarfile.REGTYPE, ""),
        (CIFAR10.base_folder, tarfile.SYMTYPE, "../.."),
        (CIFAR10.base_folder, tarfile.SYMTYPE, "{outside}"),
        (f"{CIFAR10.base_folder}/data_batch_1", tarfile.SYMTYPE, "../../../out"),
        (f"{CIFAR10.base_folder}/data_batch_1", tarfile.LNKTYPE, "../../mine"),
        (f"{CIFAR10.base_folder}/data_batch_1", tarfile.CHRTYPE, ""),
    ],
    ids=[
        "parent",
        "inner parent",
        "absolute",
        "folder link",
        "absolute folder link",
        "link",
        "hard link",
        "device",
    ],
)
def test_an_archive_cannot_write_elsewhere(
    archive: Path,
    data_dir: Path,
    tmp_path: Path,
    recorder: Any,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    kind: bytes,
    link: str,
) -> None:
    """Were even the md5 that of an evil archive, no more than the batches would be written."""
    evil = tarfile.TarInfo(name.format(outside=tmp_path))
    evil.type, evil.linkname = kind, link.format(outside=tmp_path)
    source = archive.parent / CIFAR10.base_folder
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(evil)
        tar.add(source, CIFAR10.base_folder)
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(archive))
    put_archive(archive, data_dir)
    mine = tmp_path / "mine"
    mine.write_text("mine")
    before = {*tmp_path.rglob("*")}
    Cifar10Source(data_dir).obtain(recorder)
    batches = data_dir / CIFAR10.base_folder
    written = {batches / path.name for path in source.iterdir()}
    assert {*tmp_path.rglob("*")} - before == {data_dir / ".cifar10.lock", batches, *written}
    assert all(md5(path) == md5(source / path.name) for path in written)
    assert mine.read_text() == "mine"


def test_corrupt_archive_is_named(archive: Path, prepare: Any, data_dir: Path) -> None:
    """A half archive of the user's is neither unpacked nor deleted."""
    path = put_archive(archive, data_dir)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match=r"cifar-10-python\.tar\.gz is corrupt"):
        prepare("cifar10")
    assert path.exists()
    assert CIFAR10.base_folder not in visible(data_dir)


def test_failed_download_says_how_to_go_on(archive: Path, prepare: Any, data_dir: Path) -> None:
    """No server: one line with the reason and the remedy, and nothing half-written."""
    archive.unlink()
    with pytest.raises(MachineError, match=r"put cifar-10-python\.tar\.gz into .* run") as caught:
        prepare("cifar10")
    assert "No such file" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert visible(data_dir) <= {"cache"}


def test_incomplete_download_is_refused(archive: Path, prepare: Any, data_dir: Path) -> None:
    """Bytes with another md5 never take the archive's name."""
    archive.write_bytes(archive.read_bytes()[:-10])
    with pytest.raises(MachineError, match="incomplete or changed"):
        prepare("cifar10")
    assert visible(data_dir) <= {"cache"}


def test_auto_takes_cifar10_where_it_can(archive: Path, prepare: Any, recorder: Any) -> None:
    """auto downloads CIFAR-10 and has nothing to remark."""
    assert prepare("auto").name == "cifar10"
    assert recorder.notices == []


def test_auto_falls_back_loudly(archive: Path, prepare: Any, recorder: Any) -> None:
    """Without CIFAR-10, auto is digits, and says so in words that nobody can miss."""
    archive.unlink()
    assert prepare("auto").name == "digits"
    (notice,) = recorder.notices
    assert "could not be downloaded: using scikit-learn's embedded DIGITS" in notice
    assert "Results say nothing about CIFAR-10" in notice
    assert "\n" not in notice


def test_auto_with_size_of_its_own_is_refused(archive: Path, prepare: Any) -> None:
    """image_size is for folders, whatever auto turns out to be."""
    with pytest.raises(UserError, match=r"^image_size is only for image folders"):
        prepare("auto", image_size=28)


@pytest.fixture
def silent_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give the URL of a server that takes connections and never answers."""
    monkeypatch.setenv("no_proxy", "*")
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/file"


def test_silent_server_is_given_up(silent_server: str, tmp_path: Path) -> None:
    """A server that does not answer costs no more than the given patience."""
    with pytest.raises(MachineError, match=r"no answer within 0\.1 s"):
        download(silent_server, tmp_path / "a", "", patience=0.1, progress=lambda *_: None)
    assert list(tmp_path.iterdir()) == []


def test_auto_is_less_patient(
    archive: Path,
    silent_server: str,
    data_dir: Path,
    recorder: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without network, auto goes on with digits after its own short limit."""
    monkeypatch.setattr(CIFAR10, "url", silent_server)
    monkeypatch.setattr(prepare_module, "_AUTO_PATIENCE_SECONDS", 0.1)
    assert prepare_dataset(DatasetRequest("auto", data_dir), recorder).name == "digits"
    assert "no answer within 0.1 s" in recorder.notices[0]


@pytest.mark.parametrize("damage", ["no archive", "half", "bad block", "without batches"])
def test_unpacking_leaves_nothing_beside(
    archive: Path, prepare: Any, data_dir: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    """An archive with the right md5 that cannot be unpacked fails in words, without leftovers."""
    path = put_archive(archive, data_dir)
    content = path.read_bytes()
    match damage:
        case "no archive":
            path.write_bytes(b"no archive")
        case "half":
            path.write_bytes(content[: len(content) // 2])
        case "bad block":
            packer = zlib.compressobj(wbits=31)
            good = packer.compress(gzip.decompress(content)[:30_000])
            path.write_bytes(good + packer.flush(zlib.Z_FULL_FLUSH) + b"\xff")
        case _:
            tarfile.open(path, "w:gz").close()
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(path))
    with pytest.raises(MachineError, match="cannot unpack") as caught:
        prepare("cifar10")
    assert "\n" not in str(caught.value)
    assert visible(data_dir) <= {path.name, "cache"}
