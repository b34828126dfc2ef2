"""What takes images and names their classes: the part that all trained classifiers share."""

import html
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias, final

import joblib
import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from torch import nn

from search.data.dataset import Images, Resize
from search.data.decoding import BrokenImage, decode_files
from search.data.pixel_values import Scale
from search.errors import UserError
from search.evaluation.inputs import Inputs, paths_of, pixels_of
from search.files import as_path, machine_failures

_BATCH = 500  # files read at a time


@final
@dataclass(frozen=True)
class Prediction:
    """The most probable class with its probability, and the probabilities of all classes."""

    name: str
    probability: float
    probabilities: dict[str, float]

    def ranked(self) -> list[tuple[str, float]]:
        """Return the classes with their probabilities, the most probable first."""
        return sorted(self.probabilities.items(), key=lambda item: -item[1])


@final
@dataclass(frozen=True)
class Refusal:
    """Why a file has no prediction, in one line that names the file."""

    reason: str


_WHOLE = re.compile("0|-?[1-9][0-9]{0,17}")

Answer: TypeAlias = Prediction | Refusal


class Classifier(ClassifierMixin, BaseEstimator, ABC):  # type: ignore[misc] # scikit-learn's
    """A trained classifier that takes unnormalized images and image files.

    It is also a classifier of scikit-learn that is trained already, with the classes' names as
    labels, or numbers where all names are whole numbers.

    Attributes:
        class_names: The classes' names, in the order of probabilities.
        classes_: The same as labels.
        input_shape: (channels, height, width) of the images that it takes.
        resize: How images of another shape are fitted.
        scale: What the numbers meant that it was trained on; None: they were files, or of an
            earlier version.
    """

    class_names: tuple[str, ...]
    classes_: npt.NDArray[np.str_ | np.int64]
    input_shape: tuple[int, int, int]
    resize: Resize
    scale: Scale | None

    @abstractmethod
    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """Return float32 logits (N, classes) of uint8 images (N, C, H, W) of the input shape."""

    @abstractmethod
    def to_module(self) -> nn.Module:
        """Return it with its preprocessing as a plain module of PyTorch: images to logits."""

    @abstractmethod
    def write(self, folder: Path) -> None:
        """Write its files into a folder that exists, each atomically and durably."""

    @abstractmethod
    def origin(self) -> dict[str, str]:
        """Return the study and the trials that it comes from, as texts by what they are."""

    def save(self, folder: Path | str) -> Path:
        """Write it to a folder, to be loaded again; returns the folder.

        Raises MachineError if the folder cannot be written.
        """
        target = as_path(folder, "folder")
        with machine_failures(f"folder {target} cannot be written", "choose another one"):
            target.mkdir(parents=True, exist_ok=True)
            self.write(target)
        return target

    def fit(self, images: Inputs, labels: object = None) -> Self:  # noqa: ARG002
        """Refuse to train: raises UserError, as the network is trained already."""
        raise UserError("fit: this network is trained already; search.run trains others")

    def predict_proba(self, images: Inputs) -> npt.NDArray[np.float32]:
        """Return the probability of each class, float32 (N, classes).

        Args:
            images: Paths of image files, PIL images, or an array or tensor of unnormalized images:
                (N, H, W), (N, H, W, C) or (N, C, H, W). Other shapes are fitted to the network's.
                Numbers are whole in 0..255, or floats in 0..1; after training on arrays of another
                range, they mean what they meant in these.

        Raises:
            UserError: They are not images, one cannot be read, or an output is not finite.
        """
        paths = paths_of(images)
        if paths is not None:
            answers = [_prediction(one) for one in self.classify_files(paths)]
            rows = [list(one.probabilities.values()) for one in answers]
            return np.array(rows, dtype=np.float32)
        pixels = pixels_of(images, self.input_shape[1:], self.resize, self.scale)
        if not len(pixels):
            return np.zeros((0, len(self.classes_)), dtype=np.float32)
        found: npt.NDArray[np.float32] = self.probabilities(torch.from_numpy(pixels)).numpy()
        if not np.isfinite(found).all():
            raise UserError("model: its output is not finite")
        return found

    def predict(self, images: Inputs) -> npt.NDArray[np.str_ | np.int64]:
        """Return the most probable class of each image, one of `classes_`, (N,).

        Arguments and errors are those of `predict_proba`.
        """
        found: npt.NDArray[np.str_ | np.int64] = self.classes_[self.predict_proba(images).argmax(1)]
        return found

    def score(self, images: Inputs, labels: Any, sample_weight: Any = None) -> float:
        """Return the accuracy: the share of the images whose class is right.

        Args:
            images: As for `predict_proba`.
            labels: Their classes, (N,).
            sample_weight: The weight of each image, (N,).

        Raises:
            UserError: As `predict_proba`, a label is no class, or there are not as many as images.
        """
        names = np.asarray(labels).astype(str).reshape(-1)
        unknown = np.setdiff1d(names, self.class_names)
        if len(unknown):
            classes = ", ".join(self.class_names)
            raise UserError(f"labels: {str(unknown[0])!r} is no class; the classes: {classes}")
        predicted = self.predict(images).astype(str)
        if not len(names) or len(names) != len(predicted):
            raise UserError(
                f"labels: must be one for each image, got {len(names):,} for {len(predicted):,}"
            )
        return float(accuracy_score(names, predicted, sample_weight=sample_weight))

    def __sklearn_is_fitted__(self) -> bool:
        """Return that it is trained."""
        return True

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn has to know: inputs are images, not rows of features."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        return tags

    def _repr_html_(self) -> str:
        return html.escape(repr(self))

    def probabilities(self, images: torch.Tensor) -> torch.Tensor:
        """Return float32 probabilities (N, classes) of uint8 images of the input shape."""
        return self.logits(images).softmax(1)

    def classify(self, image: Path | str) -> Prediction:
        """Classify an image file, resized to the input shape.

        Raises UserError, naming the file, if it is not a readable image, or if the network's
        output is not finite.
        """
        (answer,) = self.classify_files([Path(image)])
        return _prediction(answer)

    def classify_files(self, paths: Sequence[Path]) -> Iterator[Answer]:
        """Classify files in batches; yields a prediction or the reason why there is none."""
        for start in range(0, len(paths), _BATCH):
            batch = paths[start : start + _BATCH]
            read = self._read(batch)
            pixels = [one for one in read if not isinstance(one, Refusal)]
            rows = iter(self.probabilities(torch.from_numpy(np.stack(pixels))) if pixels else ())
            for path, one in zip(batch, read, strict=True):
                yield one if isinstance(one, Refusal) else self._answer(path, next(rows))

    def _read(self, paths: Sequence[Path]) -> list[Images | Refusal]:
        """Return each image as uint8 (3, H, W) of the input shape, or why it cannot be read."""
        missing = {path: _missing(path) for path in paths}
        there = [path for path in missing if missing[path] is None]
        decoded = decode_files(there, self.input_shape[1:], self.resize, joblib.cpu_count())
        read = {
            path: Refusal(one.line) if isinstance(one, BrokenImage) else one
            for path, one in zip(there, decoded, strict=True)
        }
        return [missing[path] or read[path] for path in paths]

    def _answer(self, path: Path, row: torch.Tensor) -> Answer:
        try:
            return self._name(path, row.tolist())
        except UserError as error:
            return Refusal(str(error))

    def _name(self, image: Path | str, probabilities: list[float]) -> Prediction:
        if not math.isfinite(sum(probabilities)):
            raise UserError(f"model: its output for {image} is not finite")
        named = dict(zip(self.class_names, probabilities, strict=True))
        best = max(named, key=lambda name: named[name])
        return Prediction(best, named[best], named)


def labels_of(class_names: Sequence[str]) -> npt.NDArray[np.str_ | np.int64]:
    """Return classes as labels: whole numbers where all names are, as such labels were given."""
    if all(_WHOLE.fullmatch(name) for name in class_names):
        return np.array([int(name) for name in class_names])
    return np.array(class_names)


def _prediction(answer: Answer) -> Prediction:
    """Return the prediction; raises UserError if there is none."""
    if isinstance(answer, Refusal):
        raise UserError(answer.reason)
    return answer


def _missing(path: Path) -> Refusal | None:
    """Return why a path leads to no file, if it does not; decoding would say it less clearly."""
    try:
        if path.exists():
            return None
        link = ": it is a broken link" if path.is_symlink() else ""
    except OSError as error:  # not even its metadata
        return Refusal(f"image {path} cannot be read: {error.strerror or error}")
    return Refusal(f"image {path} does not exist{link}")
