"""Which numbers matter most?"""

from collections.abc import Iterator
from typing import Self, final

from search.metric import ACCURACY, LOSS, Metric
from search.report.blocks import Block, Cards
from search.report.evidence import Evidence
from search.report.finding import HEADLINE, Finding, ReportPart
from search.report.findings.baseline_comparison import BaselineComparison
from search.report.findings.optimism import Optimism
from search.report.findings.repeats import Repeats
from search.report.findings.study import scored_epoch
from search.report.findings.winner import SearchBaseline, Winner
from search.report.scoring import mean_of_trainings
from search.text import count, interval, plural, score, score_interval, spread
from search.training.metrics import always_right
from search.tuning.records import StudyRecord


@final
class Card(ReportPart):
    """One number."""

    name: str
    """What it is."""
    number: str
    """The number as text; a dash if there is none yet."""
    words: str
    """What to know about it."""


@final
class Headline(Finding):
    """The numbers that matter most, the test accuracy first."""

    key = "headline"
    section = HEADLINE
    listed = "cards"

    cards: tuple[Card, ...]
    """The numbers in order."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        record = evidence.record
        repeats = evidence.once(Repeats.of)
        if repeats is not None:
            return cls(cards=(_test_card(record, repeats), *_repeat_cards(record, repeats)))
        return cls(
            cards=(
                *_own_card(record),
                _test_card(record, None),
                _validation_card(evidence),
                _baseline_card(evidence),
            )
        )

    def blocks(self) -> Iterator[Block]:
        yield Cards(tuple((one.name, one.number, one.words) for one in self.cards))


def _test_card(record: StudyRecord, repeats: Repeats | None) -> Card:
    name, test = "Test accuracy", record.test
    std = None if repeats is None else repeats.std
    if repeats is not None and std is not None and repeats.mean.test_accuracy is not None:
        words = (
            f"mean of {plural(len(repeats.rows), 'training')}, standard deviation "
            f"{spread(std.test_accuracy, ACCURACY)}"
        )
        return Card(name=name, number=score(repeats.mean.test_accuracy, ACCURACY), words=words)
    if test is None:
        return Card(name=name, number=score(None, ACCURACY), words="not evaluated yet")
    majority = test.majority()
    beside = "" if majority is None else f"; {always_right(majority)}"
    words = f"95% interval {interval(test.interval)}, {count(test.n_images)} images{beside}"
    return Card(name=name, number=score(test.accuracy, ACCURACY), words=words)


def _own_card(record: StudyRecord) -> Iterator[Card]:
    """Yield the test result by the study's metric; the other cards have accuracy and loss."""
    metric, test = record.metric, record.test
    if metric.recorded is not None:
        return
    measured = None if test is None else test.measure(metric)
    words = "not evaluated yet"
    if test is not None and measured is not None:
        both = measured.interval
        sure = "" if both is None else f"95% interval {score_interval(both, metric)}, "
        words = f"{sure}{count(test.n_images)} images"
    value = None if test is None else test.value(metric)
    yield Card(name=f"Test {metric}", number=score(value, metric), words=words)


def _repeat_cards(record: StudyRecord, repeats: Repeats) -> Iterator[Card]:
    for metric in (ACCURACY, LOSS):
        measure = f"validation_{metric}"
        words = scored_epoch(record)
        if repeats.std is not None:
            deviation = spread(getattr(repeats.std, measure), metric)
            words = f"{words}, standard deviation {deviation}"
        number = score(getattr(repeats.mean, measure), metric)
        yield Card(name=f"Validation {metric}", number=number, words=words)


def _validation_card(evidence: Evidence) -> Card:
    winner, metric = evidence.once(Winner.of), evidence.record.metric
    name = f"Validation {metric}"
    if winner is None:
        return Card(name=name, number=score(None, metric), words="nothing has won yet")
    gap = _gap(evidence.once(Optimism.of), metric)
    if winner.again is not None:
        words = (
            f"the winner, trial {winner.trial}: {mean_of_trainings(winner.n_again)}; "
            f"{score(winner.mean, metric)} in the search{gap}"
        )
        return Card(name=name, number=score(winner.again, metric), words=words)
    std = winner.fold_deviation
    deviation = "" if std is None else f", standard deviation {spread(std, metric)}"
    words = f"the winner, trial {winner.trial}{deviation}{gap}"
    return Card(name=name, number=score(winner.mean, metric), words=words)


def _gap(optimism: Optimism | None, metric: Metric) -> str:
    """Say how far validation is from the test result where that is more than its interval has."""
    gap = None if optimism is None else optimism.gap
    if (
        gap is None
        or optimism is None
        or gap.place == "within"
        or optimism.gap_metric is not metric
    ):
        return ""
    return f"; {gap.distance(metric)} its test {metric}"


def _baseline_card(evidence: Evidence) -> Card:
    metric, compared = evidence.record.metric, evidence.once(BaselineComparison.of)
    if compared is not None:
        name = f"Baseline’s test {compared.metric}"
        number = score(compared.baseline_value, compared.metric)
        return Card(name=name, number=number, words=compared.outcome)
    name, within = f"Baseline’s validation {metric}", evidence.once(SearchBaseline.of)
    if within is None:
        return Card(name=name, number=score(None, metric), words="no baseline in this search")
    words = f"trial {within.number}, on validation images: {within.outcome}"
    return Card(name=name, number=score(within.mean, metric), words=words)
