"""The sources of datasets, and how `--dataset` becomes a decoded dataset.

To add a source, write its class in a new file and list it in `SOURCES`.
"""

from dataclasses import replace
from pathlib import Path

from search.data.arrays import ArraySource
from search.data.cache import is_cached, open_or_build, was_cache
from search.data.cifar10 import Cifar10Source, Cifar100Source
from search.data.class_names import class_name_notices
from search.data.dataset import DatasetInfo, DatasetRequest, Source
from search.data.digits import DigitsSource
from search.data.distinct import DistinctSource
from search.data.folder import FolderSource
from search.data.huggingface import HuggingFaceSource
from search.data.published import (
    FashionMnistSource,
    KmnistSource,
    MnistSource,
    Stl10Source,
    SvhnSource,
)
from search.data.stored import StoredSource
from search.data.table import TableSource
from search.errors import MachineError, UserError
from search.events import Listener, Notice
from search.files import machine_failures

SOURCES: tuple[type[Source], ...] = (
    Cifar10Source,
    Cifar100Source,
    MnistSource,
    FashionMnistSource,
    KmnistSource,
    SvhnSource,
    Stl10Source,
    DigitsSource,
    StoredSource,
    HuggingFaceSource,
    ArraySource,
    TableSource,
    FolderSource,
)
AUTO = "auto"

_AUTO_PATIENCE_SECONDS = 5.0


def prepare_dataset(
    request: DatasetRequest, listener: Listener, *, verify: bool = False
) -> DatasetInfo:
    """Return a dataset, decoded into a cache under the request's `data_dir`.

    Args:
        request: Which dataset, and how its images are prepared.
        listener: Told about downloads, decoding, and what the user may not have intended.
        verify: Whether to read all files of images that were decoded before, and decode them again
            if one has changed.

    Raises:
        UserError: A setting is wrong, or what it names is damaged.
        MachineError: A download failed, or the disk is full.
    """
    data_dir = request.data_dir
    hint = "nothing half-written was kept; make room or choose another data_dir and run again"
    with machine_failures(f"data_dir {data_dir} cannot be used", hint):
        if data_dir.exists() and not data_dir.is_dir():
            raise UserError(f"data_dir must be a folder, got the file {data_dir}")
        source = _automatic(request, listener) if request.dataset == AUTO else _named(request)
        for text in source.notices():
            listener(Notice(text))
        dataset = open_or_build(source, data_dir, listener, verify=verify)
        for text in class_name_notices(dataset.class_names):
            listener(Notice(text))
        if request.drop_duplicates:
            dataset = open_or_build(DistinctSource(dataset), data_dir, listener)
        return dataset


def dataset_folder(dataset: str) -> Path | None:
    """Return the folder that a recipe's `dataset` names, or None if it is a keyword."""
    keywords = {AUTO, *(kind.keyword for kind in SOURCES)}
    return None if dataset in keywords else Path(dataset)


def _named(request: DatasetRequest) -> Source:
    for kind in SOURCES:
        source = kind.find(request)
        if source is not None:
            return _checked(source, request)
    if was_cache(Path(request.dataset)):
        raise UserError(
            f"dataset: the decoded images in {request.dataset!r} are gone; the same call of "
            "search.run with the images brings them back"
        )
    *names, last = (kind.accepts for kind in SOURCES)
    raise UserError(
        f"dataset: {request.dataset!r} is neither {', '.join([AUTO, *names])} nor {last}"
    )


def _checked(source: Source, request: DatasetRequest) -> Source:
    if source.own_size is not None and request.image_size not in (None, source.own_size):
        raise UserError(
            f"image_size is only for image folders; dataset {source.name} has {source.own_size}, "
            f"got {request.image_size}"
        )
    columns = (request.image_column, request.label_column)
    if not source.has_columns and columns != (None, None):
        raise UserError(
            f"image_column and label_column are only for tables and saved datasets, and dataset "
            f"{source.name} is none"
        )
    if not isinstance(source, TableSource) and request.split_column is not None:
        raise UserError(
            f"split_column is only for tables, and dataset {source.name} is none, got "
            f"{request.split_column!r}"
        )
    if request.groups is not None and not source.grouped:
        raise UserError(
            f"groups is only for image folders, tables, saved datasets and arrays from files, and "
            f"dataset {source.name} is none, got {request.groups!r}"
        )
    return source


def _automatic(request: DatasetRequest, listener: Listener) -> Source:
    """Return the first automatic source that can be obtained; a second choice gets a notice."""
    keywords = [kind.keyword for kind in SOURCES if kind.automatic and kind.keyword]
    sources = [_named(replace(request, dataset=keyword)) for keyword in keywords]
    failures: list[MachineError] = []
    for source in sources:
        try:
            if not is_cached(source, request.data_dir):
                source.obtain(listener, _AUTO_PATIENCE_SECONDS)
        except MachineError as error:
            failures.append(error)
            continue
        if failures:
            listener(Notice(_fallback(sources[0], source, request, failures[0])))
        return source
    raise failures[0]


def _fallback(
    wanted: Source, source: Source, request: DatasetRequest, failure: MachineError
) -> str:
    return (
        f"{wanted.title} is not in {request.data_dir} and could not be downloaded: using "
        f"{source.title} instead. Results say nothing about {wanted.title}. "
        f"({failure.__cause__ or failure})"
    )
