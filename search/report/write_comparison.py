"""Writes a comparison of studies: page, figures as PDF and PNG, table as CSV and Markdown."""

from collections.abc import Callable, Iterator
from pathlib import Path

from matplotlib.figure import Figure

from search.errors import MachineError
from search.files import write_file
from search.plotting import paper_style, save_figure
from search.report.charts.comparison import comparison_charts
from search.report.csv_comparison import comparison_csv
from search.report.figures.comparison import draw_best_over_time, draw_best_over_trials
from search.report.info.comparison import ComparisonInfo
from search.report.page.comparison import render_comparison
from search.report.tables_comparison import comparison_markdown


def write_comparison(info: ComparisonInfo, command: str, folder: Path) -> tuple[Path, ...]:
    """Write every file that applies, in place of an earlier comparison's; return their paths.

    The page comes first. `command` makes them again. A figure that no longer applies is removed.
    Raises MachineError where one cannot be written.
    """
    texts = {
        folder / "comparison.html": render_comparison(info, comparison_charts(info), command),
        folder / "results.csv": comparison_csv(info),
        folder / "results.md": comparison_markdown(info, command),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        figures = tuple(_write_figures(info, folder))
        for path, text in texts.items():
            write_file(path, text)
    except OSError as error:
        raise MachineError(
            f"the comparison cannot be written to {folder}: {error}; the studies are kept, make "
            "room or choose another --output and run the same command again"
        ) from error
    return (*texts, *figures)


def _write_figures(info: ComparisonInfo, folder: Path) -> Iterator[Path]:
    drawn: tuple[tuple[str, bool, Callable[[ComparisonInfo], Figure]], ...] = (
        ("best-so-far", bool(info.drawn), draw_best_over_time),
        ("best-so-far-by-trial", bool(info.drawn_by_trial), draw_best_over_trials),
    )
    for name, applies, draw in drawn:
        paths = [folder / f"{name}.{suffix}" for suffix in ("pdf", "png")]
        if not applies:
            for path in paths:
                path.unlink(missing_ok=True)
            continue
        with paper_style():
            figure = draw(info)
            for path in paths:
                save_figure(figure, path)
        yield from paths
