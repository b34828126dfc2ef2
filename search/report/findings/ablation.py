"""Which of the changes that lead to the winner matter?"""

from collections.abc import Iterator
from typing import Any, Self, final

import numpy as np
from matplotlib.figure import Figure

from search.ablation.path import Step
from search.metric import Metric
from search.plotting import BLUE, GREY, new_figure, short
from search.report.blocks import Block, Chart, Paragraph, Plot, Table
from search.report.charts import escape, new_chart_figure
from search.report.evidence import Evidence
from search.report.finding import WHY, Finding, Number, ReportPart, Unlisted
from search.text import listed, plural, points, score

_MOST_NAMED = 3
_SHORTEST = 28  # characters of a label on paper


@final
class AblationStep(ReportPart):
    """One change of the path."""

    setting: str
    """Which, as part.name."""
    before: str
    """Its value at the beginning of the path."""
    after: str
    """The winner's value."""
    score: Number
    """The score after this change and all before it; null where the training diverged."""
    gain: Number
    """How much higher that is than before the change."""
    alone: Number
    """The score with this change alone; null if that was not trained."""

    @property
    def label(self) -> str:
        """The setting as a reader sees it."""
        return self.setting.replace("_", " ").replace(".", ": ")


@final
class Ablated(Finding):
    """The path from the hand-tuned network to the winner, one change at a time.

    Each step is the change that improves the score most (Fawcett and Hoos, Journal of Heuristics
    22, 2016), trained on the study's folds with the winner's seeds.
    """

    key = "ablation"
    section = WHY
    title = "Which changes matter"
    figures = ("ablation",)

    start: str
    """Where the path begins: the hand-tuned network, or a trial."""
    start_score: Number
    """Its score; null where its training diverged."""
    steps: tuple[AblationStep, ...]
    """The changes, in the order of the path."""
    n_trained: int
    """How many candidates were trained."""
    trial: Unlisted[int]
    metric: Unlisted[Metric]

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Return the stored path to the winner; None if there is none, or it led elsewhere."""
        found, winner = evidence.ablation, evidence.record.winner()
        if found is None or winner is None or found.winner != winner.number:
            return None
        path = found.path
        return cls(
            start=found.start,
            start_score=path.start,
            steps=tuple(_part(step, gain) for step, gain in path.gains()),
            n_trained=path.trained,
            trial=found.winner,
            metric=evidence.record.metric,
        )

    def blocks(self) -> Iterator[Block]:
        yield Paragraph(self.answer())
        yield Paragraph(
            "Settings are changed one at a time, each time the one that improves the score most. "
            f"All {self.n_trained} candidates on the way are trained on the same folds with the "
            "same seeds, once each: small steps may be chance, and a setting may matter only "
            "together with another.",
            "quiet",
        )
        yield Plot(
            name="ablation",
            alt=self.answer(),
            paper=self._draw,
            page=self._chart,
            caption="The score after each change and all above it.",
            table=self.table(),
        )

    def answer(self) -> str:
        """Say which changes bring most."""
        gains = [one for one in self.steps if one.gain is not None and self._is_better(one.gain)]
        ends = (
            f"From {self.start} ({score(self.start_score, self.metric)}) to trial {self.trial} "
            f"({score(self.steps[-1].score, self.metric)})"
        )
        if not gains:
            return f"{ends}, no change improves the score."
        largest = sorted(gains, key=lambda one: -abs(one.gain or 0.0))[:_MOST_NAMED]
        named = [f"{one.label} ({self._signed(one.gain)})" for one in largest]
        of = plural(len(self.steps), "change")
        return f"{ends}, of {of} most comes from {listed(named)}."

    def _is_better(self, gain: float) -> bool:
        return self.metric.is_better(gain, 0.0)

    def _signed(self, gain: float | None) -> str:
        if gain is None:
            return "–"
        return f"{points(gain)} points" if self.metric.is_share else f"{gain:+.4f}"

    def table(self) -> Table:
        """Return the path, a change each row."""
        rows = tuple(
            (
                one.label,
                one.before,
                one.after,
                score(one.score, self.metric),
                self._signed(one.gain),
                score(one.alone, self.metric),
            )
            for one in self.steps
        )
        return Table(
            caption=f"The path from {self.start} to trial {self.trial}",
            header=("Setting", "Before", "After", "Score", "Gain", "Score if changed alone"),
            rows=rows,
            align="lllrrr",
            most=len(rows),
        )

    def _points(self) -> list[tuple[str, float | None]]:
        """Return what is drawn: the beginning, then each change with the score after it."""
        return [(self.start, self.start_score), *((one.label, one.score) for one in self.steps)]

    def _chart(self) -> Chart:
        factor, unit = (100, "%") if self.metric.is_share else (1, "")
        labels, values = zip(*self._points(), strict=True)
        figure = new_chart_figure(
            xaxis={"title": f"validation {self.metric}{', %' if unit else ''}", "fixedrange": True},
            yaxis={"autorange": "reversed", "automargin": True, "type": "category"},
            margin={"l": 60, "r": 24, "t": 24, "b": 48},
            showlegend=False,
        )
        hover = [
            "the beginning",
            *(f"{one.before} → {one.after}: {self._signed(one.gain)}" for one in self.steps),
        ]
        figure.add_scatter(
            x=[None if value is None else factor * value for value in values],
            y=[escape(label) for label in labels],
            mode="lines+markers",
            line={"color": GREY, "width": 1, "shape": "vh"},
            marker={"color": BLUE, "size": 9},
            customdata=[escape(text) for text in hover],
            hovertemplate=f"%{{y}}<br>%{{customdata}}<br>%{{x:.2f}}{unit}<extra></extra>",
        )
        return Chart(figure, 90 + 26 * len(labels))

    def _draw(self) -> Figure:
        labels, values = zip(*self._points(), strict=True)
        factor = 100 if self.metric.is_share else 1
        drawn = np.array([np.nan if one is None else factor * one for one in values])
        places = np.arange(len(labels))
        figure = new_figure(0.8 + 0.2 * len(labels))
        axes = figure.add_subplot()
        line: dict[str, Any] = {"color": GREY, "linewidth": 0.8, "drawstyle": "steps-pre"}
        axes.plot(drawn, places, **line)
        axes.scatter(drawn, places, color=BLUE, s=18, zorder=3)
        axes.set_yticks(places, [short(one, _SHORTEST) for one in labels])
        axes.invert_yaxis()
        axes.set_xlabel(f"validation {self.metric}{' (%)' if self.metric.is_share else ''}")
        return figure


def _part(step: Step, gain: float | None) -> AblationStep:
    change = step.change
    return AblationStep(
        setting=change.name,
        before=change.before,
        after=change.after,
        score=step.score,
        gain=gain,
        alone=step.alone,
    )
