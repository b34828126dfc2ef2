"""Which of very many trials a plot draws: more marks than there are pixels tell no more. Pure."""

from collections.abc import Sequence
from typing import Final

from search.metric import Metric

MOST: Final = 2_000
BEST: Final = 100


def drawn(values: Sequence[float | None], metric: Metric, most: int = MOST) -> list[int]:
    """Return the positions of the values to draw, in order.

    Up to `most` values, that is all of them; of more, the best `BEST` and others evenly spaced.
    """
    if len(values) <= most:
        return list(range(len(values)))
    known = [place for place, value in enumerate(values) if value is not None]
    sign = -1.0 if metric.higher_is_better else 1.0
    best = set(sorted(known, key=lambda place: sign * (values[place] or 0.0))[:BEST])
    others = [place for place in range(len(values)) if place not in best]
    n_others = most - len(best)
    spaced = (others[i * len(others) // n_others] for i in range(n_others))
    return sorted(best.union(spaced))


def drawn_words(n_drawn: int, total: int) -> str:
    """Say what was left out and where it is; "" if nothing was."""
    if n_drawn == total:
        return ""
    return (
        f"Of {total:,} trials, the best {BEST} and {n_drawn - BEST:,} others, evenly spaced, are "
        "drawn; trials.csv has all."
    )
