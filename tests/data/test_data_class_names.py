"""Names of classes that may not be what the user intended."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.data.class_names import class_name_notices
from search.data.memory import arrays_source, store_source
from search.events import fan_out
from tests.data.conftest import write_images


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (
            ("Cat", "cat"),
            "classes 'Cat' and 'cat' differ in capitals and spaces only; are they one?",
        ),
        (("CAT ", "Cat", "cat", "dog"), "classes 'CAT ', 'Cat' and 'cat' differ in capitals and "),
        (
            ("A", "B", "a", "b"),
            "classes 'A' and 'a' differ in capitals and spaces only (as in 1 other group); are",
        ),
        (("0", "0.0", "00", "1"), "classes '0', '0.0' and '00' are the same number; are they one?"),
        (
            ("NaN", "cat"),
            "one class is called 'NaN'; if these images have no label, leave them out",
        ),
    ],
)
def test_odd_names_are_told(names: tuple[str, ...], told: str) -> None:
    (line,) = class_name_notices(names)
    assert line.startswith("dataset: ")
    assert line.removeprefix("dataset: ").startswith(told)


@pytest.mark.parametrize("name", ["nan", "null", "None", "N/A", "<NA>"])
def test_every_word_for_nothing_is_told(name: str) -> None:
    assert len([*class_name_notices((name, "dog"))]) == 1


@pytest.mark.parametrize(
    "names", [("0", "1", "10"), ("cat", "dog"), ("1", "1a"), ("1e5", "100000"), ("", "nancy")]
)
def test_usual_names_are_not_told(names: tuple[str, ...]) -> None:
    assert [*class_name_notices(names)] == []


def test_folders_tables_and_arrays_tell_it_each_time(
    prepare: Any, recorder: Any, data_dir: Path, tmp_path: Path
) -> None:
    """Once for each opening, also where copies are left out."""
    labels = np.array(["Cat", "cat"])[np.arange(20) % 2]
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 4), dtype=np.uint8)
    write_images(tmp_path / "pets", 20)
    table = tmp_path / "labels.csv"
    lines = [f"pets/{i:03}.png,{label}" for i, label in enumerate(labels)]
    table.write_text("\n".join(["image,label", *lines]) + "\n", encoding="utf-8")
    for name in ("Cat", "cat"):
        write_images(tmp_path / "folder" / name, 10, seed=len(name) + ord(name[0]))
    stored = store_source(arrays_source(images, labels), data_dir, fan_out())
    for dataset in (stored, table, tmp_path / "folder"):
        for drop in (False, True, True):
            recorder.notices.clear()
            prepare(dataset, drop_duplicates=drop)
            assert sum("are they one?" in line for line in recorder.notices) == 1
