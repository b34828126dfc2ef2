"""The drawers: axes, labels and what they leave out."""

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from search.report.charts import draw_charts
from search.report.figures import FIGURE_NAMES, draw_figures
from search.report.figures_base import paper_style
from search.report.info import ReportInfo


@pytest.fixture(scope="module")
def figures(kfold_info: ReportInfo) -> dict[str, Figure]:
    with paper_style():
        return dict(draw_figures(kfold_info))


def test_an_ended_study_has_every_figure(figures: dict[str, Figure]) -> None:
    """Names and order are those that the report folder uses."""
    assert set(figures) == set(FIGURE_NAMES)


def test_history_has_labels_and_whole_trials(figures: dict[str, Figure]) -> None:
    """The axes are named, and each kind of trial stands in the legend."""
    figure = figures["optimization-history"]
    (axes,) = figure.axes
    assert axes.get_xlabel() == "trial, in the plan's order"
    assert axes.get_ylabel() == "validation accuracy"
    assert all(tick == round(tick) for tick in axes.get_xticks())
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"complete", "diverged (chance)", "infeasible", "failed", "best so far"} <= set(legend)


def test_learning_curves_show_accuracy_over_loss(figures: dict[str, Figure]) -> None:
    """Two panels share the epochs; five folds, mean, training, refit and E* are in each."""
    upper, lower = figures["learning-curves"].axes
    assert (upper.get_ylabel(), lower.get_ylabel()) == ("accuracy", "loss")
    assert lower.get_xlabel() == "epoch"
    assert all(tick == round(tick) for tick in lower.get_xticks())
    labels = [str(line.get_label()) for line in upper.get_lines()]
    assert labels.count("validation, each fold") == 5
    assert {"validation, mean over folds", "training, mean over folds"} <= set(labels)
    assert "refit, training" in labels
    assert any(label.startswith("E* = ") for label in labels)


def test_confusion_matrix_writes_counts_and_percentages(
    figures: dict[str, Figure], kfold_info: ReportInfo
) -> None:
    """Each of the hundred cells holds its count over its row percentage."""
    axes = figures["confusion-matrix"].axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert kfold_info.confusion is not None
    cells = [text.get_text() for text in axes.texts]
    assert len(cells) == 100
    count, share = kfold_info.confusion.counts[0][0], kfold_info.confusion.row_percentages[0][0]
    assert cells[0] == f"{count}\n{share:.1f}%"


def test_many_classes_show_colour_alone(many_classes_info: ReportInfo) -> None:
    """With 37 classes numbers would not be readable, but every class keeps its label."""
    with paper_style():
        axes = dict(draw_figures(many_classes_info))["confusion-matrix"].axes[0]
    assert not axes.texts
    assert len(axes.get_yticklabels()) == 37


def test_an_unfinished_study_draws_what_it_has(unfinished_info: ReportInfo) -> None:
    """Without a complete trial only the history of the ended ones is left."""
    with paper_style():
        assert [name for name, _ in draw_figures(unfinished_info)] == ["optimization-history"]
    assert [chart.name for chart in draw_charts(unfinished_info)] == ["optimization-history"]


def test_dollar_signs_are_no_formulas(hostile_info: ReportInfo) -> None:
    """A class named "cost $5 or $6" is drawn as it is."""
    with paper_style():
        axes = dict(draw_figures(hostile_info))["confusion-matrix"].axes[0]
    label = axes.get_yticklabels()[1]
    assert label.get_text() == "cost $5 or $6"
    assert not label.get_parse_math()


def test_style_leaves_no_setting_behind() -> None:
    """Drawing changes nothing for others who use matplotlib in the same process."""
    before = mpl.rcParams["font.size"], mpl.rcParams["pdf.fonttype"]
    with paper_style():
        pass
    assert before == (mpl.rcParams["font.size"], mpl.rcParams["pdf.fonttype"])


def test_history_chart_tells_each_trial(kfold_info: ReportInfo) -> None:
    """Hovering gives the trial's number, state, score, folds and candidate in words."""
    chart = next(c for c in draw_charts(kfold_info) if c.name == "optimization-history")
    complete = next(trace for trace in chart.figure.data if trace.name == "complete")
    assert complete.text[0].startswith("<b>trial 0</b>, complete: ")
    assert "folds: " in complete.text[0]
    assert "hree convolutions" in complete.text[0]


def test_charts_escape_names(hostile_info: ReportInfo) -> None:
    """Plotly reads markup in labels, so that names reach it escaped."""
    chart = next(c for c in draw_charts(hostile_info) if c.name == "confusion-matrix")
    names = chart.figure.layout.xaxis.ticktext
    assert names[0] == '&lt;b&gt;bold&lt;/b&gt; &amp; "quoted"'


def test_parallel_chart_holds_every_trial(kfold_info: ReportInfo) -> None:
    """Each scored trial is one line over all axes, the best ones drawn last."""
    chart = next(c for c in draw_charts(kfold_info) if c.name == "parallel-coordinates")
    parallel = kfold_info.parallel
    lines = [text for trace in chart.figure.data for text in trace.text if text]
    assert len(lines) == len(parallel.numbers) * len(parallel.dimensions)
    best = parallel.numbers[parallel.values.index(max(parallel.values))]
    last = chart.figure.data[-1]
    assert any(text.startswith(f"trial {best}: ") for text in last.text)
