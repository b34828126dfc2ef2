"""Several studies side by side, as a page, as Markdown and as CSV. Pure."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import plotly.graph_objects as go

from search.metric import ACCURACY, Metric
from search.plotting import BLUE, GREY, ORANGE
from search.report.blocks import Block, Chart, Code, Heading, Paragraph, Plot, Table
from search.report.charts import Series, escape, new_chart_figure
from search.report.comparison import Comparison, Estimate, StudyRow
from search.report.findings.baseline_comparison import BaselineComparison
from search.report.ranking import Ranking
from search.report.render.html import Chapter, chapter, render_chapters
from search.report.render.markdown import table
from search.report.scoring import KINDS
from search.text import count, duration, interval, percent, points, score, validation_text
from search.tuning.records import StudyRecord
from spaces.candidate import describe_candidate

ABSENT = "–"
COMPARISON_FIGURES = ("best-so-far", "best-so-far-by-trial", "mean-ranks")
READING = (
    "Epochs count every fold, discarded ones too; time is when at least one trial was running.",
    "SD is a standard deviation: over the winner’s folds, or over a baseline’s trainings. It says "
    "how far single results scatter, not how certain their mean is. A single test accuracy has its "
    "95% interval (Wilson).",
    "The difference is in test accuracy, against the baseline’s exported model (the one with the "
    "best validation score), whose accuracy stands last; its 95% interval (Newcombe) compares both "
    "models image by image.",
)
_NO_COURSE = "No search among them has a complete trial."


Cells = Mapping[str, str]  # texts by the names of their columns


def text_rows(compared: Comparison) -> list[Cells]:
    """One row per study, as text; a cell without a value yet is a dash."""
    return [_cells(row) for row in compared.rows]


def _cells(row: StudyRow) -> Cells:
    recipe, trials = row.record.recipe, (f"{number} {kind}" for kind, number in row.trials)
    return {
        "study": row.record.name,
        "space": recipe.space,
        "sampler": recipe.sampler,
        "validation": _validation(row.record),
        "trials": ", ".join(trials) or ABSENT,
        "epochs": count(row.epochs),
        "time": duration(row.seconds),
        "validation score": estimate_text(row.score, row.record.metric),
        "test accuracy": estimate_text(row.test, ACCURACY),
        "baseline’s test accuracy": estimate_text(row.baseline_test, ACCURACY),
        "difference": _difference(row.versus),
        "baseline": ABSENT if row.versus is None else row.versus.study,
    }


def _validation(record: StudyRecord) -> str:
    recipe = record.recipe
    if recipe.protocol.split is not None:
        return "report's split"
    how = validation_text(recipe.validation, recipe.holdout_fraction, recipe.folds)
    return f"{how}, raced" if recipe.racing else how


def estimate_text(estimate: Estimate | None, metric: Metric) -> str:
    """A figure with its uncertainty: "78.03% (SD 0.30, 2 trainings)", "61.2% (60.1% to 62.3%)"."""
    if estimate is None:
        return ABSENT
    value = score(estimate.value, metric)
    value = value if metric is ACCURACY else f"{metric} {value}"
    if estimate.interval is not None:
        return f"{value} ({interval(estimate.interval)})"
    if estimate.std is None:
        return value
    deviation = f"{100 * estimate.std:.2f}" if metric.is_share else f"{estimate.std:.4f}"
    return f"{value} (SD {deviation}, {estimate.over})"


def _difference(versus: BaselineComparison | None) -> str:
    if versus is None:
        return ABSENT
    same = ", the same candidate" if versus.same_candidate else ""
    against = f"against {percent(versus.accuracy, 2)}{same}"
    if versus.paired is None:
        return f"{points(versus.overall.gain)} points {against}"
    low, high = versus.paired.interval
    return f"{points(versus.overall.gain)} points ({points(low)} to {points(high)}) {against}"


def notes(compared: Comparison) -> tuple[str, ...]:
    """One line each on data and code of the studies, and on why there is no plot."""
    told = [_data_note(compared)]
    changed = [row.record.name for row in compared.rows if row.record.changes]
    if changed:
        told.append(
            f"Code changed while these studies ran, see their reports: {', '.join(changed)}."
        )
    if compared.ranking is not None:
        told.extend(compared.ranking.sentences())
    unranked = Ranking.why_none([row.record for row in compared.rows])
    if unranked is not None:
        told.append(unranked)
    if compared.over_time is None:
        told.append("No search among them has a complete trial, so there is no plot.")
    return tuple(told)


def _data_note(compared: Comparison) -> str:
    studies: dict[str, list[str]] = {}
    names = {row.record.dataset.fingerprint: row.record.dataset.name for row in compared.rows}
    for row in compared.rows:
        studies.setdefault(row.record.dataset.fingerprint, []).append(row.record.name)
    if len(studies) == 1:
        return f"All studies use the same data: {compared.rows[0].record.dataset.name}."
    parts = (
        f"{', '.join(those)} of {names[fingerprint]} ({fingerprint[:12]})"
        for fingerprint, those in studies.items()
    )
    return f"The studies use different data, so compare with care: {'; '.join(parts)}."


def comparison_page(compared: Comparison, command: str) -> str:
    """The page as HTML; every name from outside is escaped. `command` makes it again."""
    title = f"{len(compared.rows)} studies compared"
    lead = ", ".join(row.record.name for row in compared.rows)
    return render_chapters("Comparison", title, lead, list(_chapters(compared, command)))


def _chapters(compared: Comparison, command: str) -> Iterator[Chapter]:
    first, *others = notes(compared)
    tone: Literal["plain", "notice"] = "notice" if compared.datasets > 1 else "plain"
    yield chapter("", "", "", Paragraph(first, tone), *(Paragraph(one, "notice") for one in others))
    yield chapter("winner", "Winners", "What won", _winners(compared))
    yield chapter("test", "Test", "How good it is", *_tests(compared))
    if compared.ranking is not None:
        title = "Which way to search is better"
        yield chapter("ranks", "Ranks", title, *_ranks(compared.ranking))
    yield chapter("course", "Best so far", "How the searches got there", *_courses(compared))
    yield chapter("cost", "Cost", "What it cost", _costs(compared), Paragraph(READING[0], "quiet"))
    yield chapter("repeat", "Reproduce", "How to reproduce it", Code(command, "sh"))


def _winners(compared: Comparison) -> Table:
    rows = []
    for row, cells in zip(compared.rows, text_rows(compared), strict=True):
        winner = row.record.winner()
        if winner is None:
            words = "no trial is complete yet"
        else:
            words = "" if winner.candidate is None else describe_candidate(winner.candidate)
        number = ABSENT if winner is None else str(winner.number)
        n_parameters = count(None if winner is None else winner.n_parameters)
        rows.append((cells["study"], number, cells["validation score"], n_parameters, words))
    return Table(
        caption="The best complete trial of each study",
        header=("Study", "Trial", "Validation score", "Parameters", "Candidate"),
        rows=tuple(rows),
        align="lrrrl",
        long="Candidate",
    )


def _table(compared: Comparison, caption: str, align: str, *columns: str) -> Table:
    """Return some columns of all studies."""
    return Table(
        caption=caption,
        header=tuple(f"{name[0].upper()}{name[1:]}" for name in columns),
        rows=tuple(tuple(cells[name] for name in columns) for cells in text_rows(compared)),
        align=align,
    )


def _tests(compared: Comparison) -> Iterator[Block]:
    tested = [row for row in compared.rows if row.test is not None]
    if tested:
        yield Plot(
            name="results",
            alt=f"Test accuracy of {len(tested)} studies, each with its interval or spread",
            page=lambda: _results_chart(tested),
            data="results.csv",
        )
    else:
        yield Paragraph("No study has a test result yet.", "quiet")
    caption = "Test accuracy of each study, and of the baseline study of its data"
    columns = ("study", "test accuracy", "baseline’s test accuracy", "difference", "baseline")
    yield _table(compared, caption, "lrrll", *columns)
    yield from (Paragraph(one, "quiet") for one in READING[1:])


def _ranks(ranking: Ranking) -> Iterator[Block]:
    yield Paragraph(" ".join(ranking.sentences()))
    yield Plot(
        name="mean-ranks",
        alt=f"Mean ranks of {len(ranking.methods)} ways to search over {ranking.n_tasks} tasks",
        paper=ranking.draw,
        page=ranking.chart,
    )
    yield _rank_table(ranking)
    yield Paragraph(
        "A task is a dataset with a seed; studies of the same settings are one way to search. On "
        "each task they are ranked by test accuracy, ties by the mean of their ranks (Demšar, "
        "2006). Seeds on one dataset share its test images: they say less than as many datasets.",
        "quiet",
    )


def _rank_table(ranking: Ranking) -> Table:
    return Table(
        caption=f"Ways to search by their mean rank over {ranking.n_tasks} tasks; 1 is best",
        header=("Settings", "Mean rank", "Mean test accuracy"),
        rows=tuple(
            (one.name, f"{one.mean_rank:.2f}", score(one.mean, ACCURACY)) for one in ranking.methods
        ),
        align="lrr",
    )


def _courses(compared: Comparison) -> Iterator[Block]:
    yield from _course("trials", compared)
    yield from _course("time", compared)
    if compared.over_time is not None:
        again = any(row.record.best_finalist() is not None for row in compared.rows)
        yield Paragraph(
            "Each mark is an improvement; hover over it for the trial’s settings. Grey lines show "
            "what hand tuning reaches. "
            + "Scores are those of the search; finalists have others, in the table. "
            * again
            + "A race scores all its trials at its end; until then, a thin "
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
    caption = "How each study searched, and what it cost"
    columns = ("study", "space", "sampler", "validation", "trials", "epochs", "time")
    return _table(compared, caption, "lllllrr", *columns)


def comparison_plots(compared: Comparison) -> tuple[Plot, ...]:
    """All plots that there is data for."""
    ranks = () if compared.ranking is None else _ranks(compared.ranking)
    blocks = (*_tests(compared), *ranks, *_courses(compared))
    return tuple(block for block in blocks if isinstance(block, Plot))


_ROOM = 0.04  # beside the intervals, as a share of all


def _results_chart(tested: Sequence[StudyRow]) -> Chart:
    """Each study's test accuracy with its interval or spread, the first study on top."""
    figure = new_chart_figure(
        xaxis={"title": "test accuracy", "tickformat": ".0%", "zeroline": False},
        yaxis={"autorange": "reversed", "automargin": True, "showgrid": False, "zeroline": False},
        margin={"l": 16, "r": 16, "t": 40, "b": 48},
    )
    names = [escape(row.record.name) for row in tested]
    figure.update_yaxes(tickvals=list(range(len(tested))), ticktext=names)
    looks: dict[str, dict[str, Any]] = {
        "search": {"colour": BLUE},
        "baseline": {"colour": ORANGE, "marker": "diamond"},
    }
    figure.add_traces(list(_whiskers([row.test for row in tested if row.test is not None])))
    for kind, look in looks.items():
        shown = [
            (place, row.record.name, row.test)
            for place, row in enumerate(tested)
            if row.record.recipe.protocol.kind == kind and row.test is not None
        ]
        if shown:
            figure.add_trace(_marks(kind, shown, look))
    figure.update_xaxes(range=_with_room(figure))
    return Chart(figure, 110 + 34 * len(tested))


def _with_room(figure: go.Figure) -> tuple[float, float]:
    """Return a range of the x axis in which no interval reaches the edge, or a study's name."""
    values = [x for trace in figure.data for x in trace.x if x is not None]
    low, high = min(values), max(values)
    room = _ROOM * (high - low) or _ROOM
    return low - room, high + room


def _marks(
    kind: str, tested: Sequence[tuple[int, str, Estimate]], look: dict[str, Any]
) -> go.Scatter:
    texts = [
        f"<b>{escape(study)}</b><br>{estimate_text(test, ACCURACY)}" for _, study, test in tested
    ]
    places = [place for place, _, _ in tested]
    values = [test.value for _, _, test in tested]
    return Series(kind, values, places, size=10, texts=texts, **look).trace()


def _whiskers(tested: Sequence[Estimate]) -> Iterator[go.Scatter]:
    """Yield the uncertainty of each place: one look, named in the legend, means one thing."""
    spans: dict[str, list[tuple[int, float, float]]] = {}
    looks: dict[str, dict[str, Any]] = {}
    for place, test in enumerate(tested):
        if test.interval is not None:
            name, (low, high), look = "95% interval", test.interval, {"width": 1.5}
        elif test.std is not None:
            name, look = f"spread (SD) of {test.over}", {"width": 9, "opacity": 0.35}
            low, high = test.value - test.std, test.value + test.std
        else:
            continue
        spans.setdefault(name, []).append((place, low, high))
        looks[name] = look
    for name, found in spans.items():
        xs = [x for _, low, high in found for x in (low, high, None)]
        ys = [y for place, _, _ in found for y in (place, place, None)]
        yield Series(name, xs, ys, GREY, **looks[name]).trace(legendrank=2000)  # after the studies


def comparison_markdown(compared: Comparison, command: str) -> str:
    """The table, how to read it, and the command that makes it again."""
    header, *_ = rows = text_rows(compared)
    shown = table(tuple(header), [tuple(row.values()) for row in rows], "lllllrrrrrll")
    ranks: tuple[str, ...] = ()
    if compared.ranking is not None:
        ranked = _rank_table(compared.ranking)
        ranks = (table(ranked.header, list(ranked.rows), ranked.align),)
    told = (shown, *ranks, *notes(compared), *READING, f"Made by `{command}`.")
    return "\n\n".join(told) + "\n"


def comparison_csv(compared: Comparison) -> str:
    """One line per study with every digit; values that do not exist yet are empty.

    Accuracies and their differences are fractions, losses are in nats.
    """
    rows = [_figures(row) for row in compared.rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _figures(row: StudyRow) -> dict[str, object]:
    record, trials, versus = row.record, dict(row.trials), row.versus
    paired = None if versus is None else versus.paired
    baseline = row.baseline_test
    return {
        "study": record.name,
        "space": record.recipe.space,
        "sampler": record.recipe.sampler,
        "validation": _validation(record),
        "dataset": record.dataset.name,
        "fingerprint": record.dataset.fingerprint,
        **{f"trials_{kind}": trials.get(kind, 0) for kind in KINDS},
        "epochs": row.epochs,
        "hours": row.seconds / 3600,
        "metric": record.recipe.metric,
        **_mean("score", row.score),
        **_mean("test", row.test),
        **_interval("test", None if row.test is None else row.test.interval),
        "baseline": None if versus is None else versus.study,
        **_mean("baseline_test", baseline),
        **_interval("baseline_test", None if baseline is None else baseline.interval),
        "baseline_trial": None if versus is None else versus.trial,
        "difference": None if versus is None else versus.overall.gain,
        **_interval("difference", None if paired is None else paired.interval),
    }


def _mean(name: str, estimate: Estimate | None) -> dict[str, object]:
    if estimate is None:
        return {name: None, f"{name}_std": None, f"{name}_over": None}
    return {name: estimate.value, f"{name}_std": estimate.std, f"{name}_over": estimate.over}


def _interval(name: str, interval: tuple[float, float] | None) -> dict[str, object]:
    low, high = (None, None) if interval is None else interval
    return {f"{name}_low": low, f"{name}_high": high}
