"""The report's plots as objects: to look at in a notebook, to save as a file."""

import difflib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

import plotly.graph_objects as go
from matplotlib.figure import Figure

from search.errors import UserError
from search.files import machine_failures, write_file
from search.plotting import paper_style, save_figure
from search.report.blocks import Plot
from search.report.charts import HoverTexts, trial_hover_texts, with_stories
from search.report.evidence import Evidence
from search.report.finding import Finding
from search.report.findings import FINDINGS
from search.report.findings.baseline_comparison import BaselineComparison
from search.report.findings.classes import ConfusionMatrix
from search.report.findings.importances import Importances
from search.report.findings.learning_curves import LearningCurves
from search.report.findings.parallel_coordinates import ParallelCoordinates
from search.report.findings.slices import Slices
from search.report.findings.trials import Trials

_ON_PAPER = (".pdf", ".png", ".svg")
_DPI = 150


@final
class StudyFigure:
    """A plot of a study: shown by a notebook, saved as a picture or as an interactive page."""

    def __init__(self, plot: Plot, stories: HoverTexts) -> None:
        self._plot, self._stories = plot, stories

    @property
    def caption(self) -> str:
        """How to read it."""
        return self._plot.caption

    def matplotlib(self) -> Figure:
        """Return it as a figure of matplotlib, one column of a paper wide.

        Raises UserError if it exists as a page only.
        """
        if self._plot.paper is None:
            raise UserError(f"plot {self._plot.name!r} is interactive only: use .plotly()")
        with paper_style():
            return self._plot.paper()

    def plotly(self) -> go.Figure:
        """Return it as an interactive figure of plotly.

        Raises UserError if it exists on paper only.
        """
        if self._plot.page is None:
            raise UserError(f"plot {self._plot.name!r} is a picture only: use .matplotlib()")
        chart = self._plot.page()
        figure: go.Figure = chart.figure.update_layout(height=chart.height)
        return with_stories(figure, self._stories)

    def save(self, path: str | Path) -> Path:
        """Write it to a file and return its path.

        Args:
            path: Its suffix decides: .pdf, .png or .svg for a picture, .html for an interactive
                page that needs no network.

        Raises:
            UserError: The suffix is another.
            MachineError: The file cannot be written.
        """
        target = Path(path)
        with machine_failures(f"{target} cannot be written", "choose another place"):
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.suffix in _ON_PAPER:
                figure = self.matplotlib()
                with paper_style():
                    save_figure(figure, target)
            elif target.suffix == ".html":
                write_file(target, self.plotly().to_html(include_plotlyjs=True))
            else:
                accepted = ", ".join((*_ON_PAPER, ".html"))
                raise UserError(f"path must end with {accepted}, got {str(path)!r}")
        return target

    def show(self) -> None:
        """Show the interactive figure, in a notebook or a browser."""
        self.plotly().show()

    def __repr__(self) -> str:
        return f"<StudyFigure {self._plot.name}: {self._plot.alt}>"

    def _repr_png_(self) -> bytes | None:
        if self._plot.paper is None:
            return None
        drawn = io.BytesIO()
        with paper_style():
            self._plot.paper().savefig(drawn, format="png", dpi=_DPI)
        return drawn.getvalue()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        if self._plot.paper is not None:
            return {"image/png": self._repr_png_(), "text/plain": repr(self)}
        return {
            "text/html": self.plotly().to_html(include_plotlyjs="cdn"),
            "text/plain": repr(self),
        }


@final
class StudyPlots:
    """The plots of a study, `study.plot`: those of its report."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def history(self) -> StudyFigure:
        """The score of every trial in the order of the plan, and the best so far."""
        return self._of(Trials)

    def importances(self) -> StudyFigure:
        """How much each parameter separates the best trials from the rest, beside chance."""
        return self._of(Importances)

    def slices(self) -> StudyFigure:
        """The score over each of the parameters that matter most."""
        return self._of(Slices)

    def parallel_coordinates(self) -> StudyFigure:
        """Every trial as a line through its parameters."""
        return self._of(ParallelCoordinates)

    def learning_curves(self) -> StudyFigure:
        """Training and validation of the winner, epoch by epoch."""
        return self._of(LearningCurves)

    def confusion_matrix(self) -> StudyFigure:
        """Which classes the winner takes for which, on the test images; needs `Study.test`."""
        return self._of(ConfusionMatrix)

    def versus_baseline(self) -> StudyFigure:
        """Recall class by class beside the hand-tuned network's, if a study of it is stored."""
        return self._of(BaselineComparison)

    def names(self) -> tuple[str, ...]:
        """Return the names of the plots that apply to this study."""
        return tuple(plot.name for plot in self._all())

    def __getitem__(self, name: str) -> StudyFigure:
        """Return a plot by its name, one of `names()`.

        Raises UserError if there is none of that name.
        """
        found = {plot.name: plot for plot in self._all()}
        if name not in found:
            nearest = difflib.get_close_matches(str(name), found, n=1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"known: {', '.join(found)}"
            raise UserError(f"plot {name!r} does not exist for this study; {hint}")
        return self._shown(found[name])

    def _all(self) -> Iterator[Plot]:
        for kind in FINDINGS:
            if kind.figures and (finding := self._evidence.once(kind.of)) is not None:
                yield from finding.plots()

    def _of(self, kind: type[Finding]) -> StudyFigure:
        finding = self._evidence.once(kind.of)
        plots = () if finding is None else finding.plots()
        if plots:
            return self._shown(plots[0])
        words = () if finding is None else finding.sentences()
        reason = words[0] if words else "the study does not have what it shows"
        raise UserError(f"plot {kind.figures[0]!r} cannot be drawn: {reason}")

    def _shown(self, plot: Plot) -> StudyFigure:
        return StudyFigure(plot, trial_hover_texts(self._evidence.record))

    def __repr__(self) -> str:
        return f"<StudyPlots: {', '.join(self.names())}>"
