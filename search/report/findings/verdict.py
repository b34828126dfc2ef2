"""What came of it, in sentences that can be repeated?"""

from collections.abc import Iterator
from typing import Self, final

from search.metric import ACCURACY
from search.report.blocks import Block, Paragraph
from search.report.evidence import Evidence
from search.report.finding import HEADLINE, Finding
from search.report.findings.baseline_comparison import BaselineComparison
from search.report.findings.cost import Cost
from search.report.findings.trust import Trust
from search.report.findings.winner import SearchBaseline
from search.report.scoring import decisive_score, distinct_candidates
from search.text import count, duration, interval, listed, percent, plural, score, spread
from search.tuning.records import StudyRecord, TrialRecord

_LONGEST_ACRONYM = 3  # MLP, CNN


@final
class Verdict(Finding):
    """What the search found, how it compares with the hand-tuned network, and what it took."""

    key = "verdict"
    section = HEADLINE

    result: str
    """How good the final model is, in a sentence."""
    comparison: str
    """Whether it is better than the hand-tuned network, in a sentence."""
    effort: str
    """When, on what and for how long was searched, in a sentence."""
    doubt: str
    """What speaks against relying on the result, in a sentence; empty if nothing is known to."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Put it in words; None before the test, and for a baseline study."""
        record = evidence.record
        test, winner = record.test, record.winner()
        if test is None or winner is None or not record.is_tested():
            return None  # or the test is of an earlier winner
        if not record.recipe.protocol.is_search:
            return None
        right = f"{percent(test.accuracy)} of {count(test.n_images)} test images"
        value = None if record.metric is ACCURACY else test.value(record.metric)
        own = "" if value is None else f", a {record.metric} of {score(value, record.metric)}"
        return cls(
            result=(
                f"The winner, {_named(winner)}, classifies {right} correctly "
                f"(95% interval {interval(test.interval)}){own}."
            ),
            comparison=_comparison(evidence, winner),
            effort=_effort(record, evidence.once(Cost.of)),
            doubt=_doubt(evidence.once(Trust.of)),
        )

    def blocks(self) -> Iterator[Block]:
        yield Paragraph(f"{self.result} {self.comparison}", "large")
        if self.doubt:
            yield Paragraph(self.doubt, "notice")
        yield Paragraph(self.effort, "quiet")


def _named(winner: TrialRecord) -> str:
    """Name the winner: "trial 53 (MLP, 18,051,601 parameters)"."""
    if winner.candidate is None or winner.n_parameters is None:
        return f"trial {winner.number}"
    kind = winner.candidate.model.kind
    named = kind.upper() if len(kind) <= _LONGEST_ACRONYM else kind
    return f"trial {winner.number} ({named}, {plural(winner.n_parameters, 'parameter')})"


def _comparison(evidence: Evidence, winner: TrialRecord) -> str:
    """Claim a difference only where neither other seeds nor other images may explain it."""
    compared, own = evidence.once(BaselineComparison.of), evidence.once(SearchBaseline.of)
    is_hand_tuned = own is not None and own.number == winner.number
    if is_hand_tuned or (compared is not None and compared.same_candidate):
        return f"It is the hand-tuned network itself: {_none_better(evidence.record)}."
    if compared is None:
        in_validation = _in_validation(evidence, winner.number)
        return f"The hand-tuned network was not tested on these images{in_validation}."
    return _difference(compared)


def _difference(compared: BaselineComparison) -> str:
    gain = compared.gain
    size = spread(abs(gain), compared.metric)
    what = "" if compared.metric is ACCURACY else f" in {compared.metric}"
    if not round(gain, 4):
        return f"It is level with the hand-tuned network{what} on these images."
    if compared.clear is None:
        how = "more" if gain > 0 else "less"
        return f"That is {size} {how} than the hand-tuned network{what}; how certain is not known."
    how = "better" if gain > 0 else "worse"
    if compared.is_suggestive:
        return (
            f"On these images it is {size} {how}{what} than the hand-tuned network: likely, but "
            f"not proven ({compared.doubt}).{_more_images(compared)}"
        )
    if not compared.clear:
        return (
            f"No clear difference from the hand-tuned network: it is {size} {how}{what}, within "
            "noise."
        )
    if gain > 0:
        return f"It is better than the hand-tuned network by {size}{what}."
    return f"The hand-tuned network is better by {size}{what}."


def _more_images(compared: BaselineComparison) -> str:
    """Say that the winner had more training images, which may be part of its lead."""
    ours, theirs = compared.n_trained
    if compared.gain < 0 or ours <= theirs:
        return ""
    return f" It was trained on {percent(ours / theirs - 1, 0)} more images."


def _none_better(record: StudyRecord) -> str:
    others = len(distinct_candidates(record.complete())) - 1
    if not others:
        return "no other configuration was trained to the end"
    return f"none of {plural(others, 'other configuration')} was better"


def _in_validation(evidence: Evidence, winner: int) -> str:
    """Return how the hand-tuned candidate did if it was one of the trials, and did not win."""
    own = evidence.once(SearchBaseline.of)
    best, metric = evidence.record.winner(), evidence.record.metric
    if own is None or own.mean is None or own.number == winner or best is None:
        return ""
    reached, winners = score(own.mean, metric), score(decisive_score(evidence.record, best), metric)
    of = "" if metric is ACCURACY else f"a {metric} of "
    if reached == winners:
        return f"; in validation both reached {of}{reached}"
    noise = ", which noise may explain" if own.close else ""
    return f"; in validation it reached {of}{reached}, the winner {winners}{noise}"


def _doubt(trust: Trust | None) -> str:
    if trust is None or not trust.objections:
        return ""
    return f"Before you rely on this: {listed(trust.objections)} (see “Would you bet on it?”)."


def _effort(record: StudyRecord, cost: Cost) -> str:
    dataset = record.dataset
    trials = plural(cost.n_tried, "configuration")
    clock = (
        f"{duration(cost.search_seconds)} of search"
        if cost.search_seconds
        else f"{duration(cost.trial_seconds)} of training, summed over workers"
    )
    day = max((access.time for access in record.openings), default=None)
    ended = "" if day is None else f", tested on {day:%Y-%m-%d}"
    times = listed((clock, *cost.after_search))
    return (
        f"{trials} in {times}{ended}. Data: {dataset.name}, {count(dataset.n_train)} "
        f"training and {count(dataset.n_test)} test images of {len(dataset.class_names)} classes."
    )
