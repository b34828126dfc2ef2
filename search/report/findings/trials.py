"""How did every trial end, and which were best?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, final

from matplotlib.figure import Figure

from search import text
from search.metric import Metric
from search.objectives import LATENCY, MULTIPLY_ADDS
from search.plotting import GREY, integer_axis, metric_axis, new_figure
from search.report.blocks import Block, Chart, Paragraph, Plot, Table
from search.report.charts import (
    KIND_NAMES,
    TRIAL_STORY,
    Series,
    legend_once,
    metric_format,
    name_once,
    new_chart_figure,
    trial_look,
    whole_ticks,
    winner_look,
)
from search.report.evidence import Evidence
from search.report.finding import (
    TRIALS,
    Finding,
    LocalTime,
    Number,
    ReportPart,
    Settings,
    Text,
    Unlisted,
)
from search.report.scales import value_text
from search.report.scoring import ENDED, in_plan_order, trial_score
from search.report.thinning import drawn, drawn_words
from search.report.trial_table import trials_csv
from search.tuning.records import StudyRecord, TrialKind, TrialRecord
from spaces.candidate import Candidate, describe_candidate

_X_LABEL = "trial, in the plan's order"
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
        """Describe a candidate; None if there is none."""
        if candidate is None:
            return None
        settings = candidate.model_dump(mode="json")
        return cls(words=describe_candidate(candidate), settings=settings)


@final
class TrialPart(ReportPart):
    """One trial; values that it does not have (yet) are null or empty."""

    number: int
    """Its number in the storage."""
    plan: int
    """Its index in the study's plan; a trial that is run again keeps it."""
    attempt: int
    """How many attempts at its index came before."""
    state: TrialKind
    """How it ended."""
    value: Number
    """Its score, the mean over folds at E*; for a pruned trial, its last report."""
    std: Number
    """Standard deviation of its fold scores as stored, of the population (n); sentences and tables
    give the sample's (n - 1)."""
    fold_scores: tuple[Number, ...]
    """The score on each fold at E*: fractions for accuracy, nats for loss."""
    best_epoch: int | None
    """E*, the epoch (from 1) at which the mean over folds is best."""
    curve: tuple[Number, ...]
    """The mean over its folds after each epoch, in the unit of the score."""
    epochs: int
    """Epochs that its folds trained together."""
    fold_epochs: int
    """Epochs trained, summed over folds, including discarded ones."""
    seconds: Number
    """Seconds that it trained."""
    n_parameters: int | None
    """Trainable parameters of the network."""
    costs: dict[str, Number]
    """What is traded against the score, by name: a latency is in ms; empty with one objective."""
    parameters: Settings
    """The values that the sampler chose, by name."""
    candidate: CandidatePart | None
    """What was trained."""
    reason: Text | None
    """Why it ended as it did, where that is known."""
    same_as: int | None
    """The earlier trial of the same candidate, whose result was copied."""
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
            costs=dict(trial.costs),
            parameters=trial.params,
            candidate=CandidatePart.of(trial.candidate),
        )


_KEPT = (
    "number", "plan", "attempt", "std", "fold_scores", "best_epoch", "seconds", "n_parameters",
    "reason", "same_as", "started", "finished",
)  # fmt: skip


def trial_facts(trial: TrialRecord, metric: Metric) -> Iterator[tuple[str, str]]:
    """Yield what there is to know of a trial besides its outcome and candidate, by name."""
    again = f", attempt {trial.attempt + 1}" if trial.attempt else ""
    yield "index", f"{trial.plan}{again}"
    if trial.same_as is not None:
        yield "same candidate as", f"trial {trial.same_as}, whose result was copied"
    if len(trial.fold_scores) > 1:
        scores = ", ".join(text.score(score, metric) for score in trial.fold_scores)
        deviation = text.spread(trial.fold_deviation, metric)
        yield "fold scores", f"{scores}; standard deviation {deviation}"
    if trial.n_parameters:
        yield "parameters", text.count(trial.n_parameters)
    for cost in (MULTIPLY_ADDS, LATENCY):
        if cost.name in trial.costs:
            yield cost.words, cost.write(trial.costs[cost.name])
    if trial.seconds or trial.state in ("complete", "pruned"):
        earlier = ", including earlier attempts" if trial.attempt else ""
        yield "training time", text.duration(trial.seconds) + earlier
    if trial.started is not None:
        ended = "" if trial.finished is None else f" to {trial.finished:%Y-%m-%d %H:%M:%S}"
        place = f" on {text.listed(trial.hosts)}" if trial.hosts else ""
        yield "ran", f"{trial.started:%Y-%m-%d %H:%M:%S}{ended}{place}"
    if trial.params:
        sampled = (f"{name} {value_text(value)}" for name, value in trial.params.items())
        yield "sampled", ", ".join(sampled)


@final
@dataclass(frozen=True)
class HistoryPoint:
    """One ended trial; `value` is None if it has no score, `best` where none has one yet."""

    number: int
    index: int
    kind: TrialKind
    value: float | None
    best: float | None


@final
class Trials(Finding):
    """Every trial, by number."""

    key = "trials"
    section = TRIALS
    title = "Scores in the order of the search"
    listed = "trials"
    folded = True
    figures = ("optimization-history",)
    file_names = ("trials.csv",)

    trials: tuple[TrialPart, ...]
    """Every trial, by number."""
    record: Unlisted[StudyRecord]

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        record = evidence.record
        metric = record.metric
        return cls(trials=tuple(TrialPart.of(one, metric) for one in record.trials), record=record)

    def blocks(self) -> Iterator[Block]:
        if not self.record.recipe.protocol.is_search:
            return
        points = optimization_history(self.record)
        if not points:
            yield Paragraph("No trial has ended yet.", "quiet")
            return
        if len(points) > 1:
            yield self._plot(points)
        if best := self.record.complete()[:_MOST_LISTED]:
            yield self._table(best)

    def file_texts(self) -> Mapping[str, str]:
        return {"trials.csv": trials_csv(self.record)}

    def _plot(self, points: Sequence[HistoryPoint]) -> Plot:
        metric = self.record.metric
        shown = [points[place] for place in drawn([one.value for one in points], metric)]
        return Plot(
            name="optimization-history",
            alt=f"Validation {metric} of each ended trial and the best so far",
            paper=partial(self._draw, shown),
            page=partial(self._chart, shown),
            caption=drawn_words(len(shown), len(points)),
        )

    def _table(self, best: list[TrialRecord]) -> Table:
        metric = self.record.metric
        several = self.record.recipe.n_folds > 1
        rows = [
            (
                *(str(rank), str(one.number), text.score(trial_score(one), metric)),
                *((text.spread(one.fold_deviation, metric),) if several else ()),
                *(str(one.best_epoch), text.count(one.n_parameters), text.duration(one.seconds)),
                "" if one.candidate is None else self._candidate(one, one.candidate),
            )
            for rank, one in enumerate(best, start=1)
        ]
        header = ("Rank", "Trial", metric.title, *(("Spread",) if several else ()))
        return Table(
            caption="The best complete trials",
            header=(*header, "E*", "Parameters", "Time", "Candidate"),
            rows=tuple(rows),
            align="r" * (len(header) + 3) + "l",
            long="Candidate",
        )

    def _candidate(self, trial: TrialRecord, candidate: Candidate) -> str:
        hand_tuned = self.record.recipe.with_baseline and trial.plan == 0
        words = describe_candidate(candidate)
        return f"Hand-tuned: {words}" if hand_tuned else words

    def _winner(self, points: Sequence[HistoryPoint]) -> Iterator[Series]:
        """Yield a star at the winner, which finalists or a rule may have made another one."""
        winner = self.record.winner()
        for one in points:
            if winner is not None and one.number == winner.number:
                look, number = winner_look(), [one.number]
                yield Series(
                    "winner", [one.index], [one.value], hover=TRIAL_STORY, numbers=number, **look
                )

    def _chart(self, points: Sequence[HistoryPoint]) -> Chart:
        metric = self.record.metric
        figure = new_chart_figure(
            xaxis={"title": _X_LABEL, **whole_ticks(max((one.index for one in points), default=1))},
            yaxis={"title": f"validation {metric}", "tickformat": metric_format(metric)},
            # Trials without a score are shown at the bottom.
            yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
            margin={"l": 60, "r": 16, "t": 48, "b": 48},
        )
        figure.add_trace(_best_so_far(points).trace())
        for kind in ENDED:
            for axis, series in zip(("y", "y2"), _marks(points, kind), strict=True):
                if series.x:
                    figure.add_trace(series.trace(yaxis=axis))
        for star in self._winner(points):
            figure.add_trace(star.trace())
        return Chart(name_once(figure), 400)

    def _draw(self, points: Sequence[HistoryPoint]) -> Figure:
        metric = self.record.metric
        figure = new_figure(2.7)
        axes = figure.add_subplot()
        foot: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "clip_on": False}
        for kind in ENDED:
            for place, series in zip(({}, foot), _marks(points, kind), strict=True):
                if series.x:
                    series.draw(axes, **place)
        _best_so_far(points).draw(axes, zorder=1)
        for star in self._winner(points):
            star.draw(axes, zorder=3)
        integer_axis(axes)
        metric_axis(axes, metric)
        axes.set_xlabel(_X_LABEL)
        axes.set_ylabel(f"validation {metric}")
        style: dict[str, Any] = {"ncols": 3, "handletextpad": 0.4, "columnspacing": 1.2}
        figure.legend(*legend_once(axes), loc="outside lower center", **style)
        return figure


def optimization_history(record: StudyRecord) -> tuple[HistoryPoint, ...]:
    """Each ended trial in the plan's order, with the best score up to it."""
    metric = record.metric
    can_win = {trial.number for trial in record.complete()}
    points: list[HistoryPoint] = []
    best: float | None = None
    for trial in in_plan_order(record.trials):
        if trial.kind not in ENDED:
            continue
        value = trial_score(trial)
        known = trial.number in can_win and value is not None
        if known and value is not None and (best is None or metric.is_better(value, best)):
            best = value
        points.append(HistoryPoint(trial.number, trial.plan, trial.kind, value, best))
    return tuple(points)


def _best_so_far(points: Sequence[HistoryPoint]) -> Series:
    known = [point for point in points if point.best is not None]
    return Series(
        "best so far",
        [point.index for point in known],
        [point.best for point in known],
        GREY,
        width=1.5,
        steps=True,
    )


def _marks(points: Sequence[HistoryPoint], kind: TrialKind) -> tuple[Series, Series]:
    """The trials of a kind: those with a score, and those without, at the bottom of the plot."""

    def series(shown: Sequence[HistoryPoint], heights: Sequence[float | None]) -> Series:
        return Series(
            KIND_NAMES[kind],
            [point.index for point in shown],
            heights,
            hover=TRIAL_STORY,
            numbers=[point.number for point in shown],
            **trial_look(kind),
        )

    scored = [point for point in points if point.kind == kind and point.value is not None]
    others = [point for point in points if point.kind == kind and point.value is None]
    return series(scored, [p.value for p in scored]), series(others, [0.02] * len(others))
