"""Which training images may have a wrong label?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from search.data.predictions import TrialPredictions
from search.report.blocks import Block, Paragraph, Pictures, Plot
from search.report.csv_text import csv_text
from search.report.evidence import Evidence
from search.report.finding import FAILURES, Finding, Number, ReportPart, Text, Unlisted
from search.report.pictures import data_uri, draw_pictures
from search.text import count, percent

MOST_SHOWN = 24
MOST_LISTED = 500
_MOST_TRIALS = 10
_NAME, _TABLE = "labels-to-check", "labels-to-check.csv"


@final
class DoubtfulLabel(ReportPart):
    """A training image whose label may be wrong."""

    image: int
    """Its index among the training images."""
    file: Text
    """Its file, or its number where it has none."""
    label: Text
    """The class that it has."""
    predicted: Text
    """The class that networks which did not train on it say."""
    label_probability: Number
    """What they say of its label, on average."""
    predicted_probability: Number
    """What they say of the other class."""


@final
class DoubtfulLabels(Finding):
    """Validation images that all of the best trials get wrong with confidence.

    Wrong labels are among the first of them; where networks are weak, most are hard images.
    Probabilities are averaged over the best complete trials, at most ten, none of whose networks
    trained on the image. It is listed where every trial predicts another class, and the average
    for that class is at least what it is for the images that have it (confident learning:
    Northcutt, Jiang and Chuang, 2021).
    """

    key = "doubtful_labels"
    section = FAILURES
    title = "Labels to check"
    folded = True
    figures = (_NAME,)
    file_names = (_TABLE,)

    n_images: int
    """Validation images that were looked at."""
    n_trials: int
    """Trials whose predictions were averaged."""
    n_found: int
    """How many are doubtful."""
    labels: tuple[DoubtfulLabel, ...]
    """The most doubtful ones, at most 500, the most doubtful first."""
    images: Unlisted[npt.NDArray[np.uint8] | None]  # (M, 3, H, W) of the first ones

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Return the doubtful labels; None without kept predictions, or if there are none."""
        trials = list(evidence.validation.values())[:_MOST_TRIALS]
        if not trials:
            return None
        doubtful = doubtful_labels(trials)
        if not doubtful:
            return None
        names, known = evidence.record.dataset.class_names, evidence.training_images
        return cls(
            n_images=len(trials[0].images),
            n_trials=len(trials),
            n_found=len(doubtful),
            labels=tuple(
                DoubtfulLabel(
                    image=one.image,
                    file=f"image {one.image}" if known is None else known.name(one.image),
                    label=names[one.label],
                    predicted=names[one.predicted],
                    label_probability=one.label_probability,
                    predicted_probability=one.predicted_probability,
                )
                for one in doubtful[:MOST_LISTED]
            ),
            images=None if known is None else known.at([d.image for d in doubtful[:MOST_SHOWN]]),
        )

    def blocks(self) -> Iterator[Block]:
        one = self.n_trials == 1
        whose = "The best trial" if one else f"All of the best {self.n_trials} trials"
        yield Paragraph(
            f"{whose}, whose networks did not train on them, gave {count(self.n_found)} of "
            f"{count(self.n_images)} images another class than their label, as confidently as "
            "images of that class. Most may just be hard; wrong labels are likeliest among the "
            f"first. {_TABLE} has {self._how_many()}."
        )
        if self.images is None:
            return
        shown = self.labels[: len(self.images)]
        yield Pictures(
            tuple(map(data_uri, self.images)),
            tuple(
                (
                    f"labelled {one.label},",
                    f"looks like {one.predicted}, {percent(one.predicted_probability or 0.0, 0)}",
                    f"Training image {one.file} of class {one.label}, predicted as {one.predicted}",
                )
                for one in shown
            ),
        )
        yield Plot(_NAME, self.title, self.draw)

    def file_texts(self) -> Mapping[str, str]:
        header = list(DoubtfulLabel.model_fields)
        rows = [[getattr(one, name) for name in header] for one in self.labels]
        return {_TABLE: csv_text(header, rows)}

    def draw(self) -> Figure:
        """Draw the first images, six in a row."""
        if self.images is None:
            raise ValueError("the images are not known")
        titles = [
            (one.label, one.predicted, one.predicted_probability or 0.0)
            for one in self.labels[: len(self.images)]
        ]
        return draw_pictures(self.images, titles)

    def _how_many(self) -> str:
        n = len(self.labels)
        return "them all" if n == self.n_found else f"the first {n}"


@final
@dataclass(frozen=True)
class Doubt:
    """An image whose label may be wrong: classes by their numbers, mean probabilities."""

    image: int
    label: int
    predicted: int
    label_probability: float
    predicted_probability: float


def doubtful_labels(trials: Sequence[TrialPredictions]) -> list[Doubt]:
    """Return the images whose label may be wrong, the most doubtful first.

    Args:
        trials: At least one; those of other images than the first are left out.
    """
    images, labels = trials[0].images, trials[0].labels
    same = [one for one in trials if np.array_equal(one.images, images)]
    by_trial = np.stack([one.probabilities.astype(np.float64) for one in same])  # (T, N, C)
    mean, rows = by_trial.mean(axis=0), np.arange(len(labels))
    usual = np.array([_usual(mean, labels, one) for one in range(mean.shape[1])])
    own = mean[rows, labels]
    others = mean.copy()
    others[rows, labels] = -1.0
    predicted = others.argmax(axis=1)
    confidence = others[rows, predicted]
    all_wrong = (by_trial.argmax(axis=2) != labels).all(axis=0)
    found = np.flatnonzero(all_wrong & (confidence >= usual[predicted]) & (confidence > own))
    ranked = found[np.argsort(own[found] - confidence[found], kind="stable")]
    return [
        Doubt(
            int(images[i]), int(labels[i]), int(predicted[i]), float(own[i]), float(confidence[i])
        )
        for i in ranked
    ]


def _usual(mean: npt.NDArray[np.float64], labels: npt.NDArray[np.int64], one: int) -> float:
    """Return the mean probability of a class over the images that have it; infinite without any."""
    of_class = labels == one
    return float(mean[of_class, one].mean()) if of_class.any() else float("inf")
