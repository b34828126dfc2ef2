"""A curve drawn in characters: braille dots, or stars where a terminal has only ASCII. Pure."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

_Dots = set[tuple[int, int]]
# Unicode's braille patterns: the bit of each dot of a cell, by column and row.
_BRAILLE = 0x2800
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_ROWS = 10


def draw_curve(
    values: Sequence[float], width: int, label: Callable[[float], str], *, braille: bool
) -> list[str]:
    """Return the lines of a plot of one value an epoch, at most `width` characters wide.

    Values that are not finite are left out. `label` words the highest, middle and lowest value.
    """
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return []
    low, high = min(known), max(known)
    labels = {0: label(high), _ROWS // 2: label((low + high) / 2), _ROWS - 1: label(low)}
    if low == high:
        labels = {_ROWS // 2: label(low)}
    margin = max(map(len, labels.values()))
    columns = max(width - margin - 2, 4)
    rows = _braille_rows(values, columns) if braille else _ascii_rows(values, columns)
    side, corner, floor = ("│", "└", "─") if braille else ("|", "+", "-")
    lines = [f"{labels.get(i, ''):>{margin}} {side}{row}" for i, row in enumerate(rows)]
    lines.append(f"{'':{margin}} {corner}{floor * columns}")
    return [line.rstrip() for line in [*lines, _epochs_line(len(values), margin + 2, columns)]]


def _epochs_line(n_epochs: int, margin: int, columns: int) -> str:
    last = "" if n_epochs == 1 else str(n_epochs)
    return f"{'':{margin}}{'epoch 1':<{columns - len(last)}}{last}"


def _braille_rows(values: Sequence[float], columns: int) -> list[str]:
    dots = set(_trace(values, 2 * columns, 4 * _ROWS))
    return ["".join(_cell(dots, x, y) for x in range(columns)) for y in range(_ROWS)]


def _cell(dots: _Dots, x: int, y: int) -> str:
    bits = [
        bit
        for i, column in enumerate(_BITS)
        for j, bit in enumerate(column)
        if (2 * x + i, 4 * y + j) in dots
    ]
    return chr(_BRAILLE + sum(bits)) if bits else " "


def _ascii_rows(values: Sequence[float], columns: int) -> list[str]:
    dots = set(_trace(values, columns, _ROWS))
    return ["".join("*" if (x, y) in dots else " " for x in range(columns)) for y in range(_ROWS)]


def _trace(values: Sequence[float], width: int, height: int) -> Iterator[tuple[int, int]]:
    """Yield the dots (x, y) of the curve, (0, 0) the upper left one, its points joined."""
    points = list(_points(values, width, height))
    yield from points[:1]
    for (x0, y0), (x1, y1) in pairwise(points):
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(1, steps + 1):
            part = step / steps
            yield round(x0 + part * (x1 - x0)), round(y0 + part * (y1 - y0))


def _points(values: Sequence[float], width: int, height: int) -> Iterator[tuple[int, int]]:
    known = [value for value in values if math.isfinite(value)]
    low, high = min(known), max(known)
    for i, value in enumerate(values):
        if math.isfinite(value):
            x = i / max(len(values) - 1, 1) * (width - 1)
            level = low == high
            y = height // 2 if level else (high - value) / (high - low) * (height - 1)
            yield round(x), round(y)
