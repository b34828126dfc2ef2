"""Metrics: what trials are scored by, each with its direction, its range and its chance level.

To add a metric: write its class here and list it in `METRICS`; a user's own metric needs no more
than a function in a file (`search.user_metric`). Recipes, reports and words derive from these
objects, so this module is quick to import: NumPy is imported where it is used.

Values are those of scikit-learn's functions, which the tests compare. They are written out because
one formula then measures all resamples of a bootstrap at once, and because workers measure every
epoch: importing scikit-learn would cost each of them a second and 60 MB.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, final

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MeanOver = Literal["images", "batches"]

Labels: TypeAlias = "npt.NDArray[np.int64]"
"""True classes (N,)."""
Floats: TypeAlias = "npt.NDArray[np.float64]"
"""Probabilities (N, classes), or values."""
Counts: TypeAlias = "npt.NDArray[np.int64]"
"""Confusion matrices (..., classes, classes): row i, column j counts images of class i that were
predicted as j."""


class Metric(ABC):
    """A figure of how well probabilities predict labels.

    Attributes:
        name: What a recipe and report.json call it.
        words: Its name in a sentence, as `str` returns it.
        higher_is_better: Its direction.
        low: Its least value; None: there is none.
        high: Its greatest value, likewise.
        is_share: Whether it is a fraction that is written as a percentage.
        recorded: The field of each epoch's figures that always has it; None: it is only measured
            in studies that are scored by it.
    """

    name: str
    words: str
    higher_is_better: bool = True
    low: float | None = 0.0
    high: float | None = 1.0
    is_share: bool = False
    recorded: ClassVar[str | None] = None

    @property
    def is_computable(self) -> bool:
        """Whether it can be computed here: not if it is a user's function that is not loaded."""
        return True

    def __str__(self) -> str:
        return self.words

    @property
    def title(self) -> str:
        """Its name as a heading."""
        return f"{self.words[0].upper()}{self.words[1:]}"

    @abstractmethod
    def chance(self, shares: Sequence[float]) -> float:
        """Return what guessing classes at random is worth, given each class's share of the images.

        Every class is guessed equally often.
        """

    @abstractmethod
    def resampled(self, labels: Labels, probabilities: Floats, weights: Counts) -> Floats:
        """Return its value in each of B resamples of the images.

        Args:
            labels: (N,).
            probabilities: (N, classes).
            weights: How often each image is in each resample, int64 (B, N).
        """

    def measure(self, labels: Labels, probabilities: Floats) -> float:
        """Return its value for probabilities (N, classes) of images with these labels (N,)."""
        import numpy as np

        once = np.ones((1, len(labels)), dtype=np.int64)
        return float(self.resampled(labels, probabilities, once)[0])

    def is_better(self, value: float, other: float) -> bool:
        """Return whether `value` beats `other`."""
        return value > other if self.higher_is_better else value < other

    def best(self, values: Iterable[float]) -> float:
        """Return the best of at least one value."""
        return max(values) if self.higher_is_better else min(values)

    def as_higher_is_better(self, curve: Iterable[float]) -> list[float]:
        """Return the curve, negated where lower is better."""
        return list(curve) if self.higher_is_better else [-value for value in curve]

    def clipped(self, value: float) -> float:
        """Return the value of its range that is nearest."""
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return min(max(value, low), high)


class CountMetric(Metric):
    """A metric that only depends on the predicted classes: on the confusion matrix."""

    @abstractmethod
    def of_many(self, counts: Counts) -> Floats:
        """Return its values (B,) for confusion matrices (B, classes, classes) of some images."""

    def of_counts(self, counts: Counts) -> float:
        """Return its value for one confusion matrix (classes, classes)."""
        return float(self.of_many(counts[None])[0])

    def resampled(self, labels: Labels, probabilities: Floats, weights: Counts) -> Floats:
        n_classes = probabilities.shape[1]
        return self.of_many(count_each(labels, probabilities.argmax(axis=1), n_classes, weights))


def count_each(labels: Labels, predictions: Labels, n_classes: int, weights: Counts) -> Counts:
    """Return the confusion matrix of each resample (B, classes, classes); `weights` is (B, N)."""
    import numpy as np

    pairs, shape = labels * n_classes + predictions, (n_classes, n_classes)
    counts = [np.bincount(pairs, weights=one, minlength=n_classes**2) for one in weights]
    return np.stack(counts).reshape(-1, *shape).astype(np.int64)


def _parts(counts: Counts) -> tuple[Floats, Floats, Floats]:
    """Return, by class, how many images are correct, belong to it, and are predicted as it."""
    import numpy as np

    correct = np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)
    return correct, counts.sum(axis=-1, dtype=np.float64), counts.sum(axis=-2, dtype=np.float64)


def _ratio(part: Floats, whole: Floats, undefined: float = 0.0) -> Floats:
    """Return the quotients, `undefined` where the divisor is 0."""
    import numpy as np

    known = np.full(np.shape(part), undefined)
    quotient: Floats = np.divide(part, whole, out=known, where=whole != 0)
    return quotient


@final
class Accuracy(CountMetric):
    """The share of images whose class is predicted correctly."""

    name = words = "accuracy"
    is_share = True
    recorded = "validation_accuracy"

    def chance(self, shares: Sequence[float]) -> float:
        return 1 / len(shares)

    def of_many(self, counts: Counts) -> Floats:
        correct, images, _ = _parts(counts)
        return _ratio(correct.sum(axis=-1), images.sum(axis=-1))


@final
class BalancedAccuracy(CountMetric):
    """The mean over classes of the share that is predicted correctly: every class counts alike."""

    name, words = "balanced-accuracy", "balanced accuracy"
    is_share = True

    def chance(self, shares: Sequence[float]) -> float:
        return 1 / len(shares)

    def of_many(self, counts: Counts) -> Floats:
        correct, images, _ = _parts(counts)
        values: Floats = _ratio(correct, images).sum(axis=-1) / (images > 0).sum(axis=-1)
        return values


@final
class MacroF1(CountMetric):
    """The mean over classes of F1; classes that neither occur nor are predicted do not count."""

    name, words = "macro-f1", "macro F1"
    is_share = True

    def chance(self, shares: Sequence[float]) -> float:
        guessed = 1 / len(shares)
        return sum(2 * share * guessed / (share + guessed) for share in shares) / len(shares)

    def of_many(self, counts: Counts) -> Floats:
        correct, images, predicted = _parts(counts)
        f1 = _ratio(2 * correct, images + predicted)
        values: Floats = f1.sum(axis=-1) / (images + predicted > 0).sum(axis=-1)
        return values


@final
class Kappa(CountMetric):
    """Cohen's kappa: agreement with the labels beyond that of guesses with the same shares."""

    name = words = "kappa"
    low = -1.0

    def chance(self, shares: Sequence[float]) -> float:
        del shares
        return 0.0

    def of_many(self, counts: Counts) -> Floats:
        correct, images, predicted = _parts(counts)
        n = images.sum(axis=-1)
        expected = _ratio((images * predicted).sum(axis=-1), n**2)
        return _ratio(_ratio(correct.sum(axis=-1), n) - expected, 1 - expected)


@final
class Loss(Metric):
    """The log loss, or cross entropy: the mean over images of -ln of the true class's probability.

    A value is given in nats.
    """

    name = words = "loss"
    higher_is_better = False
    high = None
    recorded = "validation_loss"

    def chance(self, shares: Sequence[float]) -> float:
        return math.log(len(shares))

    def resampled(self, labels: Labels, probabilities: Floats, weights: Counts) -> Floats:
        import numpy as np

        true = probabilities[np.arange(len(labels)), labels]
        losses = -np.log(np.maximum(true, np.finfo(true.dtype).eps))
        values: Floats = weights @ losses / weights.sum(axis=1)
        return values


@final
class AUROC(Metric):
    """The area under the ROC curve of each class against the rest, its mean over classes.

    Classes without an image do not count. Where all images are of one class, it is 0.5.
    """

    name, words = "auroc", "AUROC"

    def chance(self, shares: Sequence[float]) -> float:
        del shares
        return 0.5

    def resampled(self, labels: Labels, probabilities: Floats, weights: Counts) -> Floats:
        import numpy as np

        areas = [
            _weighted_area(labels == one, probabilities[:, one], weights)
            for one in np.unique(labels)
        ]
        known = np.isfinite(areas)
        values = np.where(known, areas, 0).sum(axis=0)
        return _ratio(values, known.sum(axis=0).astype(np.float64), undefined=0.5)


def _weighted_area(positive: "npt.NDArray[np.bool_]", scores: Floats, weights: Counts) -> Floats:
    """Return the area under the ROC curve in each resample (B,); not a number where undefined."""
    import numpy as np

    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    ties = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])  # where each value begins
    hits = np.add.reduceat(weights[:, order] * positive[order], ties, axis=1)
    others = np.add.reduceat(weights[:, order] * ~positive[order], ties, axis=1)
    below = others.cumsum(axis=1) - others
    won = (hits * (below + others / 2)).sum(axis=1)
    return _ratio(won, (hits.sum(axis=1) * others.sum(axis=1)).astype(np.float64), math.nan)


ACCURACY, LOSS = Accuracy(), Loss()
METRICS: tuple[Metric, ...] = (
    ACCURACY,
    LOSS,
    BalancedAccuracy(),
    MacroF1(),
    AUROC(),
    Kappa(),
)


_SYNONYMS = {
    "log-loss": LOSS.name,
    "neg-log-loss": LOSS.name,
    "f1-macro": MacroF1.name,
    "roc-auc": AUROC.name,
    "roc-auc-ovr": AUROC.name,
    "cohen-kappa": Kappa.name,
}


def metric_name(given: object) -> object:
    """Return the name of a metric as it is stored, given other spellings of it. Others stay."""
    if not isinstance(given, str):
        return given
    name = given.replace("_", "-")
    known = {metric.name: metric.name for metric in METRICS} | _SYNONYMS
    return known.get(name, given)
