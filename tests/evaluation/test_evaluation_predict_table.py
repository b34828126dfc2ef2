"""The answers of `predict` on a terminal and in files, and what they are worth."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from search.evaluation.model import Prediction
from search.evaluation.predict import (
    ImagePrediction,
    Predictions,
    cut_line,
    predictions_csv,
    predictions_table,
    seen_warning,
    shortened,
    shown_rows,
)
from search.tuning.records import StudyRecord
from tests.fakes import make_plan, make_recipe

_CAT = Prediction("cat", 0.75, {"cat": 0.75, "dog": 0.25})


def make_predictions(count: int, true_class: str | None = None) -> Predictions:
    """Return so many answers, all of them cat."""
    images = (Path(f"photos/{number}.png") for number in range(count))
    answered = tuple(ImagePrediction(image, _CAT, true_class) for image in images)
    return Predictions("pets", ("cat", "dog"), answered, ())


def make_record(dataset: Path) -> StudyRecord:
    recipe, known = make_recipe(dataset=str(dataset)), make_plan().dataset
    return StudyRecord("pets", recipe, known, "f", {}, {}, ())


@pytest.mark.parametrize(("count", "listed"), [(3, 3), (20, 20), (50, 20)])
def test_a_terminal_lists_the_first_twenty(count: int, listed: int) -> None:
    """And says how many more there are, and what all of them were taken for."""
    predictions = make_predictions(count)
    rows = shown_rows(predictions, cut=True)
    assert len(rows) == listed
    assert len(shown_rows(predictions, cut=False)) == count
    line = cut_line(predictions, len(rows))
    assert line == (
        None if count == listed else "and 30 more (--all lists them); of all 50: cat 50"
    )


def test_a_long_name_keeps_its_end() -> None:
    """The middle goes, the suffix stays, and what fits is left alone."""
    assert shortened("photos/holiday/IMG_20260101.jpg", 20) == "photo...20260101.jpg"
    assert shortened("a.jpg", 5) == "a.jpg"
    assert shortened("x" * 99, None) == "x" * 99


def test_the_table_fits_a_terminal() -> None:
    """Names are shortened to the room that the other columns leave."""
    predictions = make_predictions(1, true_class="cat")
    long = replace(predictions.answered[0], image=Path("p" * 90 + ".jpeg"))
    console = Console(file=io.StringIO(), width=80)
    console.print(predictions_table([long], 3, width=80))
    assert isinstance(console.file, io.StringIO)
    drawn = console.file.getvalue().splitlines()
    assert all(len(line) <= 80 for line in drawn)
    assert len(drawn) == 5, "the row has one line"
    assert "ppp.jpeg" in drawn[3]


def test_csv_has_every_probability() -> None:
    """A head, and a row an image with a column a class; commas in names are quoted."""
    predictions = make_predictions(1)
    named = replace(predictions.answered[0], image=Path("a,b.png"))
    rows = list(csv.reader(io.StringIO(predictions_csv(replace(predictions, answered=(named,))))))
    assert rows == [["image", "true_class", "class", "cat", "dog"],
                    ["a,b.png", "", "cat", "0.75", "0.25"]]  # fmt: skip


@pytest.mark.parametrize("parted", [True, False])
def test_images_of_the_dataset_are_told(parted: bool, tmp_path: Path) -> None:
    """Those it learned from, by whatever path they are named; test/ and others are not."""
    learned = tmp_path / "pets" / "train" if parted else tmp_path / "pets"
    (learned / "cat").mkdir(parents=True)
    (tmp_path / "link").symlink_to(learned / "cat")
    images = [learned / "cat" / "1.png", tmp_path / "link" / "2.png", tmp_path / "3.png"]
    warning = seen_warning(images, make_record(tmp_path / "pets"))
    assert warning is not None
    assert warning.startswith("2 of 3 images are in ")
    assert "\n" not in warning
    assert seen_warning([tmp_path / "3.png"], make_record(tmp_path / "pets")) is None
    counted = "where this model was trained on " in warning
    assert counted  # where there is no test/, some of them were the test images
    if parted:
        test = tmp_path / "pets" / "test" / "cat" / "1.png"
        test.parent.mkdir(parents=True)
        told = seen_warning(images, make_record(tmp_path / "pets"))
        assert told is not None
        assert ", which this model was trained on, so" in told
        assert seen_warning([test], make_record(tmp_path / "pets")) is None
