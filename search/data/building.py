"""Decoding a source into its cache, once."""

import hashlib
import json
import shutil
from pathlib import Path

from filelock import FileLock

from search.data.cache import CachePaths, StoredInfo, open_cache
from search.checksums import write_sums
from search.data.dataset import DatasetInfo
from search.data.npy import ArrayLayout, write_array
from search.data.observer import DataObserver
from search.data.source import Content, Source


def open_or_build(source: Source, data_dir: Path, observer: DataObserver) -> DatasetInfo:
    """Return the dataset of `source`, decoded under `data_dir` unless a whole cache is there.

    A damaged cache is written anew, with a notice. Processes that come at the same time wait
    for the one that writes. Raises what the source raises, and OSError where the cache cannot
    be written; nothing half-written is kept.
    """
    fingerprint = source.fingerprint()
    paths = CachePaths.of(data_dir, source.name, fingerprint)
    found = find_cache(paths, fingerprint)
    if found is not None:
        return found
    paths.cache_dir.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(paths.lock):
        try:
            found = find_cache(paths, fingerprint, observer)
            return found or _build(source, paths, fingerprint, observer)
        except BaseException:
            # Of what is refused nothing stays; whoever waits for the lock sees that it is gone.
            paths.lock.unlink(missing_ok=True)
            raise


def find_cache(
    paths: CachePaths, source_fingerprint: str, observer: DataObserver | None = None
) -> DatasetInfo | None:
    """Return a whole cache's description, or None; a damaged one is told to `observer`."""
    try:
        return open_cache(paths, source_fingerprint)
    except FileNotFoundError:
        return None
    except ValueError as error:
        if observer is not None:
            observer.notice(
                f"The cache {paths.cache_dir} is damaged ({error}): decoding the images again."
            )
        return None


def _build(
    source: Source, paths: CachePaths, fingerprint: str, observer: DataObserver
) -> DatasetInfo:
    partial = paths.partial
    _remove(partial.cache_dir)  # what a killed run left
    try:
        partial.cache_dir.mkdir()
        _write(source.read(observer), source.name, fingerprint, partial)
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
    write_sums((paths.info, *arrays))


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
