"""Where does the winner come from: was it known to be good, or found by the search?"""

from collections.abc import Sequence
from typing import Self, final

from search.report.blocks import Paragraph
from search.report.evidence import Evidence
from search.report.finding import WHY, Excerpt
from search.report.scoring import sampled_how, trial_score
from search.text import plural, score
from search.tuning.records import StudyRecord, TrialRecord


@final
class Origin(Excerpt):
    """Whether the winner is one of the candidates that the search began with."""

    key = "winner.origin"
    section = WHY

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Compare both kinds of trials; None where the search began with the baseline at most."""
        record, winner = evidence.record, evidence.record.winner()
        if winner is None or record.n_prepared < 2 or record.objectives.several:
            return None
        return cls(content=(Paragraph(_words(record, winner)),))


def _words(record: StudyRecord, winner: TrialRecord) -> str:
    complete = record.complete()
    first = [one for one in complete if one.plan < record.n_prepared]
    sampled = [one for one in complete if one.plan >= record.n_prepared]
    known = "the prepared candidates with which the search began"
    way = sampled_how(record)
    if winner.plan < record.n_prepared:
        began = f"Trial {winner.number} is one of {known}."
        if not sampled:
            tried = any(one.plan >= record.n_prepared for one in record.trials)
            none = f"No trial {way} is complete." if tried else f"No trial was {way}."
            return f"{began} {none}"
        if len(sampled) == 1:
            only = sampled[0]
            reached = score(trial_score(only), record.metric)
            return f"{began} The only trial {way}, trial {only.number}, reached {reached}."
        return f"{began} Of {plural(len(sampled), 'trial')} {way}, {_best(record, sampled)}"
    found = f"Trial {winner.number} was {way}."
    if not first:
        return f"{found} None of {known} is complete."
    return f"{found} Of {known}, {_best(record, first)}"


def _best(record: StudyRecord, trials: Sequence[TrialRecord]) -> str:
    best = trials[0]  # they are ranked
    reached = score(trial_score(best), record.metric)
    search = " in the search" if record.best_finalist() is not None else ""
    return f"the best, trial {best.number}, reached {reached}{search}."
