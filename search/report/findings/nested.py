"""What does the whole search reach on images that it never saw, if it is repeated?"""

import statistics
from collections.abc import Iterator, Sequence
from typing import Self, final

from scipy.stats import binomtest
from scipy.stats import t as student

from search.command_lines import command_line, place_options
from search.metric import ACCURACY, Metric
from search.report.blocks import Block, Paragraph, Table
from search.report.evidence import Evidence
from search.report.finding import CERTAIN, Excerpt, Finding, MetricName, ReportPart
from search.report.lead import fold_mean_error
from search.report.scoring import decisive_score
from search.text import count, listed, plural, score, score_interval, spread, times
from search.tuning.records import StudyRecord
from spaces.candidate import describe_candidate


@final
class Repetition(ReportPart):
    """One repetition of the search."""

    study: str
    """Its study."""
    n_train: int
    """Images that it searched and trained on."""
    n_test: int
    """Images that it was then tested on, once."""
    validation: float
    """Its winner's validation score."""
    test: float
    """What the winner scores on the images left out."""
    winner: str
    """The winner in words."""


@final
class Nested(Finding):
    """Nested cross-validation: the whole search repeated, each time without other images.

    The interval is by Student's t over repetitions, with Nadeau and Bengio's factor (2003), as
    their training images overlap. That of an accuracy is no narrower than Wilson's for all their
    test images together, as a few repetitions may have equal scores by luck.
    """

    key = "nested"
    section = CERTAIN
    title = "The search, repeated"
    brief = True

    metric: MetricName
    """What trials are scored by."""
    mean: float
    """The mean of the repetitions' scores on the images left out."""
    std: float
    """Their standard deviation, with n - 1."""
    interval: tuple[float, float]
    """The 95% interval of the mean, within the metric's range."""
    optimism: float
    """By how much the winners' validation scores are better than that, on average."""
    n_winners: int
    """How many different candidates have won."""
    trials: tuple[int, int]
    """How many trials the repetitions have, the fewest and the most."""
    repetitions: tuple[Repetition, ...]
    """In order."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Summarize the repetitions; None where the search was not repeated."""
        metric, parts = evidence.record.metric, tuple(map(_repetition, evidence.nested))
        known = [one for one in parts if one is not None]
        if len(known) < 2 or len(known) < len(parts):
            return None
        scores = [one.test for one in known]
        mean = statistics.fmean(scores)
        validation = statistics.fmean(one.validation for one in known)
        trials = [one.n_done() for one in evidence.nested]
        return cls(
            metric=metric,
            mean=mean,
            std=statistics.stdev(scores),
            interval=_interval(known, metric),
            optimism=validation - mean if metric.higher_is_better else mean - validation,
            n_winners=len({one.winner for one in known}),
            trials=(min(trials), max(trials)),
            repetitions=tuple(known),
        )

    def blocks(self) -> Iterator[Block]:
        yield Paragraph(self._answer())
        yield Table(
            caption="The repetitions of the search",
            header=("Repetition", "Images", "Left out", "Validation", "Test", "Winner"),
            rows=tuple(
                _row(place, one, self.metric) for place, one in enumerate(self.repetitions, start=1)
            ),
            align="rrrrrl",
            long="Winner",
            most=len(self.repetitions),
        )
        fewest, most = self.trials
        trials = plural(most, "trial") if fewest == most else f"{fewest} to {most} trials"
        yield Paragraph(
            f"Each repetition searched among {trials} of its own, retrained its winner, and was "
            "tested once on the training images that it left out; none used the test set. The "
            "interval is Student’s t with Nadeau and Bengio’s factor (2003), as the repetitions "
            f"share images; of fewer than five it is very wide. {self._winners()} The studies are "
            f"{listed([one.study for one in self.repetitions])}.",
            "quiet",
        )

    def summary(self) -> tuple[str, ...]:
        return (self._answer(),)

    def __repr__(self) -> str:
        """Return the result in one line."""
        return f"<Nested: {self._answer()}>"

    def __str__(self) -> str:
        """Return the result in sentences."""
        return self._answer()

    def _answer(self) -> str:
        metric, n = self.metric, len(self.repetitions)
        luck = (
            f"In validation the winners looked {spread(self.optimism, metric)} better than that"
            if round(self.optimism, 4) > 0
            else "In validation the winners looked no better than that"
        )
        return (
            f"Repeated {n} times from the beginning, each time without another part of the images, "
            f"the whole search reaches {score(self.mean, metric)} {_named(metric)}on images that "
            f"it never saw (95% interval {score_interval(self.interval, metric)}). {luck}."
        )

    def _winners(self) -> str:
        if self.n_winners == 1:
            return "All repetitions chose the same candidate."
        return f"They chose {count(self.n_winners)} different candidates."


@final
class LostRepetitions(Excerpt):
    """What to say where the search was repeated, and its repetitions are no longer whole."""

    key = "nested.lost"
    section = CERTAIN

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Name them; None where all are there, or the search was not repeated."""
        names, recipe = evidence.record.nested, evidence.record.recipe
        if not names or evidence.nested:
            return None
        place = place_options(recipe.runs_dir, recipe.storage)
        again = command_line("nested", evidence.record.name, *place)
        return cls(
            content=(
                Paragraph(
                    f"The search was repeated {times(len(names))}, but the result is not shown: of "
                    f"the studies {listed(list(names))}, one is deleted or not tested. To train "
                    f"what is missing: {again}",
                    "notice",
                ),
            )
        )


def _named(metric: Metric) -> str:
    return "" if metric.name == "accuracy" else f"{metric} "


def _repetition(record: StudyRecord) -> Repetition | None:
    winner, test = record.winner(), record.test
    if winner is None or test is None or winner.candidate is None:
        return None
    validation, reached = decisive_score(record, winner), test.value(record.metric)
    if validation is None or reached is None:
        return None
    return Repetition(
        study=record.name,
        n_train=record.dataset.n_train,
        n_test=record.dataset.n_test,
        validation=validation,
        test=reached,
        winner=describe_candidate(winner.candidate),
    )


def _interval(repetitions: Sequence[Repetition], metric: Metric) -> tuple[float, float]:
    n, scores = len(repetitions), [one.test for one in repetitions]
    reach = float(student.ppf(0.975, n - 1)) * fold_mean_error(scores, 1 / n)
    mean = statistics.fmean(scores)
    low, high = mean - reach, mean + reach
    if metric is ACCURACY:
        right = sum(round(one.test * one.n_test) for one in repetitions)
        wilson = binomtest(right, sum(one.n_test for one in repetitions)).proportion_ci(
            method="wilson"
        )
        low, high = min(low, float(wilson.low)), max(high, float(wilson.high))
    return metric.clipped(low), metric.clipped(high)


def _row(place: int, one: Repetition, metric: Metric) -> tuple[str, ...]:
    figures = score(one.validation, metric), score(one.test, metric)
    return (str(place), count(one.n_train), count(one.n_test), *figures, one.winner)
