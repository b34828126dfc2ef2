"""The ONE module that opens the test split; every opening is recorded in the study first."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import final

import numpy as np
import optuna
import torch

from search.data.cache import CachePaths
from search.data.dataset import DatasetInfo
from search.errors import MachineError
from search.files import verify_checksums
from search.tuning.records import TestOpening
from search.tuning.store import read_openings, to_plain


@final
@dataclass(frozen=True)
class TestSplit:
    """The sealed images, uint8 (N, 3, H, W), and their labels, int64 (N,)."""

    images: torch.Tensor
    labels: torch.Tensor


def open_test_split(study: optuna.Study, dataset: DatasetInfo, purpose: str) -> TestSplit:
    """Return the test split, after recording the time and purpose of this opening.

    Raises MachineError where the dataset's cache was removed or damaged.
    """
    opening = TestOpening(datetime.now(UTC), purpose)
    study.set_user_attr("test_openings", to_plain((*read_openings(study), opening)))
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
            f"the test split in {dataset.cache_dir} is not that of the dataset: "
            "remove that folder and run again to rebuild it"
        )
    return TestSplit(torch.from_numpy(images), torch.from_numpy(labels))
