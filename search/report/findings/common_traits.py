"""What do the best trials have in common?"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Self, final

from scipy.stats import hypergeom

from search.report.blocks import Block, Bullets, Paragraph
from search.report.evidence import Evidence
from search.report.finding import WHY, Finding, ReportPart, Unlisted
from search.report.scales import value_text
from search.report.scoring import (
    After,
    Searched,
    adaptive_caveat,
    few_drawn,
    ranked_parameters,
)
from search.text import percent, plural
from spaces.parameters import describe_range

MOST = 10
_FEWEST = 10
_SHARE = 0.8  # the share of the best trials that must agree on a choice


# Traits and ends of ranges each claim something of a study without any effect in at most this share
# of cases. So do importances (1%). The winner's lead is judged by a rule of its own.
UNLIKELY = 0.05 / 4
_ROUNDING = 1e-9


def at_least(found: int, drawn: int, marked: int, total: int) -> float:
    """Return the chance that `drawn` of `total` trials hold `found` or more of the `marked` ones.

    The trials are drawn without replacement: the upper tail of the hypergeometric distribution,
    which is Fisher's exact test (Fisher, "The Design of Experiments", 1935).
    """
    return float(hypergeom.sf(found - 1, total, marked, drawn))


def as_narrow(places: Sequence[float], drawn: int, width: float) -> float:
    """Return the chance that `drawn` of the places span at most `width`; 1 <= drawn <= N.

    They are drawn without replacement. Exact: each place in turn is the lowest, and the others
    come from those at most `width` above it.
    """
    ordered = sorted(places)
    width += _ROUNDING  # of places on a scale, so that the highest of equal spans counts
    reach = [bisect_right(ordered, low + width) - i - 1 for i, low in enumerate(ordered)]
    return sum(math.comb(n, drawn - 1) for n in reach) / math.comb(len(ordered), drawn)


def holm(chances: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in the order given (Holm, 1979).

    Any of those at most p is false in at most the share p of studies, however they depend on each
    other.
    """
    order = sorted(range(len(chances)), key=chances.__getitem__)
    adjusted, least = [1.0] * len(chances), 0.0
    for place, index in enumerate(order):
        least = max(least, min(1.0, (len(chances) - place) * chances[index]))
        adjusted[index] = least
    return adjusted


@final
class Trait(ReportPart):
    """A value or range that the best trials share and others rarely have."""

    parameter: str
    """The parameter."""
    value: str
    """A choice, or the range of numbers of the best trials that have the parameter."""
    searched: str | None
    """The whole range; null with a choice."""
    n_best: int
    """How many of the best trials have it."""
    n_others: int
    """How many of the other trials have it."""
    p_value: float
    """The probability that chance alone makes the best trials share as much of any of the
    parameters that were checked: Holm's correction of exact tests."""


@final
class CommonTraits(Finding):
    """What the best trials have in common; null for a baseline study."""

    key = "shared"
    section = WHY
    narrow = True
    title = "What the best trials have in common"

    best: int = 0
    """Trials that count as best."""
    others: int = 0
    """All others that can be compared."""
    checked: int = 0
    """Parameters that were checked."""
    after: After | None = None
    """How far they were compared; null if by their scores."""
    traits: tuple[Trait, ...] = ()
    """The rarest among the others first."""
    reason: str | None = None
    """Why there is no answer."""
    n_prepared: Unlisted[int] = 0  # prepared candidates, which were left out
    caveat: Unlisted[str | None] = None  # of a sampler that learns

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Compare the ten best trials with the others, or the better half of fewer than 20 trials.

        Only those that the sampler drew count: prepared candidates are alike in many settings.
        At least 80% of the best trials must have the parameter and, for a choice, the same one.
        The choice must be so frequent, or the numbers span so little on their own scale, that as
        many trials drawn at random would do so for any of the parameters with a probability of at
        most `UNLIKELY`.
        """
        record = evidence.record
        if not record.recipe.protocol.is_search:
            return None
        ranked = evidence.once(ranked_parameters)
        total = len(ranked.numbers)
        if total < _FEWEST:
            few = few_drawn(record, _FEWEST, "what the best have in common", of=_FEWEST)
            return cls(reason=few or f"this needs at least {_FEWEST} trials that can be compared")
        best = min(MOST, total // 2)
        checked = [_trait(one, best) for one in ranked.parameters]
        corrected = holm([1.0 if one is None else one.p_value for one in checked])
        traits = [
            trait.model_copy(update={"p_value": chance})
            for trait, chance in zip(checked, corrected, strict=True)
            if trait is not None and chance <= UNLIKELY
        ]
        traits.sort(key=lambda trait: (trait.n_others / (total - best), trait.parameter))
        return cls(
            best=best,
            others=total - best,
            checked=len(ranked.parameters),
            after=ranked.after,
            traits=tuple(traits),
            n_prepared=record.n_prepared,
            caveat=adaptive_caveat(record),
        )

    def blocks(self) -> Iterator[Block]:
        if self.reason is not None:
            yield Paragraph(f"Not shown: {self.reason}.", "quiet")
            return
        drawn = "drawn trials" if self.n_prepared else "trials"
        among = f"The best {self.best} of {self.best + self.others} {drawn}"
        after = " that can be compared"
        if self.after is not None:
            after = f", ranked after {self.after}, which each of them reached,"
        if not self.traits:
            yield Paragraph(
                f"{among}{after} have nothing in common that stands out from chance "
                f"({plural(self.checked, 'parameter')} checked)."
            )
            return
        yield Paragraph(
            f"{among}{after} have this in common. {plural(self.checked, 'parameter')} "
            f"{_were(self.checked)} checked; if none of them mattered, a finding like this would "
            f"appear in at most {percent(UNLIKELY, 1)} of studies (exact tests, Holm’s correction)."
        )
        yield Bullets(tuple(self._words(one) for one in self.traits))
        if self.caveat is not None:
            yield Paragraph(self.caveat)

    def _words(self, trait: Trait) -> str:
        what = f"{trait.parameter} = {trait.value}"
        if trait.searched is not None:
            what = f"{trait.parameter} from {trait.value} (searched: {trait.searched})"
        return (
            f"{what}: {trait.n_best} of the best {self.best}, {trait.n_others} of the other "
            f"{self.others}."
        )


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _trait(searched: Searched, best: int) -> Trait | None:
    """Return what the best share of a parameter, not yet corrected; None if that is nothing."""
    known: list[Any] = searched.known(slice(best))
    if len(known) < _SHARE * best:
        return None
    return (_range if searched.is_number() else _choice)(searched, best, known)


def _choice(searched: Searched, best: int, known: list[Any]) -> Trait | None:
    value, n_best = Counter(map(value_text, known)).most_common(1)[0]
    if n_best < _SHARE * best:
        return None
    counts = Counter(map(value_text, searched.known(slice(None))))
    chance = at_least(n_best, best, counts[value], len(searched.values))
    return Trait(
        parameter=searched.name,
        value=value,
        searched=None,
        n_best=n_best,
        n_others=counts[value] - n_best,
        p_value=min(1.0, len(counts) * chance),  # any choice might have been the one
    )


def _range(searched: Searched, best: int, known: list[Any]) -> Trait:
    scale, low, high = searched.scale(), min(known), max(known)
    places = [scale(value) for value in searched.known(slice(None))]
    return Trait(
        parameter=searched.name,
        value=f"{value_text(low)} to {value_text(high)}",
        searched=describe_range(searched.distribution),
        n_best=len(known),
        n_others=sum(low <= one <= high for one in searched.known(slice(best, None))),
        p_value=as_narrow(places, len(known), scale(high) - scale(low)),
    )
