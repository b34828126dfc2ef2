"""What report.json says of what the best share, where the model fails, and what to try. Pure."""

from typing import Literal, Self, final

from search.report.facts.base import Facts, Number, Text
from search.report.info.next import NextInfo
from search.report.trials import After
from search.report.words.next import next_words


@final
class TraitFacts(Facts):
    """What the best trials have of a parameter, and others seldom."""

    parameter: str
    """The parameter."""
    value: str
    """A choice, or a range of numbers."""
    searched: str | None
    """The whole range; null with a choice."""
    n_best: int
    """How many of the best have it."""
    n_others: int
    """How many of the others."""


@final
class SharedFacts(Facts):
    """What the best trials have in common."""

    best: int
    """Trials that are called best."""
    others: int
    """All others that can be compared."""
    after: After | None
    """How far they were compared; null where by their scores."""
    traits: tuple[TraitFacts, ...]
    """The rarest among the others first."""
    reason: str | None
    """Why nothing can be told."""


@final
class BorderFacts(Facts):
    """A border of a parameter's range where the best trials or the winner sit."""

    parameter: str
    """The parameter."""
    end: Literal["lower", "upper"]
    """Which end of its range."""
    searched: str
    """The range."""
    value: str | None
    """The winner's value; null where that is elsewhere."""
    n_best: int
    """How many of the best trials sit there."""
    best: int
    """How many of them have the parameter."""
    n_all: int
    """How many of all trials sit there."""
    total: int
    """How many of them have the parameter."""


@final
class ExpectedFacts(Facts):
    """The expected best of so many trials, by Tang et al. (2020)."""

    sizes: tuple[int, ...]
    """Numbers of trials; the last is all of them."""
    values: tuple[Number, ...]
    """The best that is expected of each: fractions or nats."""
    noise: Number
    """Standard error of the winner's score; null where it is not known."""
    after: After | None
    """How far trials were compared; null where by their scores."""


@final
class AdviceFacts(Facts):
    """What to try next."""

    borders: tuple[BorderFacts, ...]
    """Borders that are worth a word."""
    expected: ExpectedFacts | None
    """Whether more trials still help; null of too few, and where trials learn from earlier ones."""
    words: tuple[Text, ...]
    """All advice in sentences."""

    @classmethod
    def of(cls, info: NextInfo) -> Self:
        """Return the advice's facts."""
        return cls(borders=info.borders.borders, expected=info.expected, words=next_words(info))
