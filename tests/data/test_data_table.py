"""Datasets of tables: image paths and labels, one row each."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from search.data.cache import load_origins, load_train_split
from search.errors import UserError

Rows = list[tuple[str, ...]]


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of tables whose first column has images that are drawn, in odd folders."""

    def write(head: str, rows: Rows, *, delimiter: str = ",", name: str = "labels.csv") -> Path:
        for number, row in enumerate(rows):
            (tmp_path / row[0]).parent.mkdir(parents=True, exist_ok=True)
            values = np.full((4, 4, 3), number, dtype=np.uint8)
            values[0] = 200
            Image.fromarray(values).save(tmp_path / row[0])
        lines = [head, *(delimiter.join(row) for row in rows)]
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return tmp_path / name

    return write


def rows(count: int, labels: str = "ab") -> Rows:
    return [(f"scan {i % 3}/{i}.png", labels[i % len(labels)]) for i in range(count)]


@pytest.mark.parametrize(
    "head", ["image,label", "Path,Class", "filename,target", "\ufefffile_name, category"]
)
def test_columns_are_found_by_their_names(table: Any, prepare: Any, head: str) -> None:
    """Paths are relative to the table's folder; a stratified part is set aside."""
    info = prepare(table(head, rows(40)))
    assert (info.name, info.class_names) == ("labels", ("a", "b"))
    assert (info.n_train, info.n_test) == (36, 4)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_other_columns_are_named(table: Any, prepare: Any, delimiter: str) -> None:
    """Whatever separates them."""
    head = delimiter.join(("pic", "kind", "fold"))
    lines = [(*row, "TEST" if i > 9 else "train") for i, row in enumerate(rows(14))]
    path = table(head, lines, delimiter=delimiter, name="all.tsv")
    info = prepare(path, image_column="pic", label_column="kind", split_column="fold")
    assert (info.n_train, info.n_test) == (10, 4)


def test_two_columns_of_one_name_are_refused(table: Any, prepare: Any) -> None:
    """The last one would be taken; empty names at the end, as of spreadsheets, do not matter."""
    lines = [(*row, "x") for row in rows(14)]
    with pytest.raises(UserError, match="several columns 'label'"):
        prepare(table("image,label,label", lines))
    lines = [(*row, "", "") for row in rows(14)]
    assert prepare(table("image,label,,", lines, name="empty.csv")).class_names == ("a", "b")


def test_numbers_to_predict_are_no_classes(table: Any, prepare: Any) -> None:
    """As of a regression: each would be a class of one image."""
    lines = [(f"{i}.png", f"{i / 7:.4f}") for i in range(20)]
    with pytest.raises(UserError, match="there are 20 different labels for 20 images"):
        prepare(table("image,label", lines))


def test_rows_without_a_label_are_counted(table: Any, prepare: Any) -> None:
    lines = [(one, "" if i < 3 else label) for i, (one, label) in enumerate(rows(14))]
    with pytest.raises(UserError, match="one of 3 rows without a readable label"):
        prepare(table("image,label", lines))


def test_another_encoding_is_told_with_what_to_do(table: Any, prepare: Any) -> None:
    path = table("image,label", rows(14))
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-16")
    with pytest.raises(UserError, match="save it as UTF-8"):
        prepare(path)


def test_the_split_is_honoured(table: Any, prepare: Any, recorder: Any) -> None:
    """Rows for validation join those for training, after them."""
    parts = ["train", "val", "test", "train", "Valid", "test"]
    lines = [(*row, parts[i]) for i, row in enumerate(rows(6))]
    info = prepare(table("image,label,split", lines))
    assert (info.n_train, info.n_test) == (4, 2)
    found = load_train_split(info).images[:, 0, 1, 0].tolist()
    assert found == [0, 3, 1, 4]
    assert "images that column 'split' has for validation join" in recorder.notices[0]


def test_another_validation_set_is_seen(table: Any, prepare: Any) -> None:
    """Even where all images stay in their order; a cache would have the old one."""
    parts = ["train"] * 4 + ["val"] * 2 + ["test"]
    lines = [(*row, part) for row, part in zip(rows(7), parts, strict=True)]
    path = table("image,label,split", lines)
    before, _ = load_origins(prepare(path))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("3.png,b,train", "3.png,b,val"), encoding="utf-8")
    after, _ = load_origins(prepare(path))
    assert after.names == before.names
    assert (before.validation, after.validation) == ((4, 5), (3, 4, 5))


def test_labels_are_ordered_as_numbers(table: Any, prepare: Any) -> None:
    """So that ten is not between one and two."""
    lines = [(f"{i}.png", str(i % 11)) for i in range(110)]
    assert prepare(table("image,label", lines)).class_names == tuple(map(str, range(11)))


def test_another_label_is_another_dataset(table: Any, prepare: Any) -> None:
    """The cache follows the table, though no image has changed."""
    first = prepare(table("image,label", rows(40)))
    lines = rows(40)
    lines[0] = (lines[0][0], "b")
    second = prepare(table("image,label", lines))
    assert first.fingerprint != second.fingerprint


@pytest.mark.parametrize(
    ("head", "change", "words"),
    [
        (
            "pic,label",
            {},
            "^image_column must be given, as it cannot be guessed; .* 'pic'",
        ),
        ("image,path", {}, "^image_column must be given, as it could be 'image' or 'path'"),
        ("image,kind", {}, "^label_column must be given, as it cannot be guessed"),
        (
            "image,label",
            {"label_column": "x"},
            "^label_column: there is no 'x'; columns are",
        ),
        ("image,label,more", {}, "line 2 of .* does not have a value for each column"),
        ("image", {}, "line 2 of .* does not have a value for each column"),
    ],
)
def test_columns_that_do_not_fit_are_told(
    table: Any, prepare: Any, head: str, change: dict[str, str], words: str
) -> None:
    """With those that there are."""
    with pytest.raises(UserError, match=words):
        prepare(table(head, rows(8)), **change)


def test_missing_images_are_counted(table: Any, prepare: Any, tmp_path: Path) -> None:
    """All at once, with the folder in which they were looked for."""
    path = table("image,label", rows(8))
    for number in (3, 4):
        (tmp_path / rows(8)[number][0]).unlink()
    words = r"2 of 8 images in column 'image' .* cannot be found in .*: 'scan 0/3.png', 'scan 1/4"
    with pytest.raises(UserError, match=words):
        prepare(path)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("scan 0/0.png,a", "'scan 0/0.png' is in .* more than once"),
        ("scan 0/0.png,", "has the label ''"),
    ],
)
def test_rows_that_say_nothing_are_told(table: Any, prepare: Any, extra: str, words: str) -> None:
    """An image listed twice, or without a label."""
    path = table("image,label", rows(8))
    path.write_text(path.read_text(encoding="utf-8") + extra + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=words):
        prepare(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no rows"),
        (b"image,label\n", "has no rows"),
        (b"image,label\n\xff\xfe,a\n", "is not text in UTF-8: save it as UTF-8"),
        (b"image,label,split\na.png,a,dev\nb.png,b,test\n", "must be one of train, .* got 'dev'"),
        (b"image,label,split\na.png,a,dev\nb.png,b,T\nc.png,b,\n", "got '', 'T', 'dev'"),
        (b"image,label\na.png,a\nb.png,a\n", "must have at least 2 classes, got 'a'"),
    ],
)
def test_other_files_are_refused(prepare: Any, tmp_path: Path, content: bytes, words: str) -> None:
    """In one line."""
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(UserError, match=words) as caught:
        prepare(tmp_path / "t.csv")
    assert "\n" not in str(caught.value)


def test_columns_are_for_tables(prepare: Any) -> None:
    """A setting that would be ignored is refused."""
    with pytest.raises(UserError, match="only for tables and saved datasets"):
        prepare("digits", label_column="label")


def test_a_parquet_table_is_like_a_text(table: Any, prepare: Any, tmp_path: Path) -> None:
    """Numbers among its values are labels and groups as their texts are."""
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    lines = [(path, str(i % 2), str(i // 4)) for i, (path, _) in enumerate(rows(40))]
    text = prepare(table("image,label,patient", lines), groups="patient")
    columns = {
        "image": [path for path, _, _ in lines],
        "label": [int(label) for _, label, _ in lines],
        "patient": [int(patient) for _, _, patient in lines],
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "labels.parquet")
    info = prepare(tmp_path / "labels.parquet", groups="patient")
    assert info.fingerprint == text.fingerprint
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no table")
    with pytest.raises(UserError, match="is not a Parquet table"):
        prepare(tmp_path / "bad.parquet")


def test_parquet_needs_an_extra(
    table: Any, prepare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line says how to install it."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "labels.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"needs pyarrow: pip install 'cifar-search\[parquet\]'"):
        prepare(tmp_path / "labels.parquet")
