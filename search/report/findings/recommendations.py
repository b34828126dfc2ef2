"""What should be tried next?"""

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Self, final

from optuna.distributions import BaseDistribution, CategoricalDistribution

from search.metric import Metric
from search.report.blocks import Block, Bullets
from search.report.evidence import Evidence
from search.report.finding import NEXT, Finding, Number, ReportPart, Text, Unlisted
from search.report.findings.common_traits import UNLIKELY, at_least
from search.report.lead import Lead, fold_mean_error
from search.report.scales import value_text
from search.report.scoring import (
    ENDED,
    After,
    Ranked,
    Searched,
    drawn_trials,
    few_drawn,
    fold_values,
    in_plan_order,
    ranked_parameters,
    validation_images,
)
from search.text import listed, percent, plural, spread
from search.training.bootstrap import score_error
from search.tuning.records import StudyRecord, TrialKind, TrialRecord
from search.tuning.samplers import get_sampler
from spaces.parameters import describe_range

UNKNOWN = "There is nothing to recommend until a trial is complete."
NOTHING = (
    "Nothing in these trials points beyond what was searched: no best value is at the end of its "
    "range, and the winner was not best after its last epoch."
)
_BEST = 5
_BORDER = 0.1  # the share of a range, on its own scale, that counts as its end
_FEWEST = 8  # trials that a forecast needs
_MANY = 0.2  # the share of trials from which one kind of failure is worth a sentence

End = Literal["lower", "upper"]
_ENDS: tuple[End, End] = ("lower", "upper")


@final
class Border(ReportPart):
    """An end of a parameter's range at which the best trials or the winner are.

    Trials without the parameter do not count.
    """

    parameter: str
    """The parameter."""
    end: End
    """Which end of its range."""
    searched: str
    """The range."""
    value: str | None
    """The winner's value; null if it is not at this end."""
    n_best: int
    """How many of the best drawn trials are there."""
    best: int
    """How many of them have the parameter."""
    n_all: int
    """How many of all drawn trials are there, without prepared candidates."""
    total: int
    """How many of them have the parameter."""
    tested: Unlisted[int] = 1  # ends of ranges that were looked at, this one included
    least: Unlisted[bool]  # whether the end is zero, so that nothing lies below it

    @property
    def crowded(self) -> bool:
        """Whether most of the best trials are there, more than chance makes of any tested end.

        Bonferroni's correction.
        """
        chance = self.tested * at_least(self.n_best, self.best, self.n_all, self.total)
        return 2 * self.n_best > self.best and chance <= UNLIKELY


@final
class ExpectedBest(ReportPart):
    """The expected best score of a number of trials, by Tang et al. (2020)."""

    sizes: tuple[int, ...]
    """Numbers of trials; the last is all of them."""
    values: tuple[float, ...]
    """The expected best score of each number: fractions or nats."""
    noise: Number
    """Standard error of the winner's score; null if it is not known."""
    after: After | None
    """How far trials were compared; null if by their scores."""

    @property
    def gain(self) -> float:
        """What the last doubling of the trials gained, at least 0."""
        return abs(self.values[-1] - self.values[-2])

    n_folds: Unlisted[int] = 1  # folds that the standard error is over

    @property
    def flat(self) -> bool:
        """Whether the last doubling gained no more than noise makes of the winner's score."""
        return Lead(self.gain, self.noise or 0.0, self.n_folds).within_noise is True


@final
class Recommendations(Finding):
    """What to try next, each recommendation with its evidence; null for a baseline study."""

    key = "advice"
    section = NEXT

    borders: tuple[Border, ...]
    """Ends of ranges that are mentioned."""
    expected: ExpectedBest | None
    """Whether more trials help; null for too few, and if the sampler learns from earlier ones."""
    words: tuple[Text, ...]
    """All recommendations in sentences."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        record = evidence.record
        if not record.recipe.protocol.is_search:
            return None
        winner = record.winner()
        if winner is None:
            return cls(borders=(), expected=None, words=(UNKNOWN, *_bad_ends(record)))
        ranked = evidence.once(ranked_parameters)
        found = list(_every_border(ranked, winner))
        every = [one.model_copy(update={"tested": len(found)}) for one in found]
        borders = [one for one in every if one.crowded or one.value is not None]
        usual = sum(one.n_all for one in every) / max(len(ranked.numbers), 1)
        expected = forecast(record)
        few = few_drawn(record, _FEWEST, "which range to widen")
        words = (
            *([] if few is None else [f"{few[0].upper()}{few[1:]}."]),
            *_border_words(borders, record, ranked.after),
            *_weak_words(borders, _usual(record, winner, usual)),
            *_expected_words(expected, record.metric),
            *_no_improvement(record, winner),
            *_best_at_last_epoch(record, winner),
            *_bad_ends(record),
        )
        return cls(borders=tuple(borders), expected=expected, words=words or (NOTHING,))

    def blocks(self) -> Iterator[Block]:
        yield Bullets(self.words)


def _every_border(ranked: Ranked, winner: TrialRecord) -> Iterator[Border]:
    """Yield both ends of each range.

    An end is the outer tenth of a range of numbers, on its own scale, or the first or last of at
    least three choices that are numbers in order.
    """
    for searched in ranked.parameters:
        if _has_ends(searched.distribution):
            yield from (_border(searched, end, winner) for end in _ENDS)


def _has_ends(distribution: BaseDistribution) -> bool:
    if not isinstance(distribution, CategoricalDistribution):
        return True
    choices: list[Any] = list(distribution.choices)
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in choices)
    return numbers and len(choices) > 2 and choices == sorted(choices)


def _border(searched: Searched, end: End, winner: TrialRecord) -> Border:
    scale, distribution = searched.scale(), searched.distribution
    low = (
        distribution.choices[0]
        if isinstance(distribution, CategoricalDistribution)
        else getattr(distribution, "low", None)
    )

    def inside(value: object) -> bool:
        if isinstance(distribution, CategoricalDistribution) and value not in distribution.choices:
            return False  # as a prepared winner's may be beside a grid
        return scale(value) <= _BORDER if end == "lower" else scale(value) >= 1 - _BORDER

    own = [winner.params[searched.name]] if searched.name in winner.params else []
    best, total = searched.known(slice(_BEST)), searched.known(slice(None))
    return Border(
        parameter=searched.name,
        end=end,
        searched=describe_range(distribution),
        value=next((value_text(value) for value in own if inside(value)), None),
        n_best=sum(map(inside, best)),
        best=len(best),
        n_all=sum(map(inside, total)),
        total=len(total),
        least=end == "lower" and low == 0,
    )


def _border_words(
    borders: Sequence[Border], record: StudyRecord, after: After | None
) -> Iterator[str]:
    trials = "drawn trials" if record.n_prepared else "trials"
    compared = "" if after is None else f", compared after {after}"
    for one in borders:
        if one.crowded:
            winner = "" if one.value is None else f"; the winner has {one.value}"
            side = "upwards" if one.end == "upper" else "downwards"
            widen = f"Widen the range {side}."
            yield (
                f"{one.parameter}: {one.n_best} of the best {one.best} {trials} are at the "
                f"{one.end} end of its range ({one.searched}), but only {one.n_all} of all "
                f"{one.total}{compared}{winner}. "
                f"{'Nothing lies below zero: try it without.' if one.least else widen}"
            )


def _weak_words(borders: Sequence[Border], usual: str) -> Iterator[str]:
    weak = [one for one in borders if not one.crowded and not one.least]
    if weak:
        names = listed([f"{one.parameter} = {one.value} ({one.searched})" for one in weak])
        at = "value is at or near the end of its range"
        if len(weak) > 1:
            at = "values are at or near the ends of their ranges"
        yield (f"The winner’s {at}: {names}. Whether a wider range helps is a guess: {usual}.")


def _usual(record: StudyRecord, winner: TrialRecord, number: float) -> str:
    """Say why values at ends, of which an average trial has so many, prove nothing."""
    if winner.plan < record.n_prepared:
        return "it is a prepared candidate, whose values were not drawn from these ranges"
    return (
        "the best trials are not there much more often than the others, and chance alone puts "
        f"{number:.1f} of a trial’s values at ends"
    )


def forecast(record: StudyRecord) -> ExpectedBest | None:
    """Estimate whether more trials help; None with too few trials.

    The candidates that the search began with are left out, because they were not sampled. Adaptive
    samplers learn from earlier trials, so their trials are no independent sample.
    """
    compared = drawn_trials(record)
    values = list(compared.values)
    winner = record.winner()
    if get_sampler(record.recipe.sampler).adaptive or len(values) < _FEWEST or winner is None:
        return None
    metric, n = record.metric, len(values)
    sizes = (n // 4, n // 2, n)
    return ExpectedBest(
        sizes=sizes,
        values=tuple(expected_best(values, size, metric) for size in sizes),
        noise=_noise(record, winner, compared.after),
        after=compared.after,
        n_folds=len(winner.fold_scores) if compared.after is None else compared.after.folds,
    )


def _noise(record: StudyRecord, winner: TrialRecord, after: After | None) -> float | None:
    """Standard error of the value that the winner is compared by.

    It is computed over the folds; on a single fold from its images, where that is possible.
    """
    metric = record.metric
    scores = list(winner.fold_scores) if after is None else fold_values(winner, after, metric)
    if len(scores) > 1:
        return fold_mean_error(scores, record.recipe.validation_share)
    confusion = winner.confusion if after is None else None
    return score_error(metric, scores[0], validation_images(record), confusion)


def expected_best(values: Sequence[float], n: int, metric: Metric) -> float:
    """Return the mean of the best of `n` values over all ways to draw them.

    1 <= n <= N. It is the unbiased estimate of the expected validation performance of n trials
    (Dodge et al., "Show Your Work", EMNLP 2019, without replacement as Tang et al., "Showing Your
    Work Doesn't Always Work", ACL 2020).
    """
    worst_first = sorted(values, reverse=not metric.higher_is_better)
    ways = math.comb(len(values), n)
    # The i-th worst (from 0) is the best of those draws whose others are all worse.
    return sum(math.comb(i, n - 1) / ways * value for i, value in enumerate(worst_first))


def _expected_words(expected: ExpectedBest | None, metric: Metric) -> Iterator[str]:
    if expected is None:
        return
    *_, half, all_of_them = expected.sizes
    after = "" if expected.after is None else f", compared after {expected.after}"
    gained = (
        f"By estimate, the best of {all_of_them} sampled trials is "
        f"{spread(expected.gain, metric)} better than the best of {half} (Tang et al., 2020{after})"
    )
    if not expected.flat:
        yield f"{gained}; doubling again may gain as much or less."
        return
    noise = f" (standard error {spread(expected.noise, metric)})" if expected.noise else ""
    yield (
        f"{gained}. That is within the noise of the winner’s own score{noise}, so these trials "
        "cannot tell whether more of them would help."
    )


def _ended(record: StudyRecord) -> list[TrialRecord]:
    return in_plan_order(trial for trial in record.trials if trial.kind in ENDED)


def _no_improvement(record: StudyRecord, winner: TrialRecord) -> Iterator[str]:
    if record.best_finalist() is not None:  # others may have a better score in the search
        return
    indices = {trial.plan for trial in _ended(record) if trial.same_as is None}
    since = sum(index > winner.plan for index in indices)
    if 2 * since >= len(indices):  # fewer say nothing
        what = "last" if since == 1 else f"last {since}"
        yield f"Of {plural(len(indices), 'trial')}, the {what} did not beat the winner."


def _best_at_last_epoch(record: StudyRecord, winner: TrialRecord) -> Iterator[str]:
    best = [one for one in record.complete() if one.same_as is None][:_BEST]
    epochs = record.recipe.epochs
    late = [trial for trial in best if trial.best_epoch == epochs]
    if winner.best_epoch != epochs or record.has_longer_refit():
        return
    others = f", as {len(late)} of the best {len(best)} were" if len(late) > 1 else ""
    candidate = winner.candidate
    ends_there = candidate is not None and candidate.schedule.name in ("cosine", "one_cycle")
    yield (
        f"The winner was best after its last epoch, {epochs} of {epochs}{others}: more epochs may "
        "help."
        + (" Its learning-rate schedule also ends there, which explains some of it." * ends_there)
    )


def _bad_ends(record: StudyRecord) -> Iterator[str]:
    ended = _ended(record)

    def share(kind: TrialKind) -> tuple[str, str] | None:
        """How many trials ended this way, and the first one's reason; None if they are few."""
        found = [trial for trial in ended if trial.kind == kind]
        if len(found) < 2 or len(found) < _MANY * len(ended):
            return None
        words = f"{len(found)} of {plural(len(ended), 'trial')}"
        reason = f"; the first: {found[0].reason}" if found[0].reason else ""
        return f"{words} ({percent(len(found) / len(ended), 0)})", reason

    if diverged := share("diverged"):
        rates = _learning_rates(ended)
        yield f"{diverged[0]} diverged{rates}: lower the upper end of the learning rates."
    if failed := share("failed"):
        yield f"{failed[0]} failed{failed[1]}: fix the cause before searching on."
    if infeasible := share("infeasible"):
        words = "could not be trained"
        yield f"{infeasible[0]} {words}{infeasible[1]}: narrow the space, or raise its bound."


def _learning_rates(ended: Sequence[TrialRecord]) -> str:
    """Describe the median learning rates of the diverged trials and of the others."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    for trial in ended:
        if trial.candidate is not None:
            rates[trial.kind == "diverged"].append(trial.candidate.optimizer.learning_rate)
    if not all(rates.values()):
        return ""
    diverged, others = statistics.median(rates[True]), statistics.median(rates[False])
    return f", with a median learning rate of {diverged:.2g} against {others:.2g}"
