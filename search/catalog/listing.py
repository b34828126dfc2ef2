"""The list of studies, for the terminal and for scripts. Pure."""

import json
from collections.abc import Iterator, Sequence
from typing import Literal

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from search.catalog.listed import ListedStudy
from search.formatting import format_score, printable

_HEADINGS = ("space", "sampler", "validation", "dataset", "trials", "best validation", "test")
_N_WORDS = 4  # columns of words, which stand at the left
_UNBROKEN = 10_000  # columns, of a console on which no row breaks
_INDENT = (0, 0, 0, 4)


def studies_json(studies: Sequence[ListedStudy]) -> str:
    """Return an array of one object a study, with the fields of `ListedStudy`."""
    return json.dumps([study._asdict() for study in studies], indent=2)


def studies_table(studies: Sequence[ListedStudy]) -> Table:
    """Return one row a study: what it searches, how far it is, what it found."""
    table = Table(title="studies" if studies else "no studies yet")
    table.add_column("study", no_wrap=True, overflow="fold")  # whole, to be copied
    for number, heading in enumerate(_HEADINGS):
        justify: Literal["left", "right"] = "left" if number < _N_WORDS else "right"
        table.add_column(heading, justify=justify, overflow="fold")
    for study in studies:
        table.add_row(printable(study.study), *_cells(study))
    return table


def draw_studies(table: Table, console: Console) -> Iterator[RenderableType]:
    """Yield the table, or two lines a study where its rows are wider than the console."""
    whole = console.options.update_width(_UNBROKEN)
    if console.measure(table, options=whole).maximum <= console.width:
        yield table
        return
    for name, *facts in zip(*(column.cells for column in table.columns), strict=True):
        yield Text(str(name), style="bold")
        named = zip(_HEADINGS, map(str, facts), strict=True)
        yield Padding(
            Text(", ".join(f"{heading} {fact}" for heading, fact in named if fact)), _INDENT
        )


def _cells(study: ListedStudy) -> tuple[str, ...]:
    if study.space is None:  # nothing more is known
        what = "damaged" if study.damaged else "not made by this program"
        return what, "", "", "", str(study.done), "", ""
    kfold = study.validation == "kfold"
    return (
        study.space,
        study.sampler or "",
        f"{study.folds}-fold" if kfold else f"holdout {study.holdout_fraction:g}",
        study.dataset or "",
        _progress(study.done, study.asked),
        _best(study),
        "-" if study.test is None else format_score(study.test, "accuracy"),
    )


def _best(study: ListedStudy) -> str:
    if study.without_winner:
        return "no winner"
    score = format_score(study.best, study.metric or "accuracy")
    return f"{score} loss" if study.metric == "loss" else score


def _progress(ended: int, asked: int | None) -> str:
    """Return how many trials have ended, and of how many; more may have than are asked for now."""
    if asked is None:
        return str(ended)
    return f"{ended} of {asked}" if ended <= asked else f"{ended} ({asked} asked)"
