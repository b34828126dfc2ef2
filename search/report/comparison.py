"""Several studies side by side: what each cost, found, and gained over hand tuning. Pure."""

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from search.metric import Metric
from search.report.best_so_far import (
    BaselineLevel,
    BestSoFar,
    Courses,
    baseline_levels,
    best_over_time,
    best_over_trials,
    shared_metric,
)
from search.report.evidence import TestedStudy
from search.report.findings.baseline_comparison import BaselineComparison
from search.report.findings.cost import epochs_spent, search_clock
from search.report.ranking import Ranking
from search.report.scoring import (
    KINDS,
    decisive_score,
    further_trainings,
    last_attempts,
    scored_trials,
)
from search.text import plural
from search.tuning.records import StudyRecord, TrialKind


class Estimate(NamedTuple):
    """A figure with its uncertainty.

    A mean has its sample standard deviation `std` (n - 1); `over` says what the mean is over:
    "5 folds" or "3 trainings". A single test accuracy has its 95% Wilson `interval`.
    """

    value: float
    std: float | None = None
    over: str = ""
    interval: tuple[float, float] | None = None


def score_estimate(record: StudyRecord) -> Estimate | None:
    """Return the winner's score, or the mean of a baseline study's several trainings.

    The score of a finalist is the mean of its further trainings.
    """
    winner = record.winner()
    best = None if winner is None else decisive_score(record, winner)
    if winner is None or best is None:
        return None
    if not record.recipe.protocol.is_search and len(record.complete()) > 1:
        return _over_trainings([score for _, score in scored_trials(record)])
    again = further_trainings(record, winner)
    if again is not None:
        known = [score for score in again.scores if score is not None]
        return Estimate(best, statistics.stdev(known), plural(len(known), "further training"))
    std, n_folds = winner.fold_deviation, len(winner.fold_scores)
    return Estimate(best) if std is None else Estimate(best, std, plural(n_folds, "fold"))


def accuracy_estimate(record: StudyRecord) -> Estimate | None:
    """Return the test accuracy, or the mean if several trainings were tested."""
    if record.test is None:
        return None
    if len(record.repeats) > 1:
        return _over_trainings([repeat.accuracy for repeat in record.repeats])
    return Estimate(record.test.accuracy, interval=record.test.interval)


def _over_trainings(values: Sequence[float]) -> Estimate:
    mean, deviation = statistics.fmean(values), statistics.stdev(values)
    return Estimate(mean, deviation, plural(len(values), "training"))


class ComparedStudy(NamedTuple):
    """A study and the baseline study to compare it with, None if there is none."""

    study: TestedStudy
    baseline: TestedStudy | None = None


class StudyRow(NamedTuple):
    """One study; what is not there yet is None.

    Attributes:
        record: The study.
        trials: How many trials ended in each way, counting only the last attempt at each.
        epochs: Those of every fold, discarded or not.
        seconds: The time in which at least one trial was running.
        score: The best validation score, or the mean of a baseline study's trainings.
        test: The test accuracy, likewise.
        versus: The comparison with its baseline study.
        baseline_test: That study's test accuracy.
    """

    record: StudyRecord
    trials: tuple[tuple[TrialKind, int], ...]
    epochs: int
    seconds: float
    score: Estimate | None
    test: Estimate | None
    versus: BaselineComparison | None
    baseline_test: Estimate | None


def study_row(compared: ComparedStudy) -> StudyRow:
    """Return a study's row.

    Raises MachineError if stored predictions do not belong to the test results.
    """
    study, baseline = compared
    record = study.record
    kinds = Counter(trial.kind for trial in last_attempts(record))
    versus = None if baseline is None else BaselineComparison.between(study, baseline)
    return StudyRow(
        record=record,
        trials=tuple((kind, kinds[kind]) for kind in KINDS if kinds[kind]),
        epochs=epochs_spent(record),
        seconds=search_clock(record).total(),
        score=score_estimate(record),
        test=accuracy_estimate(record),
        versus=versus,
        baseline_test=None
        if baseline is None or versus is None
        else accuracy_estimate(baseline.record),
    )


class Comparison(NamedTuple):
    """The rows in the requested order, and the curves of the searches.

    `curves` are over seconds of search, `by_trial` over trials. `metric` is that of the curves and
    levels; the levels are those of every baseline study that is compared or set beside one.
    `ranking` is None with fewer than two ways to search, or three tasks.
    """

    rows: tuple[StudyRow, ...]
    curves: tuple[BestSoFar, ...]
    by_trial: tuple[BestSoFar, ...]
    levels: tuple[BaselineLevel, ...]
    metric: Metric
    ranking: Ranking | None = None

    @property
    def datasets(self) -> int:
        """Return how many different datasets the studies use."""
        return len({row.record.dataset.fingerprint for row in self.rows})

    @property
    def over_time(self) -> Courses | None:
        """The curves over hours of search, or over minutes if no search took an hour."""
        curves = tuple(curve for curve in self.curves if curve.points)
        if not curves:
            return None
        hours = max(curve.total for curve in curves) >= 3600
        name, seconds = ("hours", 3600.0) if hours else ("minutes", 60.0)
        return Courses(curves, self.levels, self.metric, f"{name} of search", seconds)

    @property
    def over_trials(self) -> Courses | None:
        """The curves over trials."""
        curves = tuple(curve for curve in self.by_trial if curve.points)
        label = "trials, in the plan's order"
        return Courses(curves, self.levels, self.metric, label) if curves else None


def compare(compared: Sequence[ComparedStudy]) -> Comparison:
    """Compare studies; a baseline study among them has a level instead of a curve.

    Raises MachineError if stored predictions do not belong to the test results.
    """
    records = [one.study.record for one in compared]
    metric = shared_metric(records)
    beside = [one.baseline.record for one in compared if one.baseline is not None]
    baselines = {r.name: r for r in [*records, *beside] if not r.recipe.protocol.is_search}
    searches = [record for record in records if record.name not in baselines]
    n_datasets = len({record.dataset.fingerprint for record in records})
    return Comparison(
        rows=tuple(study_row(one) for one in compared),
        curves=tuple(best_over_time(record, metric) for record in searches),
        by_trial=tuple(best_over_trials(record, metric) for record in searches),
        levels=baseline_levels(list(baselines.values()), metric, datasets=n_datasets),
        metric=metric,
        ranking=Ranking.of(records),
    )
