"""How did every trial end, and which were best?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self, final

import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from search import text
from search.metric import Metric, is_better
from search.plotting import GREY, integer_axis, metric_axis, new_figure
from search.report.evidence import Evidence
from search.report.findings.base import WHY, Finding
from search.report.findings.blocks import Block, Paragraph, Plot, Table
from search.report.parts import LocalTime, Number, ReportPart, Settings, Text, Unlisted
from search.report.plots.page import Chart, metric_format, new_chart_figure
from search.report.plots.trials import KIND_NAMES, page_mark, paper_mark, trial_hover_texts
from search.report.trials import ENDED, trial_score
from search.tuning.records import StudyRecord, TrialKind, TrialRecord
from spaces.candidate import Candidate, describe_candidate

_MOST_LISTED = 10


@final
class CandidatePart(ReportPart):
    """A complete description of one training."""

    words: str
    """The candidate in words."""
    settings: Settings
    """Model, optimizer, schedule and training, exactly."""

    @classmethod
    def of(cls, candidate: Candidate | None) -> Self | None:
        """Describe a candidate; None where there is none."""
        if candidate is None:
            return None
        settings = candidate.model_dump(mode="json")
        return cls(words=describe_candidate(candidate), settings=settings)


@final
class TrialPart(ReportPart):
    """One trial; what it does not have (yet) is null or empty."""

    number: int
    """Its number in the storage."""
    plan: int
    """Its index in the study's plan; a trial that is run again keeps it."""
    attempt: int
    """How often its index had been tried before."""
    state: TrialKind
    """How it ended."""
    value: Number
    """Its score, the mean over folds at E*; of a pruned trial the last report."""
    std: Number
    """Standard deviation of its fold scores (of the population)."""
    fold_scores: tuple[Number, ...]
    """The score on each fold at E*: fractions for accuracy, nats for loss."""
    best_epoch: int | None
    """E*, the epoch (from 1) at which the mean over folds is best."""
    curve: tuple[Number, ...]
    """The mean over the folds that it has after each epoch, in the unit of the score."""
    epochs: int
    """Epochs that its folds trained together."""
    fold_epochs: int
    """Epochs trained, counted for every fold, discarded ones too."""
    seconds: Number
    """Seconds that it trained."""
    n_parameters: int | None
    """Trainable parameters of the network."""
    parameters: Settings
    """The values that the sampler chose, by name."""
    candidate: CandidatePart | None
    """What was trained."""
    reason: Text | None
    """Why it ended as it did, where that is known."""
    same_as: int | None
    """The earlier trial of the same candidate, whose result it has."""
    started: LocalTime | None
    """When it started, ISO 8601, in the local time of the machine."""
    finished: LocalTime | None
    """When it ended, likewise."""

    @classmethod
    def of(cls, trial: TrialRecord, metric: Metric) -> Self:
        """Describe a trial."""
        epochs = trial.history
        return cls(
            **{name: getattr(trial, name) for name in _KEPT},
            state=trial.kind,
            value=trial_score(trial),
            curve=epochs.mean_curve(metric),
            epochs=len(epochs.epochs),
            # older studies store the history only
            fold_epochs=max(trial.fold_epochs, epochs.fold_epochs()),
            parameters=trial.params,
            candidate=CandidatePart.of(trial.candidate),
        )


_KEPT = (
    "number", "plan", "attempt", "std", "fold_scores", "best_epoch", "seconds", "n_parameters",
    "reason", "same_as", "started", "finished",
)  # fmt: skip


@final
@dataclass(frozen=True)
class HistoryPoint:
    """One ended trial; `value` is None where it has no score, `best` where none has one yet."""

    number: int
    index: int
    kind: TrialKind
    value: float | None
    best: float | None


@final
class Trials(Finding):
    """Every trial, by number."""

    key = "trials"
    section = WHY
    title = "Every trial"
    listed = "trials"
    figures = ("optimization-history",)

    trials: tuple[TrialPart, ...]
    """Every trial, by number."""
    record: Unlisted[StudyRecord]

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        """Describe every trial."""
        record = evidence.record
        metric = record.recipe.metric
        return cls(trials=tuple(TrialPart.of(one, metric) for one in record.trials), record=record)

    def blocks(self) -> Iterator[Block]:
        """Yield the course of a search and its best trials; nothing for a baseline study."""
        if not self.record.recipe.protocol.is_search:
            return
        points = optimization_history(self.record)
        if not points:
            yield Paragraph("No trial has ended yet.", "quiet")
            return
        metric = self.record.recipe.metric
        yield Plot(
            name="optimization-history",
            alt=f"Validation {metric} of each ended trial and the best so far",
            paper=lambda: _draw(points, metric),
            page=lambda: self._chart(points, metric),
        )
        if best := self.record.complete()[:_MOST_LISTED]:
            yield self._table(best)

    def _table(self, best: list[TrialRecord]) -> Table:
        recipe = self.record.recipe
        several = recipe.n_folds > 1
        rows = [
            (
                *(str(rank), str(one.number), text.score(trial_score(one), recipe.metric)),
                *((text.spread(one.std, recipe.metric),) if several else ()),
                *(str(one.best_epoch), text.count(one.n_parameters), text.duration(one.seconds)),
                "" if one.candidate is None else describe_candidate(one.candidate),
            )
            for rank, one in enumerate(best, start=1)
        ]
        header = ("Rank", "Trial", recipe.metric.capitalize(), *(("Spread",) if several else ()))
        return Table(
            caption="The best complete trials",
            header=(*header, "E*", "Parameters", "Time", "Candidate"),
            rows=tuple(rows),
            align="r" * (len(header) + 3) + "l",
            long="Candidate",
        )

    def _chart(self, points: tuple[HistoryPoint, ...], metric: Metric) -> Chart:
        """Trials by kind and the best so far; hovering shows each trial's settings."""
        figure = new_chart_figure(
            xaxis={"title": "trial, in the plan's order"},
            yaxis={"title": f"validation {metric}", "tickformat": metric_format(metric)},
            # Trials without a score have a place but no height: they stand at the foot.
            yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
            margin={"l": 60, "r": 16, "t": 48, "b": 48},
        )
        best = [(p.index, p.best) for p in points if p.best is not None]
        figure.add_scatter(
            x=[index for index, _ in best],
            y=[value for _, value in best],
            mode="lines",
            line={"shape": "hv", "color": GREY, "width": 1.5},
            name="best so far",
            hoverinfo="skip",
        )
        texts = trial_hover_texts(self.record)
        for kind in ENDED:
            for valued in (True, False):
                shown = [p for p in points if p.kind == kind and (p.value is None) != valued]
                if shown:
                    hover = [texts[p.number] for p in shown]
                    figure.add_trace(_trial_marks(shown, hover, valued=valued))
        return Chart(figure, 400)


def optimization_history(record: StudyRecord) -> tuple[HistoryPoint, ...]:
    """Each ended trial in the plan's order, with the best score up to it."""
    metric = record.recipe.metric
    can_win = {trial.number for trial in record.complete()}
    points: list[HistoryPoint] = []
    best: float | None = None
    for trial in sorted(record.trials, key=lambda t: (t.plan, t.attempt)):
        if trial.kind not in ENDED:
            continue
        value = trial_score(trial)
        known = trial.number in can_win and value is not None
        if known and value is not None and (best is None or is_better(value, best, metric)):
            best = value
        points.append(HistoryPoint(trial.number, trial.plan, trial.kind, value, best))
    return tuple(points)


def _trial_marks(points: list[HistoryPoint], hover: list[str], *, valued: bool) -> go.Scatter:
    kind = points[0].kind
    return go.Scatter(
        x=[p.index for p in points],
        y=[p.value if valued else 0.02 for p in points],
        yaxis="y" if valued else "y2",
        mode="markers",
        name=KIND_NAMES[kind] if valued else f"{kind}, no score",
        marker=page_mark(kind),
        text=hover,
        hovertemplate="%{text}<extra></extra>",
    )


def _draw(points: tuple[HistoryPoint, ...], metric: Metric) -> Figure:
    figure = new_figure(2.7)
    axes = figure.add_subplot()
    for kind in ENDED:
        shown = [p for p in points if p.kind == kind]
        if shown:
            _scatter(axes, shown, kind)
    best = [(p.index, p.best) for p in points if p.best is not None]
    if best:
        indices, values = zip(*best, strict=True)
        axes.step(indices, values, where="post", color="black", linewidth=1, label="best so far")
    integer_axis(axes)
    metric_axis(axes, metric)
    axes.set_xlabel("trial, in the plan's order")
    axes.set_ylabel(f"validation {metric}")
    figure.legend(loc="outside lower center", ncols=3, handletextpad=0.4, columnspacing=1.2)
    return figure


def _scatter(axes: Axes, points: list[HistoryPoint], kind: TrialKind) -> None:
    valued = [(p.index, p.value) for p in points if p.value is not None]
    style: dict[str, Any] = paper_mark(kind)
    if valued:
        indices, values = zip(*valued, strict=True)
        axes.scatter(indices, values, label=KIND_NAMES[kind], zorder=3, **style)
    bare = [p.index for p in points if p.value is None]
    if bare:
        # Trials without a score stand on the axis: they have a place but no height.
        on_axis = axes.get_xaxis_transform()
        label = None if valued else KIND_NAMES[kind]
        foot = [0.03] * len(bare)
        axes.scatter(bare, foot, transform=on_axis, clip_on=False, label=label, **style)
