"""What is stored of the evaluation on the test set: predictions, and some of its images.

The report, and checks of an exported model, use these instead of the test set.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt

from search.data.npy import read_integers, read_npy
from search.errors import MachineError
from search.files import atomic_write

Classes = npt.NDArray[np.int64]


@final
@dataclass(frozen=True, eq=False)
class TestPredictions:
    """True and predicted classes of the test images, int64 (N,), in the order of the test set."""

    __test__ = False  # not a test case

    labels: Classes
    predictions: Classes


def save_predictions(path: Path, predictions: TestPredictions) -> None:
    """Write predictions to an .npz file, durably."""
    with atomic_write(path, durable=True) as file:
        np.savez_compressed(
            file, labels=predictions.labels, predictions=predictions.predictions, allow_pickle=False
        )


def load_predictions(path: Path) -> TestPredictions | None:
    """Return what `save_predictions` wrote, or None if there is no such file.

    Raises MachineError if the file is damaged.
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
        f"the test predictions {path} are damaged; remove the file to continue without them"
    )


def load_images(path: Path) -> npt.NDArray[np.uint8] | None:
    """Return what `save_images` wrote, or None if there is no such file.

    Raises MachineError if the file is damaged.
    """
    try:
        images: npt.NDArray[np.uint8] = read_npy(path)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise MachineError(
            f"the images {path} are damaged; remove the file to continue without them"
        ) from error
    return images


def save_images(path: Path, images: npt.NDArray[np.uint8]) -> None:
    """Write uint8 images to a .npy file, durably."""
    with atomic_write(path, durable=True) as file:
        np.save(file, images, allow_pickle=False)
