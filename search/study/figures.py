"""The report's plots as objects: to look at in a notebook, to save as a file."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, SupportsIndex, final

import plotly.graph_objects as go
from matplotlib.figure import Figure

from search.catalog.studies import find_trial
from search.checks import nearest_hint
from search.errors import UserError
from search.files import as_path, machine_failures, write_file
from search.plotting import paper_style, save_figure
from search.report.blocks import Plot
from search.report.charts import HoverTexts, trial_hover_texts, with_stories
from search.report.evidence import Evidence
from search.report.finding import Finding
from search.report.findings.ablation import Ablated
from search.report.findings.baseline_comparison import BaselineComparison
from search.report.findings.classes import ConfusionMatrix
from search.report.findings.importances import Importances
from search.report.findings.labels import DoubtfulLabels
from search.report.findings.learning_curves import LearningCurves
from search.report.findings.mistakes import Mistakes
from search.report.findings.parallel_coordinates import ParallelCoordinates
from search.report.findings.pareto import ParetoFront
from search.report.findings.slices import Slices
from search.report.findings.trials import Trials
from search.text import listed

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
        target = as_path(path, "path")
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
@dataclass(frozen=True)
class _Kind:
    """A kind of plot: which finding draws it, and what the study needs to have it."""

    finding: type[Finding]
    needs: str


_TESTED = "it shows test images: call study.test() first, which opens the test set"
_ENDED = "no trial is complete yet: study.run() continues the search"
KINDS: Mapping[str, _Kind] = {
    "history": _Kind(
        Trials, "it needs two trials that have ended: study.run(trials=...) continues the search"
    ),
    "importances": _Kind(Importances, "a baseline study varies no parameter"),
    "slices": _Kind(Slices, "a baseline study varies no parameter"),
    "parallel_coordinates": _Kind(
        ParallelCoordinates, "it needs two trials of a search that can be compared"
    ),
    "learning_curves": _Kind(LearningCurves, _ENDED),
    "confusion_matrix": _Kind(ConfusionMatrix, _TESTED),
    "mistakes": _Kind(Mistakes, f"{_TESTED} (without mistakes there is no plot either)"),
    "doubtful_labels": _Kind(
        DoubtfulLabels,
        "no label is doubtful, or no complete trial's predictions or no images are kept",
    ),
    "versus_baseline": _Kind(
        BaselineComparison,
        "it compares two test results: call study.test(), and train the hand-tuned network on the "
        "same data with search.run(..., sampler='baseline').test()",
    ),
    "ablation": _Kind(Ablated, "it shows which changes matter: call study.ablate() first"),
    "pareto_front": _Kind(
        ParetoFront, "the study has one objective: search.run(..., objective='accuracy,parameters')"
    ),
}
"""The plots by the names of their methods; they are files of the report, too."""


@final
class StudyPlots:
    """The plots of a study, `study.plot`: those of its report.

    Each is a method, and an item of the same name: `plot.history()` is `plot["history"]`.
    Each raises UserError, which says what to call first, if the study does not have what it shows.
    """

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def history(self) -> StudyFigure:
        """The score of every trial in the order of the plan, and the best so far."""
        return self["history"]

    def importances(self) -> StudyFigure:
        """How much each parameter separates the best trials from the rest, beside chance."""
        return self["importances"]

    def slices(self, *parameters: str) -> StudyFigure:
        """The score over each of these parameters; without any, of those that matter most.

        Raises UserError if no trial varied one of them.
        """
        return self._slices(parameters) if parameters else self["slices"]

    def parallel_coordinates(self) -> StudyFigure:
        """Every trial as a line through its parameters."""
        return self["parallel_coordinates"]

    def learning_curves(self, trial: SupportsIndex | None = None) -> StudyFigure:
        """Training and validation of the winner, or of the trial of a number, epoch by epoch.

        Raises UserError if there is no such trial, or if it has not been trained.
        """
        return self["learning_curves"] if trial is None else self._curves_of(trial)

    def confusion_matrix(self) -> StudyFigure:
        """Which classes the winner takes for which, on the test images; needs `Study.test`."""
        return self["confusion_matrix"]

    def mistakes(self) -> StudyFigure:
        """The most confident mistakes on the test images; needs `Study.test`."""
        return self["mistakes"]

    def doubtful_labels(self) -> StudyFigure:
        """Training images that the best trials take for another class, the most doubtful first."""
        return self["doubtful_labels"]

    def versus_baseline(self) -> StudyFigure:
        """Recall class by class beside the hand-tuned network's, if a study of it is stored."""
        return self["versus_baseline"]

    def ablation(self) -> StudyFigure:
        """The score after each change that leads to the winner; needs `Study.ablate`."""
        return self["ablation"]

    def pareto_front(self) -> StudyFigure:
        """The trials that are best at some price, where the study has several objectives."""
        return self["pareto_front"]

    def names(self) -> tuple[str, ...]:
        """Return the names of the plots that apply to this study."""
        return tuple(name for name in KINDS if self._plots(name))

    def __getitem__(self, name: str) -> StudyFigure:
        """Return a plot by the name of its method, or of its file beside the report.

        Raises UserError if there is none, or if the study does not have what it shows.
        """
        known = _method_of(str(name))
        if known is None:
            raise UserError(f"plot: {name!r} does not exist; {nearest_hint(str(name), KINDS)}")
        plots = {plot.name: plot for plot in self._plots(known)}
        if not plots:
            raise UserError(f"plot.{known}() cannot be drawn: {self._reason(known)}")
        return self._figure(plots.get(name) or next(iter(plots.values())))

    def _figure(self, plot: Plot) -> StudyFigure:
        return StudyFigure(plot, trial_hover_texts(self._evidence.record))

    def _slices(self, parameters: tuple[str, ...]) -> StudyFigure:
        found = self._evidence.once(Slices.of)
        if found is None or not found.slices:
            return self["slices"]  # which says why there are none
        known = [one.name for one in found.parallel.dimensions[:-1]]
        for name in parameters:
            if name not in known:
                raise UserError(f"slices: no parameter {name!r} was varied; {listed(known)} were")
        (plot,) = found.of_parameters(parameters).plots()
        return self._figure(plot)

    def _curves_of(self, number: SupportsIndex) -> StudyFigure:
        record = self._evidence.record
        trial = find_trial(record, number)
        if not trial.history.epochs:
            raise UserError(
                f"learning_curves: trial {trial.number} has none, being {trial.kind}; accepted: a "
                "trial that was trained for an epoch or more"
            )
        (plot,) = LearningCurves.of_trial(record, trial).plots()
        return self._figure(plot)

    def _plots(self, name: str) -> tuple[Plot, ...]:
        finding = self._evidence.once(KINDS[name].finding.of)
        return () if finding is None else tuple(finding.all_plots())

    def _reason(self, name: str) -> str:
        kind = KINDS[name]
        finding = self._evidence.once(kind.finding.of)
        reason: str | None = getattr(finding, "reason", None)
        if reason is None:
            return kind.needs
        shows = "it shows the parameters that matter most, and " if kind.finding is Slices else ""
        return f"{shows}{reason}"

    def __repr__(self) -> str:
        return f"<StudyPlots: {', '.join(self.names())}>"


def _method_of(name: str) -> str | None:
    """Return the name of the method that draws a plot of this name."""
    files = {file: method for method, kind in KINDS.items() for file in kind.finding.figures}
    return name if name in KINDS else files.get(name)
