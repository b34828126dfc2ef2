"""What the best trials have in common against all others. Pure, but for reading the study."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from search.report.evidence import Evidence
from search.report.plots.scales import value_text
from search.report.statistics import UNLIKELY, as_narrow, at_least
from search.report.trials import After, Searched, ranked_parameters
from spaces.ranges import describe_range

MOST = 10
_FEWEST = 10
_SHARE = 0.8  # the share of the best trials that must have a choice


class SharedTrait(NamedTuple):
    """What `n_best` of the best trials and `n_others` of the others have of a parameter.

    `value` is a choice, or a range of numbers ("0.01 to 0.05") that all the best with the
    parameter keep to; `searched` is the whole range then, None with a choice.
    """

    parameter: str
    value: str
    searched: str | None
    n_best: int
    n_others: int


class SharedInfo(NamedTuple):
    """The traits, the rarest among the others first; `after` as in `comparable_trials`.

    `reason` says why nothing can be told.
    """

    best: int = 0
    others: int = 0
    after: After | None = None
    traits: tuple[SharedTrait, ...] = ()
    reason: str | None = None


def shared_info(evidence: Evidence) -> SharedInfo:
    """Return what the best ten have in common, the better half where there are fewer than 20.

    Eight of ten must have the parameter, and the same choice; numbers must span so little, on
    their own scale, and choices be so frequent that as many trials drawn by chance would do so
    with a probability of at most 5%, each parameter taken alone.
    """
    ranked = evidence.once(ranked_parameters)
    total = len(ranked.numbers)
    if total < _FEWEST:
        return SharedInfo(reason=f"that takes at least {_FEWEST} trials that can be compared")
    best = min(MOST, total // 2)
    traits = [trait for one in ranked.parameters for trait in _traits(one, best)]
    traits.sort(key=lambda trait: (trait.n_others / (total - best), trait.parameter))
    return SharedInfo(best, total - best, ranked.after, tuple(traits))


def _traits(searched: Searched, best: int) -> Iterator[SharedTrait]:
    known: list[Any] = searched.known(slice(best))
    if len(known) >= _SHARE * best:
        found = _range if searched.is_number() else _choice
        yield from found(searched, best, known)


def _choice(searched: Searched, best: int, known: list[Any]) -> Iterator[SharedTrait]:
    value, n_best = Counter(map(value_text, known)).most_common(1)[0]
    n_others = sum(value_text(one) == value for one in searched.known(slice(best, None)))
    chance = at_least(n_best, best, n_best + n_others, len(searched.values))
    if n_best >= _SHARE * best and chance <= UNLIKELY:
        yield SharedTrait(searched.name, value, None, n_best, n_others)


def _range(searched: Searched, best: int, known: list[Any]) -> Iterator[SharedTrait]:
    scale, low, high = searched.scale(), min(known), max(known)
    places = [scale(value) for value in searched.known(slice(None))]
    if as_narrow(places, len(known), scale(high) - scale(low)) <= UNLIKELY:
        n_others = sum(low <= one <= high for one in searched.known(slice(best, None)))
        value = f"{value_text(low)} to {value_text(high)}"
        whole = describe_range(searched.distribution)
        yield SharedTrait(searched.name, value, whole, len(known), n_others)
