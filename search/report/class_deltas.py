"""Two models compared class by class: the recall of each, and plots of it."""

from collections.abc import Iterator, Sequence
from typing import Any, final

from matplotlib.figure import Figure

from search.plotting import BLUE, GREY, ORANGE, new_figure, percentages, short
from search.report.blocks import Chart
from search.report.charts import Series, escape, new_chart_figure
from search.report.finding import ReportPart
from search.text import percent, points
from search.training.metrics import TestResult

_ROOM = 0.05  # beside the outermost dots, as a share of what lies between them
_LEAST_ROOM = 0.02
_BEYOND = 0.008  # 0 and 100%, for whole dots and no tick
_RECALL = "share predicted correctly (recall)"


@final
class ClassDelta(ReportPart):
    """Winner and baseline on the test images of a class, or of all."""

    name: str
    """The class."""
    n_images: int
    """Its test images."""
    baseline_right: int
    """Those that the baseline predicts correctly."""
    winner_right: int
    """Those that the winner predicts correctly."""
    gain: float
    """The winner's recall minus the baseline's, a fraction."""

    @property
    def baseline_recall(self) -> float:
        """The baseline's share, 0 for a class without images."""
        return self.baseline_right / max(self.n_images, 1)

    @property
    def winner_recall(self) -> float:
        """The winner's share, 0 for a class without images."""
        return self.winner_right / max(self.n_images, 1)


def _delta(name: str, n_images: int, baseline_right: int, winner_right: int) -> ClassDelta:
    return ClassDelta(
        name=name,
        n_images=n_images,
        baseline_right=baseline_right,
        winner_right=winner_right,
        gain=winner_right / max(n_images, 1) - baseline_right / max(n_images, 1),
    )


def class_deltas(winner: TestResult, baseline: TestResult) -> tuple[ClassDelta, ...]:
    """Compare two tests on the same images class by class, the largest gain first."""
    found = [
        _delta(one.name, one.support, baseline.confusion[i][i], winner.confusion[i][i])
        for i, one in enumerate(winner.classes)
    ]
    return tuple(sorted(found, key=lambda one: -one.gain))


def all_classes(winner: TestResult, baseline: TestResult) -> ClassDelta:
    """Compare two tests on the same images in all classes together."""
    return _delta("all classes", winner.n_images, n_right(baseline), n_right(winner))


def n_right(test: TestResult) -> int:
    """How many test images are predicted correctly."""
    return sum(row[i] for i, row in enumerate(test.confusion))


def draw_recalls(overall: ClassDelta, shown: Sequence[ClassDelta], n_classes: int) -> Figure:
    """Draw both recalls of each class, joined; all classes together on top.

    `shown` are some of `n_classes` classes.
    """
    rows = (overall, *shown)
    figure = new_figure(1.1 + 0.19 * len(rows))
    axes = figure.add_subplot()
    # A gap separates the row of all classes from the others.
    places = [-0.4, *(float(place) for place in range(1, len(rows)))]
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    for series in _series(rows, places):
        series.draw(axes)
    side: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "fontsize": 7}
    for row, place in zip(rows, places, strict=True):
        weight, gain = "bold" if row is overall else "normal", points(row.gain, 1)
        axes.text(1.12, place, gain, ha="right", va="center", weight=weight, **side)
    axes.text(1.12, -1.15, "points", ha="right", **side)
    axes.set_yticks(places, [short(row.name, 18) for row in rows])
    axes.get_yticklabels()[0].set_fontweight("bold")
    axes.set_ylim(len(rows) - 0.4, -0.9)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(percentages())
    axes.set_xlim(*recall_range(rows))
    if len(shown) < n_classes:
        axes.set_ylabel(f"{len(shown)} of {n_classes} classes: largest gains, then smallest")
    axes.set_xlabel(_RECALL)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def recalls_chart(overall: ClassDelta, shown: Sequence[ClassDelta]) -> Chart:
    """Both recalls of each class, joined; hovering gives counts and gain."""
    rows = (overall, *shown)
    names = ["<b>all classes</b>", *(escape(row.name) for row in shown)]
    figure = new_chart_figure(
        xaxis={"title": _RECALL, "tickformat": ".0%", "range": recall_range(rows)},
        yaxis={"tickvals": list(range(len(rows))), "ticktext": names},
        margin={"l": 16, "r": 16, "t": 32, "b": 40},
    )
    figure.update_xaxes(fixedrange=True, zeroline=False)
    figure.update_yaxes(
        automargin=True, fixedrange=True, showgrid=False, zeroline=False, autorange="reversed"
    )
    figure.add_traces([one.trace() for one in _series(rows, range(len(rows)))])
    return Chart(figure, 92 + 22 * len(rows))


def recall_range(rows: Sequence[ClassDelta]) -> tuple[float, float]:
    """Return the range of an axis of recalls, which ends little beyond 0 and 100%."""
    recalls = [one for row in rows for one in (row.baseline_recall, row.winner_recall)]
    low, high = min(recalls), max(recalls)
    room = max(_ROOM * (high - low), _LEAST_ROOM)
    return max(low - room, -_BEYOND), min(high + room, 1 + _BEYOND)


def _series(rows: Sequence[ClassDelta], places: Sequence[float]) -> Iterator[Series]:
    """Yield the lines from dot to dot, then the baseline's dots and the winner's."""
    baseline = [row.baseline_recall for row in rows]
    winner = [row.winner_recall for row in rows]
    xs = [x for pair in zip(baseline, winner, strict=True) for x in (*pair, None)]
    ys = [y for place in places for y in (place, place, None)]
    yield Series("difference", xs, ys, GREY, width=1.5, in_legend=False)
    texts = [_hover_text(row) for row in rows]
    yield Series(
        "baseline", baseline, places, ORANGE, marker="diamond", size=11, texts=texts, clipped=False
    )
    yield Series("winner", winner, places, BLUE, size=11, texts=texts, clipped=False)


def _hover_text(row: ClassDelta) -> str:
    def part(name: str, recall: float, right: int) -> str:
        return f"{name}: {percent(recall)} ({right:,} of {row.n_images:,})"

    return "<br>".join(
        (
            f"<b>{escape(row.name)}</b>, {points(row.gain, 1)} points",
            part("winner", row.winner_recall, row.winner_right),
            part("baseline", row.baseline_recall, row.baseline_right),
        )
    )
