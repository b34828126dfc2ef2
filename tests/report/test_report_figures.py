"""The plots of all findings together."""

from pathlib import Path

import matplotlib as mpl
import pytest
from PIL import Image

from search.paths import RunPaths
from search.plotting import COLUMN, new_figure, paper_style, save_figure
from search.report.charts import whole_ticks
from search.report.evidence import Evidence
from search.report.findings import find_all
from search.report.write import write_report
from tests.report import report_fakes as fakes


def _names(evidence: Evidence) -> list[str]:
    return [plot.name for one in find_all(evidence) for plot in one.plots()]


def test_an_ended_study_has_every_figure(kfold_evidence: Evidence) -> None:
    """Names are those that the report folder uses, after the winner's network."""
    assert sorted(_names(kfold_evidence)) == sorted(fakes.CNN_FIGURES)


def test_an_unfinished_study_draws_what_it_has(unfinished_evidence: Evidence) -> None:
    """Without a complete trial only the history of the ended ones is left."""
    assert _names(unfinished_evidence) == ["optimization-history"]


def test_a_baseline_has_no_plots_of_a_search(reproduction_evidence: Evidence) -> None:
    """Its curves and its confusion matrix, that is."""
    assert _names(reproduction_evidence) == ["cnn-learning-curve", "cnn-confusion-matrix"]


@pytest.mark.parametrize("fixture", ["kfold", "hostile", "many_classes", "reproduction"])
def test_every_figure_can_be_drawn_elsewhere(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    fixture: str,
) -> None:
    """By a fork of this process, that is: it comes to the same bytes."""
    evidence: Evidence = request.getfixturevalue(f"{fixture}_evidence")
    written: dict[str, dict[str, bytes]] = {}
    for cores in ("1", "2"):
        monkeypatch.setenv("LOKY_MAX_CPU_COUNT", cores)
        page = write_report(evidence, RunPaths(tmp_path / cores, evidence.record.name))
        figures = [one for one in page.parent.iterdir() if one.suffix in (".pdf", ".png")]
        written[cores] = {one.name: one.read_bytes() for one in figures}
    assert written["1"] == written["2"]
    n_plots = len([one for one in find_all(evidence) for plot in one.plots() if plot.paper])
    assert len(written["1"]) == 2 * n_plots > 0


@pytest.mark.usefixtures("published_figures")
def test_figures_are_fit_for_print(tmp_path: Path) -> None:
    """PNG has 300 dots an inch; PDF has its fonts in it, as TrueType, which journals ask for."""
    with paper_style():
        figure = new_figure(height=2.0)
        figure.suptitle("accuracy")
        save_figure(figure, tmp_path / "one.png", tmp_path / "one.pdf")
    with Image.open(tmp_path / "one.png") as image:
        assert image.size == (COLUMN * 300, 2 * 300)
    content = (tmp_path / "one.pdf").read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content


def test_style_leaves_no_setting_behind() -> None:
    """Drawing changes nothing for others who use matplotlib in the same process."""
    before = mpl.rcParams["font.size"], mpl.rcParams["pdf.fonttype"]
    with paper_style():
        pass
    assert before == (mpl.rcParams["font.size"], mpl.rcParams["pdf.fonttype"])


@pytest.mark.parametrize(
    ("most", "step"),
    [(0, 1), (1, 1), (8, 1), (9, 2), (16, 2), (17, 5), (40, 5), (41, 10), (99, 20), (10_000, 2000)],
)
def test_axes_that_count_have_few_whole_ticks(most: int, step: int) -> None:
    """At most nine, at 0 and multiples of 1, 2 or 5 times a power of ten."""
    assert whole_ticks(most) == {"tick0": 0, "dtick": step}
