"""All trials for the page's script, which sorts, filters and compares them. Pure."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from optuna.distributions import BaseDistribution

from search.report.charts import metric_format, new_chart_figure
from search.report.scoring import ComparableTrials
from search.report.trial_table import Column, outcome_columns, parameter_columns, score_unit
from search.tuning.records import StudyRecord, TrialRecord

MOST_CURVES: Final = 100
_MOST_AXES = 7  # besides that of the score
_MOST_PARAMETERS = 4  # in the table, until the reader chooses others
_COMPARED = "compared"
_SHOWN = ("trial", "state", "score", "n_parameters", "seconds")
_DIGITS = 7  # of a number, more than the page shows, so that it rounds once; trials.csv has all


def explorer_content(
    record: StudyRecord,
    ranges: Sequence[dict[str, BaseDistribution]],
    first: Sequence[str],
    compared: ComparableTrials,
) -> dict[str, Any]:
    """Return the columns of all trials that have started, and the curves of the best.

    Args:
        record: The study.
        ranges: The distributions of trials' parameters, the latest last.
        first: The parameters that come first.
        compared: The trials that can be compared.
    """
    started = tuple(one for one in record.trials if one.kind not in ("waiting", "interrupted"))
    record = replace(record, trials=started)
    best = record.complete()[:MOST_CURVES]
    chosen = list(parameter_columns(record, ranges, first))
    shown = [column.name for column in chosen if _varies(column)]
    winner, alike = record.winner(), list(_compared(record, compared))
    return {
        "columns": [
            *(
                _column(one, shown=one.name in _SHOWN, axis=one.name == "score" and not alike)
                for one in outcome_columns(record)
            ),
            *(_column(one, shown=False, axis=True) for one in alike),
            *(
                _column(
                    one,
                    shown=one.name in shown[:_MOST_PARAMETERS],
                    axis=one.name in shown[:_MOST_AXES],
                )
                for one in chosen
            ),
        ],
        "higher_is_better": record.metric.higher_is_better,
        "winner": None if winner is None else winner.number,
        "folds": {
            trial.number: [_short(score) for score in trial.fold_scores]
            for trial in record.trials
            if len(trial.fold_scores) > 1
        },
        "curves": {trial.number: list(_curve(trial, record)) for trial in best},
        "curves_of": "complete trials" if len(best) < MOST_CURVES else f"the best {MOST_CURVES}",
        "curve_layout": _curve_layout(record),
    }


def _compared(record: StudyRecord, found: ComparableTrials) -> Iterator[Column]:
    """Yield what all trials can be compared by, where their scores are of unlike epochs."""
    if found.after is None:
        return
    pairs = zip(found.trials, found.values, strict=True)
    values = {trial.number: value for trial, value in pairs}
    yield Column(
        _COMPARED,
        f"{record.metric.title} after {found.after}",
        score_unit(record.metric),
        tuple(values.get(trial.number) for trial in record.trials),
    )


def _curve_layout(record: StudyRecord) -> dict[str, Any]:
    """The layout of the chart of two trials' curves."""
    axis = {"title": f"validation {record.metric}", "tickformat": metric_format(record.metric)}
    figure = new_chart_figure(xaxis={"title": "epoch"}, yaxis=axis, showlegend=True)
    layout: dict[str, Any] = json.loads(figure.to_json())["layout"]
    return layout


def _varies(column: Column) -> bool:
    return len(set(map(repr, column.values))) > 1


def _column(column: Column, *, shown: bool, axis: bool) -> dict[str, Any]:
    return {
        "name": column.name.lower(),
        "title": column.title,
        "unit": column.unit,
        "log": column.log,
        "score": column.name == "score",
        "compared": column.name == _COMPARED,
        "shown": shown,
        "axis": axis,
        "missing": "not used" if column.parameter else "none",
        "values": [_short(value) for value in column.values],
    }


def _curve(trial: TrialRecord, record: StudyRecord) -> Iterator[Any]:
    return map(_short, trial.history.mean_curve(record.metric))


def _short(value: Any) -> Any:
    """A number with the digits that a page shows; other values as text, none as it is."""
    match value:
        case None | bool() | int():
            return value if not isinstance(value, bool) else str(value)
        case float():
            return float(f"{value:.{_DIGITS}g}")
    return str(value)
