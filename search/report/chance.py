"""What chance alone would do. Pure."""

import math
from bisect import bisect_right
from collections.abc import Sequence

UNLIKELY = 0.05


def at_least(found: int, drawn: int, marked: int, total: int) -> float:
    """Return the chance that `drawn` of `total` trials hold `found` or more of the `marked` ones.

    The trials are drawn without replacement: the upper tail of the hypergeometric distribution,
    which is Fisher's exact test (Fisher, "The Design of Experiments", 1935).
    """
    ways = sum(
        math.comb(marked, k) * math.comb(total - marked, drawn - k)
        for k in range(found, min(drawn, marked) + 1)
    )
    return ways / math.comb(total, drawn)


def as_narrow(places: Sequence[float], drawn: int, width: float) -> float:
    """Return the chance that `drawn` of the places span at most `width`; 1 <= drawn <= N.

    They are drawn without replacement. Exact: each place in turn is the lowest, and the others
    come from those at most `width` above it.
    """
    ordered = sorted(places)
    reach = [bisect_right(ordered, low + width) - i - 1 for i, low in enumerate(ordered)]
    return sum(math.comb(n, drawn - 1) for n in reach) / math.comb(len(ordered), drawn)
