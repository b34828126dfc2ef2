"""Can the trials say why the winner won?"""

from collections.abc import Iterator, Sequence
from typing import Self, final

from search.report.blocks import Block, Paragraph
from search.report.evidence import Evidence
from search.report.finding import WHY, Finding
from search.report.findings.ablation import Ablated
from search.report.findings.common_traits import CommonTraits
from search.report.findings.importances import Importances
from search.report.findings.margin import Margin
from search.report.findings.winner import SearchBaseline
from search.text import listed

_MOST_NAMED = 3
_BY_WHICH = "By which of its settings is not known; the command “ablate” shows that."


@final
class Explanation(Finding):
    """The answer to why it won, in a sentence; what follows gives its reasons."""

    key = "explanation"
    section = WHY

    leads: bool
    """Whether the winner leads the runner-up by more than noise; not if they are level."""
    settings: tuple[str, ...]
    """The parameters that stand out from chance, in their importance or in what the best share."""
    answer: str
    """Both in a sentence."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Sum it up; None where parameters were not checked, or the lead's noise is not known."""
        margin = evidence.once(Margin.of)
        second = None if margin is None else margin.runner_up
        if margin is None or second is None or second.error is None:
            return None
        traits, importances = evidence.once(CommonTraits.of), evidence.once(Importances.of)
        found = () if traits is None else tuple(one.parameter for one in traits.traits)
        mattering = () if importances is None else importances.beyond_chance
        settings = tuple(dict.fromkeys((*mattering, *found)))
        leads = not second.close and not margin.level
        checked = any(one is not None and one.reason is None for one in (traits, importances))
        if not checked:
            return None
        lead = "its lead over the runner-up is within noise"
        if margin.level:
            lead = "it is level with the runner-up"
        answer = _answer(None if leads else lead, _standing(mattering, found))
        baseline, ablated = evidence.once(SearchBaseline.of), evidence.once(Ablated.of)
        if baseline is not None and baseline.beaten and not settings and ablated is None:
            answer = f"It beats the hand-tuned network by more than noise. {_BY_WHICH} {answer}"
        return cls(leads=leads, settings=settings, answer=answer)

    def blocks(self) -> Iterator[Block]:
        yield Paragraph(self.answer, "large")


def _standing(mattering: Sequence[str], shared: Sequence[str]) -> str:
    """Say which settings stand out, and in which test; "" if none does."""
    found = []
    if mattering:
        stand = "stands" if len(mattering) == 1 else "stand"
        found.append(f"{_named(mattering)} {stand} out from chance by importance")
    if shared:
        found.append(f"the best trials share settings of {_named(shared)} more than by chance")
    return ", and ".join(found)


def _named(settings: Sequence[str]) -> str:
    return listed(settings[:_MOST_NAMED])


def _answer(lacking: str | None, standing: str) -> str:
    """Say both in a sentence.

    Args:
        lacking: Why there is no lead; None if there is one.
        standing: Which settings stand out.
    """
    if lacking is None:
        lead = "It leads the runner-up by more than noise"
        if standing:
            return f"{lead}; among what was searched, {standing}."
        return f"{lead}, but these trials do not show which setting did it."
    if standing:
        return f"{lacking[0].upper()}{lacking[1:]}; among what was searched, {standing}."
    return (
        f"Among these trials it cannot be told: {lacking}, and no setting stands out from chance."
    )
