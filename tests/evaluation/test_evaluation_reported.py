"""Our reproduction beside the hand-tuned report's figures."""

import dataclasses
import math
from typing import Any

import pytest

from search.data.dataset import DatasetInfo
from search.recipe import Recipe
from search.reference.reported_figures import (
    incomparable,
    reported_csv,
    reported_infos,
    reported_note,
    reported_rows,
)
from search.training.history import FoldEpoch, History
from search.tuning.after_search import RepeatResult
from search.tuning.records import StudyRecord, TrialRecord

CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


def make_record(
    accuracies: list[float], dataset: DatasetInfo, space: str = "mlp", epochs: int = 40
) -> StudyRecord:
    """Return a reproduction whose trainings end with these accuracies and twice them as loss."""
    trials = tuple(_trial(number, value, epochs) for number, value in enumerate(accuracies))
    recipe = Recipe(space=space, sampler="baseline", epochs=epochs, trials=len(trials))
    repeats = tuple(
        RepeatResult(number, value, (0, 1), 2 * value) for number, value in enumerate(accuracies)
    )
    return StudyRecord("b", recipe, dataset, "", {}, {}, trials, repeats=repeats)


def _trial(number: int, accuracy: float, epochs: int) -> TrialRecord:
    earlier = FoldEpoch(1.0, 0.5, 9.0, 0.1, 0.01, 1.0)
    last = FoldEpoch(1.0, 0.5, 2 * accuracy, accuracy, 0.01, 1.0)
    history = History(tuple((epoch,) for epoch in [*[earlier] * (epochs - 1), last]))
    return TrialRecord(number, number, 0, "complete", {}, best_epoch=epochs, history=history)


@pytest.fixture
def copy(dataset: DatasetInfo) -> DatasetInfo:
    """Return what is known of a copy of CIFAR-10."""
    return dataclasses.replace(
        dataset, class_names=CLASSES, n_train=50_000, n_test=10_000, name="copy"
    )


def test_differences_are_ours_less_the_reports(copy: DatasetInfo) -> None:
    """Figures are those after the last epoch, averaged over the trainings."""
    infos = {one.name: one for one in reported_infos(make_record([0.57, 0.61], copy))}
    assert list(infos) == ["validation loss", "validation accuracy", "test loss", "test accuracy"]
    assert infos["validation accuracy"].difference == pytest.approx(0.59 - 0.58)
    assert infos["test loss"].difference == pytest.approx(1.18 - 1.2)
    assert infos["test accuracy"].deviation == pytest.approx(0.0283, abs=1e-4)


@pytest.mark.parametrize(
    ("accuracies", "within"),
    [
        ([0.584], True),
        ([0.586], None),
        ([0.584, 0.600], True),
        ([0.599, 0.600], None),  # two deviations are exceeded by a third of such studies
        ([0.599, 0.5995, 0.600], False),
    ],
)
def test_the_spread_is_rounding_and_chance(
    accuracies: list[float], within: bool | None, copy: DatasetInfo
) -> None:
    """ "About 58%" covers half a point; what a few trainings cannot tell is left open."""
    record = make_record(accuracies, copy)
    infos = {one.name: one for one in reported_infos(record)}
    assert infos["test accuracy"].within is within
    words = {True: "within its", False: "outside its", None: "too few trainings"}[within]
    assert reported_rows(record)[3].verdict.startswith(words)


def test_the_limit_is_that_of_one_more_training(copy: DatasetInfo) -> None:
    """With two trainings Student's t is a Cauchy distribution, worked out by hand."""
    (_, accuracy, *_) = reported_infos(make_record([0.57, 0.59], copy))
    tangent = math.tan(math.pi * (0.5 - 0.05 / 8))
    deviation = 0.02 / math.sqrt(2)
    assert accuracy.limit == pytest.approx(0.005 + tangent * math.sqrt(1.5) * deviation)
    assert reported_infos(make_record([0.57], copy))[1].limit is None


def test_a_copy_is_compared_and_said_to_be_one(copy: DatasetInfo) -> None:
    """The pixels are others, so the sentence below the table says so."""
    record = make_record([0.58], copy)
    assert incomparable(record) is None
    assert "this study copies" in reported_note(record)
    row = reported_rows(record)[1]
    assert row == ("validation accuracy", "about 58%", "58.00%", "+0.00 points", row.verdict)
    assert row.verdict == "within its spread"


@pytest.mark.parametrize(
    ("epochs", "reason"), [(40, "for CIFAR-10, these for"), (5, "this study for 5")]
)
def test_what_cannot_be_compared_is_said(
    epochs: int, reason: str, dataset: DatasetInfo, copy: DatasetInfo
) -> None:
    """Other data and fewer epochs have figures, but no verdict."""
    record = make_record([0.58], copy if epochs == 5 else dataset, epochs=epochs)
    assert reason in reported_note(record)
    assert {row.verdict for row in reported_rows(record)} == {"not comparable"}


@pytest.mark.parametrize("changes", [{"repeats": ()}, {"space": "mine.py:SPACE"}])
def test_other_studies_have_no_such_table(changes: dict[str, Any], copy: DatasetInfo) -> None:
    """An untested reproduction, and one of the user's own network."""
    space = changes.get("space", "mlp")
    record = make_record([0.58], copy, space=space)
    if "repeats" in changes:
        record = dataclasses.replace(record, repeats=())
    assert reported_infos(record) == ()


def test_the_csv_holds_the_same_unrounded(copy: DatasetInfo) -> None:
    """One line a figure under the names of its fields; what one training cannot say is empty."""
    header, *lines = reported_csv(make_record([0.57], copy)).splitlines()
    assert header.startswith("name,metric,reported,ours,deviation,trainings,difference")
    infos = reported_infos(make_record([0.57], copy))
    assert [line.split(",")[0] for line in lines] == [info.name for info in infos]
    assert float(lines[3].split(",")[6]) == infos[3].difference
    assert lines[3].split(",")[4] == ""
