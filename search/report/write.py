"""Writes reports and comparisons: pages, Markdown, data files, plots as PDF and PNG."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from matplotlib.figure import Figure

from search.command_lines import report_command
from search.errors import MachineError
from search.files import write_file
from search.parallel import parallel_map
from search.paths import RunPaths
from search.plotting import paper_style, save_figure
from search.progress.steps import Progress, Step, no_progress
from search.report.blocks import Plot
from search.report.comparison import Comparison
from search.report.evidence import Evidence
from search.report.findings import FIGURE_NAMES, FILE_NAMES, find_all
from search.report.render.figure_csv import figure_csv
from search.report.render.html import render_page
from search.report.render.json import report_json
from search.report.render.markdown import report_markdown
from search.report.render.side_by_side import (
    COMPARISON_FIGURES,
    comparison_csv,
    comparison_markdown,
    comparison_page,
    comparison_plots,
)


def write_report(evidence: Evidence, paths: RunPaths, progress: Progress = no_progress) -> Path:
    """Write the page, report.json, report.md, figures and tables; return the page's path.

    Files that no longer apply are removed. Raises MachineError if a file cannot be
    written, or where parts of the evidence do not belong together.
    """
    record, findings = evidence.record, find_all(evidence, progress)
    figures = {plot.name: plot.paper for one in findings for plot in one.plots() if plot.paper}
    files = {name: text for one in findings for name, text in one.file_texts().items()}
    files |= _figure_tables(plot for one in findings for plot in one.plots())
    texts = {
        paths.report_facts: report_json(findings),
        paths.report_text: report_markdown(record, findings, figures),
        paths.report_page: render_page(record, findings),
        **{paths.report_dir / name: text for name, text in files.items()},
    }
    try:
        _write_figures(figures, FIGURE_NAMES, paths.report_dir, progress)
        for name in set(FILE_NAMES) - set(files):
            (paths.report_dir / name).unlink(missing_ok=True)
        for path, text in texts.items():
            write_file(path, text)
    except OSError as error:
        again = report_command([record.name], paths.runs_dir, record.recipe.storage)
        raise MachineError(
            f"the report cannot be written to {paths.report_dir}: {error}; the study is kept, "
            f"go on with: {again}"
        ) from error
    return paths.report_page


def write_comparison(compared: Comparison, command: str, folder: Path) -> tuple[Path, ...]:
    """Write a comparison's files over an earlier one's; return their paths, the page first.

    `command` is what makes them again. Plots that no longer apply are removed.
    Raises MachineError if one cannot be written.
    """
    texts = {
        folder / "comparison.html": comparison_page(compared, command),
        folder / "results.csv": comparison_csv(compared),
        folder / "results.md": comparison_markdown(compared, command),
    }
    drawn = tuple(comparison_plots(compared))
    plots = {plot.name: plot.paper for plot in drawn if plot.paper}
    texts |= {folder / name: text for name, text in _figure_tables(drawn).items()}
    try:
        figures = _write_figures(plots, COMPARISON_FIGURES, folder)
        for path, text in texts.items():
            write_file(path, text)
    except OSError as error:
        raise MachineError(
            f"the comparison cannot be written to {folder}: {error}; the studies are kept, make "
            "room or choose another --output and run the same command again"
        ) from error
    return (*texts, *figures)


def _figure_tables(plots: Iterable[Plot]) -> dict[str, str]:
    """The values of the plots that no other CSV file has, by the file's name."""
    return {
        f"{plot.name}.csv": figure_csv(plot.chart.figure)
        for plot in plots
        if not plot.data and plot.chart is not None
    }


def _write_figures(
    figures: Mapping[str, Callable[[], Figure]],
    known: Iterable[str],
    folder: Path,
    progress: Progress = no_progress,
) -> list[Path]:
    """Write figures as PDF and PNG, remove other known ones; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [(figures[name], _figure_paths(folder, name)) for name in known if name in figures]
    progress(Step("figures", 0, len(drawn)))
    parallel_map(_write_figure, drawn)
    for name in set(known) - set(figures):
        for path in (*_figure_paths(folder, name), folder / f"{name}.csv"):
            path.unlink(missing_ok=True)
    return [path for _, paths in drawn for path in paths]


def _figure_paths(folder: Path, name: str) -> tuple[Path, ...]:
    return tuple(folder / f"{name}.{suffix}" for suffix in ("pdf", "png"))


def _write_figure(one: tuple[Callable[[], Figure], tuple[Path, ...]]) -> None:
    draw, paths = one
    with paper_style():
        save_figure(draw(), *paths)
