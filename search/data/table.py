"""A table of image paths and labels (CSV, TSV, Parquet) as a dataset."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Self, final

from search.data.dataset import DatasetRequest
from search.data.file_source import FileList, FileSource, ImageFile
from search.data.folder import PARTS
from search.errors import UserError, first_line
from search.text import listed_names, plural

# What columns are usually called, in any capitals.
_IMAGE_COLUMNS = (
    "image", "path", "file", "filename", "file_name", "filepath", "file_path", "image_path",
    "image_file", "img", "image_name", "image_id",
)  # fmt: skip
_LABEL_COLUMNS = ("label", "class", "target", "category", "class_name", "label_name", "y")
_SPLIT_COLUMNS = ("split", "subset", "part", "partition")
_SUFFIXES = (".csv", ".tsv", ".parquet")
_DELIMITERS = ",;\t|"


@final
class TableSource(FileSource):
    """One image per row: its path, relative to the table's folder or absolute, and its class.

    With a column that says train, val or test, the test set is that; val joins train.
    """

    has_columns = True
    accepts = "a .csv or .parquet table of image paths and labels"
    title = "the .csv table"

    @classmethod
    def find(cls, request: DatasetRequest) -> Self | None:
        with suppress(OSError, ValueError):  # not a valid path
            path = Path(request.dataset)
            if path.suffix.lower() in _SUFFIXES and path.is_file():
                return cls(path, request)
        return None

    @property
    def name(self) -> str:
        return super().name.removesuffix(self._root.suffix)

    def list_files(self) -> FileList:
        rows = self._rows
        request = self._request
        image = _column(rows, request.image_column, "image_column", _IMAGE_COLUMNS)
        label = _column(rows, request.label_column, "label_column", _LABEL_COLUMNS)
        split = request.split_column
        if split is not None or any(one.lower() in _SPLIT_COLUMNS for one in rows[0]):
            split = _column(rows, split, "split_column", _SPLIT_COLUMNS)
        names = tuple(sorted({row[label] for row in rows}, key=_natural))
        if len(names) < 2:
            raise UserError(
                f"dataset: column {label!r} of {self._root} must have at least 2 classes, got "
                f"{listed_names(names)}"
            )
        parts = _by_part(self._root, rows, split)
        _check_paths(self._root, rows, image, label)
        files = {
            part: self._files_of(chosen, image, label, names, validation=part == "val")
            for part, chosen in parts.items()
        }
        if split is not None and not files["train"]:
            raise UserError(f"dataset: column {split!r} of {self._root} has no row for 'train'")
        notices = [] if split is None else _notices(self._root, split, parts, label)
        return FileList(
            names,
            (*files["train"], *files["val"]),
            files["test"] or None,
            tuple(notices),
        )

    def groups_of(self, files: Sequence[ImageFile], groups: str) -> tuple[str, ...]:
        rows = self._rows
        if groups not in rows[0]:
            try:
                return super().groups_of(files, groups)
            except UserError as error:
                columns = listed_names(list(rows[0]))
                raise UserError(f"{error}; nor is it a column: those are {columns}") from error
        image = _column(rows, self._request.image_column, "image_column", _IMAGE_COLUMNS)
        group = {self._path_of(row[image]): row[groups] for row in rows}
        without = [str(self._shown(file.path)) for file in files if not group[file.path]]
        if without:
            raise UserError(
                f"groups: column {groups!r} of {self._root} has no value for {len(without):,} of "
                f"{len(files):,} images: {listed_names(without)}"
            )
        return tuple(group[file.path] for file in files)

    @cached_property
    def _rows(self) -> list[dict[str, str]]:
        rows = _READERS.get(self._root.suffix.lower(), _read_text)(self._root)
        if not rows:
            raise UserError(f"dataset: {self._root} has no rows")
        return rows

    def _path_of(self, text: str) -> Path:
        return self._root.parent / Path(text).expanduser()

    def _files_of(
        self,
        rows: Sequence[Mapping[str, str]],
        image: str,
        label: str,
        names: tuple[str, ...],
        *,
        validation: bool,
    ) -> tuple[ImageFile, ...]:
        """Return the rows' files; raises UserError, which counts those that are missing."""
        files, missing = [], []
        numbers = {name: label for label, name in enumerate(names)}
        for row in rows:
            try:
                path = self._path_of(row[image])
                files.append(ImageFile.of(path, numbers[row[label]], validation=validation))
            except (OSError, ValueError, RuntimeError):  # RuntimeError: nobody has this home
                missing.append(row[image])
        if missing:
            raise UserError(
                f"dataset: {len(missing):,} of {len(rows):,} images in column {image!r} of "
                f"{self._root} cannot be found in {self._root.parent}: {listed_names(missing)}"
            )
        return tuple(files)


def _read_text(path: Path) -> list[dict[str, str]]:
    """Return the rows by the names of their columns, without spaces around values."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            delimiter = max(_DELIMITERS, key=head.count)
            file.seek(0)
            reader = csv.DictReader(file, delimiter=delimiter, strict=True)
            _check_names(path, reader.fieldnames or [])
            rows = [_plain(path, reader.line_num, row) for row in reader]
    except OSError as error:
        raise UserError(f"dataset: {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"dataset: {path} is not text in UTF-8: save it as UTF-8") from error
    except csv.Error as error:
        raise UserError(f"dataset: {path} is not a table: {error}") from error
    return rows


def _check_names(path: Path, columns: Sequence[str]) -> None:
    """Raise UserError if two columns have one name."""
    twice = [name for name, count in Counter(columns).items() if name and count > 1]
    if twice:
        raise UserError(
            f"dataset: {path} has several columns {twice[0]!r}; accepted: different names"
        )


def _read_parquet(path: Path) -> list[dict[str, str]]:
    """Return what `_read_text` returns; a missing value is an empty text."""
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UserError(
            f"dataset: reading {path} needs pyarrow: pip install 'cifar-search[parquet]'"
        ) from error
    try:
        rows = parquet.read_table(path).to_pylist()
    except (OSError, ArrowException) as error:
        raise UserError(f"dataset: {path} is not a Parquet table: {first_line(error)}") from error
    return [
        {str(name): "" if value is None else str(value).strip() for name, value in row.items()}
        for row in rows
    ]


_READERS = {".parquet": _read_parquet}  # by suffix; others are text


def _plain(path: Path, line: int, row: Mapping[str | None, str | None]) -> dict[str, str]:
    """Return a row, which must have as many values as there are columns."""
    if None in row or None in row.values():
        raise UserError(f"dataset: line {line} of {path} does not have a value for each column")
    return {str(name).strip(): str(value).strip() for name, value in row.items()}


def _column(
    rows: Sequence[Mapping[str, str]], given: str | None, setting: str, usual: Sequence[str]
) -> str:
    """Return the column that is given, or the only one with a usual name."""
    columns = list(rows[0])
    if given is not None:
        if given not in columns:
            raise UserError(
                f"{setting}: there is no {given!r}; columns are {listed_names(columns)}"
            )
        return given
    found = [column for column in columns if column.lower() in usual]
    if len(found) != 1:
        why = f"could be {' or '.join(map(repr, found))}" if found else "cannot be guessed"
        raise UserError(
            f"{setting} must be given, as it {why}; columns, by the table's first line, are "
            f"{listed_names(columns)}"
        )
    return found[0]


def _by_part(
    path: Path, rows: Sequence[Mapping[str, str]], split: str | None
) -> dict[str, list[Mapping[str, str]]]:
    parts: dict[str, list[Mapping[str, str]]] = {"train": [], "val": [], "test": []}
    words = ["train" if split is None else row[split] for row in rows]
    if unknown := sorted({word for word in words if word.lower() not in PARTS}):
        raise UserError(
            f"dataset: column {split!r} of {path} must be one of {', '.join(PARTS)}, "
            f"got {listed_names(unknown)}"
        )
    for word, row in zip(words, rows, strict=True):
        parts[PARTS[word.lower()]].append(row)
    return parts


def _check_paths(table: Path, rows: Sequence[Mapping[str, str]], image: str, label: str) -> None:
    """Raise UserError if a label is empty or an image is listed twice."""
    odd = [row for row in rows if not row[label] or not row[label].isprintable()]
    if odd:
        raise UserError(
            f"dataset: {odd[0][image]!r} in {table} has the label {odd[0][label]!r}, as one of "
            f"{plural(len(odd), 'row')} without a readable label"
        )
    seen: set[str] = set()
    for row in rows:
        if row[image] in seen:
            raise UserError(f"dataset: {row[image]!r} is in {table} more than once")
        seen.add(row[image])


def _notices(
    table: Path, split: str, parts: Mapping[str, Sequence[Mapping[str, str]]], label: str
) -> Iterator[str]:
    if parts["val"]:
        yield (
            f"dataset: images that column {split!r} has for validation join those for training, "
            "unless validation is 'given': a study makes its own validation split"
        )
    tested = {row[label] for row in parts["test"]}
    untested = sorted({row[label] for rows in parts.values() for row in rows} - tested)
    if tested and untested:
        yield (
            f"dataset: {table} has no test image of {listed_names(untested)}: the test accuracy "
            "leaves these classes out"
        )


def _natural(name: str) -> tuple[int, int, str]:
    """Return a key that orders whole numbers by value, before other names."""
    return (0, int(name), name) if name.isascii() and name.isdecimal() else (1, 0, name)
