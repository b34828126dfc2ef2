"""Predictions of validation images: kept while folds train, then one file for each trial.

Every image of a trial's folds was predicted by a network that did not train on it ("out of fold"),
so these predictions say what a choice among trials is worth, and which labels look wrong.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

import numpy as np
import numpy.typing as npt

from search.data.npy import read_arrays
from search.errors import MachineError
from search.files import atomic_write

MOST_BYTES = 32 * 2**20
"""The most that a fold keeps of all its epochs; beyond that it keeps nothing."""

Indices = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float16]


def fits(epochs: int, images: int, classes: int) -> bool:
    """Return whether a fold may keep its predictions."""
    return epochs * images * classes * np.dtype(np.float16).itemsize <= MOST_BYTES


@final
@dataclass(frozen=True, eq=False)
class FoldPredictions:
    """What a fold's network predicted after each epoch.

    Attributes:
        images: Indices of the validation images, int64 (N,).
        labels: Their classes, int64 (N,).
        probabilities: After each epoch, float16 (epochs, N, classes).
    """

    images: Indices
    labels: Indices
    probabilities: Probabilities


_FOLD_ARRAYS = ("images", "labels", "probabilities")


def save_fold_predictions(path: Path, folds: Mapping[int, FoldPredictions]) -> None:
    """Write predictions by the number of their fold; the folder may be new. Raises OSError."""
    path.parent.mkdir(exist_ok=True)
    arrays = {
        f"{name}_{number}": getattr(fold, name)
        for number, fold in folds.items()
        for name in _FOLD_ARRAYS
    }
    with atomic_write(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_fold_predictions(paths: Iterable[Path]) -> dict[int, FoldPredictions]:
    """Return what `save_fold_predictions` wrote to several files; raises ValueError if damaged."""
    arrays = {name: value for path in paths for name, value in read_arrays(path).items()}
    numbers = sorted(int(name.rpartition("_")[2]) for name in arrays if name.startswith("images_"))
    return {
        number: FoldPredictions(*(arrays[f"{name}_{number}"] for name in _FOLD_ARRAYS))
        for number in numbers
    }


@final
@dataclass(frozen=True, eq=False)
class TrialPredictions:
    """What a trial's networks predicted of the validation images of all its folds.

    Attributes:
        images: Indices of the images, int64 (N,), fold after fold.
        labels: Their classes, int64 (N,).
        probabilities: At the epoch that the trial is scored at, float16 (N, classes).
        classes: The predicted class after every epoch, (epochs, N).
    """

    images: Indices
    labels: Indices
    probabilities: Probabilities
    classes: npt.NDArray[np.integer]

    @classmethod
    def of(cls, folds: Iterable[FoldPredictions], epoch: int) -> Self:
        """Join folds of equally many epochs; `epoch` is the one that counts, from 1."""
        every = list(folds)
        classes = np.concatenate([one.probabilities.argmax(axis=2) for one in every], axis=1)
        return cls(
            images=np.concatenate([one.images for one in every]),
            labels=np.concatenate([one.labels for one in every]),
            probabilities=np.concatenate([one.probabilities[epoch - 1] for one in every]),
            classes=classes.astype(np.min_scalar_type(int(classes.max(initial=0)))),
        )

    def save(self, path: Path) -> None:
        """Write them to an .npz file, in a folder that may be new. Raises OSError."""
        path.parent.mkdir(exist_ok=True)
        with atomic_write(path) as file:
            np.savez_compressed(file, allow_pickle=False, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Return what `save` wrote, None if there is no such file.

        Raises:
            MachineError: The file is damaged.
        """
        try:
            found = cls(**read_arrays(path))
            found._check()
        except FileNotFoundError:
            return None
        except (TypeError, ValueError) as error:
            raise MachineError(
                f"the validation predictions {path} are damaged; remove the file to continue "
                "without them"
            ) from error
        return found

    def _check(self) -> None:
        n_images = len(self.images)
        shapes = (self.labels.shape, self.probabilities.shape[:1], self.classes.shape[1:])
        if any(shape != (n_images,) for shape in shapes) or self.probabilities.ndim != 2:
            raise ValueError("its arrays are not of the same images")
