"""A curve in one line of text. Pure."""

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.-=*#"


def sparkline(values: Sequence[float], width: int, encoding: str) -> str:
    """Return the values as characters of growing height, in plain ones where there are no blocks.

    Where there are more values than `width` the last of each part stands for it; level values
    are all drawn at half height.
    """
    levels = BLOCKS if _has_blocks(encoding) else ASCII
    shown = _thinned(values, width)
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    if low == high:
        return levels[len(levels) // 2] * len(shown)
    scale = (len(levels) - 1) / (high - low)
    return "".join(levels[round((value - low) * scale)] for value in shown)


def _has_blocks(encoding: str) -> bool:
    try:
        BLOCKS.encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _thinned(values: Sequence[float], width: int) -> list[float]:
    if len(values) <= width:
        return list(values)
    return [values[(i + 1) * len(values) // width - 1] for i in range(max(width, 0))]
