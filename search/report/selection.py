"""What the best of many is worth on images that took no part in choosing it. Pure.

The bootstrap bias-corrected cross-validation of Tsamardinos, Greasidou and Borboudakis
("Bootstrapping the out-of-sample predictions for efficient and accurate cross-validation", Machine
Learning 107, 2018): the validation images are drawn with replacement many times, the whole choice
is made on those that were drawn, and what it chose is scored on those that were not. No network is
trained again.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import numpy.typing as npt

from search.data.predictions import TrialPredictions
from search.metric import Accuracy, Metric
from search.seeding import derive_seed

_MOST_DRAWN = 10_000_000  # numbers in the array of all resamples
_FEWEST = 100  # resamples

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@final
@dataclass(frozen=True)
class Selection:
    """What a choice among trials is worth.

    Attributes:
        estimate: The mean score of what was chosen, on images that took no part.
        interval: Of 95%, by percentiles; as fewer images are scored than there are, it is cautious.
        n_trials: Among how many trials was chosen.
        n_resamples: How often.
        epochs: Whether the best epoch of each trial was chosen as well.
    """

    estimate: float
    interval: tuple[float, float]
    n_trials: int
    n_resamples: int
    epochs: bool


class _Scores(ABC):
    """Scores every possible choice in every resample.

    Attributes:
        most_trials: The most trials, the best ones, that are chosen among.
        most: The most resamples.
        epochs: Whether each epoch of a trial can be chosen.
    """

    most_trials: ClassVar[int]
    most: ClassVar[int]
    epochs: ClassVar[bool]

    @abstractmethod
    def of(self, trials: Sequence[TrialPredictions], weights: Counts) -> Floats:
        """Return the scores (choices, B) of all trials, given how often each image counts (B, N).

        The order of the choices is the same for all weights.
        """


@final
class _Accuracies(_Scores):
    most_trials, most, epochs = 50, 500, True

    def of(self, trials: Sequence[TrialPredictions], weights: Counts) -> Floats:
        counts = weights.T.astype(np.float32)  # whole numbers, so that their sums are exact
        right = ((one.classes == one.labels).astype(np.float32) for one in trials)
        found = np.concatenate([one @ counts for one in right]).astype(np.float64)
        accuracies: Floats = found / weights.sum(axis=1)
        return accuracies


@final
class _Values(_Scores):
    """Scores by any other metric, which take longer and need probabilities."""

    most_trials, most, epochs = 20, 100, False

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def of(self, trials: Sequence[TrialPredictions], weights: Counts) -> Floats:
        probabilities = (one.probabilities.astype(np.float64) for one in trials)
        labels, resampled = trials[0].labels, self._metric.resampled
        return np.stack([resampled(labels, one, weights) for one in probabilities])


def score_of_selection(metric: Metric, trials: Sequence[TrialPredictions]) -> Selection | None:
    """Return what the best of some trials is worth; None if they are not of the same images.

    Args:
        metric: What they are scored by.
        trials: Best first, at least one.
    """
    scores = _Accuracies() if isinstance(metric, Accuracy) else _Values(metric)
    chosen = trials[: scores.most_trials]
    images = chosen[0].images
    if any(not np.array_equal(one.images, images) for one in chosen):
        return None
    n_images = len(images)
    n_resamples = min(scores.most, max(_FEWEST, _MOST_DRAWN // n_images))
    rng = np.random.default_rng(derive_seed(0, "selection"))
    drawn = rng.multinomial(n_images, np.full(n_images, 1 / n_images), size=n_resamples)
    drawn = drawn[(drawn == 0).any(axis=1)]  # of very few images, all may be drawn
    if not len(drawn):
        return None
    inside = scores.of(chosen, drawn)
    outside = scores.of(chosen, (drawn == 0).astype(np.int64))
    best = (inside if metric.higher_is_better else -inside).argmax(axis=0)
    values = outside[best, np.arange(len(drawn))]
    low, high = np.percentile(values, [2.5, 97.5])
    interval = (float(low), float(high))
    return Selection(float(values.mean()), interval, len(chosen), len(drawn), scores.epochs)
