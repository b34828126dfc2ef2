"""The one access to the test split per study, and the predictions kept from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt
import torch

from search.data.arrays import read_integers
from search.errors import MachineError
from search.evaluation.model import ImageClassifier, save_images
from search.evaluation.test_set import open_test_split
from search.files import atomic_write
from search.training.metrics import TestResult, evaluate_predictions
from search.tuning.opening import OpenStudy

Classes = npt.NDArray[np.int64]


@final
@dataclass(frozen=True, eq=False)
class TestPredictions:
    """True and predicted classes of the test images, int64 (N,), in the split's order."""

    __test__ = False  # no test case, whatever its name begins with

    labels: Classes
    predictions: Classes


def save_predictions(path: Path, predictions: TestPredictions) -> None:
    """Write them whole or not at all."""
    with atomic_write(path, durable=True) as file:
        np.savez_compressed(
            file, labels=predictions.labels, predictions=predictions.predictions, allow_pickle=False
        )


def load_predictions(path: Path) -> TestPredictions | None:
    """Return what `save_predictions` wrote, None where there is nothing.

    Raises MachineError where the file is damaged.
    """
    try:
        arrays = read_integers(path)
        labels, predictions = arrays["labels"], arrays["predictions"]
    except FileNotFoundError:
        return None
    except (KeyError, ValueError) as error:
        raise _damaged(path) from error
    if labels.shape != predictions.shape:
        raise _damaged(path)
    return TestPredictions(labels, predictions)


def _damaged(path: Path) -> MachineError:
    return MachineError(
        f"the test predictions {path} are damaged; remove the file to go on without them"
    )


_MOST_KEPT = 1000
_KEPT_BYTES = 4 << 20


def measure(
    opened: OpenStudy, classifiers: Mapping[int, ImageClassifier], best: int, purpose: str
) -> dict[int, TestResult]:
    """Return the figures of each network, by its trial, on the test split: opened once for all.

    Keeps what the network of trial `best` made of the images, those that it got wrong, and a
    sample of all of them, without labels, by which its other forms can be checked later.
    """
    split = open_test_split(opened.study, opened.dataset, purpose)
    labels = split.labels.numpy()
    logits = {number: one.logits(split.images).numpy() for number, one in classifiers.items()}
    results = {
        number: evaluate_predictions(values, labels, opened.dataset.class_names)
        for number, values in logits.items()
    }
    predictions = TestPredictions(labels, logits[best].argmax(axis=1))
    save_predictions(opened.paths.test_predictions, predictions)
    wrong = [mistake.index for mistake in results[best].mistakes]
    save_images(opened.paths.mistakes, split.images[wrong].numpy())
    sample = sample_evenly(len(split.images), split.images[0].numel())
    save_images(opened.paths.test_sample, split.images[sample].numpy())
    return results


def sample_evenly(n_images: int, image_bytes: int) -> torch.Tensor:
    """Return indices, int64, spread over all images: at most 1,000, of 4 MB together, at least 1.

    An image folder is ordered by class, so that its first images would be of one class.
    """
    n_kept = min(n_images, _MOST_KEPT, max(1, _KEPT_BYTES // image_bytes))
    return torch.arange(n_kept) * n_images // n_kept
