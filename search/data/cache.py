"""The decoded arrays of a dataset on disk: built once, memory-mapped, verified by SHA-256.

A damaged array file raises ValueError with the reason.
"""

import hashlib
import io
import math
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final
import numpy as np
import numpy.typing as npt
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final
import numpy as np
import torch
from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError
from search.data.dataset import Content, DatasetInfo, Source, TrainSplit
from search.errors import MachineError
from search.events import Listener, Notice
from search.files import verify_checksums, write_checksums, write_file


# What zipfile and NumPy raise on damaged .npy and .npz files.
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    RuntimeError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)


@final
@dataclass(frozen=True)
class ArrayLayout:
    """What a .npy file (format 1.0, C order) holds; `descr` is NumPy's name of the dtype."""

    descr: str
    shape: tuple[int, ...]

    @property
    def header(self) -> bytes:
        """Return the bytes before the values."""
        buffer = io.BytesIO()
        facts = {"descr": self.descr, "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(buffer, facts)
        return buffer.getvalue()

    @property
    def file_bytes(self) -> int:
        """Return the size of the whole file."""
        return len(self.header) + np.dtype(self.descr).itemsize * math.prod(self.shape)


def write_array(
    path: Path, layout: ArrayLayout, batches: Iterable[np.ndarray], digest: "hashlib._Hash"
) -> None:
    """Write batches one after the other, durably, and update `digest` with their values.

    Together the batches must have the layout's shape. They are written in order rather than
    through a memory map, so that a full disk raises OSError instead of killing the process.
    """
    with path.open("wb") as file:
        file.write(layout.header)
        for batch in batches:
            values = np.ascontiguousarray(batch, dtype=layout.descr).data
            digest.update(values)
            file.write(values)
        file.flush()
        os.fsync(file.fileno())


def map_array(path: Path, layout: ArrayLayout) -> np.ndarray:
    """Return the file memory-mapped; raises ValueError if its layout differs.

    It is mapped copy-on-write, because torch warns about arrays that it may not write to.
    """
    with path.open("rb") as file:
        if file.read(len(layout.header)) != layout.header:
            raise ValueError(f"{path.name} does not hold {layout.descr} {layout.shape}")
    return np.memmap(path, layout.descr, "c", len(layout.header), layout.shape)


def read_npy(path: Path) -> npt.NDArray[Any]:
    """Return the array of a .npy file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged.
    """
    with _damage_as_value_error():
        array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
        return array


def read_integers(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a .npz file that holds integers only, by name.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, or an array is not of integers.
    """
    with _damage_as_value_error(), path.open("rb") as file, np.load(file, allow_pickle=False) as npz:
        arrays = {name: npz[name] for name in npz.files}
        for name, value in arrays.items():
            # NumPy returns the raw bytes of a member whose first bytes are damaged.
            if not isinstance(value, np.ndarray) or value.dtype.kind not in "iu":
                raise ValueError(f"{name} is not an array of integers")
        return arrays


@contextmanager
def _damage_as_value_error() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except _DAMAGE as error:
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error


@final
@dataclass(frozen=True)
class CachePaths:
    """The one owner of the file names in a dataset's cache folder.

    Images are uint8 (N, 3, H, W), labels int64 (N,). The test arrays are written with the others
    and opened by search/evaluation/test_set.py only.
    """

    cache_dir: Path

    @classmethod
    def of(cls, data_dir: Path, name: str, source_fingerprint: str) -> Self:
        """Return the paths for one state of one source."""
        folder = data_dir / "cache" / f"{name}-{source_fingerprint[:16]}"
        return cls(folder.absolute())  # workers may run in another folder

    @property
    def lock(self) -> Path:
        """Return the lock that the writer holds, beside the folder."""
        return self.cache_dir.with_name(self.cache_dir.name + ".lock")

    @property
    def partial(self) -> "CachePaths":
        """Return the folder that is written before it takes its name."""
        return CachePaths(self.cache_dir.with_name(self.cache_dir.name + ".partial"))

    @property
    def info(self) -> Path:
        """Return the description, a StoredInfo."""
        return self.cache_dir / "dataset.json"

    @property
    def train_images(self) -> Path:
        """Return the images that may be learned from."""
        return self.cache_dir / "train_images.npy"

    @property
    def train_labels(self) -> Path:
        """Return their labels."""
        return self.cache_dir / "train_labels.npy"

    @property
    def test_images(self) -> Path:
        """Return the sealed images."""
        return self.cache_dir / "test_images.npy"

    @property
    def test_labels(self) -> Path:
        """Return the sealed labels."""
        return self.cache_dir / "test_labels.npy"


@final
class StoredInfo(BaseModel):
    """dataset.json: a DatasetInfo without its folder, and the state of its source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    fingerprint: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    n_train: int
    n_test: int
    source_fingerprint: str

    def located(self, cache_dir: Path) -> DatasetInfo:
        """Return the description as everyone else knows it."""
        facts = self.model_dump(exclude={"source_fingerprint"})
        return DatasetInfo(**facts, cache_dir=cache_dir)


def open_cache(paths: CachePaths, source_fingerprint: str) -> DatasetInfo:
    """Return what the cache holds, its description and training arrays checked by their SHA-256.

    Raises FileNotFoundError where there is no such folder, and ValueError, with the reason,
    where it is damaged: a file is missing, of another size or changed, or the description is
    of another source. Of the test arrays only the sizes are looked at.
    """
    if not paths.cache_dir.is_dir():
        raise FileNotFoundError(paths.cache_dir)
    verify_checksums([paths.info])
    stored = _read_info(paths)
    if stored.source_fingerprint != source_fingerprint:
        raise ValueError("it is of another source")
    info = stored.located(paths.cache_dir)
    for path, layout in _arrays(info):
        if not path.is_file() or path.stat().st_size != layout.file_bytes:
            raise ValueError(f"{path.name} is missing or of the wrong size")
    verify_checksums([paths.train_images, paths.train_labels])
    return info


def load_train_split(info: DatasetInfo) -> TrainSplit:
    """Return the training images, memory-mapped copy-on-write, and labels, as CPU tensors.

    Raises MachineError where the cache was removed or damaged since `info` was made.
    """
    try:
        images, labels = _map_train(info)
    except (OSError, ValueError) as error:
        raise MachineError(
            f"the cache {info.cache_dir} is gone or damaged: {error}; run again to rebuild it"
        ) from error
    return TrainSplit(torch.from_numpy(images), torch.from_numpy(labels))


def _read_info(paths: CachePaths) -> StoredInfo:
    try:
        return StoredInfo.model_validate_json(paths.info.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{paths.info.name} is garbled") from error


def _map_train(info: DatasetInfo) -> tuple[np.ndarray, np.ndarray]:
    (images, image_array), (labels, label_array), *_ = _arrays(info)
    return map_array(images, image_array), map_array(labels, label_array)


def _arrays(info: DatasetInfo) -> tuple[tuple[Path, ArrayLayout], ...]:
    """Return each array file and what it must hold, the training images and labels first."""
    paths = CachePaths(info.cache_dir)
    return (
        (paths.train_images, ArrayLayout("|u1", (info.n_train, *info.image_shape))),
        (paths.train_labels, ArrayLayout("<i8", (info.n_train,))),
        (paths.test_images, ArrayLayout("|u1", (info.n_test, *info.image_shape))),
        (paths.test_labels, ArrayLayout("<i8", (info.n_test,))),
    )


def open_or_build(source: Source, data_dir: Path, listener: Listener) -> DatasetInfo:
    """Return the dataset of `source`, decoded under `data_dir` unless a whole cache is there.

    A damaged cache is written anew, with a notice. Processes that come at the same time wait
    for the one that writes. Raises what the source raises, and OSError where the cache cannot
    be written; nothing half-written is kept.
    """
    found = find_cache(source, data_dir)
    if found is not None:
        return found
    fingerprint = source.fingerprint()
    paths = CachePaths.of(data_dir, source.name, fingerprint)
    paths.cache_dir.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(paths.lock):
        try:
            found = find_cache(source, data_dir, listener)
            return found or _build(source, paths, fingerprint, listener)
        except BaseException:
            # Of what is refused nothing stays; whoever waits for the lock sees that it is gone.
            paths.lock.unlink(missing_ok=True)
            raise


def find_cache(
    source: Source, data_dir: Path, listener: Listener | None = None
) -> DatasetInfo | None:
    """Return the source's decoded dataset if an intact cache of it is there.

    The listener, if any, hears of a damaged one.
    """
    fingerprint = source.fingerprint()
    paths = CachePaths.of(data_dir, source.name, fingerprint)
    try:
        return open_cache(paths, fingerprint)
    except FileNotFoundError:
        return None
    except ValueError as error:
        if listener is not None:
            listener(
                Notice(
                    f"The cache {paths.cache_dir} is damaged ({error}): decoding the images again."
                )
            )
        return None


def _build(
    source: Source, paths: CachePaths, fingerprint: str, listener: Listener
) -> DatasetInfo:
    partial = paths.partial
    _remove(partial.cache_dir)  # what a killed run left
    try:
        partial.cache_dir.mkdir()
        _write(source.read(listener), source.name, fingerprint, partial)
        _remove(paths.cache_dir)  # damaged, or it would have been used
        partial.cache_dir.rename(paths.cache_dir)
    finally:
        _remove(partial.cache_dir)
    return open_cache(paths, fingerprint)


def _write(content: Content, name: str, source_fingerprint: str, paths: CachePaths) -> None:
    """Write arrays, description and SHA-256 sums; the description has one of all values."""
    train, test, shape = content.train, content.test, content.image_shape
    facts = [content.class_names, shape, len(train.labels), len(test.labels)]
    digest = hashlib.sha256(json.dumps(facts).encode())
    for path, part in ((paths.train_labels, train), (paths.test_labels, test)):
        write_array(path, ArrayLayout("<i8", part.labels.shape), [part.labels], digest)
    for path, part in ((paths.train_images, train), (paths.test_images, test)):
        layout = ArrayLayout("|u1", (len(part.labels), *shape))
        write_array(path, layout, part.batches, digest)
    info = StoredInfo(
        name=name,
        fingerprint=digest.hexdigest(),
        class_names=content.class_names,
        image_shape=shape,
        n_train=len(train.labels),
        n_test=len(test.labels),
        source_fingerprint=source_fingerprint,
    )
    paths.info.write_text(info.model_dump_json(indent=2), encoding="utf-8")
    arrays = (paths.train_images, paths.train_labels, paths.test_images, paths.test_labels)
    write_checksums((paths.info, *arrays))


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
