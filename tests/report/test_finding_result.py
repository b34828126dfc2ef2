"""What the report says of the test evaluation."""

import math
from dataclasses import replace

import numpy as np
import pytest

from search.errors import MachineError
from search.plotting import distinct_labels, paper_style
from search.report.blocks import Paragraph, Pictures, Table
from search.report.evidence import Evidence
from search.report.findings.classes import ConfusionMatrix
from search.report.findings.mistakes import Mistakes
from search.report.findings.result import Classes, Result
from search.training import metrics
from tests.report import report_fakes as fakes


def small_result() -> metrics.TestResult:
    """Return five images of three classes, two of them wrong; class c never occurs."""
    labels = np.array([0, 0, 0, 0, 1])
    predicted = np.array([0, 0, 0, 1, 2])
    logits = (4 * np.eye(3))[predicted].astype(np.float32)
    return metrics.evaluate_predictions(logits, labels, ("a", "b", "c"))


def evidence_with(images: np.ndarray | None = None) -> Evidence:
    """Return a study with that result."""
    record = fakes.study_record([], class_names=("a", "b", "c"))
    return fakes.evidence(replace(record, test=small_result()), mistakes=images)


def test_rows_are_percentages_of_the_true_class() -> None:
    """Each row adds up to 100, but an empty one is 0 and not a division by zero."""
    info = ConfusionMatrix.of(evidence_with())
    assert info is not None
    assert info.counts == ((3, 1, 0), (0, 0, 1), (0, 0, 0))
    assert info.row_percentages.tolist() == [[75, 25, 0], [0, 0, 100], [0, 0, 0]]
    assert info.class_names == ("a", "b", "c")


def test_mistakes_have_names_and_probability() -> None:
    """Each image comes with its class, the model's, and how sure the model was."""
    images = np.zeros((2, 3, 4, 4), np.uint8)
    info = Mistakes.of(evidence_with(images))
    assert info is not None
    assert set(zip(info.true_names, info.predicted_names, strict=True)) == {("a", "b"), ("b", "c")}
    assert info.probabilities == pytest.approx([math.exp(4) / (math.exp(4) + 2)] * 2)


def test_mistakes_of_another_test_are_refused() -> None:
    """Images that do not match the recorded mistakes would be shown under wrong names."""
    with pytest.raises(MachineError, match="3 images are stored for 2 recorded mistakes"):
        Mistakes.of(evidence_with(np.zeros((3, 3, 4, 4), np.uint8)))


def test_nothing_before_the_test(unfinished: fakes.Fake) -> None:
    """Without a test there is neither a confusion matrix nor a mistake."""
    assert Result.of(unfinished.evidence()) is None
    assert ConfusionMatrix.of(unfinished.evidence()) is None
    images = np.zeros((3, 3, 4, 4), np.uint8)
    assert Mistakes.of(unfinished.evidence(mistakes=images)) is None
    assert Mistakes.of(evidence_with()) is None


def test_mistakes_are_pictures_of_the_page_and_a_figure_beside_it() -> None:
    """Each picture has its class, the predicted one, and an alternative text."""
    found = Mistakes.of(evidence_with(np.zeros((2, 3, 300, 200), np.uint8)))
    assert found is not None
    all_of_them, pictures, plot = found.blocks()
    assert isinstance(all_of_them, Paragraph)
    assert isinstance(pictures, Pictures)
    assert all(uri.startswith("data:image/webp;base64,") for uri in pictures.uris)
    assert [name for name, _, _ in pictures.captions] == list(found.true_names)
    with paper_style():
        assert len(found.draw().axes) == 2
    assert fakes.plots(found) == [plot]


def test_classes_come_with_the_lowest_recall_first() -> None:
    """So that what is cut from a long table are the classes without trouble."""
    found = Classes.of(evidence_with())
    assert found is not None
    (table,) = found.blocks()
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == ["b", "c", "a"]
    assert table.rows[-1] == ("a", "100.0%", "75.0%", "85.7%", "4")


def test_confusion_matrix_writes_counts_and_percentages(kfold_evidence: Evidence) -> None:
    """Each of the hundred cells holds its count over its row percentage."""
    found = ConfusionMatrix.of(kfold_evidence)
    assert found is not None
    assert [plot.name for plot in fakes.plots(found)] == ["cnn-confusion-matrix"]
    with paper_style():
        axes = found.draw().axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    cells = [text.get_text() for text in axes.texts]
    assert len(cells) == 100
    assert cells[0] == f"{found.counts[0][0]}\n{found.row_percentages[0][0]:.1f}%"


@pytest.mark.slow
def test_many_classes_have_colour_and_no_text(many_classes_evidence: Evidence) -> None:
    """With 37 classes numbers would not be readable, but every class keeps its label."""
    found = ConfusionMatrix.of(many_classes_evidence)
    assert found is not None
    with paper_style():
        axes = found.draw().axes[0]
    assert not axes.texts
    assert len(axes.get_yticklabels()) == 37


@pytest.mark.slow
@pytest.mark.parametrize("n", [41, 150, 400])
def test_labels_of_very_many_classes_do_not_overlap(n: int) -> None:
    """At most 40 on an axis, no two alike though all names begin alike; charts stay in bounds."""
    names = tuple(
        f"a rather long name of a plant disease, number {i:03d} of them" for i in range(n)
    )
    counts = tuple(tuple(int(i == j) for j in range(n)) for i in range(n))
    found = ConfusionMatrix(name="x", class_names=names, counts=counts)
    with paper_style():
        axes = found.draw().axes[0]
    chart = found.chart()
    drawn = [label.get_text() for label in axes.get_yticklabels()]
    for labels in (drawn, list(chart.figure.layout.xaxis.ticktext)):
        assert 20 <= len(labels) <= 40
        assert len(set(labels)) == len(labels)
    assert chart.height < 2200


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["cat", "dog"], ["cat", "dog"]),
        (["a long one", "short"], ["a lon…", "short"]),
        (["plant 1 of all", "plant 2 of all"], ["…1 of…", "…2 of…"]),
        (["plant a of all 1", "plant b of all 1"], ["…a of…", "…b of…"]),
        (["ab", "abcdefgx", "abcdefgy"], ["0: ab", "1: ab…", "2: ab…"]),
    ],
)
def test_labels_that_are_cut_stay_distinct(names: list[str], labels: list[str]) -> None:
    """What all names begin with is left out where cutting alone would make them equal."""
    assert distinct_labels(names, 6) == labels


def test_dollar_signs_are_no_formulas(hostile_evidence: Evidence) -> None:
    """A class named "cost $5 or $6" is drawn as it is."""
    found = ConfusionMatrix.of(hostile_evidence)
    assert found is not None
    with paper_style():
        label = found.draw().axes[0].get_yticklabels()[1]
    assert label.get_text() == "cost $5 or $6"
    assert not label.get_parse_math()


def test_charts_escape_names(hostile_evidence: Evidence) -> None:
    """Plotly reads markup in labels, so that names reach it escaped."""
    found = ConfusionMatrix.of(hostile_evidence)
    assert found is not None
    names = found.chart().figure.layout.xaxis.ticktext
    assert names[0] == '&lt;b&gt;bold&lt;/b&gt; &amp; "quoted"'
