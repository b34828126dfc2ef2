"""Parameters whose best values sit at a border of their range. Pure, but for reading the study."""

from typing import Any, Literal, NamedTuple

from optuna.distributions import BaseDistribution, CategoricalDistribution

from search.report.plots.scales import value_text
from search.report.statistics import UNLIKELY, at_least
from search.report.trials import After, Ranked, Searched
from spaces.ranges import describe_range

BEST = 5
_BORDER = 0.1  # the share of a range, on its own scale, that counts as its border
_ENDS: tuple["End", "End"] = ("lower", "upper")

End = Literal["lower", "upper"]


class Border(NamedTuple):
    """How many of the best trials, and of all of them, have a value at this end of a range.

    Trials without the parameter do not count. `value` is the winner's, None where that is not at
    this end. `least` says that the end is zero, with nothing below it.
    """

    parameter: str
    end: End
    searched: str
    value: str | None
    n_best: int
    best: int
    n_all: int
    total: int
    least: bool

    @property
    def crowded(self) -> bool:
        """Return whether most of the best are there, more than chance would put there."""
        chance = at_least(self.n_best, self.best, self.n_all, self.total)
        return 2 * self.n_best > self.best and chance <= UNLIKELY


class BordersInfo(NamedTuple):
    """The borders where most of the best five trials sit, or the winner does.

    `usual` is the number of borders at which a trial sits on average, `after` as in
    `comparable_trials`.
    """

    borders: tuple[Border, ...] = ()
    usual: float = 0.0
    after: After | None = None


def borders_info(ranked: Ranked, winner: int | None) -> BordersInfo:
    """Return the borders that are worth a word; `winner` is its trial's number.

    A border is the outer tenth of a range of numbers, on its own
    scale, or the first or last of at least three choices that are numbers in order.
    """
    place = ranked.numbers.index(winner) if winner in ranked.numbers else None
    found = [
        _border(searched, end, place)
        for searched in ranked.parameters
        if _has_ends(searched.distribution)
        for end in _ENDS
    ]
    return BordersInfo(
        borders=tuple(one for one in found if one.crowded or one.value is not None),
        usual=sum(one.n_all for one in found) / max(len(ranked.numbers), 1),
        after=ranked.after,
    )


def _has_ends(distribution: BaseDistribution) -> bool:
    if not isinstance(distribution, CategoricalDistribution):
        return True
    choices: list[Any] = list(distribution.choices)
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in choices)
    return numbers and len(choices) > 2 and choices == sorted(choices)


def _border(searched: Searched, end: End, winner: int | None) -> Border:
    scale = searched.scale()

    def inside(value: object) -> bool:
        return scale(value) <= _BORDER if end == "lower" else scale(value) >= 1 - _BORDER

    own = [] if winner is None else searched.known(slice(winner, winner + 1))
    best, total = searched.known(slice(BEST)), searched.known(slice(None))
    return Border(
        parameter=searched.name,
        end=end,
        searched=describe_range(searched.distribution),
        value=next((value_text(value) for value in own if inside(value)), None),
        n_best=sum(map(inside, best)),
        best=len(best),
        n_all=sum(map(inside, total)),
        total=len(total),
        least=end == "lower" and _low(searched.distribution) == 0,
    )


def _low(distribution: Any) -> Any:
    categorical = isinstance(distribution, CategoricalDistribution)
    return distribution.choices[0] if categorical else distribution.low
