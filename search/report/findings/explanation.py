"""Can the trials say why the winner won?"""

from collections.abc import Iterator, Sequence
from typing import Self, final

from search.command_lines import command_line
from search.report.blocks import Block, Code, Paragraph
from search.report.evidence import Evidence
from search.report.finding import WHY, Finding, Unlisted
from search.report.findings.ablation import Ablated
from search.report.findings.common_traits import CommonTraits
from search.report.findings.finalists import Finalists
from search.report.findings.importances import Importances
from search.report.findings.margin import Margin
from search.report.findings.winner import SearchBaseline, Winner
from search.text import chance, listed

_MOST_NAMED = 3
_SURE = 0.95  # probability of being the best finalist
_BY_WHICH = "By which of its settings is not known; the command “ablate” shows that."


@final
class Explanation(Finding):
    """The answer to why it won, in a sentence; what follows gives its reasons."""

    key = "explanation"
    section = WHY

    leads: bool
    """Whether the winner leads the runner-up by more than noise; not if they are level. Of
    finalists: whether it is the best of them with a probability of at least 95%."""
    settings: tuple[str, ...]
    """The parameters that stand out from chance, in their importance or in what the best share."""
    answer: str
    """Both in a sentence."""
    hint: Unlisted[str] = ""  # the command that finds out which changes matter

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Sum it up; None where parameters were not checked, or the lead's noise is not known."""
        standing = _standing_of_winner(evidence)
        if standing is None:
            return None
        leads, lead = standing
        traits, importances = evidence.once(CommonTraits.of), evidence.once(Importances.of)
        found = () if traits is None else tuple(one.parameter for one in traits.traits)
        mattering = () if importances is None else importances.beyond_chance
        settings = tuple(dict.fromkeys((*mattering, *found)))
        checked = any(one is not None and one.reason is None for one in (traits, importances))
        if not checked:
            return None
        answer = _answer(lead, _standing(mattering, found), leads=leads)
        baseline, ablated = evidence.once(SearchBaseline.of), evidence.once(Ablated.of)
        if baseline is not None and baseline.beaten and not settings and ablated is None:
            answer = f"It beats the hand-tuned network by more than noise. {_BY_WHICH} {answer}"
        hint = "" if ablated is not None else _hint(evidence)
        return cls(leads=leads, settings=settings, answer=answer, hint=hint)

    def blocks(self) -> Iterator[Block]:
        yield Paragraph(self.answer, "large")
        if self.hint:
            yield Paragraph("To find out which changes from the hand-tuned network matter:")
            yield Code(self.hint, "sh")


def _standing_of_winner(evidence: Evidence) -> tuple[bool, str] | None:
    """Return whether the winner leads, and how it stands in words; None if noise is not known."""
    finalists, margin = evidence.once(Finalists.of), evidence.once(Margin.of)
    if finalists is not None:
        best = next(one for one in finalists.finalists if one.trial == finalists.winner)
        if best.is_best is None:
            return None
        leads = best.is_best >= _SURE
        only = "" if leads else "only "
        return leads, f"it is {only}{chance(best.is_best)} likely to be the best finalist"
    second = None if margin is None else margin.runner_up
    if margin is None or second is None or second.error is None:
        return None
    if margin.level:
        return False, "it is level with the runner-up"
    if second.close:
        return False, "its lead over the runner-up is within noise"
    return True, "it leads the runner-up by more than noise"


def _hint(evidence: Evidence) -> str:
    """Return the command that tells which changes matter, where the search knows the baseline."""
    winner = evidence.once(Winner.of)
    if winner is None or not winner.changes:
        return ""
    return command_line("ablate", evidence.record.name)


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


def _answer(lead: str, standing: str, *, leads: bool) -> str:
    """Say both in a sentence.

    Args:
        lead: How the winner stands.
        standing: Which settings stand out.
        leads: Whether it leads beyond noise.
    """
    begun = f"{lead[0].upper()}{lead[1:]}"
    if standing:
        return f"{begun}; among what was searched, {standing}."
    if leads:
        return f"{begun}, but these trials do not show which setting did it."
    return f"These trials cannot tell why: no setting stands out from chance, and {lead}."
