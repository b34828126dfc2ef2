"""The decoded arrays of a dataset on disk: built once, memory-mapped, verified by SHA-256.

A damaged file raises ValueError with the reason.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Self, final

import torch
from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from search.data.contrast import ContrastCheck
from search.data.copies import Copies, CopyCounts, CopyFinder
from search.data.dataset import (
    Content,
    DatasetInfo,
    Images,
    Origins,
    Part,
    Source,
    TrainSplit,
)
from search.data.npy import ArrayFile
from search.data.pixel_values import Scale
from search.data.sums import FileSums
from search.errors import MachineError
from search.events import Listener, Notice
from search.files import verify_checksums, write_checksums
from search.text import listed_names, plural

_FOLDER = "cache"  # of data_dir


@final
class CachePaths:
    """The one owner of the file names in a dataset's cache folder.

    Images are uint8 (N, 3, H, W), labels int64 (N,). The test arrays are written together with the
    training arrays, and opened by search/evaluation/test_set.py only.
    """

    def __init__(self, cache_dir: Path) -> None:
        self.cache_dir = cache_dir
        self.lock = cache_dir.with_name(cache_dir.name + ".lock")  # held while writing
        self.info = cache_dir / "dataset.json"  # a StoredInfo
        self.origins = cache_dir / "origins.json"  # of each part; absent if nothing is known
        self.copies = cache_dir / "copies.json"  # a Copies; absent in caches of older versions
        self.sums = cache_dir / "sums.json"  # FileSums; absent where a source has no files
        self.train_images = cache_dir / "train_images.npy"
        self.train_labels = cache_dir / "train_labels.npy"
        self.test_images = cache_dir / "test_images.npy"
        self.test_labels = cache_dir / "test_labels.npy"

    @classmethod
    def of(cls, data_dir: Path, name: str, source_fingerprint: str) -> Self:
        """Return the paths for one state of one source."""
        folder = data_dir / _FOLDER / f"{name}-{source_fingerprint[:16]}"
        return cls(folder.absolute())  # workers may run in another folder

    @property
    def partial(self) -> "CachePaths":
        """The folder that is written before it is renamed."""
        return CachePaths(self.cache_dir.with_name(self.cache_dir.name + ".partial"))


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
    found: tuple[str, ...] = ()  # see Content
    copies: CopyCounts = CopyCounts()
    n_left_out: int = 0
    scale: Scale | None = None

    def located(self, cache_dir: Path) -> DatasetInfo:
        """Return the dataset's description."""
        further = {"source_fingerprint", "found", "copies", "n_left_out", "scale"}
        return DatasetInfo(**self.model_dump(exclude=further), cache_dir=cache_dir)


def _array_files(
    paths: CachePaths, image_shape: tuple[int, int, int], n_train: int, n_test: int
) -> tuple[ArrayFile, ArrayFile, ArrayFile, ArrayFile]:
    """Return the files of the training images and labels and of the test images and labels."""
    return (
        ArrayFile(paths.train_images, "|u1", (n_train, *image_shape)),
        ArrayFile(paths.train_labels, "<i8", (n_train,)),
        ArrayFile(paths.test_images, "|u1", (n_test, *image_shape)),
        ArrayFile(paths.test_labels, "<i8", (n_test,)),
    )


def _files_of(info: DatasetInfo) -> tuple[ArrayFile, ArrayFile, ArrayFile, ArrayFile]:
    paths = CachePaths(info.cache_dir)
    return _array_files(paths, info.image_shape, info.n_train, info.n_test)


def load_train_split(info: DatasetInfo) -> TrainSplit:
    """Return the training images, memory-mapped copy-on-write, and labels, as CPU tensors.

    Raises MachineError if the cache was removed or damaged since `info` was made.
    """
    images, labels, *_ = _files_of(info)
    try:
        return TrainSplit(torch.from_numpy(images.map()), torch.from_numpy(labels.map()))
    except (OSError, ValueError) as error:
        raise MachineError(
            f"the cache {info.cache_dir} is gone or damaged: {error}; run again to rebuild it"
        ) from error


def was_cache(folder: Path) -> bool:
    """Return whether a folder that does not exist has the name and the place of a cache."""
    named = re.fullmatch(r".+-[0-9a-f]{16}", folder.name) is not None
    return named and folder.parent.name == _FOLDER and not folder.exists()


def array_scale(info: DatasetInfo) -> Scale | None:
    """Return what the numbers meant that a dataset was given as; None: files, or unknown."""
    return read_info(info.cache_dir).scale if CachePaths(info.cache_dir).info.exists() else None


def train_files(info: DatasetInfo) -> tuple[Path, Path]:
    """Return the files of the training images and labels: all that a training reads."""
    images, labels, *_ = _files_of(info)
    return images.path, labels.path


def load_origins(info: DatasetInfo) -> tuple[Origins, Origins]:
    """Return where training and test images come from; raises MachineError if it is damaged."""
    try:
        return _read_origins(CachePaths(info.cache_dir))
    except ValueError as error:
        raise MachineError(
            f"the cache {info.cache_dir} is damaged: {error}; remove it and run again"
        ) from error


def _read_origins(paths: CachePaths) -> tuple[Origins, Origins]:
    """Return the origins of the training and of the test images; raises ValueError if damaged."""
    if not paths.origins.exists():
        return Origins(), Origins()
    verify_checksums([paths.origins])
    parts = json.loads(paths.origins.read_bytes())
    train, test = (
        Origins(**{name: tuple(values) for name, values in parts[part].items()})
        for part in ("train", "test")
    )
    return train, test


def load_copies(info: DatasetInfo) -> Copies:
    """Return which images are copies, none if nobody looked; raises MachineError if damaged."""
    paths = CachePaths(info.cache_dir)
    if not paths.copies.exists():
        return Copies()
    try:
        verify_checksums([paths.copies])
    except ValueError as error:
        raise MachineError(
            f"the cache {info.cache_dir} is damaged: {error}; remove it and run again"
        ) from error
    stored = json.loads(paths.copies.read_bytes())
    return Copies(tuple(map(tuple, stored["groups"])), tuple(stored["exact"]))


def read_info(cache_dir: Path) -> StoredInfo:
    """Return the description of a cache.

    Raises FileNotFoundError if it is no cache's folder, ValueError if it is damaged.
    """
    paths = CachePaths(cache_dir)
    verify_checksums([paths.info])
    return _described(paths)


def read_cache(cache_dir: Path) -> Content:
    """Return the content of a cache, all of it verified; raises as `read_info` does."""
    stored = read_info(cache_dir)
    files = _files_of(stored.located(cache_dir))
    verify_checksums([file.path for file in files])
    train_images, train_labels, test_images, test_labels = (file.map() for file in files)
    train, test = _read_origins(CachePaths(cache_dir))
    return Content(
        class_names=stored.class_names,
        image_shape=stored.image_shape,
        train=Part(train_labels, iter([train_images]), train),
        test=Part(test_labels, iter([test_images]), test),
        found=list(stored.found),
        n_left_out=stored.n_left_out,
        scale=stored.scale,
    )


def open_or_build(
    source: Source, data_dir: Path, listener: Listener, *, verify: bool = False
) -> DatasetInfo:
    """Return the dataset of `source`, decoded under `data_dir` unless an intact cache is there.

    A damaged cache is rewritten, with a notice; so is one of files that have changed since, which
    are all read again with `verify`, otherwise only where the file system knows of a change. What
    was found in the images is told each time. Processes that come at the same time wait for the
    one that writes.

    Raises:
        UserError, MachineError: What the source raises.
        OSError: The cache cannot be written; nothing half-written is kept.
    """
    fingerprint = source.fingerprint()
    paths = CachePaths.of(data_dir, source.name, fingerprint)
    watched = source.watched_files()
    stored = _find(paths, fingerprint, watched, verify=verify)
    stored = stored or _find_or_build(source, fingerprint, paths, listener, verify=verify)
    for text in stored.found:
        listener(Notice(text))
    return stored.located(paths.cache_dir)


def is_cached(source: Source, data_dir: Path) -> bool:
    """Return whether there is an intact cache of the source's images."""
    fingerprint = source.fingerprint()
    paths = CachePaths.of(data_dir, source.name, fingerprint)
    return _find(paths, fingerprint, source.watched_files()) is not None


def _find_or_build(
    source: Source, fingerprint: str, paths: CachePaths, listener: Listener, *, verify: bool
) -> StoredInfo:
    paths.cache_dir.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(paths.lock):
        try:
            watched = source.watched_files()
            stored = _find(paths, fingerprint, watched, listener, verify=verify)
            return stored or _build(source, paths, fingerprint, listener)
        except BaseException:
            paths.lock.unlink(missing_ok=True)  # nothing stays; who waits notices that it is gone
            raise


def _find(
    paths: CachePaths,
    fingerprint: str,
    watched: Sequence[Path],
    listener: Listener | None = None,
    *,
    verify: bool = False,
) -> StoredInfo | None:
    """Return what an intact cache holds; any other is reported to the listener, if any."""
    try:
        stored = _open(paths, fingerprint)
        changed = FileSums(paths.sums).changed(watched, every=verify)
    except FileNotFoundError:
        return None
    except ValueError as error:
        problem = f"The cache {paths.cache_dir} is damaged ({error})"
    else:
        if not changed:
            return stored
        names = listed_names([path.name for path in changed])
        problem = f"{plural(len(changed), 'file')} of {stored.name} changed ({names})"
    if listener is not None:
        listener(Notice(f"{problem}: decoding the images again."))
    return None


def _open(paths: CachePaths, source_fingerprint: str) -> StoredInfo:
    """Return what the cache holds, its description and training arrays verified by SHA-256.

    Of the test arrays only the sizes are checked. Raises FileNotFoundError if there is no such
    folder, ValueError if it is damaged or belongs to another source.
    """
    if not paths.cache_dir.is_dir():
        raise FileNotFoundError(paths.cache_dir)
    verify_checksums([paths.info])
    stored = _described(paths)
    if stored.source_fingerprint != source_fingerprint:
        raise ValueError("it belongs to another source")
    for file in _files_of(stored.located(paths.cache_dir)):
        if not file.path.is_file() or file.path.stat().st_size != file.n_bytes:
            raise ValueError(f"{file.path.name} is missing or of the wrong size")
    verify_checksums([paths.train_images, paths.train_labels])
    _read_origins(paths)
    if paths.sums.exists():
        verify_checksums([paths.sums])
    return stored


def _described(paths: CachePaths) -> StoredInfo:
    try:
        return StoredInfo.model_validate_json(paths.info.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{paths.info.name} is garbled") from error


def _build(source: Source, paths: CachePaths, fingerprint: str, listener: Listener) -> StoredInfo:
    partial = paths.partial
    _remove(partial.cache_dir)  # what a killed run left
    try:
        partial.cache_dir.mkdir()
        files = source.watched_files()
        if files:
            FileSums(partial.sums).store(files)
        _write(source.read(listener), source.name, fingerprint, partial)
        _remove(paths.cache_dir)  # damaged, or it would have been used
        partial.cache_dir.rename(paths.cache_dir)
    finally:
        _remove(partial.cache_dir)
    return _open(paths, fingerprint)


def _write(content: Content, name: str, source_fingerprint: str, paths: CachePaths) -> None:
    """Write arrays, description and checksums; the fingerprint is a hash of all values."""
    train, test, shape = content.train, content.test, content.image_shape
    n_train, n_test = len(train.labels), len(test.labels)
    facts = [content.class_names, shape, n_train, n_test]
    digest = hashlib.sha256(json.dumps(facts).encode())
    train_images, train_labels, test_images, test_labels = files = _array_files(
        paths, shape, n_train, n_test
    )
    train_labels.write([train.labels], digest)
    test_labels.write([test.labels], digest)
    finder, contrast = CopyFinder(), ContrastCheck()
    train_images.write(_shown_to((finder, contrast), train.batches), digest)
    test_images.write(_shown_to((finder,), test.batches), digest)
    copies = finder.copies()
    counts = CopyCounts.of(copies, train, test)
    told = (f"dataset: {line}" for line in (*counts.lines(), *contrast.lines()))
    info = StoredInfo(
        name=name,
        fingerprint=digest.hexdigest(),
        class_names=content.class_names,
        image_shape=shape,
        n_train=n_train,
        n_test=n_test,
        source_fingerprint=source_fingerprint,
        found=tuple(dict.fromkeys([*content.found, *told])),
        copies=counts,
        n_left_out=content.n_left_out,
        scale=content.scale,
    )
    text = info.model_dump_json(indent=2, exclude_defaults=True)
    paths.info.write_text(text, encoding="utf-8")
    paths.copies.write_text(json.dumps(asdict(copies)), encoding="utf-8")
    written = [paths.info, paths.copies, *(file.path for file in files)]
    written += [paths.sums] if paths.sums.exists() else []
    if Origins() != train.origins or Origins() != test.origins:
        origins = {"train": asdict(train.origins), "test": asdict(test.origins)}
        paths.origins.write_text(json.dumps(origins), encoding="utf-8")
        written.append(paths.origins)
    write_checksums(written)


def _shown_to(
    watchers: Sequence[CopyFinder | ContrastCheck], batches: Iterator[Images]
) -> Iterator[Images]:
    for images in batches:
        for watcher in watchers:
            watcher.add(images)
        yield images


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
