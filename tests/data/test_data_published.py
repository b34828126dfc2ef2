"""Published datasets, as small files that the test makes and serves."""

import gzip
import hashlib
import io
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat
from torchvision import datasets

from search.data.cache import CachePaths, load_train_split
from search.errors import MachineError, UserError

RNG = np.random.default_rng(0)
LABELS = np.arange(10).repeat(2)  # of each part


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def idx(array: np.ndarray) -> bytes:
    """Return an array as MNIST's files have it."""
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
    return gzip.compress(head + array.astype(np.uint8).tobytes())


@pytest.fixture
def server(tmp_path: Path) -> Path:
    (tmp_path / "server").mkdir()
    return tmp_path / "server"


@pytest.mark.parametrize(
    ("keyword", "kind", "first"),
    [
        ("mnist", "MNIST", "0"),
        ("fashion-mnist", "FashionMNIST", "T-shirt/top"),
        ("kmnist", "KMNIST", "o"),
    ],
)
def test_mnist_and_its_relatives(
    server: Path,
    prepare: Any,
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    keyword: str,
    kind: str,
    first: str,
) -> None:
    """Four files, from the second mirror where the first fails; put where torchvision looks."""
    images = {
        part: RNG.integers(0, 256, (20, 28, 28), dtype=np.uint8) for part in ("train", "t10k")
    }
    resources = []
    for part, pixels in images.items():
        for name, array in (("images-idx3", pixels), ("labels-idx1", LABELS)):
            content = idx(array)
            (server / f"{part}-{name}-ubyte.gz").write_bytes(content)
            resources.append((f"{part}-{name}-ubyte.gz", md5(content)))
    published = getattr(datasets, kind)
    monkeypatch.setattr(published, "resources", resources)
    monkeypatch.setattr(published, "mirrors", [f"{server.as_uri()}/gone/", f"{server.as_uri()}/"])
    info = prepare(keyword)
    assert (info.name, info.class_names[0], len(info.class_names)) == (keyword, first, 10)
    split = load_train_split(info)
    assert np.array_equal(split.images.numpy(), images["train"][:, None].repeat(3, 1))
    assert split.labels.tolist() == LABELS.tolist()
    test_images = np.load(CachePaths(info.cache_dir).test_images)
    assert np.array_equal(test_images[:, 0], images["t10k"])
    assert (data_dir / kind / "raw" / "train-images-idx3-ubyte.gz").is_file()
    assert prepare(keyword, image_size=32).image_shape == (3, 32, 32)


def test_cifar100(server: Path, prepare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its fine labels; the archive is unpacked as CIFAR-10's is."""
    images = RNG.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
    published, names = datasets.CIFAR100, [f"class {number}" for number in range(10)]
    entry = {"data": images.reshape(20, -1), "fine_labels": LABELS.tolist()}
    files = {"train": entry, "test": entry, "meta": {"fine_label_names": names}}
    path, sums = server / published.filename, {}
    with tarfile.open(path, "w:gz") as tar:
        for name, value in files.items():
            content = pickle.dumps(value)
            sums[name] = md5(content)
            member = tarfile.TarInfo(f"{published.base_folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    for part in ("train", "test"):
        monkeypatch.setattr(published, f"{part}_list", [[part, sums[part]]])
    monkeypatch.setattr(published, "meta", published.meta | {"md5": sums["meta"]})
    monkeypatch.setattr(published, "tgz_md5", md5(path.read_bytes()))
    monkeypatch.setattr(published, "url", path.as_uri())
    info = prepare("cifar100")
    assert (info.name, info.class_names, info.n_test) == ("cifar100", tuple(names), 20)
    split = load_train_split(info)
    assert np.array_equal(split.images.numpy(), images)
    assert split.labels.tolist() == LABELS.tolist()


def test_svhn(server: Path, prepare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """MATLAB's files, in which the digit 0 is called 10."""
    images = RNG.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
    labels = np.where(LABELS == 0, 10, LABELS)[:, None]
    splits = {}
    for part in ("train", "test"):
        path = server / f"{part}_32x32.mat"
        savemat(path, {"X": images.transpose(2, 3, 1, 0), "y": labels})
        splits[part] = [path.as_uri(), path.name, md5(path.read_bytes())]
    monkeypatch.setattr(datasets.SVHN, "split_list", splits)
    split = load_train_split(prepare("svhn"))
    assert np.array_equal(split.images.numpy(), images)
    assert split.labels.tolist() == LABELS.tolist()


def test_stl10(server: Path, prepare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read from its archive; images lie on their side there."""
    images = RNG.integers(0, 256, (20, 3, 96, 96), dtype=np.uint8)
    path = server / "stl10_binary.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for part in ("train", "test"):
            files: dict[str, np.ndarray] = {"X": images.transpose(0, 1, 3, 2), "y": LABELS + 1}
            for name, array in files.items():
                content = array.astype(np.uint8).tobytes()
                member = tarfile.TarInfo(f"stl10_binary/{part}_{name}.bin")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    monkeypatch.setattr(datasets.STL10, "url", path.as_uri())
    monkeypatch.setattr(datasets.STL10, "tgz_md5", md5(path.read_bytes()))
    info = prepare("stl10", image_size=96)
    assert (info.class_names[0], info.n_train, info.n_test) == ("airplane", 20, 20)
    split = load_train_split(info)
    assert np.array_equal(split.images.numpy(), images)
    assert split.labels.tolist() == LABELS.tolist()
    assert prepare("stl10").image_shape == (3, 64, 64)


def test_what_cannot_be_downloaded_is_told(
    server: Path, prepare: Any, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With where to put it; a changed file is not taken."""
    monkeypatch.setattr(datasets.MNIST, "mirrors", [f"{server.as_uri()}/"])
    words = "dataset mnist: download of .* failed.*; put train-images-idx3-ubyte.gz into .*raw"
    with pytest.raises(MachineError, match=words):
        prepare("mnist")
    for name, _ in datasets.MNIST.resources:
        (data_dir / "MNIST" / "raw" / name).write_bytes(b"other")
    with pytest.raises(UserError, match=r"idx3-ubyte\.gz is corrupt .*delete it and run again"):
        prepare("mnist")
