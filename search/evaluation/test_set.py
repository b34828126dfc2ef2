"""The evaluation on the test set: the ONE module that opens the test split.

Every access is recorded in the study before anything is read. No search, training or choice may
depend on what this module returns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import final

import numpy as np
import optuna
import torch

from search.data.cache import CachePaths
from search.data.dataset import DatasetInfo
from search.errors import MachineError
from search.evaluation.ensemble import mean_logits
from search.evaluation.model import ImageClassifier
from search.evaluation.test_results import TestPredictions, save_images, save_predictions
from search.files import verify_checksums
from search.training.metrics import TestResult, evaluate_predictions
from search.tuning.after_search import TestSetAccess
from search.tuning.opening import OpenStudy
from search.tuning.store import read_test_accesses, to_plain
from search.user_metric import get_metric

_MAX_STORED = 1000
_MAX_STORED_BYTES = 4 << 20


@final
@dataclass(frozen=True)
class TestSplit:
    """The test images, uint8 (N, 3, H, W), and their labels, int64 (N,)."""

    __test__ = False  # not a test case

    images: torch.Tensor
    labels: torch.Tensor


def open_test_split(study: optuna.Study, dataset: DatasetInfo, purpose: str) -> TestSplit:
    """Return the test split, after recording the time and purpose of this access.

    Raises MachineError if the dataset's cache is missing or damaged.
    """
    access = TestSetAccess(datetime.now(UTC), purpose)
    study.set_user_attr("test_openings", to_plain((*read_test_accesses(study), access)))
    paths = CachePaths(dataset.cache_dir)
    try:
        verify_checksums((paths.test_images, paths.test_labels))
        images = np.load(paths.test_images, mmap_mode="c", allow_pickle=False)
        labels = np.load(paths.test_labels, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise MachineError(
            f"the test split in {dataset.cache_dir} cannot be read: {error}; "
            "remove that folder and run again to rebuild it"
        ) from error
    if (images.shape, labels.shape) != ((dataset.n_test, *dataset.image_shape), (dataset.n_test,)):
        raise MachineError(
            f"the test split in {dataset.cache_dir} does not belong to the dataset: "
            "remove that folder and run again to rebuild it"
        )
    return TestSplit(torch.from_numpy(images), torch.from_numpy(labels))


@final
@dataclass(frozen=True)
class Averaged:
    """The mean of all networks' probabilities on the test images, beside the best one's.

    Attributes:
        result: The test result.
        both: Images that the mean and the best network alone predict correctly.
        only_mean: Those that only the mean does.
        only_best: Those that only the best network does.
        agreeing: Those for which all networks name the same class.
    """

    result: TestResult
    both: int
    only_mean: int
    only_best: int
    agreeing: int


def evaluate_on_test_set(
    opened: OpenStudy,
    classifiers: Mapping[int, ImageClassifier],
    best: int,
    purpose: str,
    *,
    averages: bool = False,
) -> tuple[dict[int, TestResult], Averaged | None]:
    """Evaluate networks on the test set, all in one access.

    Stores the best network's predictions, the images that it misclassified, and a sample of all
    images, without labels, for checks of an exported model.

    Args:
        opened: The study, whose search has ended.
        classifiers: The networks by the number of their trial.
        best: The trial whose network is exported.
        purpose: Why the test set is accessed, for the record.
        averages: Whether to evaluate the mean of their probabilities too.

    Returns:
        The result of each network by the number of its trial, and that of their mean if asked for.

    Raises:
        MachineError: The test split is missing or damaged.
    """
    split = open_test_split(opened.study, opened.dataset, purpose)
    labels, metric = split.labels.numpy(), get_metric(opened.recipe.metric)
    names = opened.dataset.class_names
    logits = {number: one.logits(split.images) for number, one in classifiers.items()}
    results = {
        number: evaluate_predictions(values.numpy(), labels, names, metric)
        for number, values in logits.items()
    }
    predictions = TestPredictions(labels, logits[best].numpy().argmax(axis=1))
    save_predictions(opened.paths.test_predictions, predictions)
    wrong = [mistake.index for mistake in results[best].mistakes]
    save_images(opened.paths.mistakes, split.images[wrong].numpy())
    sample = sample_evenly(len(split.images), split.images[0].numel())
    save_images(opened.paths.test_sample, split.images[sample].numpy())
    if not averages:
        return results, None
    mean = mean_logits(list(logits.values()))
    averaged = evaluate_predictions(mean.numpy(), labels, names, metric)
    return results, _averaged(averaged, mean, logits, best, split.labels)


def _averaged(
    result: TestResult,
    mean: torch.Tensor,
    logits: Mapping[int, torch.Tensor],
    best: int,
    labels: torch.Tensor,
) -> Averaged:
    named = torch.stack([one.argmax(1) for one in logits.values()])
    ours, alone = mean.argmax(1) == labels, logits[best].argmax(1) == labels
    return Averaged(
        result,
        both=int((ours & alone).sum()),
        only_mean=int((ours & ~alone).sum()),
        only_best=int((~ours & alone).sum()),
        agreeing=int((named == named[0]).all(0).sum()),
    )


def sample_evenly(n_images: int, image_bytes: int) -> torch.Tensor:
    """Return int64 indices spread over all images: at least 1, at most 1,000 or 4 MB.

    They are spread because image folders are ordered by class.
    """
    n_kept = min(n_images, _MAX_STORED, max(1, _MAX_STORED_BYTES // image_bytes))
    return torch.arange(n_kept) * n_images // n_kept
