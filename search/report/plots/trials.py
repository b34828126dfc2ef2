"""How the plots show a trial: colours, marks and hover texts."""

from collections.abc import Iterator, Mapping
from typing import Any

from search.metric import Metric
from search.plotting import BLUE, GREY, ORANGE, PURPLE, VERMILLION
from search.report.plots.page import escape, wrap
from search.report.trials import trial_score
from search.text import count, duration, score
from search.tuning.records import StudyRecord, TrialKind, TrialRecord
from spaces.candidate import describe_candidate

KIND_COLOURS: dict[TrialKind, str] = {
    "complete": BLUE,
    "pruned": GREY,
    "diverged": VERMILLION,
    "infeasible": PURPLE,
    "failed": ORANGE,
}


KIND_NAMES: dict[TrialKind, str] = {
    "complete": "complete",
    "pruned": "pruned (last report)",
    "diverged": "diverged (chance)",
    "infeasible": "infeasible",
    "failed": "failed",
}

_SYMBOLS: dict[TrialKind, str] = {
    "complete": "circle",
    "pruned": "circle-open",
    "diverged": "x-thin-open",
    "infeasible": "triangle-down",
    "failed": "cross-thin-open",
}
_MARKERS: dict[TrialKind, str] = {
    "complete": "o",
    "pruned": "o",
    "diverged": "x",
    "infeasible": "v",
    "failed": "+",
}

HoverTexts = Mapping[int, str]  # by trial number, in the markup of plotly's labels


def page_mark(kind: TrialKind) -> dict[str, Any]:
    """The plotly marker of a trial of this kind."""
    colour = KIND_COLOURS[kind]
    return {
        "color": colour,
        "symbol": _SYMBOLS[kind],
        "size": 9,
        "line": {"color": colour, "width": 1.5},
    }


def paper_mark(kind: TrialKind) -> dict[str, Any]:
    """The matplotlib marker of a trial of this kind: open where it was pruned."""
    colour = KIND_COLOURS[kind]
    fill = {"facecolors": "none", "edgecolors": colour} if kind == "pruned" else {"color": colour}
    return {"marker": _MARKERS[kind], "s": 16, "linewidths": 1, **fill}


def trial_hover_texts(record: StudyRecord) -> HoverTexts:
    """What hovering over a trial shows: how it ended, its folds, its candidate and its size."""
    metric = record.recipe.metric
    return {t.number: "<br>".join(_lines(t, metric)) for t in record.trials}


def _lines(trial: TrialRecord, metric: Metric) -> Iterator[str]:
    scored = f"{trial.kind}: {score(trial_score(trial), metric)}{_epoch(trial)}"
    yield f"<b>trial {trial.number}</b>, {scored}"
    if len(trial.fold_scores) > 1:
        yield wrap("folds: " + ", ".join(score(value, metric) for value in trial.fold_scores))
    if trial.candidate is not None:
        yield wrap(describe_candidate(trial.candidate))
    if trial.n_parameters is not None:
        yield escape(f"{count(trial.n_parameters)} parameters, {duration(trial.seconds)}")
    if trial.same_as is not None:
        yield f"the candidate of trial {trial.same_as}, not trained again"
    if trial.reason:
        yield wrap(trial.reason)


def _epoch(trial: TrialRecord) -> str:
    n_epochs = len(trial.history.epochs)
    if trial.best_epoch is not None:
        return f" at E* = {trial.best_epoch}"
    return f" after epoch {n_epochs}" if n_epochs else ""
