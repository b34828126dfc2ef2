"""What hovering over a trial tells of it. Pure."""

from collections.abc import Iterator, Mapping

from search.metric import Metric
from search.report.charts.base import escape, wrap
from search.report.kinds import trial_score
from search.text import count, duration, score
from search.tuning.records import StudyRecord, TrialRecord
from spaces.describe import describe_candidate

Stories = Mapping[int, str]  # by trial number, in the markup of plotly's labels


def trial_stories(record: StudyRecord) -> Stories:
    """Return each trial's story: what became of it, its folds, its candidate and its size."""
    metric = record.recipe.metric
    return {trial.number: "<br>".join(_story(trial, metric)) for trial in record.trials}


def _story(trial: TrialRecord, metric: Metric) -> Iterator[str]:
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
