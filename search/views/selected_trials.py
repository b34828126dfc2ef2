"""What `show --sort --filter --csv` shows: some trials of a study, in an order of the user's."""

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from search import text
from search.errors import UserError
from search.report.trial_table import Column, all_columns, trials_csv
from search.text import listed_names, plural, printable
from search.tuning.records import StudyRecord, TrialKind

_ALWAYS = ("trial", "state", "score", "n_parameters", "seconds")
KIND_STYLES: Mapping[TrialKind, str] = {
    "complete": "",
    "pruned": "dim",
    "infeasible": "dim",
    "diverged": "red",
    "failed": "red",
    "interrupted": "yellow",
    "running": "cyan",
    "waiting": "dim",
}
"""How a terminal shows trials by how they ended."""

_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}


@final
@dataclass(frozen=True)
class Condition:
    """A comparison of a column with a value, such as sgd_lr<0.01; "-" is a missing value."""

    name: str
    sign: str
    value: str

    @classmethod
    def parse(cls, given: str) -> Self:
        """Read a condition; raises UserError if it is none."""
        found = re.fullmatch(r"\s*([^<>=!\s]+)\s*(<=|>=|!=|<|>|=)\s*(\S.*?)\s*", given)
        if found is None:
            raise UserError(
                f"filter {given!r} is not a condition; write NAME, one of {' '.join(_SIGNS)}, and "
                "a value, such as 'sgd_lr<0.01' or state=pruned"
            )
        return cls(*found.groups())

    def holds(self, value: object) -> bool:
        """Whether it holds for a trial's value; raises UserError if it cannot be compared."""
        compare = _SIGNS[self.sign]
        if self.sign in ("=", "!=") and (value is None or self.value == "-"):
            return compare(value is None, self.value == "-")
        if value is None:
            return False
        if isinstance(value, int | float) and not isinstance(value, bool):
            return compare(value, self._number())
        if self.sign in ("=", "!="):
            return compare(str(value).lower(), self.value.lower())
        raise UserError(
            f"filter {self.name}{self.sign}{self.value}: {self.name} is text, so that only = and "
            "!= compare it"
        )

    def _number(self) -> float:
        share = self.value.endswith("%")
        try:
            return float(self.value.removesuffix("%")) / (100 if share else 1)
        except ValueError as error:
            raise UserError(
                f"filter {self.name}{self.sign}{self.value}: {self.name} is a number, got "
                f"{self.value!r}"
            ) from error


@final
@dataclass(frozen=True)
class Selection:
    """Which trials, and in which order.

    Args:
        conditions: All of them must hold.
        sort: A column; "-" before it for the largest values first. None: by number.
    """

    conditions: tuple[Condition, ...] = ()
    sort: str | None = None

    @classmethod
    def parse(cls, filters: Sequence[str], sort: str | None) -> Self:
        """Read the options; raises UserError for what is no condition."""
        return cls(tuple(map(Condition.parse, filters)), sort)

    def rows(self, columns: Sequence[Column]) -> list[int]:
        """The positions of the trials; raises UserError for a column that there is not."""
        tests = [(find_column(columns, one.name).values, one) for one in self.conditions]
        rows = range(len(columns[0].values))
        kept = [row for row in rows if all(one.holds(values[row]) for values, one in tests)]
        if self.sort is None:
            return kept
        values = find_column(columns, self.sort.removeprefix("-")).values
        known = [row for row in kept if values[row] is not None]
        numeric = all(isinstance(values[row], int | float) for row in known)
        known.sort(
            key=lambda row: values[row] if numeric else str(values[row]),
            reverse=self.sort.startswith("-"),
        )
        return [*known, *(row for row in kept if values[row] is None)]

    def names(self) -> tuple[str, ...]:
        """The columns that it is about."""
        sort = () if self.sort is None else (self.sort.removeprefix("-"),)
        return (*sort, *(one.name for one in self.conditions))


def find_column(columns: Sequence[Column], name: str) -> Column:
    """Return the column of a name in the CSV file or of a parameter; raises UserError."""
    known = {column.name: column for column in columns}
    parameters = {column.title: column for column in columns if column.parameter}
    found = known.get(name) or parameters.get(name)
    if found is None:
        names = [column.title if column.parameter else column.name for column in columns]
        raise UserError(f"column {name!r} does not exist; known: {listed_names(names, len(names))}")
    return found


def describe_selection(record: StudyRecord, selection: Selection) -> Iterator[RenderableType]:
    """Yield the selected trials as a table with the columns that the selection is about."""
    columns = all_columns(record)
    rows = selection.rows(columns)
    asked = [find_column(columns, name) for name in selection.names()]
    known = [column for column in columns if column.name in _ALWAYS]
    shown = list(dict.fromkeys([*known, *asked]))
    table = Table()
    for column in shown:
        table.add_column(
            column.title, justify="left" if column.unit == "text" else "right", overflow="fold"
        )
    winner = record.winner()
    for row in rows:
        trial = record.trials[row]
        is_best = winner is not None and trial.number == winner.number
        cells = (_written(column, row, record) for column in shown)
        table.add_row(*cells, style="bold green" if is_best else KIND_STYLES[trial.kind])
    if rows:
        yield table
    yield Text(f"{len(rows):,} of {plural(len(record.trials), 'trial')}")


def selection_csv(record: StudyRecord, selection: Selection) -> str:
    """Return the selected trials as CSV, with every column."""
    return trials_csv(record, selection.rows(all_columns(record))).rstrip("\n")


def _written(column: Column, row: int, record: StudyRecord) -> str:
    value = column.values[row]
    if value is None:
        return "-"
    if column.name == "score":
        return text.score(value, record.metric)
    match column.unit:
        case "count":
            return f"{value:,}"
        case "seconds":
            return text.duration(value)
        case "share":
            return text.percent(value, 2)
    return f"{value:.4g}" if isinstance(value, float) else printable(str(value))
