"""Several studies side by side, as a page, as Markdown and as CSV. Pure."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import plotly.graph_objects as go

from search.metric import Metric
from search.plotting import BLUE, ORANGE
from search.report.blocks import Block, Chart, Code, Heading, Paragraph, Plot, Table
from search.report.charts import Series, escape, new_chart_figure
from search.report.comparison import BaselineGain, Comparison, Estimate, StudyRow
from search.report.render.html import Chapter, chapter, render_chapters
from search.report.render.markdown import table
from search.report.scoring import KINDS
from search.text import count, duration, interval, percent, points

ABSENT = "–"
COMPARISON_FIGURES = ("best-so-far", "best-so-far-by-trial")
READING = (
    "Epochs count every fold, discarded ones too; time is when at least one trial was running.",
    "± is a standard deviation: over the winner’s folds, or over a baseline’s trainings. Brackets "
    "after a test accuracy hold its 95% interval (Wilson).",
    "The difference is in test accuracy, against the baseline’s exported model (the one with the "
    "best validation score), whose accuracy stands last; its 95% interval (Wald) compares both "
    "models image by image.",
)
_NO_COURSE = "No search among them has a complete trial."


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
    baseline="baseline’s test accuracy",
    gain="difference",
)


def text_rows(compared: Comparison) -> tuple[TextRow, ...]:
    """One row a study."""
    return tuple(_text_row(row) for row in compared.rows)


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
    """A figure with how certain it is: "78.03% ± 0.30 (2 trainings)"."""
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


def _difference(gain: BaselineGain) -> str:
    if gain.interval is None:
        return f"{points(gain.difference)} points against {percent(gain.against, 2)}"
    low, high = gain.interval
    between = f"({points(low)} to {points(high)})"
    return f"{points(gain.difference)} points {between} against {percent(gain.against, 2)}"


def notes(compared: Comparison) -> tuple[str, ...]:
    """In a line each: which data and code the studies used, and why there is no plot."""
    told = [_data_note(compared)]
    changed = [row.study for row in compared.rows if row.changed]
    if changed:
        told.append(
            f"Code changed while these studies ran, see their reports: {', '.join(changed)}."
        )
    if compared.over_time is None:
        told.append("No search among them has a complete trial, so there is no plot.")
    return tuple(told)


def _data_note(compared: Comparison) -> str:
    studies: dict[str, list[StudyRow]] = {}
    for row in compared.rows:
        studies.setdefault(row.fingerprint, []).append(row)
    if len(studies) == 1:
        return f"All studies use the same data: {compared.rows[0].dataset}."
    parts = (
        f"{', '.join(row.study for row in rows)} of {rows[0].dataset} ({fingerprint[:12]})"
        for fingerprint, rows in studies.items()
    )
    return f"The studies use different data, so compare with care: {'; '.join(parts)}."


def comparison_page(compared: Comparison, command: str) -> str:
    """The page as HTML; every name from outside is escaped. `command` makes it again."""
    title = f"{len(compared.rows)} studies compared"
    lead = ", ".join(row.study for row in compared.rows)
    return render_chapters("Comparison", title, lead, list(_chapters(compared, command)))


def _chapters(compared: Comparison, command: str) -> Iterator[Chapter]:
    first, *others = notes(compared)
    tone: Literal["plain", "notice"] = "notice" if compared.datasets > 1 else "plain"
    yield chapter("", "", "", Paragraph(first, tone), *(Paragraph(one, "notice") for one in others))
    yield chapter("winner", "Winners", "What won", _winners(compared))
    yield chapter("test", "Test", "How good it is", *_tests(compared))
    yield chapter("course", "Best so far", "How the searches got there", *_courses(compared))
    yield chapter("cost", "Cost", "What it cost", _costs(compared), Paragraph(READING[0], "quiet"))
    yield chapter("repeat", "Reproduce", "How to reproduce it", Code(command, "sh"))


def _winners(compared: Comparison) -> Table:
    rows = tuple(
        (
            row.study,
            ABSENT if row.winner is None else str(row.winner.trial),
            cells.score,
            count(None if row.winner is None else row.winner.n_parameters),
            "no trial is complete yet" if row.winner is None else row.winner.words,
        )
        for row, cells in zip(compared.rows, text_rows(compared), strict=True)
    )
    return Table(
        caption="The best complete trial of each study",
        header=("Study", "Trial", "Validation score", "Parameters", "Candidate"),
        rows=rows,
        align="lrrrl",
        long="Candidate",
    )


def _tests(compared: Comparison) -> Iterator[Block]:
    tested = [row for row in compared.rows if row.test is not None]
    if tested:
        yield Plot(
            name="results",
            alt=f"Test accuracy of {len(tested)} studies, each with its interval or deviation",
            page=lambda: _results_chart(tested),
        )
    else:
        yield Paragraph("No study has a test result yet.", "quiet")
    yield Table(
        caption="Test accuracy of each study, and of the baseline study of its data",
        header=("Study", "Test accuracy", "Baseline’s", "Difference", "Baseline"),
        rows=tuple(
            (
                cells.study,
                cells.test,
                cells.baseline,
                cells.gain,
                row.gain.study if row.gain else ABSENT,
            )
            for row, cells in zip(compared.rows, text_rows(compared), strict=True)
        ),
        align="lrrll",
    )
    yield from (Paragraph(one, "quiet") for one in READING[1:])


def _courses(compared: Comparison) -> Iterator[Block]:
    yield from _course("trials", compared)
    yield from _course("time", compared)
    if compared.over_time is not None:
        yield Paragraph(
            "Each mark is an improvement; hover over it for the trial’s settings. Grey lines show "
            "what hand tuning reaches. A race scores all its trials at its end; until then, a thin "
            "line shows the best on the first fold.",
            "quiet",
        )


def _course(over: Literal["trials", "time"], compared: Comparison) -> Iterator[Block]:
    courses = compared.over_trials if over == "trials" else compared.over_time
    yield Heading(f"Best so far over {over}")
    if courses is None:
        yield Paragraph(_NO_COURSE, "quiet")
        return
    yield Plot(
        name="best-so-far-by-trial" if over == "trials" else "best-so-far",
        alt=(
            f"Best validation {courses.metric} so far of {len(courses.curves)} searches, over "
            f"{over}"
        ),
        paper=courses.draw,
        page=courses.chart,
    )


def _costs(compared: Comparison) -> Table:
    rows = (
        (c.study, c.space, c.sampler, c.validation, c.trials, c.epochs, c.time)
        for c in text_rows(compared)
    )
    return Table(
        caption="How each study searched, and what it spent",
        header=("Study", "Space", "Sampler", "Validation", "Trials", "Epochs", "Time"),
        rows=tuple(rows),
        align="lllllrr",
    )


def comparison_plots(compared: Comparison) -> tuple[Plot, ...]:
    """All plots that the studies have something to show for."""
    blocks = (*_tests(compared), *_courses(compared))
    return tuple(block for block in blocks if isinstance(block, Plot))


def _results_chart(tested: Sequence[StudyRow]) -> Chart:
    """Each study's test accuracy with its interval or deviation, the first study on top."""
    figure = new_chart_figure(
        xaxis={"title": "test accuracy", "tickformat": ".0%", "zeroline": False},
        yaxis={"autorange": "reversed", "automargin": True, "showgrid": False, "zeroline": False},
        margin={"l": 16, "r": 16, "t": 40, "b": 48},
    )
    names = [escape(row.study) for row in tested]
    figure.update_yaxes(tickvals=list(range(len(tested))), ticktext=names)
    looks: dict[str, dict[str, Any]] = {
        "search": {"colour": BLUE},
        "baseline": {"colour": ORANGE, "marker": "diamond"},
    }
    for kind, look in looks.items():
        shown = [(i, row.study, row.test) for i, row in enumerate(tested) if row.kind == kind]
        marks = [(place, study, test) for place, study, test in shown if test is not None]
        if marks:
            figure.add_trace(_marks(kind, marks, look))
    return Chart(figure, 110 + 34 * len(tested))


def _marks(
    kind: str, tested: Sequence[tuple[int, str, Estimate]], look: dict[str, Any]
) -> go.Scatter:
    values = [test.value for _, _, test in tested]
    bounds = [_bounds(test) for _, _, test in tested]
    texts = [
        f"<b>{escape(study)}</b><br>{estimate_text(test, 'accuracy')}" for _, study, test in tested
    ]
    places = [place for place, _, _ in tested]
    series = Series(kind, values, places, size=10, texts=texts, **look)
    return series.trace(
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [high - value for value, (_, high) in zip(values, bounds, strict=True)],
            "arrayminus": [value - low for value, (low, _) in zip(values, bounds, strict=True)],
            "color": series.colour,
        }
    )


def _bounds(estimate: Estimate) -> tuple[float, float]:
    """The interval, or a standard deviation to both sides."""
    if estimate.interval is not None:
        return estimate.interval
    std = estimate.std or 0.0
    return estimate.value - std, estimate.value + std


def comparison_markdown(compared: Comparison, command: str) -> str:
    """The table, how to read it, and the command that makes it again."""
    shown = table(COLUMNS, text_rows(compared), "lllllrrrrrl")
    told = (shown, *notes(compared), *READING, f"Made by `{command}`.")
    return "\n\n".join(told) + "\n"


def comparison_csv(compared: Comparison) -> str:
    """One line a study with every digit; what is not there yet is empty.

    Accuracies and their differences are fractions, losses are in nats.
    """
    rows = [_figures(row) for row in compared.rows]
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
        **_interval("test", None if row.test is None else row.test.interval),
        "baseline": None if gain is None else gain.study,
        **_mean("baseline_test", None if gain is None else gain.test),
        **_interval("baseline_test", None if gain is None else gain.test.interval),
        "baseline_trial": None if gain is None else gain.trial,
        "difference": None if gain is None else gain.difference,
        **_interval("difference", None if gain is None else gain.interval),
    }


def _mean(name: str, estimate: Estimate | None) -> dict[str, object]:
    if estimate is None:
        return {name: None, f"{name}_std": None, f"{name}_over": None}
    return {name: estimate.value, f"{name}_std": estimate.std, f"{name}_over": estimate.over}


def _interval(name: str, interval: tuple[float, float] | None) -> dict[str, object]:
    low, high = (None, None) if interval is None else interval
    return {f"{name}_low": low, f"{name}_high": high}
