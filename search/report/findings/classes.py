"""Which classes does the model confuse, and which is it worst at?"""

import math
from collections.abc import Iterator, Mapping
from typing import Self, final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure

from search.plotting import BLUE, COLUMN, distinct_labels, new_figure
from search.report.blocks import Block, Chart, Paragraph, Plot
from search.report.charts import escape, new_chart_figure
from search.report.csv_text import csv_text
from search.report.evidence import Evidence
from search.report.finding import (
    CONFUSED,
    FAILURES,
    Finding,
    ReportPart,
    Unlisted,
    figure_name,
    figure_names,
)
from search.text import count, percent, plural
from search.training.metrics import TestResult

MOST_WITH_PERCENTAGES = 12
MOST_WITH_COUNTS = 25
_MOST_LABELS = 40  # on an axis; more would overlap
_MOST_PIXELS, _LEAST_CELL = 22 * _MOST_LABELS, 5  # of a chart of many classes
_WIDE = 6.6  # inches
_NAMES = 108  # pixels of the classes' names beside a chart
_NAME = "confusion-matrix"
_MOST_WEAK = 3
_BEND = 0.6  # power of a share in the colour scale, so that few mistakes show
_DARK = 0.85  # of that scale, from which white is easier to read than black
_STEPS = 20  # of the same scale on the page


@final
class ConfusionMatrix(Finding):
    """The confusion matrix of the final model on the test images."""

    key = "test.confusion"
    section = CONFUSED
    figures = figure_names(_NAME)
    file_names = tuple(f"{name}.csv" for name in figures)

    name: Unlisted[str]
    class_names: Unlisted[tuple[str, ...]]
    counts: Unlisted[tuple[tuple[int, ...], ...]]  # [i][j]: images of class i predicted as j

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        test = evidence.record.test
        if test is None:
            return None
        return cls(
            name=figure_name(evidence.record, _NAME),
            class_names=tuple(one.name for one in test.classes),
            counts=test.confusion,
        )

    @property
    def row_percentages(self) -> npt.NDArray[np.float64]:
        """The counts as percentages of their row's sum; 0 in an empty row."""
        counts = np.array(self.counts)
        shares: npt.NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        return 100 * shares

    def blocks(self) -> Iterator[Block]:
        n = len(self.class_names)
        step = self._label_step
        which = "" if step == 1 else f"; one class in {step} is labelled"
        alt = f"Confusion matrix of {n} classes on the test images{which}"
        yield Plot(self.name, alt, self.draw, self.chart, data=f"{self.name}.csv")

    def file_texts(self) -> Mapping[str, str]:
        """Write a row for each pair of a true and a predicted class."""
        rows = [
            (true, predicted, n)
            for true, counts in zip(self.class_names, self.counts, strict=True)
            for predicted, n in zip(self.class_names, counts, strict=True)
        ]
        return {f"{self.name}.csv": csv_text(("true class", "predicted class", "images"), rows)}

    @property
    def _label_step(self) -> int:
        """One class in how many has its label on the axes."""
        return math.ceil(len(self.class_names) / _MOST_LABELS)

    def draw(self) -> Figure:
        """Draw row percentages as colour; counts and percentages as text where they fit.

        If there are too many classes for percentages in the cells, a colour bar gives them.
        """
        n = len(self.class_names)
        fits = n <= MOST_WITH_PERCENTAGES
        width = COLUMN if fits else _WIDE
        figure = new_figure(width + 0.1 if fits else width - 0.4, width=width)
        axes = figure.add_subplot()
        light_to_blue = LinearSegmentedColormap.from_list("blues", ["#ffffff", BLUE])
        image = axes.imshow(self.row_percentages, light_to_blue, PowerNorm(_BEND, 0, 100))
        places = range(0, n, self._label_step)
        labels = distinct_labels(self.class_names, 14)
        names = [labels[place] for place in places]
        size = 6.5 if fits else 5.5
        axes.set_xticks(places, names, rotation=90 if n > 2 else 0, fontsize=size)
        axes.set_yticks(places, names, fontsize=size)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        if n <= MOST_WITH_COUNTS:
            self._write_cells(axes)
        if not fits:
            bar = figure.colorbar(
                image, ax=axes, label="% of the true class", shrink=0.75, pad=0.02
            )
            bar.outline.set_visible(False)
        return figure

    def _write_cells(self, axes: Axes) -> None:
        size = 5.2 if len(self.class_names) <= 10 else 4.6
        for (i, j), share in np.ndenumerate(self.row_percentages):
            n = self.counts[i][j]
            dark = (share / 100) ** _BEND > _DARK
            colour = "white" if dark else "#222222" if n else "#999999"
            # A cell has no room for "100.0%".
            text = self._cell_text(i, j, share, "\n").replace("100.0%", "100%")
            axes.text(j, i, text, ha="center", va="center", fontsize=size, color=colour)

    def _cell_text(self, i: int, j: int, share: float, line_break: str) -> str:
        n = self.counts[i][j]
        if not n and i != j:
            return ""
        if len(self.class_names) > MOST_WITH_PERCENTAGES:
            return f"{n:,}"
        return f"{n:,}{line_break}{share:.1f}%"

    def chart(self) -> Chart:
        """Colour cells by row percentage; hovering gives count and percentage."""
        n = len(self.class_names)
        names = [escape(name) for name in self.class_names]
        cells = [
            list(zip(names, counts, shares, strict=True))
            for counts, shares in zip(self.counts, self.row_percentages, strict=True)
        ]
        places = list(range(0, n, self._label_step))
        labels = names
        if self._label_step > 1:
            labels = [escape(name) for name in distinct_labels(self.class_names, 24)]
        ticks = {"tickvals": places, "ticktext": [labels[place] for place in places]}
        figure = new_chart_figure(
            xaxis={"title": "predicted class", **ticks},
            yaxis={"title": "true class", **ticks},
            margin={"l": 16, "r": 16, "t": 16, "b": 16},
        )
        plain = {"automargin": True, "fixedrange": True, "showgrid": False, "zeroline": False}
        figure.update_xaxes(**plain)
        figure.update_yaxes(**plain, autorange="reversed")
        figure.add_heatmap(
            z=self.row_percentages.tolist(),
            zmin=0,
            zmax=100,
            # from nothing to blue, so that it reads on a light and on a dark page
            colorscale=[
                [step / _STEPS, f"rgba(0,114,178,{0.75 * (step / _STEPS) ** _BEND:.3f})"]
                for step in range(_STEPS + 1)
            ],
            showscale=False,
            xgap=int(n <= _MOST_LABELS),
            ygap=int(n <= _MOST_LABELS),
            text=[
                [self._cell_text(i, j, share, "<br>") for j, (_, _, share) in enumerate(row)]
                for i, row in enumerate(cells)
            ],
            texttemplate="%{text}" if n <= MOST_WITH_COUNTS else None,
            customdata=[
                [f"{true} predicted as {name}: {n:,} ({share:.1f}%)" for name, n, share in row]
                for true, row in zip(names, cells, strict=True)
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
        cell = _cell_pixels(n)
        return Chart(figure, 120 + cell * n, _NAMES + max(cell, 42) * n)


def _cell_pixels(n: int) -> int:
    """Return the size of a cell of a chart of `n` classes."""
    if n <= MOST_WITH_PERCENTAGES:
        return 34
    if n <= MOST_WITH_COUNTS:
        return 30
    return 22 if n <= _MOST_LABELS else max(_MOST_PIXELS // n, _LEAST_CELL)


@final
class WeakClass(ReportPart):
    """One of the classes that the model is worst at."""

    name: str
    """The class."""
    n_images: int
    """Its test images."""
    right: int
    """Those predicted correctly."""
    called: str | None
    """The class it is most often mistaken for; null if all are correct."""
    n_called: int
    """How often."""

    @property
    def recall(self) -> float:
        """The share that is correct; 1 for a class without images."""
        return self.right / self.n_images if self.n_images else 1.0


@final
class WeakestClasses(Finding):
    """The classes that the model is worst at, the worst first."""

    key = "weakest_classes"
    section = FAILURES
    listed = "classes"
    brief = True

    classes: tuple[WeakClass, ...]
    """At most three classes whose recall is below the accuracy, the worst first."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Compare classes by recall; None before the test, and where none is weak."""
        test = evidence.record.test
        if test is None:
            return None
        classes = [_weak_class(test, i) for i in range(len(test.classes))]
        below = sorted((c for c in classes if c.recall < test.accuracy), key=lambda c: c.recall)
        return cls(classes=tuple(below[:_MOST_WEAK])) if below else None

    def blocks(self) -> Iterator[Block]:
        noun = "class" if len(self.classes) == 1 else "classes"
        yield Paragraph(f"Weakest {noun}: {', '.join(map(_words, self.classes))}.")


def _weak_class(test: TestResult, own: int) -> WeakClass:
    row = test.confusion[own]
    wrong = [(count, -j) for j, count in enumerate(row) if j != own and count]
    n_called, j = max(wrong, default=(0, 0))
    return WeakClass(
        name=test.classes[own].name,
        n_images=sum(row),
        right=row[own],
        called=test.classes[-j].name if n_called else None,
        n_called=n_called,
    )


def _words(one: WeakClass) -> str:
    correct = f"{percent(one.recall)} of {plural(one.n_images, 'image')} correct"
    called = "" if one.called is None else f"; {count(one.n_called)} predicted as {one.called}"
    return f"{one.name} ({correct}{called})"
