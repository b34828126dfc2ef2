"""Writes reports and comparisons: pages, plots as PDF and PNG, and the same for other readers."""

from pathlib import Path

from matplotlib.figure import Figure

from search.command_lines import report_command
from search.errors import MachineError
from search.files import write_file
from search.paths import RunPaths
from search.plotting import paper_style, save_figure
from search.reference.reported import reported_csv
from search.report.charts.report import draw_charts
from search.report.comparison import Comparison
from search.report.evidence import Evidence
from search.report.facts.report import report_json
from search.report.figures.report import FIGURE_NAMES, draw_figures
from search.report.info.report import ReportInfo, report_info
from search.report.markdown.report import report_markdown
from search.report.page.report import render_page
from search.report.render.comparison import (
    COMPARISON_FIGURES,
    comparison_csv,
    comparison_markdown,
    comparison_page,
    comparison_plots,
)


def write_report(evidence: Evidence, paths: RunPaths) -> Path:
    """Write every figure that applies, the page, report.json and report.md; return the page's path.

    Figures that no longer apply are removed. Raises
    MachineError where a file cannot be written or the evidence does not belong to the record.
    """
    info, record = report_info(evidence), evidence.record
    page, facts = render_page(info, draw_charts(info)), report_json(info)
    try:
        paths.report_dir.mkdir(parents=True, exist_ok=True)
        drawn = _write_figures(info, paths)
        if info.reported:
            write_file(paths.reported_table, reported_csv(record))
        write_file(paths.report_facts, facts)
        write_file(paths.report_text, report_markdown(info, drawn))
        write_file(paths.report_page, page)
    except OSError as error:
        again = report_command([record.name], paths.runs_dir, record.recipe.storage)
        raise MachineError(
            f"the report cannot be written to {paths.report_dir}: {error}; the study is kept, "
            f"go on with: {again}"
        ) from error
    return paths.report_page


def _write_figures(info: ReportInfo, paths: RunPaths) -> frozenset[str]:
    """Write the figures that apply, remove the others, and return the names of the former."""
    with paper_style():
        drawn = dict(draw_figures(info))
        for name in FIGURE_NAMES:
            _renew(drawn.get(name), name, paths.report_dir)
    return frozenset(drawn)


def write_comparison(compared: Comparison, command: str, folder: Path) -> tuple[Path, ...]:
    """Write every file that applies, in place of an earlier comparison's; return their paths.

    The page comes first. `command` makes them again. A plot that no longer applies is removed.
    Raises MachineError where one cannot be written.
    """
    texts = {
        folder / "comparison.html": comparison_page(compared, command),
        folder / "results.csv": comparison_csv(compared),
        folder / "results.md": comparison_markdown(compared, command),
    }
    plots = {plot.name: plot.paper for plot in comparison_plots(compared) if plot.paper}
    figures: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with paper_style():
            for name in COMPARISON_FIGURES:
                figures += _renew(plots[name]() if name in plots else None, name, folder)
        for path, text in texts.items():
            write_file(path, text)
    except OSError as error:
        raise MachineError(
            f"the comparison cannot be written to {folder}: {error}; the studies are kept, make "
            "room or choose another --output and run the same command again"
        ) from error
    return (*texts, *figures)


def _renew(figure: Figure | None, name: str, folder: Path) -> list[Path]:
    """Write a figure as PDF and PNG, or remove both; return what is there then."""
    paths = [folder / f"{name}.{suffix}" for suffix in ("pdf", "png")]
    if figure is None:
        for path in paths:
            path.unlink(missing_ok=True)
        return []
    for path in paths:
        save_figure(figure, path)
    return paths
