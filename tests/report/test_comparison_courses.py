"""The figure of the best so far, and the folder of a comparison."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from search.errors import MachineError
from search.plotting import GREY, paper_style
from search.report.best_so_far import Courses, Point
from search.report.comparison import Comparison, compare
from search.report.write import write_comparison
from search.tuning.records import StudyRecord
from tests.report import baseline_fakes
from tests.report.comparison_fakes import compared, search

COMMAND = "python -m search report a b"


def _info(*records: StudyRecord) -> Comparison:
    return compare([compared(one, baseline_fakes.reproduction(2)) for one in records])


def _drawn(courses: Courses | None) -> Figure:
    assert courses is not None
    with paper_style():
        return courses.draw()


def _draw(*records: StudyRecord) -> Figure:
    return _drawn(_info(*records).over_time)


@pytest.mark.slow
def test_each_search_is_a_step_line_with_dots() -> None:
    """Steps hold until the next improvement; each improvement, and nothing else, has a dot."""
    (axes,) = _draw(search("a", [0.5, 0.4, 0.7, 0.6]), search("b", [0.6])).axes
    line = axes.get_lines()[0]
    assert line.get_drawstyle() == "steps-post"
    assert line.get_xydata().tolist() == [[10, 0.5], [30, 0.7], [40, 0.7]]  # type: ignore[union-attr]
    assert line.get_markevery() == slice(0, -1)
    assert axes.get_ylabel() == "best validation accuracy so far"


def test_a_single_trial_is_a_dot() -> None:
    """Its line has no length, so that its marker is all there is."""
    line = _draw(search("a", [0.5])).axes[0].get_lines()[0]
    assert line.get_xydata().tolist() == [[10, 0.5], [10, 0.5]]  # type: ignore[union-attr]
    assert line.get_marker() == "o"


def test_a_race_has_a_thin_line_of_its_first_fold() -> None:
    """Same colour and no dots; the legend explains thin lines once, however many there are."""
    info = _info(search("a", [0.5, 0.7]))
    curve = info.curves[0]._replace(first_fold=(Point(300, 0.4, 0, ""), Point(900, 0.6, 1, "")))
    figure = _drawn(info._replace(curves=(curve, curve)).over_time)
    thin, thick = figure.axes[0].get_lines()[:2]
    assert thin.get_color() == thick.get_color()
    assert thin.get_linewidth() < thick.get_linewidth()
    assert thin.get_marker() == "None"
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [name.partition(":")[0] for name in names] == ["a", "a", "hand-tuned CNN", "thin"]


@pytest.mark.slow
@pytest.mark.parametrize(("trials", "unit"), [(5, "minutes"), (6, "hours")])
def test_short_searches_are_measured_in_minutes(trials: int, unit: str) -> None:
    """From an hour on the axis is of hours."""
    axes = _draw(search("a", [0.1 * i for i in range(1, trials + 1)])).axes[0]
    assert axes.get_xlabel() == f"{unit} of search"
    assert axes.get_xlim()[0] == 0


@pytest.mark.slow
def test_two_dozen_searches_can_be_told_apart() -> None:
    """No two have colour and line in common, and the grey of the baselines is not among them."""
    (axes,) = _draw(*(search(f"study-{i}", [0.5]) for i in range(24))).axes
    *lines, level = axes.get_lines()
    looks = {(str(line.get_color()), line.get_linestyle()) for line in lines}
    assert len(looks) == 24
    assert str(level.get_color()) == GREY not in {colour for colour, _ in looks}


@pytest.mark.slow
def test_the_baseline_is_a_thin_dashed_line_in_the_legend() -> None:
    """The legend names every search and then the baseline, outside the axes."""
    figure = _draw(search("a", [0.5]), search("b", [0.6]))
    level = figure.axes[0].get_lines()[-1]
    assert level.get_linestyle() == "--"
    assert level.get_linewidth() < figure.axes[0].get_lines()[0].get_linewidth()
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["a", "b", "hand-tuned CNN"]
    assert figure.axes[0].get_legend() is None


@pytest.mark.slow
def test_a_bad_start_does_not_flatten_the_rest() -> None:
    """A first trial at 10% leaves the picture; one near the others stays in it."""
    bad = _draw(search("a", [0.1, 0.85])).axes[0].get_ylim()
    assert bad[0] > 0.6
    near = _draw(search("a", [0.75, 0.85])).axes[0].get_ylim()
    assert near[0] < 0.75


def test_losses_are_cut_from_above() -> None:
    """What is bad is high there."""
    record = search("a", [0.1, 0.85], metric="loss")
    (axes,) = _drawn(compare([compared(record)]).over_time).axes
    assert axes.get_ylabel() == "best validation loss so far"
    low, high = axes.get_ylim()
    assert low < 0.15 < high < 0.5


def test_over_trials_the_axis_is_of_whole_numbers() -> None:
    """Its steps are of the plan's order; half a trial would be a strange tick."""
    (axes,) = _drawn(_info(search("a", [0.5, 0.4, 0.7])).over_trials).axes
    assert axes.get_lines()[0].get_xydata().tolist() == [[1, 0.5], [3, 0.7], [3, 0.7]]  # type: ignore[union-attr]
    assert axes.get_xlabel() == "trials, in the plan's order"
    assert all(tick == round(tick) for tick in axes.get_xticks())


@pytest.mark.slow
def test_a_comparison_is_a_page_with_tables_and_figures(tmp_path: Path) -> None:
    """The folder is made, and written again where it is there."""
    folder = tmp_path / "deep" / "comparison"
    for _ in range(2):
        paths = write_comparison(_info(search("a", [0.5]), search("b", [0.6])), COMMAND, folder)
        assert sorted(folder.iterdir()) == sorted(paths)
        assert [path.name for path in paths] == [
            "comparison.html", "results.csv", "results.md",
            "best-so-far-by-trial.csv", "best-so-far.csv",
            "best-so-far.pdf", "best-so-far.png",
            "best-so-far-by-trial.pdf", "best-so-far-by-trial.png",
        ]  # fmt: skip


@pytest.mark.slow
def test_a_figure_that_no_longer_applies_is_removed(tmp_path: Path) -> None:
    """Nothing of an earlier comparison stays beside the new table."""
    write_comparison(_info(search("a", [0.5])), COMMAND, tmp_path)
    paths = write_comparison(_info(search("a", [])), COMMAND, tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert [path.name for path in paths] == ["comparison.html", "results.csv", "results.md"]


@pytest.mark.slow
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """One line that says what is kept and how to go on."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(MachineError, match=r"cannot be written to .*file.*; the studies are kept"):
        write_comparison(_info(search("a", [0.5])), COMMAND, tmp_path / "file" / "folder")
