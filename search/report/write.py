"""Writes the report: figures as PDF and PNG, and the page."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import optuna
from matplotlib.figure import Figure

from search.errors import MachineError
from search.paths import RunPaths
from search.report.charts import draw_charts
from search.report.figures import FIGURE_NAMES, draw_figures
from search.report.figures_base import paper_style
from search.report.info import report_info
from search.report.page import render_page
from search.study.records import StudyRecord

_DPI = 300


def write_report(
    record: StudyRecord,
    study: optuna.Study,
    mistakes: npt.NDArray[np.uint8] | None,
    paths: RunPaths,
) -> Path:
    """Write every figure that applies and the page; return the page's path.

    `study` is the Optuna study of the record; `mistakes` are uint8 images (M, 3, H, W) in the
    order of the test's mistakes. Figures that no longer apply are removed. Raises MachineError
    where a file cannot be written or the mistakes do not belong to the test.
    """
    info = report_info(record, study, mistakes)
    page = render_page(info, draw_charts(info))
    try:
        paths.report_dir.mkdir(parents=True, exist_ok=True)
        with paper_style():
            drawn = dict(draw_figures(info))
            for name in FIGURE_NAMES:
                _renew(drawn.get(name), name, paths)
        _replace(paths.report_page, page.encode("utf-8"))
    except OSError as error:
        raise MachineError(
            f"the report cannot be written to {paths.report_dir}: {error}; the study is kept, "
            f"go on with: python -m search report {record.name}"
        ) from error
    return paths.report_page


def _renew(figure: Figure | None, name: str, paths: RunPaths) -> None:
    for suffix in ("pdf", "png"):
        path = paths.figure(name, suffix)
        if figure is None:
            path.unlink(missing_ok=True)
            continue
        temporary = _temporary(path)
        # Without its date the same study gives the same file.
        metadata = {"CreationDate": None} if suffix == "pdf" else {}
        figure.savefig(temporary, format=suffix, dpi=_DPI, metadata=metadata)
        temporary.replace(path)


def _replace(path: Path, content: bytes) -> None:
    temporary = _temporary(path)
    temporary.write_bytes(content)
    temporary.replace(path)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")
