"""What would the winner score on images that took no part in choosing it?"""

from collections.abc import Iterator
from typing import Self, final

from search.report.blocks import Block, Paragraph
from search.report.evidence import Evidence
from search.report.finding import CERTAIN, Finding, MetricName, Number, Unlisted
from search.report.scoring import trial_score
from search.report.selection import score_of_selection
from search.text import apart, count, plural, score, score_interval

_FEWEST_IMAGES = 50


@final
class SelectionScore(Finding):
    """The winner's validation score without the luck of being chosen by it.

    Estimated from the validation predictions of the best complete trials, by bootstrapping the
    choice (Tsamardinos, Greasidou and Borboudakis, 2018).
    """

    key = "selection"
    section = CERTAIN
    title = "The score corrected for selection"
    folded = True

    metric: MetricName
    """What trials are scored by."""
    score: Number
    """The winner's validation score."""
    estimate: Number
    """What the chosen trial scores, on average, on images that took no part in choosing it."""
    interval: tuple[Number, Number]
    """The 95% interval of that, by percentiles."""
    n_trials: int
    """Among how many trials, the best complete ones, is chosen."""
    n_images: int
    """The validation images of all folds."""
    n_resamples: int
    """How often they are drawn."""
    epochs: bool
    """Whether the best epoch of each trial is chosen as well."""
    n_dropped: Unlisted[int] = 0  # trials that were stopped early

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Return the estimate; None without kept predictions of the winner, or for few images.

        A user's metric can be computed where a study is trained, not where its report is written.
        Finalists are chosen by further trainings, and several objectives by a rule for all of them,
        which this choice would not repeat.
        """
        record, kept = evidence.record, evidence.validation
        winner = record.winner()
        value = None if winner is None else trial_score(winner)
        if winner is None or value is None or winner.number not in kept:
            return None
        if not record.metric.is_computable:
            return None
        if record.objectives.several or record.best_finalist() is not None:
            return None
        trials = list(kept.values())
        found = score_of_selection(record.metric, trials)
        if found is None or len(trials[0].images) < _FEWEST_IMAGES:
            return None
        return cls(
            metric=record.metric,
            score=value,
            estimate=found.estimate,
            interval=found.interval,
            n_trials=found.n_trials,
            n_images=len(trials[0].images),
            n_resamples=found.n_resamples,
            epochs=found.epochs,
            n_dropped=sum(trial.kind == "pruned" for trial in record.trials),
        )

    def blocks(self) -> Iterator[Block]:
        yield Paragraph(self._answer())
        choice = "the best epoch of the best" if self.epochs else "the best"
        rest = "" if self.epochs else " The choice of the epoch is not repeated."
        yield Paragraph(
            f"{self.n_resamples} bootstrap samples of the {count(self.n_images)} validation "
            f"images were drawn. On each, {choice} of {plural(self.n_trials, 'complete trial')} "
            "was chosen, and scored on the images that were not drawn. Nothing was trained again "
            f"(Tsamardinos, Greasidou and Borboudakis, 2018).{rest}{self._dropped()} This "
            "estimates the network of the search. The final model was trained on more images and "
            "measured on others, so its test result can differ from it.",
            "quiet",
        )

    def _dropped(self) -> str:
        if not self.n_dropped:
            return ""
        were = "was" if self.n_dropped == 1 else "were"
        return (
            f" {plural(self.n_dropped, 'more trial')} {were} stopped early by the same images, "
            "which this does not cover."
        )

    def _answer(self) -> str:
        metric, value, estimate = self.metric, self.score, self.estimate
        low, high = self.interval
        if value is None or estimate is None or low is None or high is None:
            return f"The winner’s {metric} cannot be estimated."
        loss = value - estimate if metric.higher_is_better else estimate - value
        chosen = "the best of several" if self.n_trials > 1 else "that of its best epoch"
        luck = (
            f"about {apart(value, estimate, metric)} of its {score(value, metric)} come from being "
            f"{chosen}"
            if round(loss, 4) > 0
            else f"nothing of its {score(value, metric)} comes from being {chosen}"
        )
        return (
            f"On images that took no part in choosing it, the winner’s validation {metric} is "
            f"expected to be {score(estimate, metric)} (95% interval "
            f"{score_interval((low, high), metric)}): {luck}."
        )
