"""The drawers: axes, labels and what they leave out."""

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from search.plotting import paper_style
from search.report.charts.curves import learning_curves_chart
from search.report.charts.report import draw_charts
from search.report.figures.curves import draw_learning_curves
from search.report.figures.report import FIGURE_NAMES, draw_figures
from search.report.figures.versus import draw_versus_baseline
from search.report.info.report import ReportInfo
from search.text import points


@pytest.fixture(scope="module")
def figures(kfold_info: ReportInfo) -> dict[str, Figure]:
    with paper_style():
        return dict(draw_figures(kfold_info))


def test_an_ended_study_has_every_figure(figures: dict[str, Figure]) -> None:
    """Names are those that the report folder uses, after the winner's network."""
    assert set(figures) == {name for name in FIGURE_NAMES if not name.startswith("mlp-")}


def test_learning_curves_show_accuracy_over_loss(figures: dict[str, Figure]) -> None:
    """Two panels share the epochs; five folds, mean, training, refit and E* are in each."""
    upper, lower = figures["cnn-learning-curve"].axes
    assert (upper.get_ylabel(), lower.get_ylabel()) == ("accuracy", "loss")
    assert lower.get_xlabel() == "epoch"
    assert all(tick == round(tick) for tick in lower.get_xticks())
    labels = [str(line.get_label()) for line in upper.get_lines()]
    assert labels.count("validation, each fold") == 5
    assert {"validation, mean over folds", "training, mean over folds"} <= set(labels)
    assert "training of the refit" in labels
    assert any(label.startswith("best epoch, E* = ") for label in labels)


def test_confusion_matrix_writes_counts_and_percentages(
    figures: dict[str, Figure], kfold_info: ReportInfo
) -> None:
    """Each of the hundred cells holds its count over its row percentage."""
    axes = figures["cnn-confusion-matrix"].axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert kfold_info.confusion is not None
    cells = [text.get_text() for text in axes.texts]
    assert len(cells) == 100
    count, share = kfold_info.confusion.counts[0][0], kfold_info.confusion.row_percentages[0][0]
    assert cells[0] == f"{count}\n{share:.1f}%"


def test_many_classes_show_colour_alone(many_classes_info: ReportInfo) -> None:
    """With 37 classes numbers would not be readable, but every class keeps its label."""
    with paper_style():
        axes = dict(draw_figures(many_classes_info))["cnn-confusion-matrix"].axes[0]
    assert not axes.texts
    assert len(axes.get_yticklabels()) == 37


def test_an_unfinished_study_draws_what_it_has(unfinished_info: ReportInfo) -> None:
    """Without a complete trial only the history of the ended ones is left."""
    with paper_style():
        assert [name for name, _ in draw_figures(unfinished_info)] == ["optimization-history"]


def test_dollar_signs_are_no_formulas(hostile_info: ReportInfo) -> None:
    """A class named "cost $5 or $6" is drawn as it is."""
    with paper_style():
        axes = dict(draw_figures(hostile_info))["cnn-confusion-matrix"].axes[0]
    label = axes.get_yticklabels()[1]
    assert label.get_text() == "cost $5 or $6"
    assert not label.get_parse_math()


def test_style_leaves_no_setting_behind() -> None:
    """Drawing changes nothing for others who use matplotlib in the same process."""
    before = mpl.rcParams["font.size"], mpl.rcParams["pdf.fonttype"]
    with paper_style():
        pass
    assert before == (mpl.rcParams["font.size"], mpl.rcParams["pdf.fonttype"])


def test_charts_escape_names(hostile_info: ReportInfo) -> None:
    """Plotly reads markup in labels, so that names reach it escaped."""
    chart = next(c for c in draw_charts(hostile_info) if c.name == "confusion-matrix")
    names = chart.figure.layout.xaxis.ticktext
    assert names[0] == '&lt;b&gt;bold&lt;/b&gt; &amp; "quoted"'


def test_each_repeat_is_drawn_with_its_own_drops(reproduction_info: ReportInfo) -> None:
    """Three trainings and their mean, a mark at each drop, and no best epoch."""
    with paper_style():
        figures = dict(draw_figures(reproduction_info))
    assert list(figures) == ["cnn-learning-curve", "cnn-confusion-matrix"]
    labels = [str(line.get_label()) for line in figures["cnn-learning-curve"].axes[0].get_lines()]
    assert labels.count("validation, each repeat") == 3
    assert labels.count("learning rate drops") == 3
    assert not any("E*" in label or "refit" in label for label in labels)


def test_drops_are_drawn_and_named_once(kfold_info: ReportInfo) -> None:
    """A plateau's drop is a line in both panels; the legend explains it."""
    assert kfold_info.curves is not None
    curves = kfold_info.curves._replace(drops=(20, 25))
    with paper_style():
        figure = draw_learning_curves(curves)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names.count("learning rate drops") == 1
    dotted = [line for line in figure.axes[1].get_lines() if line.get_linestyle() == ":"]
    assert [line.get_xdata()[0] for line in dotted] == [20, 25]  # type: ignore[index]
    chart = learning_curves_chart(curves)
    assert sum(trace.name == "learning rate drops" for trace in chart.figure.data) == 1


def test_each_fold_is_named_where_it_is_hovered_over(kfold_info: ReportInfo) -> None:
    """The legend has one name for all folds; hovering tells which, the epoch and the value."""
    assert kfold_info.curves is not None
    traces = learning_curves_chart(kfold_info.curves).figure.data
    folds = [one for one in traces if one.name == "validation, each fold" and one.yaxis == "y"]
    assert [one.showlegend for one in folds] == [True, False, False, False, False]
    assert [one.hovertemplate.split("<br>") for one in folds] == [
        [f"validation, fold {fold}", "epoch %{x}, accuracy %{y:.2%}<extra></extra>"]
        for fold in range(1, 6)
    ]


def test_versus_baseline_has_all_classes_on_top(
    figures: dict[str, Figure], kfold_info: ReportInfo
) -> None:
    """Ten classes below all of them, each with its gain in points, none of them cut."""
    versus = kfold_info.versus
    assert versus is not None
    (axes,) = figures["versus-baseline"].axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["all classes", *(gain.name for gain in versus.gains)]
    assert axes.get_ylabel() == ""
    texts = [text.get_text() for text in axes.texts]
    assert points(versus.overall.gain, 1) in texts
    assert len(texts) == 12


def test_versus_chart_tells_counts_and_gain(kfold_info: ReportInfo) -> None:
    """Hovering over either dot gives both recalls, their counts and the difference."""
    versus = kfold_info.versus
    assert versus is not None
    chart = next(c for c in draw_charts(kfold_info) if c.name == "versus-baseline")
    _, baseline, winner = chart.figure.data
    gain = versus.gains[0]
    assert baseline.text[1] == winner.text[1]
    assert baseline.text[1].startswith(f"<b>{gain.name}</b>, {points(gain.gain, 1)} points<br>")
    assert f"({gain.winner_right} of {gain.n_images})" in baseline.text[1]
    assert winner.x[0] == versus.winner.accuracy


def test_a_cut_selection_of_classes_is_labelled(kfold_info: ReportInfo) -> None:
    """Where not every class is drawn, the axis says how many are."""
    versus = kfold_info.versus
    assert versus is not None
    many = versus._replace(gains=versus.gains * 4)
    with paper_style():
        (axes,) = draw_versus_baseline(many).axes
    assert axes.get_ylabel() == "30 of 40 classes: greatest gains, then least"
