"""The values of charts as CSV."""

import csv
import io

import plotly.graph_objects as go
import pytest

from search.report.charts import TRIAL_STORY, new_chart_figure
from search.report.evidence import Evidence
from search.report.findings import find_all
from search.report.findings.classes import ConfusionMatrix
from search.report.findings.trials import Trials
from search.report.render.figure_csv import figure_csv
from tests.report import report_fakes as fakes


def rows(figure: go.Figure) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(figure_csv(figure))))


def test_points_have_their_axes_series_and_trials() -> None:
    """Names lose plotly's markup, gaps are no points, and digits are kept."""
    figure = new_chart_figure(xaxis={"title": "a &lt; b"}, yaxis2={"title": "loss"})
    figure.add_trace(
        go.Scatter(
            x=[1, 2, 3],
            y=[0.123456789, None, 5],
            yaxis="y2",
            name="<b>one</b>",
            customdata=[7, 8, 9],
            hovertemplate=TRIAL_STORY,
        )
    )
    assert rows(figure) == [
        {"series": "one", "x axis": "a < b", "x": "1", "y axis": "loss", "y": "0.123456789",
         "trial": "7"},
        {"series": "one", "x axis": "a < b", "x": "3", "y axis": "loss", "y": "5", "trial": "9"},
    ]  # fmt: skip


def test_an_unknown_trace_is_an_error() -> None:
    """A figure whose data would be missing is noticed."""
    with pytest.raises(TypeError, match="Pie"):
        figure_csv(go.Figure(go.Pie(values=[1])))


def test_history_has_every_ended_trial(kfold: fakes.Fake) -> None:
    """Each stands once, besides the best so far and the mark of the winner."""
    (plot,) = Trials.of(kfold.evidence()).plots()
    assert plot.page is not None
    found = [row for row in rows(plot.page().figure) if row["trial"]]
    ended = {trial.number for trial in kfold.record.trials}
    trials = sorted(int(row["trial"]) for row in found if row["series"] != "winner")
    assert trials == sorted(ended)
    winner = kfold.record.winner()
    assert winner is not None
    assert [int(row["trial"]) for row in found if row["series"] == "winner"] == [winner.number]


@pytest.mark.slow
def test_confusion_has_a_row_for_each_pair(kfold_evidence: Evidence) -> None:
    """Ten classes have a hundred cells."""
    finding = ConfusionMatrix.of(kfold_evidence)
    assert finding is not None
    (plot,) = finding.plots()
    assert plot.data_file is not None
    found = list(csv.DictReader(io.StringIO(finding.file_texts()[plot.data_file])))
    assert len(found) == 100
    assert sum(int(row["images"]) for row in found) == 2_000


@pytest.mark.slow
def test_every_chart_has_a_file_with_its_values(kfold_evidence: Evidence) -> None:
    """Made from the chart, or named by it."""
    findings = find_all(kfold_evidence)
    files = {name for one in findings for name in one.file_texts()}
    for finding in findings:
        for plot in finding.plots():
            if plot.page is not None and not plot.data:
                assert rows(plot.page().figure), plot.name
            else:
                assert plot.data_file in (None, *files), plot.name
