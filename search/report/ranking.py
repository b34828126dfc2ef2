"""Which way to search is better over several datasets or seeds: mean ranks and their significance.

Studies of the same settings are one method, whatever data and seed they have; each dataset with a
seed is a task. Methods are ranked on every task and compared by Nemenyi's test, as in Demsar,
"Statistical comparisons of classifiers over multiple data sets", JMLR 7 (2006). Pure.
"""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import friedmanchisquare, rankdata, studentized_range

from search.plotting import BLUE, GREY, new_figure, short
from search.recipe import Recipe
from search.report.blocks import Chart
from search.report.charts import Series, escape, new_chart_figure, wrap
from search.text import duration, listed, plural, probability, setting
from search.tuning.records import StudyRecord

LEAST_TASKS = 3
_LEVEL = 0.05
_NAME = 30  # characters of a method's name in a figure
_LINE = 20  # of them in a line on the page, which a phone has room for
_STEP = 0.4  # between groups, in rows
_BY_CHANCE = "may differ by chance"
# Settings that make another task, or that change nothing but where and how fast a study runs.
_OF_TASK = frozenset({
    "seed", "dataset", "data_dir", "image_size", "resize", "test_fraction", "skip_broken",
    "image_column", "label_column", "split_column", "groups", "duplicates", "drop_duplicates",
    "study_name", "storage", "runs_dir", "checkpoint_every", "workers", "threads", "device",
    "precision", "timeout", "trial_timeout",
})  # fmt: skip
_OF_BUDGET = frozenset({"epochs", "trials", "max_multiply_adds", "refit_epochs"})

Settings = tuple[tuple[str, Any], ...]
Task = tuple[str, int]
"""The dataset's fingerprint and the seed."""


@final
@dataclass(frozen=True)
class Method:
    """One way to search.

    Attributes:
        name: The settings in which it differs from the others, in words.
        mean_rank: Over the tasks; 1 is best.
        mean: Its mean test accuracy over the tasks, a fraction.
    """

    name: str
    mean_rank: float
    mean: float


@final
@dataclass(frozen=True)
class Ranking:
    """Methods by their mean rank, the best first.

    Attributes:
        methods: At least two.
        n_tasks: Datasets and seeds on which every method was tested, at least `LEAST_TASKS`.
        n_incomplete: Those that are left out, as a method has no test result on them.
        p_value: Friedman's test that all methods are alike; None for two methods.
        critical_difference: Mean ranks that differ by less may do so by chance (Nemenyi, 5%).
    """

    methods: tuple[Method, ...]
    n_tasks: int
    n_incomplete: int
    p_value: float | None
    critical_difference: float

    @classmethod
    def of(cls, records: Sequence[StudyRecord]) -> Self | None:
        """Rank the methods among tested studies; None for fewer than two methods or three tasks."""
        results = _results(records)
        tasks = {task for of_task in results.values() for task in of_task}
        shared = sorted(task for task in tasks if all(task in one for one in results.values()))
        if len(results) < 2 or len(shared) < LEAST_TASKS:
            return None
        table = np.array([[results[method][task] for method in results] for task in shared])
        ranks = rankdata(-table, axis=1).mean(axis=0)
        names = _names(list(results))
        methods = (
            Method(name, float(rank), float(mean))
            for name, rank, mean in zip(names, ranks, table.mean(axis=0), strict=True)
        )
        return cls(
            methods=tuple(sorted(methods, key=lambda one: one.mean_rank)),
            n_tasks=len(shared),
            n_incomplete=len(tasks) - len(shared),
            p_value=_friedman(table),
            critical_difference=critical_difference(len(results), len(shared)),
        )

    @staticmethod
    def why_none(records: Sequence[StudyRecord]) -> str | None:
        """Return why studies that search in several ways are not ranked; None if they are."""
        results = _results(records)
        tasks = {task for of_task in results.values() for task in of_task}
        shared = [task for task in tasks if all(task in one for one in results.values())]
        if len(results) < 2 or len(shared) >= LEAST_TASKS:
            return None
        return (
            f"Ways to search are ranked on {LEAST_TASKS} tasks or more (a dataset with a seed) on "
            f"which each was tested; {len(shared)} have a test of all these {len(results)} ways."
        )

    def groups(self) -> Iterator[tuple[Method, ...]]:
        """Yield the largest groups of methods whose mean ranks may differ by chance."""
        last = 0
        for first, one in enumerate(self.methods):
            near = self.critical_difference
            end = sum(other.mean_rank - one.mean_rank < near for other in self.methods)
            group = self.methods[first:end]
            if end > max(last, first + 1) and group[-1].mean_rank > group[0].mean_rank:
                yield group
            last = max(last, end)

    def sentences(self) -> tuple[str, ...]:
        """Say which methods are clearly behind the best one, and how far that can be told."""
        best, *others = self.methods
        clear = self.critical_difference
        behind = [f"“{one.name}”" for one in others if one.mean_rank - best.mean_rank >= clear]
        if behind:
            found = f"“{best.name}” is clearly ahead of {listed(behind)}"
        elif clear > len(self.methods) - 1:
            found = f"No difference can be told from chance with {self.n_tasks} tasks"
        else:
            found = "No method is clearly ahead"
        friedman = "" if self.p_value is None else f"; Friedman’s {probability(self.p_value)}"
        told = (
            f"{found} (Nemenyi’s test at 5%: mean ranks must differ by {clear:.2f}{friedman}).",
        )
        if not self.n_incomplete:
            return told
        are = "is" if self.n_incomplete == 1 else "are"
        left_out = f"{plural(self.n_incomplete, 'task')} {are} left out"
        return (*told, f"{left_out}, for which a method has no test result.")

    def draw(self) -> Figure:
        """Draw each method's mean rank; grey lines join methods that may differ by chance."""
        labels, last = self._labels(), self._last_row()
        figure = new_figure(0.8 + 0.2 * last)
        axes = figure.add_subplot()
        for one in self._series():
            one.draw(axes)
        axes.set_yticks(list(labels), list(labels.values()))
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(last + 0.6, -0.6)
        axes.set_xlim(0.9, len(self.methods) + 0.1)
        axes.set_xticks(range(1, len(self.methods) + 1))
        axes.set_xlabel("mean rank (1 is best)")
        return figure

    def chart(self) -> Chart:
        """Draw the same for the page."""
        labels = {row: wrap(label, _LINE) for row, label in self._labels().items()}
        last, lines = self._last_row(), 1 + max(label.count("<br>") for label in labels.values())
        figure = new_chart_figure(
            xaxis={
                "title": "mean rank (1 is best)",
                "dtick": 1,
                "range": (0.9, len(self.methods) + 0.1),
                "zeroline": False,
            },
            yaxis={
                "range": (last + 0.6, -0.6),
                "automargin": True,
                "showgrid": False,
                "zeroline": False,
                "tickvals": list(labels),
                "ticktext": list(labels.values()),
            },
            showlegend=False,
            margin={"l": 16, "r": 16, "t": 16, "b": 48},
        )
        figure.add_traces([one.trace() for one in self._series()])
        return Chart(figure, round(110 + 17 * (lines + 1) * last))

    def _series(self) -> Iterator[Series]:
        for row, group in self._rows().items():
            ends = [group[0].mean_rank, group[-1].mean_rank]
            yield Series(_BY_CHANCE, ends, [row, row], GREY, width=5)
        for row, one in enumerate(self.methods):
            text = f"<b>{escape(one.name)}</b><br>mean rank {one.mean_rank:.2f}"
            yield Series(one.name, [one.mean_rank], [row], BLUE, size=10, texts=[text])

    def _rows(self) -> Mapping[float, tuple[Method, ...]]:
        """Return the groups by their rows, which stand closer together than those of methods."""
        first = len(self.methods)
        return {first + _STEP * place: group for place, group in enumerate(self.groups())}

    def _last_row(self) -> float:
        return max(self._rows(), default=len(self.methods) - 1)

    def _labels(self) -> Mapping[float, str]:
        """Return the texts of the rows; only the first group has one."""
        labels: dict[float, str] = {
            row: short(one.name, _NAME) for row, one in enumerate(self.methods)
        }
        return labels | dict.fromkeys(list(self._rows())[:1], _BY_CHANCE)


def critical_difference(n_methods: int, n_tasks: int) -> float:
    """Return how far mean ranks must be apart to differ by more than chance, at 5%.

    Nemenyi's test: of all pairs of equally good methods together, one in twenty comparisons finds a
    difference.
    """
    quantile = studentized_range.ppf(1 - _LEVEL, n_methods, math.inf) / math.sqrt(2)
    return float(quantile * math.sqrt(n_methods * (n_methods + 1) / (6 * n_tasks)))


def _friedman(table: np.ndarray) -> float | None:
    """Return Friedman's p-value of results, (tasks, methods); 1 if none differs on any task."""
    if table.shape[1] < 3:
        return None
    if (table == table[:, :1]).all():
        return 1.0
    return float(friedmanchisquare(*table.T).pvalue)


def _results(records: Sequence[StudyRecord]) -> Mapping[Settings, Mapping[Task, float]]:
    """Return the test accuracy of each method on each task, the mean where there are several."""
    found: dict[Settings, dict[Task, list[float]]] = {}
    for record in records:
        if record.test is not None:
            task = record.dataset.fingerprint, record.recipe.seed
            of_method = found.setdefault(_method(record.recipe), {})
            of_method.setdefault(task, []).append(record.test.accuracy)
    return {
        method: {task: statistics.fmean(values) for task, values in of_method.items()}
        for method, of_method in found.items()
    }


def _method(recipe: Recipe) -> Settings:
    """Return the settings that make a method, without those that a budget decides."""
    ignored = _OF_TASK if recipe.budget is None else _OF_TASK | _OF_BUDGET
    settings = recipe.model_dump(mode="json", exclude=set(ignored))
    return tuple((name, _hashable(value)) for name, value in settings.items())


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _names(methods: Sequence[Settings]) -> list[str]:
    """Return each method's values of a few settings that tell all of them apart."""
    known = [dict(one) for one in methods]
    settings = list(dict.fromkeys(name for one in known for name in one))
    named: list[str] = []

    def distinct(names: Sequence[str]) -> int:
        return len({tuple(one.get(name) for name in names) for one in known})

    while distinct(named) < len(known):  # few settings that tell all of them apart
        named.append(max(settings, key=lambda name: distinct([*named, name])))
    return [", ".join(f"{name} {_words(name, one.get(name))}" for name in named) for one in known]


def _words(name: str, value: Any) -> str:
    if name == "budget" and value is not None:
        return duration(value)
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return value if isinstance(value, str) else setting(value)
