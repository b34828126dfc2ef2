"""Writes the analysis: two figures as PDF and PNG, and the table."""

from pathlib import Path

from search.base import paper_style
from search.failures import machine_failures
from search.reference.figures_channels import draw_channels
from search.reference.figures_samples import draw_samples
from search.reference.info import AnalysisInfo
from search.reference.info_table import table_csv
from search.saving import save_bytes, save_figure


def write_analysis(info: AnalysisInfo, folder: Path) -> tuple[Path, ...]:
    """Write every file, in place of those of an earlier analysis; return their paths.

    Raises MachineError where one cannot be written.
    """
    table = folder / f"{info.name}-mean-std.csv"
    with machine_failures(
        f"output {folder} cannot be written", "make room or choose another output and run again"
    ):
        folder.mkdir(parents=True, exist_ok=True)
        figures = _write_figures(info, folder)
        save_bytes(table_csv(info.table).encode(), table)
    return (*figures, table)


def _write_figures(info: AnalysisInfo, folder: Path) -> list[Path]:
    with paper_style():
        drawn = {"images": draw_samples(info.samples), "channels": draw_channels(info.channels)}
        paths = []
        for name, figure in drawn.items():
            for suffix in ("pdf", "png"):
                paths.append(folder / f"{info.name}-{name}.{suffix}")
                save_figure(figure, paths[-1])
    return paths
