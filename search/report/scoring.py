"""Scores of a study's trials, and which trials can be compared. Pure."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, NamedTuple, final, get_args

from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial

from search.metric import CountMetric, Metric
from search.report.evidence import Evidence
from search.report.finding import ReportPart
from search.report.scales import Scale, parameter_scale
from search.text import plural, spread
from search.training.bootstrap import score_error
from search.tuning.after_search import Finalist
from search.tuning.records import StudyRecord, TrialKind, TrialRecord
from search.tuning.samplers import get_sampler

KINDS: tuple[TrialKind, ...] = get_args(TrialKind)
ENDED: tuple[TrialKind, ...] = ("complete", "pruned", "diverged", "infeasible", "failed")


def trial_score(trial: TrialRecord) -> float | None:
    """Return the mean over folds at E*, or for other trials the value as stored."""
    return trial.value if trial.mean is None else trial.mean


def further_trainings(record: StudyRecord, trial: TrialRecord) -> Finalist | None:
    """Return the further trainings of a finalist; None for others, and if one of them diverged."""
    own = (one for one in record.current_finalists() if one.trial == trial.number)
    return next((one for one in own if one.mean() is not None), None)


def decisive_score(record: StudyRecord, trial: TrialRecord) -> float | None:
    """Return the score by which a trial competes with others, and which is compared with its test.

    That is the mean of a finalist's further trainings, which were not selected, and which decided
    what has won; else the trial's score in the search.
    """
    again = further_trainings(record, trial)
    return trial_score(trial) if again is None else again.mean()


def of_trainings(record: StudyRecord, trial: TrialRecord) -> str:
    """Say what `decisive_score` is the mean of: "the mean of 3 further trainings"; else ""."""
    again = further_trainings(record, trial)
    return "" if again is None else mean_of_trainings(len(again.scores))


def mean_of_trainings(n_trainings: int) -> str:
    """Name a finalist's score: "the mean of 3 further trainings"."""
    return f"the mean of {plural(n_trainings, 'further training')}"


def at_best_epoch(trial: TrialRecord, metric: Metric) -> float | None:
    """Return the mean over folds at E*; None if the history lacks it."""
    if trial.best_epoch is None or len(trial.history.epochs) < trial.best_epoch:
        return None
    return trial.history.mean_curve(metric)[trial.best_epoch - 1]


def winner_lead(lead: float, metric: Metric) -> str:
    """Say how the winner compares with a baseline, given by how much it is better.

    Args:
        lead: A difference of accuracies (fractions) or of losses; negative if the winner is worse.
        metric: Which of the two.
    """
    if not round(lead, 4):
        return "level with the winner"
    return f"the winner is {spread(abs(lead), metric)} {'better' if lead > 0 else 'worse'}"


def in_plan_order(trials: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Sort trials by their index in the plan, attempts at the same one in order."""
    return sorted(trials, key=lambda trial: (trial.plan, trial.attempt))


def distinct_candidates(trials: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Return the first trial of each candidate, in the plan's order.

    A copy says nothing that its original does not: it has the same settings and the same result.
    Counting it again would make chance look like evidence.
    """
    found: dict[object, TrialRecord] = {}
    for trial in in_plan_order(trials):
        if trial.same_as is None:
            known = trial.candidate
            found.setdefault(trial.number if known is None else known.model_dump_json(), trial)
    return list(found.values())


def scored_trials(record: StudyRecord) -> list[tuple[TrialRecord, float]]:
    """Return the trials that can win with their scores, in the plan's order."""
    trials = in_plan_order(record.complete())
    return [(t, value) for t in trials if (value := trial_score(t)) is not None]


def last_attempts(record: StudyRecord) -> list[TrialRecord]:
    """Return the last attempt at each index of the plan, in the plan's order."""
    return list({trial.plan: trial for trial in in_plan_order(record.trials)}.values())


def validation_images(record: StudyRecord) -> int:
    """Return the number of validation images of a holdout or, about, of one fold.

    They are counted where a complete trial has a confusion matrix: groups and copies that are kept
    together change the share by some images.
    """
    for trial in record.trials:
        if trial.kind == "complete" and trial.confusion is not None and trial.fold_scores:
            return round(sum(map(sum, trial.confusion)) / len(trial.fold_scores))
    return math.ceil(record.recipe.validation_share * record.dataset.n_train)


def scored_images(record: StudyRecord) -> int:
    """Return how many images a score is of: those of all folds, or of the holdout."""
    return record.recipe.n_folds * validation_images(record)


def image_worth(record: StudyRecord) -> float:
    """Return by how much one validation image changes a score, about; 0 if in no such steps."""
    in_steps = record.metric.is_share or isinstance(record.metric, CountMetric)
    return 1 / max(scored_images(record), 1) if in_steps else 0.0


def single_error(record: StudyRecord, trial: TrialRecord) -> float | None:
    """Return the standard error of a trial's score on a holdout; None if it is not known."""
    value = trial_score(trial)
    if value is None:
        return None
    return score_error(record.metric, value, validation_images(record), trial.confusion)


@final
class After(ReportPart):
    """How far trials were compared with each other."""

    epoch: int
    """After this epoch."""
    folds: int = 1
    """By the mean over this many folds, the first ones."""
    of: int = 1
    """The study's folds."""

    def __str__(self) -> str:
        """Say it in words: "epoch 3", in a race over folds "epoch 3 of the first fold"."""
        if self.folds == self.of:
            return f"epoch {self.epoch}"
        folds = "fold" if self.folds == 1 else f"{self.folds} folds"
        return f"epoch {self.epoch} of the first {folds}"


def reached(after: After | None) -> str:
    """Say at which epoch trials were compared, to follow "trial"; "" if by their scores."""
    return "" if after is None else f" after {after}, which each of them reached"


class ComparableTrials(NamedTuple):
    """Trials in the plan's order with the value they are compared by.

    The value is the score, or, where `after` is given, the mean at that point.
    """

    trials: tuple[TrialRecord, ...]
    values: tuple[float, ...]
    after: After | None = None


def comparable_trials(record: StudyRecord) -> ComparableTrials:
    """Return the trials of distinct candidates, compared by the same figure.

    That is the score, or, once a trial was pruned, the mean at the last epoch and fold that all of
    them reached: pruned trials are never left out, as who looks at survivors only no longer sees
    what made the others bad (selection on the outcome). Scores and last reports are never mixed,
    nor means over different folds. Empty until a trial is complete.
    """
    scores = {trial.number: value for trial, value in scored_trials(record)}
    trials = distinct_candidates(
        trial
        for trial in record.trials
        if trial.number in scores or (trial.kind == "pruned" and trial.history.epochs)
    )
    if not scores or all(trial.number in scores for trial in trials):
        scored = [trial for trial in trials if trial.number in scores]
        return ComparableTrials(tuple(scored), tuple(scores[trial.number] for trial in scored))
    trials = [trial for trial in trials if trial.history.epochs]
    after = After(
        epoch=min(len(trial.history.epochs) for trial in trials),
        folds=min(trial.history.n_folds() for trial in trials),
        of=record.recipe.n_folds,
    )
    values = [fmean(fold_values(trial, after, record.metric)) for trial in trials]
    return ComparableTrials(tuple(trials), tuple(values), after)


def drawn_trials(record: StudyRecord) -> ComparableTrials:
    """Return the comparable trials that the sampler drew, by which parameters are judged.

    Prepared candidates differ from them in many settings at once and are known to be good, so that
    what they share would pass for a parameter's effect.
    """
    every = comparable_trials(record)
    pairs = zip(every.trials, every.values, strict=True)
    drawn = [pair for pair in pairs if pair[0].plan >= record.n_prepared]
    return ComparableTrials(
        tuple(trial for trial, _ in drawn), tuple(value for _, value in drawn), every.after
    )


def sampled_how(record: StudyRecord) -> str:
    """Say how trials came about that were not prepared: "drawn at random"."""
    sampler = get_sampler(record.recipe.sampler)
    if sampler.adaptive:
        return "proposed by the sampler"
    return "taken from the grid" if sampler.enumerates else "drawn at random"


def few_drawn(record: StudyRecord, least: int, what: str, of: int = 2) -> str | None:
    """Say that fewer comparable trials than `least` were drawn, as others were prepared.

    Args:
        record: The study.
        least: How many suffice.
        what: What fewer cannot tell.
        of: With fewer trials in all there is nothing to say.

    Returns:
        A sentence without its full stop; None if enough were drawn, or none was prepared.
    """
    n_all, n_drawn = len(comparable_trials(record).trials), len(drawn_trials(record).trials)
    if n_drawn >= least or n_drawn == n_all or n_all < of:
        return None
    counted, how = f"of {plural(n_all, 'trial')}", sampled_how(record)
    if not n_drawn:
        return (
            f"none {counted} was {how}: all were prepared, and differ in many settings at once, so "
            f"they cannot tell {what}"
        )
    were = "was" if n_drawn == 1 else "were"
    others = "the other was prepared, and differs"
    if n_all - n_drawn > 1:
        others = "the others were prepared, and differ"
    return (
        f"{n_drawn} {counted} {were} {how}, too few to tell {what}; {others} in many settings at "
        "once"
    )


def adaptive_caveat(record: StudyRecord) -> str | None:
    """Say that tests of parameters are not exact where the sampler learns; None if it does not."""
    sampler = get_sampler(record.recipe.sampler)
    if not sampler.adaptive:
        return None
    return (
        f"The {sampler.words} chose trials by the scores of earlier ones, which this test does not "
        "allow for: a parameter may stand out although it does not matter."
    )


def fold_values(trial: TrialRecord, after: After, metric: Metric) -> list[float]:
    """Return the trial's figure in each of the folds that are compared."""
    return trial.history.fold_scores(after.epoch, metric)[: after.folds]


@final
@dataclass(frozen=True)
class Searched:
    """A parameter with its latest range; `values` are those of the trials, best first.

    A trial without a conditional parameter has the value MISSING.
    """

    name: str
    distribution: BaseDistribution
    values: tuple[object, ...]

    def known(self, trials: slice) -> list[Any]:
        """Return the values of these trials, without the missing ones."""
        return [value for value in self.values[trials] if value is not MISSING]

    def scale(self) -> Scale:
        """Return the positions, 0 to 1, of its range or of its choices in their order."""
        return parameter_scale(self.distribution, self.known(slice(None)))

    def is_number(self) -> bool:
        """Return whether it is a range of numbers, not a choice among several."""
        return not isinstance(self.distribution, CategoricalDistribution)


@final
class _Missing:
    """The value of a parameter that a trial does not have; None may be a choice."""


MISSING = _Missing()


@final
@dataclass(frozen=True)
class Ranked:
    """The drawn trials' numbers, best first, and parameters; `after` as in `drawn_trials`."""

    numbers: tuple[int, ...]
    parameters: tuple[Searched, ...]
    after: After | None


def ranked_parameters(evidence: Evidence) -> Ranked:
    """The varied parameters by name; ties rank in the plan's order.

    Only trials that the sampler drew are ranked. A grid's ranges are the values that it tried.
    """
    record = evidence.record
    compared = drawn_trials(record)
    sign = -1.0 if record.metric.higher_is_better else 1.0
    order = sorted(range(len(compared.values)), key=lambda i: sign * compared.values[i])
    numbers = tuple(compared.trials[i].number for i in order)
    parameters = _searched(evidence.frozen_trials(), numbers)
    if get_sampler(record.recipe.sampler).enumerates:
        parameters = (_as_tried(parameter) for parameter in parameters)
    return Ranked(numbers, tuple(parameters), compared.after)


def _searched(frozen: Mapping[int, FrozenTrial], numbers: Sequence[int]) -> Iterator[Searched]:
    trials = [frozen[number] for number in numbers]
    latest: dict[str, BaseDistribution] = {}
    for number in sorted(numbers):
        latest |= frozen[number].distributions
    for name in sorted(latest):
        values = tuple(trial.params.get(name, MISSING) for trial in trials)
        if len(set(map(repr, values)) - {repr(MISSING)}) > 1:
            yield Searched(name, latest[name], values)


def _as_tried(searched: Searched) -> Searched:
    if not searched.is_number():
        return searched
    tried = sorted(set(searched.known(slice(None))))
    return replace(searched, distribution=CategoricalDistribution(tried))
