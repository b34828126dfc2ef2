"""All trials as a table, a column for everything that is known of each: for page and CSV. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from search.metric import Metric
from search.objectives import LATENCY, MULTIPLY_ADDS
from search.report.csv_text import csv_text
from search.report.finding import without_folders
from search.report.scoring import trial_score
from search.tuning.records import StudyRecord, TrialRecord

Unit = Literal["text", "number", "count", "share", "seconds"]
"""How a column's values are written: of a share as a percentage, of seconds as a duration."""


@final
@dataclass(frozen=True)
class Column:
    """One value of each trial; None where a trial has none.

    Args:
        name: Its name in the CSV file.
        title: Its heading on the page.
        unit: How its values are written.
        values: The values, a trial each.
        parameter: Whether the sampler chose them.
        log: Whether their range is searched on a logarithmic scale.
    """

    name: str
    title: str
    unit: Unit
    values: tuple[Any, ...]
    parameter: bool = False
    log: bool = False

    def is_known(self) -> bool:
        """Whether any trial has a value."""
        return any(value is not None for value in self.values)


def score_unit(metric: Metric) -> Unit:
    """Return how scores by a metric are written."""
    return "share" if metric.is_share else "number"


def outcome_columns(record: StudyRecord) -> Iterator[Column]:
    """Yield what became of each trial, as far as any has a value."""
    metric = record.metric
    unit = score_unit(metric)
    values: tuple[tuple[str, str, Unit, Callable[[TrialRecord], Any]], ...] = (
        ("trial", "Trial", "count", lambda trial: trial.number),
        ("state", "State", "text", lambda trial: trial.kind),
        ("score", metric.title, unit, trial_score),
        ("std", "Spread", unit, lambda trial: trial.fold_deviation),
        ("best_epoch", "E*", "count", lambda trial: trial.best_epoch),
        ("epochs", "Epochs", "count", lambda trial: len(trial.history.epochs)),
        ("n_parameters", "Parameters", "count", lambda trial: trial.n_parameters),
        ("seconds", "Time", "seconds", lambda trial: trial.seconds or None),
    )
    found = [
        Column(name, title, kind, tuple(map(value, record.trials)))
        for name, title, kind, value in values
    ]
    for cost in (MULTIPLY_ADDS, LATENCY):
        costs = tuple(trial.costs.get(cost.name) for trial in record.trials)
        found.append(Column(cost.name, cost.words, "number", costs))
    return (column for column in found if column.is_known())


def parameter_columns(
    record: StudyRecord, ranges: Sequence[dict[str, BaseDistribution]], first: Sequence[str]
) -> Iterator[Column]:
    """Yield what the sampler chose: the parameters in `first`, then the others by name.

    `ranges` are the distributions of some trials' parameters, the latest last.
    """
    latest = {name: one for each in ranges for name, one in each.items()}
    names = {name for trial in record.trials for name in trial.params}
    ordered = [name for name in first if name in names]
    for name in [*ordered, *sorted(names.difference(ordered))]:
        scale = latest.get(name)
        yield Column(
            name=f"params_{name}",  # as Optuna's `trials_dataframe` has it
            title=name,
            unit="number" if isinstance(scale, FloatDistribution | IntDistribution) else "text",
            values=tuple(trial.params.get(name) for trial in record.trials),
            parameter=True,
            log=isinstance(scale, FloatDistribution | IntDistribution) and scale.log,
        )


def all_columns(record: StudyRecord) -> list[Column]:
    """Return what became of each trial, and its parameters by name."""
    return [*outcome_columns(record), *parameter_columns(record, (), ())]


def trials_csv(record: StudyRecord, rows: Sequence[int] | None = None) -> str:
    """Write trials as CSV: outcome, parameters, each fold's score, every digit kept.

    `rows` are the positions of the trials to write, in order; None for all.
    """
    columns = all_columns(record)
    n_folds = max((len(trial.fold_scores) for trial in record.trials), default=0)
    folds = [trial.fold_scores + (None,) * n_folds for trial in record.trials]
    names = [column.name for column in columns]
    places = range(len(record.trials)) if rows is None else rows
    written = (
        (
            *(column.values[place] for column in columns),
            *folds[place][:n_folds],
            without_folders(record.trials[place].reason or ""),
        )
        for place in places
    )
    return csv_text((*names, *(f"fold_{k}" for k in range(1, n_folds + 1)), "reason"), written)
