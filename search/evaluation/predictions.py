"""What the best model made of each test image: kept, so that two models can be compared pairwise.

The test split itself stays sealed meanwhile.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt

from search.data.npz import integers
from search.durable import whole_file
from search.errors import MachineError
from search.failures import DAMAGED_ARRAYS

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
    with whole_file(path) as file:
        np.savez_compressed(
            file, labels=predictions.labels, predictions=predictions.predictions, allow_pickle=False
        )


def load_predictions(path: Path) -> TestPredictions | None:
    """Return what `save_predictions` wrote, None where there is nothing.

    Raises MachineError where the file is damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            labels, predictions = integers(arrays, "labels"), integers(arrays, "predictions")
    except FileNotFoundError:
        return None
    except DAMAGED_ARRAYS as error:
        raise _damaged(path) from error
    if labels.shape != predictions.shape:
        raise _damaged(path)
    return TestPredictions(labels, predictions)


def _damaged(path: Path) -> MachineError:
    return MachineError(
        f"the test predictions {path} are damaged; remove the file to go on without them"
    )
