"""Can the trials say why the winner won?"""

from collections.abc import Iterator
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
    """Whether the winner leads the runner-up by more than noise."""
    settings: tuple[str, ...]
    """The parameters that stand out from chance, in their importance or in what the best share."""
    answer: str
    """Both in a sentence."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Sum it up; None where parameters were not checked, or the lead's noise is not known."""
        margin = evidence.once(Margin.of)
        second = None if margin is None else margin.runner_up
        if second is None or second.error is None:
            return None
        traits, importances = evidence.once(CommonTraits.of), evidence.once(Importances.of)
        found = () if traits is None else tuple(one.parameter for one in traits.traits)
        mattering = () if importances is None else importances.beyond_chance
        settings = tuple(dict.fromkeys((*mattering, *found)))
        checked = any(one is not None and one.reason is None for one in (traits, importances))
        if not checked:
            return None
        answer = _answer(leads=not second.close, settings=settings)
        baseline, ablated = evidence.once(SearchBaseline.of), evidence.once(Ablated.of)
        if baseline is not None and baseline.beaten and not settings and ablated is None:
            answer = f"It beats the hand-tuned network by more than noise. {_BY_WHICH} {answer}"
        return cls(leads=not second.close, settings=settings, answer=answer)

    def blocks(self) -> Iterator[Block]:
        yield Paragraph(self.answer, "large")


def _answer(*, leads: bool, settings: tuple[str, ...]) -> str:
    stand = "stands" if len(settings) == 1 else "stand"
    found = f"{listed(list(settings[:_MOST_NAMED]))} {stand} out from chance"
    match leads, bool(settings):
        case True, True:
            return (
                f"It leads the runner-up by more than noise, and {found} among what was searched."
            )
        case True, False:
            return (
                "It leads the runner-up by more than noise, but these trials do not show which "
                "setting did it."
            )
        case False, True:
            return f"Its lead over the runner-up is within noise; among what was searched, {found}."
    return (
        "Among these trials it cannot be told: its lead over the runner-up is within noise, and no "
        "setting stands out from chance."
    )
