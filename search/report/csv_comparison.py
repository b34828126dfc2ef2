"""Several studies side by side, for other programs. Pure."""

import csv
import io

from search.report.info.comparison import ComparisonInfo
from search.report.info.estimate import Estimate
from search.report.info.study_row import StudyRow
from search.report.trials import KINDS


def comparison_csv(info: ComparisonInfo) -> str:
    """Return one line a study with every digit; what is not there yet is empty.

    Accuracies and their differences are fractions, losses are in nats.
    """
    rows = [_figures(row) for row in info.rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _figures(row: StudyRow) -> dict[str, object]:
    trials, gain = dict(row.trials), row.gain
    return {
        "study": row.study,
        "space": row.space,
        "sampler": row.sampler,
        "validation": row.validation,
        "dataset": row.dataset,
        "fingerprint": row.fingerprint,
        **{f"trials_{kind}": trials.get(kind, 0) for kind in KINDS},
        "epochs": row.epochs,
        "hours": row.seconds / 3600,
        "metric": row.metric,
        **_mean("score", row.score),
        **_mean("test", row.test),
        **_bounds("test", None if row.test is None else row.test.interval),
        "baseline": None if gain is None else gain.study,
        **_mean("baseline_test", None if gain is None else gain.test),
        **_bounds("baseline_test", None if gain is None else gain.test.interval),
        "baseline_trial": None if gain is None else gain.trial,
        "difference": None if gain is None else gain.difference,
        **_bounds("difference", None if gain is None else gain.interval),
    }


def _mean(name: str, estimate: Estimate | None) -> dict[str, object]:
    if estimate is None:
        return {name: None, f"{name}_std": None, f"{name}_over": None}
    return {name: estimate.value, f"{name}_std": estimate.std, f"{name}_over": estimate.over}


def _bounds(name: str, interval: tuple[float, float] | None) -> dict[str, object]:
    low, high = (None, None) if interval is None else interval
    return {f"{name}_low": low, f"{name}_high": high}
