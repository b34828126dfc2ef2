"""Would several of the best networks together do better than the winner alone?"""

from collections.abc import Iterator
from typing import Self, final

from search.metric import ACCURACY, LOSS
from search.report.blocks import Block, Code, Details, Paragraph, Table
from search.report.evidence import Evidence
from search.report.finding import GOOD, Finding, MetricName, Number, ReportPart
from search.report.paired import compare_counts
from search.text import count, interval, listed, percent, plural, points, probability, score, spread
from search.tuning.after_search import EnsembleRecord
from search.tuning.records import StudyRecord

_LEVEL = 0.05  # below which McNemar's p makes a difference more than chance


@final
class EnsembleMember(ReportPart):
    """One network of the ensemble on the test images."""

    trial: int
    """Its trial."""
    accuracy: float
    """Share of the images that are predicted correctly."""
    interval: tuple[float, float]
    """The accuracy's 95% Wilson interval."""
    loss: Number
    """Mean loss over images, in nats."""


@final
class EnsembleResult(Finding):
    """The mean of the best networks' probabilities, tested in the winner's opening of the test set.

    Its networks are those of the winner and of the next best trials in validation, so that nothing
    was chosen by test results.
    """

    key = "ensemble"
    section = GOOD
    title = "An ensemble of the best"
    brief = True

    trials: tuple[int, ...]
    """The trials whose networks are averaged, the winner first."""
    left_out: tuple[int, ...]
    """Those that were to be, but whose retraining diverged."""
    n_images: int
    """Test images."""
    accuracy: float
    """Share of the images that are predicted correctly."""
    interval: tuple[float, float]
    """The accuracy's 95% Wilson interval."""
    loss: Number
    """Mean loss over images, in nats."""
    metric: MetricName
    """What trials are scored by."""
    value: Number
    """Its value on the test images."""
    winner_value: Number
    """The winner's, for comparison."""
    gain: float
    """By how much its accuracy is higher than the winner's alone, a fraction."""
    gain_interval: tuple[float, float]
    """Its 95% interval for paired proportions, by Newcombe (1998)."""
    p_value: float
    """McNemar's exact test, two-sided."""
    agreement: float
    """Share of the images for which all networks name the same class."""
    members: tuple[EnsembleMember, ...]
    """Each network alone, in the order of `trials`."""
    n_parameters: int | None
    """Weights of all networks together."""

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Compare it with the winner alone; None unless two networks or more were tested."""
        record = evidence.record
        found, alone = record.tested_ensemble(), record.test
        if found is None or alone is None or len(found.trials) < 2:
            return None
        test, metric = found.test, record.metric
        paired = compare_counts(found.both, found.only_ensemble, found.only_winner, test.n_images)
        return cls(
            trials=found.trials,
            left_out=found.left_out,
            n_images=test.n_images,
            accuracy=test.accuracy,
            interval=test.interval,
            loss=test.loss,
            metric=metric,
            value=test.value(metric),
            winner_value=alone.value(metric),
            gain=paired.difference,
            gain_interval=paired.interval,
            p_value=paired.p_value,
            agreement=found.agreeing / test.n_images,
            members=tuple(map(EnsembleMember.model_validate, found.members)),
            n_parameters=_n_parameters(record, found),
        )

    def blocks(self) -> Iterator[Block]:
        yield Paragraph(self._answer())
        table = Table(
            caption="The networks alone and together, on the test images",
            header=("Network", "Accuracy", "95% interval", "Loss"),
            rows=(
                *(_row(f"trial {one.trial}", one) for one in self.members),
                _row("together", self),
            ),
            align="lrrr",
            most=len(self.members) + 1,
        )
        code = Code('import search\n\nensemble = search.load_ensemble("../ensemble")\n', "python")
        yield Details(
            "Each network alone, and how to use them together",
            (table, Paragraph(self._details(), "quiet"), code),
        )

    def summary(self) -> tuple[str, ...]:
        return (self._answer(),)

    def _answer(self) -> str:
        right = f"{percent(self.accuracy, 2)} of {count(self.n_images)} test images"
        together = (
            f"Together, the networks of trials {listed(list(map(str, self.trials)))} classify "
            f"{right} correctly (95% interval {interval(self.interval)})"
        )
        return f"{together}: {self._compared()}.{self._by_metric()}"

    def _compared(self) -> str:
        low, high = self.gain_interval
        sure = f"95% interval {points(low)} to {points(high)}, {probability(self.p_value)}"
        if not self.gain:
            return f"as many as the winner alone ({sure})"
        how = "more" if self.gain > 0 else "less"
        clear = (low > 0 or high < 0) and self.p_value <= _LEVEL
        chance = "" if clear else ", which may be chance"
        return f"{spread(abs(self.gain), ACCURACY)} {how} than the winner alone{chance} ({sure})"

    def _by_metric(self) -> str:
        metric = self.metric
        if metric.recorded is not None or self.value is None:
            return ""
        alone = score(self.winner_value, metric)
        return f" Its {metric} is {score(self.value, metric)}, the winner’s {alone}."

    def _details(self) -> str:
        sentence = (
            f"Their probabilities are averaged. All {len(self.trials)} networks name the same "
            f"class for {percent(self.agreement)} of the images. They are the best trials in "
            "validation; no test result decided anything."
        )
        if self.n_parameters is not None:
            sentence += f" Together they have {count(self.n_parameters)} weights."
        if self.left_out:
            networks = plural(len(self.left_out), "further network")
            trials = "trial" if len(self.left_out) == 1 else "trials"
            numbers = listed(list(map(str, self.left_out)))
            sentence += f" {networks} diverged when retrained: {trials} {numbers}."
        return sentence


def _row(name: str, one: EnsembleMember | EnsembleResult) -> tuple[str, ...]:
    return name, score(one.accuracy, ACCURACY), interval(one.interval), score(one.loss, LOSS)


def _n_parameters(record: StudyRecord, found: EnsembleRecord) -> int | None:
    sizes = [one.n_parameters for one in record.trials if one.number in found.trials]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(found.trials) else None
