"""Several studies side by side, as they are to be read. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from search.metric import Metric
from search.report.info.comparison import ComparisonInfo
from search.report.info.estimate import Estimate
from search.report.info.study_row import GainInfo, StudyRow
from search.text import count, duration, interval, percent, points

ABSENT = "–"
READING = (
    "Epochs are those of every fold, in vain or not; time is that in which any trial ran. "
    "± is a standard deviation, over the winner's folds or over a baseline's trainings. Intervals "
    "are of 95%: Wilson's for a test accuracy, Wald's for a difference, which is taken image by "
    "image on the test set against the baseline's exported model, that of its best validation "
    "score, whose accuracy stands last."
)


class TextRow(NamedTuple):
    """A study's row as it is to be read; a cell that is not there yet is a dash."""

    study: str
    space: str
    sampler: str
    validation: str
    trials: str
    epochs: str
    time: str
    score: str
    test: str
    baseline: str
    gain: str


COLUMNS = TextRow(
    study="study",
    space="space",
    sampler="sampler",
    validation="validation",
    trials="trials",
    epochs="epochs",
    time="time",
    score="validation score",
    test="test accuracy",
    baseline="baseline's test accuracy",
    gain="difference",
)


def text_rows(info: ComparisonInfo) -> tuple[TextRow, ...]:
    """Return one row a study."""
    return tuple(_text_row(row) for row in info.rows)


def _text_row(row: StudyRow) -> TextRow:
    return TextRow(
        study=row.study,
        space=row.space,
        sampler=row.sampler,
        validation=row.validation,
        trials=", ".join(f"{number} {kind}" for kind, number in row.trials) or ABSENT,
        epochs=count(row.epochs),
        time=duration(row.seconds),
        score=estimate_text(row.score, row.metric),
        test=estimate_text(row.test, "accuracy"),
        baseline=ABSENT if row.gain is None else estimate_text(row.gain.test, "accuracy"),
        gain=ABSENT if row.gain is None else _difference(row.gain),
    )


def estimate_text(estimate: Estimate | None, metric: Metric) -> str:
    """Return a figure with how sure it is: "78.03% ± 0.30 (2 trainings)"."""
    if estimate is None:
        return ABSENT
    if metric == "loss":
        spread = "" if estimate.std is None else f" ± {estimate.std:.4f}"
        value = f"loss {estimate.value:.4f}{spread}"
    else:
        spread = "" if estimate.std is None else f" ± {100 * estimate.std:.2f}"
        value = f"{percent(estimate.value, 2)}{spread}"
    beside = estimate.over if estimate.interval is None else interval(estimate.interval)
    return f"{value} ({beside})" if beside else value


def _difference(gain: GainInfo) -> str:
    if gain.interval is None:
        return f"{points(gain.difference)} points against {percent(gain.against, 2)}"
    low, high = gain.interval
    sure = f"({points(low)} to {points(high)})"
    return f"{points(gain.difference)} points {sure} against {percent(gain.against, 2)}"


def notes(info: ComparisonInfo) -> tuple[str, ...]:
    """Return in a line each of which data and code the studies are, and why there is no figure."""
    told = [_data_note(info)]
    changed = [row.study for row in info.rows if row.changed]
    if changed:
        told.append(f"Of code that changed on the way, as their reports say: {', '.join(changed)}.")
    if not info.drawn:
        told.append("No search among them has a complete trial, so there is no figure.")
    return tuple(told)


def _data_note(info: ComparisonInfo) -> str:
    studies: dict[str, list[StudyRow]] = {}
    for row in info.rows:
        studies.setdefault(row.fingerprint, []).append(row)
    if len(studies) == 1:
        return f"All of them are of the same data, {info.rows[0].dataset}."
    parts = (
        f"{', '.join(row.study for row in rows)} of {rows[0].dataset} ({fingerprint[:12]})"
        for fingerprint, rows in studies.items()
    )
    return f"They are not of the same data, so compare with care: {'; '.join(parts)}."


def comparison_markdown(info: ComparisonInfo, command: str) -> str:
    """Return the table, how it is to be read, and the command that makes it again."""
    table = [_line(COLUMNS), "|" + "---|" * len(COLUMNS), *map(_line, text_rows(info))]
    return "\n\n".join(("\n".join(table), *notes(info), READING, f"Made by `{command}`.")) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
