"""The answers of `predict` as a table for people, cut to what a terminal shows."""

from collections import Counter
from collections.abc import Sequence

from rich.table import Table

from search.evaluation.classifier import Prediction
from search.evaluation.predicting import ImagePrediction, Predictions
from search.formatting import printable

_MOST_SHOWN = 20
_SHORTEST_NAME = 24  # characters, where other columns leave that few
_FRAME = 3  # columns that a border and its padding take


def shown_rows(predictions: Predictions, *, cut: bool) -> Sequence[ImagePrediction]:
    """Return the answers that are listed: all, or where they are `cut` the first twenty."""
    return predictions.answered[:_MOST_SHOWN] if cut else predictions.answered


def cut_line(predictions: Predictions, n_shown: int) -> str | None:
    """Return how many answers are not listed, and how often each class was named; else None."""
    n_all = len(predictions.answered)
    if n_shown == n_all:
        return None
    named = Counter(one.prediction.name for one in predictions.answered)
    counts = ", ".join(f"{name} {count:,}" for name, count in named.most_common())
    return f"and {n_all - n_shown:,} more (--all lists them); of all {n_all:,}: {counts}"


def predictions_table(
    rows: Sequence[ImagePrediction], top: int, *, width: int | None = None
) -> Table:
    """Return one row an image: its `top` most probable classes, and the true one where known.

    Names of files are shortened in their middle where they do not fit in so many columns; None
    leaves them whole.
    """
    labelled = any(one.true_class is not None for one in rows)
    heads = [*(["true class"] if labelled else []), "class", "probability"]
    heads += ["then"] if top > 1 else []
    cells = [_cells(one, top, labelled=labelled) for one in rows]
    room = None if width is None else _room(heads, cells, width)
    table = Table()
    table.add_column("image", no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right" if head == "probability" else "left")
    for one, others in zip(rows, cells, strict=True):
        table.add_row(shortened(printable(str(one.image)), room), *others)
    return table


def shortened(name: str, room: int | None) -> str:
    """Return a file's name in so many characters, without its middle: the end has the suffix."""
    if room is None or len(name) <= room:
        return name
    kept = max(room - 3, 2)
    return f"{name[: kept // 3]}...{name[-(kept - kept // 3) :]}"


def _room(heads: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> int:
    """Return the characters that the other columns leave to the names."""
    others = sum(max(map(len, column)) for column in zip(heads, *cells, strict=True))
    return max(width - others - _FRAME * (len(heads) + 1) - 1, _SHORTEST_NAME)


def _cells(one: ImagePrediction, top: int, *, labelled: bool) -> list[str]:
    true = [one.true_class or "-"] if labelled else []
    return [*true, *_answer(one.prediction, top)]


def _answer(prediction: Prediction, top: int) -> list[str]:
    others = prediction.ranked()[1:top]
    rest = ", ".join(f"{name} {probability:.1%}" for name, probability in others)
    return [prediction.name, f"{prediction.probability:.1%}", *([rest] if top > 1 else [])]
