"""Writes a comparison of studies: its figure as PDF and PNG, its table as CSV and Markdown."""

from pathlib import Path

from search.errors import MachineError
from search.report.csv_comparison import comparison_csv
from search.report.figures_base import paper_style
from search.report.figures_comparison import draw_best_so_far
from search.report.info_comparison import ComparisonInfo
from search.report.saving import save_bytes, save_figure
from search.report.tables_comparison import comparison_markdown

FIGURE_FILES = ("best-so-far.pdf", "best-so-far.png")


def write_comparison(info: ComparisonInfo, command: str, folder: Path) -> tuple[Path, ...]:
    """Write every file that applies, in place of an earlier comparison's; return their paths.

    `command` makes them again. A figure that no longer applies is removed. Raises MachineError
    where one cannot be written.
    """
    tables = {
        folder / "results.csv": comparison_csv(info),
        folder / "results.md": comparison_markdown(info, command),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        figures = _write_figure(info, folder)
        for path, text in tables.items():
            save_bytes(text.encode("utf-8"), path)
    except OSError as error:
        raise MachineError(
            f"the comparison cannot be written to {folder}: {error}; the studies are kept, make "
            "room or choose another --output and run the same command again"
        ) from error
    return (*figures, *tables)


def _write_figure(info: ComparisonInfo, folder: Path) -> list[Path]:
    paths = [folder / name for name in FIGURE_FILES]
    if not info.drawn:
        for path in paths:
            path.unlink(missing_ok=True)
        return []
    with paper_style():
        figure = draw_best_so_far(info)
        for path in paths:
            save_figure(figure, path)
    return paths
