"""A dataset that Hugging Face `datasets` saved to a folder (`save_to_disk`)."""

import hashlib
import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self, final

import numpy as np
from PIL import Image

from search.data.arrays import VALIDATION_JOINS, LabelledArrays, content_of_arrays, joined_arrays
from search.data.dataset import Content, DatasetRequest, Images, Source
from search.data.decoding import BROKEN
from search.data.file_source import TEST_SEED, dataset_name
from search.data.folder import PARTS
from search.data.memory import fitted_pixels, usual_size
from search.data.pixels import FORMATS, as_seen
from search.data.sums import file_states
from search.errors import UserError, first_line
from search.events import Listener, StepProgress
from search.text import listed_names

_STEP = 500  # images between two messages


@final
@dataclass(frozen=True)
class _Columns:
    """The columns of images, labels and groups, and what the labels are called."""

    image: str
    label: str
    group: str | None
    class_names: tuple[str, ...] | None


@final
class HuggingFaceSource(Source):
    """The splits train, validation and test of a saved dataset; images in a column of images.

    Without a test split, a stratified `test_fraction` is set aside. `groups` names a column.
    """

    accepts = "a folder that Hugging Face datasets saved"
    title = "the saved dataset"
    grouped = True
    has_columns = True

    def __init__(self, path: Path, request: DatasetRequest) -> None:
        self._path, self._request = path.resolve(), request

    @classmethod
    def find(cls, request: DatasetRequest) -> Self | None:
        with suppress(OSError, ValueError):  # not a valid path
            path = Path(request.dataset or "/")
            saved = (path / "state.json", path / "dataset_info.json")
            if (path / "dataset_dict.json").is_file() or all(map(Path.is_file, saved)):
                return cls(path, request)
        return None

    @property
    def name(self) -> str:
        return dataset_name(self._path.name)

    def fingerprint(self) -> str:
        """Return a hash of the settings and of each file's path, size and time of change."""
        request = self._request
        settings = (
            request.image_size, request.resize, request.test_fraction, request.skip_broken,
            request.image_column, request.label_column, request.groups,
        )  # fmt: skip
        digest = hashlib.sha256(f"huggingface 1 {settings} {TEST_SEED}\n".encode())
        digest.update(file_states(self.watched_files()))
        return digest.hexdigest()

    def watched_files(self) -> Sequence[Path]:
        return sorted(path for path in self._path.rglob("*") if path.is_file())

    def read(self, listener: Listener) -> Content:
        columns, broken = self._columns, list[str]()
        first = next(_rows(self._splits["train"], columns.image))
        size = self._size(first)
        parts = {
            part: self._read_split(split, part, size, broken, listener)
            for part, split in self._splits.items()
        }
        if broken and not self._request.skip_broken:
            raise UserError(
                f"dataset: {len(broken):,} images of {self._path} cannot be decoded: "
                f"{listed_names(broken)}; skip_broken leaves them out"
            )
        found = [VALIDATION_JOINS] if "val" in parts else []
        if broken:
            found.append(
                f"dataset: {len(broken):,} images of {self._path} are left out, as they cannot be "
                f"decoded: {listed_names(broken)}"
            )
        train = parts["train"]
        if "val" in parts:
            train = joined_arrays(train, parts["val"])
        content = content_of_arrays(
            train, parts.get("test"), self._request, found, columns.class_names
        )
        return replace(content, n_left_out=len(broken))

    def _size(self, first: bytes) -> tuple[int, int]:
        if self._request.image_size is not None:
            return self._request.image_size, self._request.image_size
        try:
            return usual_size(_pixels(first).shape[1:])
        except BROKEN as error:
            raise UserError(
                f"image_size must be given, as the first image of {self._path} cannot be decoded"
            ) from error

    def _read_split(
        self, split: Any, part: str, size: tuple[int, int], broken: list[str], listener: Listener
    ) -> LabelledArrays:
        """Return the images, uint8 (N, 3, H, W), with their labels; names the broken ones."""
        columns, total = self._columns, len(split)
        images, kept = np.empty((total, 3, *size), np.uint8), list[int]()
        for index, content in enumerate(_rows(split, columns.image)):
            try:
                images[len(kept)] = fitted_pixels(_pixels(content), size, self._request.resize)
                kept.append(index)
            except BROKEN as error:
                broken.append(f"{part} {index} ({first_line(error)})")
            if (index + 1) % _STEP == 0 or index + 1 == total:
                listener(StepProgress(f"Decoding {self.name}", index + 1, total))
        labels = self._values(split, columns.label, part)[kept]
        groups = None
        if columns.group is not None:
            groups = self._values(split, columns.group, part)[kept]
        return LabelledArrays(images[: len(kept)], labels, groups)

    def _values(self, split: Any, column: str, part: str) -> np.ndarray:
        values = split[column][:]
        missing = sum(value is None for value in values)
        if missing:
            raise UserError(
                f"dataset: column {column!r} of {self._path} has no value for {missing:,} of "
                f"{len(values):,} images for {part}"
            )
        return np.array(values)

    @cached_property
    def _splits(self) -> Mapping[str, Any]:
        """The splits by what they are for, images not decoded; raises UserError."""
        loaded = _load(self._path)
        given = dict(loaded) if hasattr(loaded, "keys") else {"train": loaded}
        splits = {PARTS.get(name.lower(), name): split for name, split in given.items()}
        unknown = sorted(set(splits) - set(PARTS.values()))
        if len(splits) < len(given):
            raise UserError(
                f"dataset: {self._path} has several splits for one part, "
                f"{listed_names(list(given))}; accepted: one each"
            )
        if unknown or "train" not in splits or not len(splits["train"]):
            raise UserError(
                f"dataset: {self._path} must have images in split 'train', and may have "
                f"'validation' and 'test', got {listed_names(list(given))}"
            )
        return splits

    @cached_property
    def _columns(self) -> _Columns:
        request, features = self._request, dict(self._splits["train"].features)
        kinds = {name: type(feature).__name__ for name, feature in features.items()}
        images = [name for name, kind in kinds.items() if kind == "Image"]
        labels = [name for name, kind in kinds.items() if kind == "ClassLabel"]
        image = _chosen("image_column", request.image_column, images, images, features)
        others = [name for name in features if name != image]
        label = _chosen("label_column", request.label_column, others, labels, features)
        if request.groups is not None and request.groups not in others:
            raise UserError(
                f"groups: there is no column {request.groups!r}; there are {listed_names(others)}"
            )
        names = getattr(features[label], "names", None)
        return _Columns(image, label, request.groups, None if names is None else (*names,))


def _chosen(
    setting: str,
    given: str | None,
    accepted: Sequence[str],
    likely: Sequence[str],
    features: Mapping[str, object],
) -> str:
    """Return the column that is given, or the only likely one."""
    if given in accepted:
        return str(given)
    if given is None and len(likely) == 1:
        return likely[0]
    got = "it cannot be guessed" if given is None else f"got {given!r}"
    raise UserError(
        f"{setting} must be one of {listed_names(accepted) or 'none'}, {got}; columns are "
        f"{listed_names(list(features))}"
    )


def _load(path: Path) -> Any:
    try:
        from datasets import load_from_disk  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UserError(
            f"dataset: reading {path} needs datasets: pip install 'cifar-search[huggingface]'"
        ) from error
    try:
        return load_from_disk(str(path))
    except Exception as error:  # it raises what Arrow and JSON do, and KeyError
        raise UserError(f"dataset: {path} cannot be read: {first_line(error)}") from error


def _rows(split: Any, column: str) -> Iterator[bytes]:
    """Yield the content of each image's file; empty where there is none."""
    from datasets import Image as ImageFeature  # noqa: PLC0415 - an extra

    for row in split.select_columns(column).cast_column(column, ImageFeature(decode=False)):
        image = row[column] or {}
        content = image.get("bytes")
        if content is None and image.get("path"):
            with suppress(OSError):
                content = Path(image["path"]).read_bytes()
        yield content or b""


def _pixels(content: bytes) -> Images:
    """Return uint8 (3, H, W), as the same file in a folder would be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(content), formats=FORMATS) as file:
            return np.asarray(as_seen(file)).transpose(2, 0, 1)
