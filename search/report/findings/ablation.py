"""Which of the changes that lead to the winner matter?"""

from collections.abc import Iterator
from typing import Any, Self, final

import numpy as np
from matplotlib.figure import Figure

from search.ablation.path import Ablation, AblationPath
from search.metric import Metric
from search.plotting import BLUE, GREY, new_figure, short
from search.report.blocks import Block, Chart, Details, Paragraph, Plot, Table
from search.report.charts import escape, new_chart_figure
from search.report.evidence import Evidence
from search.report.finding import WHY, Finding, Number, ReportPart, Unlisted
from search.report.scoring import (
    decisive_score,
    distinct_candidates,
    of_trainings,
    trial_score,
)
from search.report.step_noise import noise_between
from search.text import listed, plural, points, score, spread
from search.tuning.records import StudyRecord, TrialRecord

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
    noise: Number
    """How far from 0 chance alone seldom brings that gain, once in 20, for the best of the changes
    that were tried for this step; null if that is not known."""
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
    gain: Number
    """How much higher the last score is than the first; null where one is unknown."""
    noise: Number
    """How far from 0 chance alone seldom brings that, as the winner is the best of all trials; null
    if that is not known."""
    trial: Unlisted[int]
    metric: Unlisted[Metric]
    notes: Unlisted[tuple[str, ...]] = ()  # why scores differ from others of the same candidates

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Return the stored path to the winner; None if there is none, or it led elsewhere."""
        record, found = evidence.record, evidence.ablation
        winner = record.winner()
        if found is None or winner is None or found.winner != winner.number:
            return None
        path, rivals = found.path, len(distinct_candidates(record.complete())) - 1
        last = path.steps[-1].score
        return cls(
            start=found.start,
            start_score=path.start,
            steps=tuple(_parts(record, winner, path)),
            n_trained=path.trained,
            gain=None if path.start is None or last is None else last - path.start,
            noise=_noise(record, winner, path.start, last, rivals),
            trial=found.winner,
            metric=record.metric,
            notes=tuple(_notes(record, winner, found)),
        )

    def blocks(self) -> Iterator[Block]:
        yield Paragraph(self.answer())
        how = Paragraph(
            "Settings are changed one at a time, each time the one after which the score is best, "
            "even if it falls. "
            f"All {self.n_trained} candidates on the way are trained on the same folds with the "
            "same seeds, once each. A change is named only if chance alone brings as much less "
            "than once in 20 times, given the images, the choice among changes, and the seeds if "
            "finalists were trained again. A setting may matter only together with another.",
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
        notes = (Paragraph(note, "quiet") for note in self.notes)
        yield Details("How this was found", (how, *notes))

    def answer(self) -> str:
        """Say whether anything is gained beyond noise, and which changes bring it."""
        ends = (
            f"From {self.start} ({score(self.start_score, self.metric)}) to trial {self.trial} "
            f"({score(self.steps[-1].score, self.metric)})"
        )
        if self.within_noise:
            size = spread(abs(self.gain or 0.0), self.metric)
            nothing = (
                f"{ends}, nothing is gained beyond noise: the scores are {size} apart, and chance "
                f"alone may make {spread(self.noise, self.metric)}."
            )
            words = self._which()
            return f"{nothing} {words[0].upper()}{words[1:]}"
        return f"{ends}, {self._which()}"

    @property
    def within_noise(self) -> bool:
        """Whether chance explains how far the first and the last score are apart."""
        return _is_within(self.gain, self.noise)

    def credited(self) -> list[AblationStep]:
        """Return the changes that improve the score by more than noise, the largest gain first."""
        beyond = (one for one in self._gains() if one.noise is not None)
        return [one for one in beyond if not _is_within(one.gain, one.noise)]

    def _gains(self) -> list[AblationStep]:
        gains = [one for one in self.steps if one.gain is not None and self._is_better(one.gain)]
        return sorted(gains, key=lambda one: -abs(one.gain or 0.0))

    def _which(self) -> str:
        gains, of = self._gains(), plural(len(self.steps), "change")
        if not gains:
            return "no change improves the score."
        named = [f"{one.label} ({self._signed(one.gain)})" for one in self.credited()[:_MOST_NAMED]]
        if named and not self.within_noise:
            return f"of {of} most comes from {listed(named)}."
        if named:
            return f"of {of}, more than noise comes from {listed(named)}, which others undo."
        largest = f"the largest gain is that of {gains[0].label}, {self._signed(gains[0].gain)}"
        if any(one.noise is None for one in gains):
            return f"{largest}; how much noise makes is not known, so no change is credited."
        what = "the change is" if len(self.steps) == 1 else f"the steps of all {of} are"
        return f"{what} within noise: {largest}."

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


def _parts(record: StudyRecord, winner: TrialRecord, path: AblationPath) -> Iterator[AblationStep]:
    before = path.start
    for place, (step, gain) in enumerate(path.gains()):
        change = step.change
        yield AblationStep(
            setting=change.name,
            before=change.before,
            after=change.after,
            score=step.score,
            gain=gain,
            noise=_noise(record, winner, before, step.score, len(path.steps) - place),
            alone=step.alone,
        )
        before = step.score


def _noise(
    record: StudyRecord,
    winner: TrialRecord,
    first: float | None,
    second: float | None,
    among: int,
) -> float | None:
    if first is None or second is None:
        return None
    return noise_between(record, winner, first, second, max(among, 1))


def _is_within(gain: float | None, noise: float | None) -> bool:
    return gain is not None and noise is not None and abs(gain) <= noise * (1 + 1e-6)


def _notes(record: StudyRecord, winner: TrialRecord, found: Ablation) -> Iterator[str]:
    """Yield why the ends' scores are not those that the report tells elsewhere."""
    metric, began = record.metric, _start_trial(record, found.start)
    here = score(found.path.start, metric)
    searched = None if began is None else score(trial_score(began), metric)
    if began is not None and searched != here:
        which = "" if found.start == f"trial {began.number}" else f", as trial {began.number},"
        yield (
            f"In the search {found.start}{which} had {searched}, and {here} here: this is another "
            "training, with the winner’s seeds."
        )
    again = of_trainings(record, winner)
    mean = score(decisive_score(record, winner), metric)
    if again and mean != score(trial_score(winner), metric):
        yield (
            f"Trial {winner.number} stands here with its training of the search, which was chosen "
            f"as one of the best; {again} with other seeds is {mean}."
        )


def _start_trial(record: StudyRecord, start: str) -> TrialRecord | None:
    """Return the complete trial of the search that is the beginning of the path."""
    hand_tuned = record.recipe.with_baseline and not start.startswith("trial ")
    for one in record.complete():
        if start == f"trial {one.number}" or (hand_tuned and one.plan == 0):
            return one
    return None
