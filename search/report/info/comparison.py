"""Several studies side by side: a row each, and the courses of the searches. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from search.metric import Metric
from search.report.info.best_so_far import (
    BaselineLevel,
    BestSoFar,
    baseline_levels,
    best_over_time,
    best_over_trials,
    shared_metric,
)
from search.report.info.study_row import ComparedStudy, StudyRow, study_row


class ComparisonInfo(NamedTuple):
    """The rows in the order asked for, and the curves of the searches among them.

    `curves` are over seconds of search, `by_trial` over trials. `metric` is that of the curves and
    levels; the levels are those of every baseline study that is compared or set beside one.
    """

    rows: tuple[StudyRow, ...]
    curves: tuple[BestSoFar, ...]
    by_trial: tuple[BestSoFar, ...]
    levels: tuple[BaselineLevel, ...]
    metric: Metric

    @property
    def datasets(self) -> int:
        """Return of how many different datasets the studies are."""
        return len({row.fingerprint for row in self.rows})

    @property
    def drawn(self) -> tuple[BestSoFar, ...]:
        """Return the curves over time that have something to show."""
        return tuple(curve for curve in self.curves if curve.points)

    @property
    def drawn_by_trial(self) -> tuple[BestSoFar, ...]:
        """Return the curves over trials that have something to show."""
        return tuple(curve for curve in self.by_trial if curve.points)


def comparison_info(compared: Sequence[ComparedStudy]) -> ComparisonInfo:
    """Return what there is to say of the studies; a baseline among them has a level, no curve.

    Raises MachineError where stored predictions do not belong to the test results.
    """
    records = [one.study.record for one in compared]
    metric = shared_metric(records)
    beside = [one.baseline.record for one in compared if one.baseline is not None]
    baselines = {r.name: r for r in [*records, *beside] if not r.recipe.protocol.is_search}
    searches = [record for record in records if record.name not in baselines]
    return ComparisonInfo(
        rows=tuple(study_row(one) for one in compared),
        curves=tuple(best_over_time(record, metric) for record in searches),
        by_trial=tuple(best_over_trials(record, metric) for record in searches),
        levels=baseline_levels(list(baselines.values()), metric),
        metric=metric,
    )
