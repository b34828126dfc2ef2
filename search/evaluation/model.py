"""The exported model: safetensors weights, a JSON description, and the classifier they form."""

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias, final

import joblib
import numpy as np
import numpy.typing as npt
import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from torch import nn

from cifar_models import build_model
from search.checks import describe_errors
from search.data.dataset import ChannelStatistics, DatasetInfo, Images, Resize
from search.data.decoding import BrokenImage, decode_files
from search.errors import UserError, first_line
from search.evaluation.description import ModelCard, WholeNetwork, parse_card
from search.evaluation.inputs import Inputs, paths_of, pixels_of
from search.files import (
    as_path,
    checksums_path,
    machine_failures,
    verify_checksums,
    write_checksums,
    write_file,
)
from search.paths import ModelPaths
from search.training.checkpoints import save_weights
from search.training.evaluation import (
    Normalizer,
    normalization_of,
    predict_logits,
    with_test_time_augmentation,
)
from search.training.settings import TrainingSettings
from spaces import Candidate
from spaces.candidate import load_candidate
from spaces.families import FamilySource
from spaces.user_output import prints_to_stderr

_BATCH = 500  # files read at a time
_MAX_CARD_BYTES = 1 << 20


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


Answer: TypeAlias = Prediction | Refusal


@final
class ImageClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn's
    """A trained network that takes unnormalized images and image files.

    It is also a classifier of scikit-learn that is trained already, with the classes' names as
    labels.

    Attributes:
        card: What it was trained on, and how images are prepared.
        network: The network, which takes normalized images.
        classes_: The classes' names, in the order of probabilities.
    """

    def __init__(self, card: ModelCard, network: nn.Module) -> None:
        self.card = card
        self.network = network.eval()
        self._normalize = Normalizer(ChannelStatistics(card.mean, card.std), "cpu")
        self.classes_ = np.array(card.class_names)

    def fit(self, images: Inputs, labels: object = None) -> Self:  # noqa: ARG002
        """Refuse to train: raises UserError, as the network is trained already."""
        raise UserError("fit: this network is trained already; search.run trains others")

    def predict_proba(self, images: Inputs) -> npt.NDArray[np.float32]:
        """Return the probability of each class, float32 (N, classes).

        Args:
            images: Paths of image files, PIL images, or an array or tensor of unnormalized images:
                (N, H, W), (N, H, W, C) or (N, C, H, W). Other shapes are fitted to the network's.

        Raises:
            UserError: They are not images, one cannot be read, or an output is not finite.
        """
        paths = paths_of(images)
        if paths is not None:
            answers = [_prediction(one) for one in self.classify_files(paths)]
            rows = [list(one.probabilities.values()) for one in answers]
            return np.array(rows, dtype=np.float32)
        pixels = pixels_of(images, self.card.input_shape[1:], self.card.resize)
        if not len(pixels):
            return np.zeros((0, len(self.classes_)), dtype=np.float32)
        found: npt.NDArray[np.float32] = self.probabilities(torch.from_numpy(pixels)).numpy()
        if not np.isfinite(found).all():
            raise UserError("model: its output is not finite")
        return found

    def predict(self, images: Inputs) -> npt.NDArray[np.str_]:
        """Return the name of the most probable class of each image, (N,).

        Arguments and errors are those of `predict_proba`.
        """
        names: npt.NDArray[np.str_] = self.classes_[self.predict_proba(images).argmax(1)]
        return names

    def score(self, images: Inputs, labels: Any, sample_weight: Any = None) -> float:
        """Return the accuracy: the share of the images whose class is right.

        Args:
            images: As for `predict_proba`.
            labels: The names of their classes, (N,); numbers where the names are numbers.
            sample_weight: The weight of each image, (N,).

        Raises:
            UserError: As `predict_proba`, a label is no class, or there are not as many as images.
        """
        names = np.asarray(labels).astype(str).reshape(-1)
        unknown = np.setdiff1d(names, self.classes_)
        if len(unknown):
            classes = ", ".join(self.card.class_names)
            raise UserError(f"labels: {str(unknown[0])!r} is no class; the classes: {classes}")
        predicted = self.predict(images)
        if not len(names) or len(names) != len(predicted):
            raise UserError(
                f"labels: must be one for each image, got {len(names):,} for {len(predicted):,}"
            )
        return float(accuracy_score(names, predicted, sample_weight=sample_weight))

    def to_module(self) -> WholeNetwork:
        """Return the network with its preprocessing as a plain module of PyTorch."""
        return WholeNetwork(self.card, self.network).eval()

    def save(self, folder: Path | str) -> Path:
        """Write it to a folder that `load_model` reads; returns the folder.

        Raises MachineError if the folder cannot be written.
        """
        target = as_path(folder, "folder")
        with machine_failures(f"folder {target} cannot be written", "choose another one"):
            target.mkdir(parents=True, exist_ok=True)
            export_model(self, target)
        return target

    def __sklearn_is_fitted__(self) -> bool:
        """Return that it is trained."""
        return True

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn has to know: inputs are images, not rows of features."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        return tags

    def __repr__(self) -> str:
        """Return what it is, in one line."""
        card = self.card
        sides = " x ".join(map(str, card.input_shape[1:]))
        of = f"study {card.study!r}, trial {card.trial}"
        classes, network = f"{len(card.class_names)} classes", card.candidate.model.keywords()
        return f"<ImageClassifier of {of}: {classes}, images of {sides}, {network}>"

    def _repr_html_(self) -> str:
        return html.escape(repr(self))

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """Return float32 logits (N, classes) of uint8 images (N, C, H, W) of the input shape."""
        network = with_test_time_augmentation(self.network, self.card.candidate)
        with prints_to_stderr():  # those of a user's network
            return predict_logits(network, images, self._normalize, TrainingSettings(epochs=1))

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
        decoded = decode_files(
            there, self.card.input_shape[1:], self.card.resize, joblib.cpu_count()
        )
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
        named = dict(zip(self.card.class_names, probabilities, strict=True))
        best = max(named, key=lambda name: named[name])
        return Prediction(best, named[best], named)


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


def export_model(classifier: ImageClassifier, model_dir: Path) -> None:
    """Write weights, description and their SHA-256 checksums, each atomically and durably.

    The README next to them has no checksum, because people add to it.
    """
    paths = ModelPaths(model_dir)
    save_weights(paths.weights, classifier.network)
    # Earlier versions of this program, which stretch, can read a model that does not crop or pad.
    unneeded = {"resize"} if classifier.card.resize == "stretch" else set()
    unneeded |= {"families"} if classifier.card.families is None else set()
    card = classifier.card.model_dump_json(indent=2, exclude=unneeded)
    write_file(paths.card, card, durable=True)
    write_checksums((paths.card, paths.weights))


def load_network(
    weights: Path,
    candidate: Candidate,
    dataset: DatasetInfo,
    statistics: ChannelStatistics,
    study: str,
    trial: int,
    resize: Resize = "stretch",
    families: FamilySource | None = None,
) -> ImageClassifier:
    """Return the classifier of a network that was just trained.

    Args:
        weights: Its state dict, as safetensors.
        candidate: The network.
        dataset: What it was trained on.
        statistics: How its images are normalized, if it has no way of its own.
        study: Name of the study.
        trial: Number of the trial.
        resize: How images of another shape were fitted.
        families: The code of the network, if it is not of this program.

    Raises:
        OSError, RuntimeError, SafetensorError: The weights are missing or damaged.
    """
    candidate = load_candidate(candidate.model_dump_json(), families)
    with prints_to_stderr():
        network = build_model(candidate.model, dataset.image_shape, len(dataset.class_names))
    network.load_state_dict(load_file(weights))
    statistics = normalization_of(candidate.model, statistics)
    card = ModelCard(
        candidate=candidate.portable(),
        class_names=dataset.class_names,
        input_shape=dataset.image_shape,
        mean=statistics.mean,
        std=statistics.safe_std,
        study=study,
        trial=trial,
        resize=resize,
        families=families,
    )
    return ImageClassifier(card, network)


def load_model(model_dir: Path | str, *, trust_code: bool = False) -> ImageClassifier:
    """Load an exported model.

    Args:
        model_dir: A folder that a search wrote, such as `runs/STUDY/model`.
        trust_code: Whether to run the code of a network that is not of this program, which is in
            the folder. Such code can do anything: trust it as you would a program.

    Returns:
        The classifier, on the CPU.

    Raises:
        UserError: The folder is not a model, or its files have changed since they were written, or
            it has code that is not trusted, or that fails.
    """
    # Weights are read before the network is built, so that no folder can make this take more
    # memory than its weights.
    paths = ModelPaths(as_path(model_dir, "model_dir"))
    try:
        _check_whole(paths)
        card = parse_card(_read_card(paths.card), paths.model_dir, trust_code=trust_code)
        return ImageClassifier(card, _read_network(card, paths.weights))
    except ValidationError as error:
        reason = describe_errors(error)
        raise UserError(f"model: {paths.card} is not a model's description: {reason}") from error
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        reason = first_line(error)  # torch adds its stack
        raise UserError(f"model: {str(model_dir)!r} is not a model folder: {reason}") from error


def _check_whole(paths: ModelPaths) -> None:
    if not paths.card.is_file():
        raise ValueError(f"it has no {paths.card.name}")
    sums = checksums_path(paths.model_dir)
    accept = f"run: sha256sum {paths.card.name} {paths.weights.name} > {sums.name}"
    if not sums.is_file():
        raise ValueError(
            f"it has no {sums.name}, like models of older versions; if you trust it, {accept}"
        )
    try:
        verify_checksums((paths.card, paths.weights))
    except ValueError as error:
        raise ValueError(f"{error}; if you changed it on purpose, {accept}") from error


def _read_card(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(_MAX_CARD_BYTES + 1)
    if len(content) > _MAX_CARD_BYTES:
        raise ValueError(f"{path.name} is larger than {_MAX_CARD_BYTES:,} bytes")
    return content


def _read_network(card: ModelCard, path: Path) -> nn.Module:
    weights, model = load_file(path), card.candidate.model
    if model.depth > len(weights):
        raise ValueError(f"{path.name} has {len(weights)} arrays for {model.depth} layers")
    # Without memory, however large; a user's network may have tensors that are no weights.
    without_memory = torch.device("meta") if card.families is None else torch.random.fork_rng([])
    with without_memory, prints_to_stderr():
        network = build_model(model, card.input_shape, len(card.class_names))
    _check_fit(network.state_dict(), weights)
    network.load_state_dict(weights, assign=True)
    return network


def _check_fit(expected: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]) -> None:
    for name in sorted({*expected, *found}):
        needs, has = _layout(expected.get(name)), _layout(found.get(name))
        if needs != has:
            raise ValueError(f"size mismatch: {name} must be {needs}, got {has}")


def _layout(tensor: torch.Tensor | None) -> str:
    return "absent" if tensor is None else f"{tensor.dtype} {list(tensor.shape)}"
