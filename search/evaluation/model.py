"""The exported model: safetensors weights, a JSON description, and the classifier they form."""

from collections.abc import Mapping
from pathlib import Path
from typing import final

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from cifar_models import build_model
from search.checks import describe_errors
from search.data.cache import array_scale
from search.data.dataset import ChannelStatistics, DatasetInfo, Resize
from search.errors import UserError, first_line
from search.evaluation.classifier import Answer, Classifier, Prediction, Refusal, labels_of
from search.evaluation.description import ModelCard, WholeNetwork, parse_card
from search.files import (
    as_path,
    checksums_path,
    verify_checksums,
    write_checksums,
    write_file,
)
from search.paths import EnsemblePaths, ModelPaths
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

__all__ = [
    "Answer",
    "ImageClassifier",
    "Prediction",
    "Refusal",
    "export_model",
    "load_model",
    "load_network",
    "read_card",
]

_MAX_CARD_BYTES = 1 << 20


@final
class ImageClassifier(Classifier):
    """A trained network that takes unnormalized images and image files.

    It is also a classifier of scikit-learn that is trained already, with the classes' names as
    labels, or numbers where all names are whole numbers.

    Attributes:
        card: What it was trained on, and how images are prepared.
        network: The network, which takes normalized images.
        class_names: The classes' names, in the order of probabilities.
        classes_: The same as labels.
    """

    def __init__(self, card: ModelCard, network: nn.Module) -> None:
        self.card = card
        self.network = network.eval()
        self._normalize = Normalizer(ChannelStatistics(card.mean, card.std), "cpu")
        self.class_names, self.classes_ = card.class_names, labels_of(card.class_names)
        self.input_shape, self.resize, self.scale = card.input_shape, card.resize, card.scale

    def to_module(self) -> WholeNetwork:
        """Return the network with its preprocessing as a plain module of PyTorch."""
        return WholeNetwork(self.card, self.network).eval()

    def write(self, folder: Path) -> None:
        """Write a model folder, which `load_model` reads."""
        export_model(self, folder)

    def origin(self) -> dict[str, str]:
        return {"study": self.card.study, "trial": str(self.card.trial)}

    def __repr__(self) -> str:
        """Return what it is, in one line."""
        card = self.card
        sides = " x ".join(map(str, card.input_shape[1:]))
        of = f"study {card.study!r}, trial {card.trial}"
        classes, network = f"{len(card.class_names)} classes", card.candidate.model.keywords()
        return f"<ImageClassifier of {of}: {classes}, images of {sides}, {network}>"

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """Return float32 logits (N, classes) of uint8 images (N, C, H, W) of the input shape."""
        network = with_test_time_augmentation(self.network, self.card.candidate)
        with prints_to_stderr():  # those of a user's network
            return predict_logits(network, images, self._normalize, TrainingSettings(epochs=1))


def export_model(classifier: ImageClassifier, model_dir: Path) -> None:
    """Write weights, description and their SHA-256 checksums, each atomically and durably.

    The README next to them has no checksum, because people add to it.
    """
    paths = ModelPaths(model_dir)
    save_weights(paths.weights, classifier.network)
    # Earlier versions of this program, which stretch, can read a model that does not crop or pad.
    unneeded = {"resize"} if classifier.card.resize == "stretch" else set()
    unneeded |= {one for one in ("families", "scale") if getattr(classifier.card, one) is None}
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
        scale=array_scale(dataset),
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
        card = parse_card(read_card(paths.card), paths.model_dir, trust_code=trust_code)
        return ImageClassifier(card, _read_network(card, paths.weights))
    except ValidationError as error:
        reason = describe_errors(error)
        raise UserError(f"model: {paths.card} is not a model's description: {reason}") from error
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        reason = first_line(error)  # torch adds its stack
        raise UserError(f"model: {str(model_dir)!r} is not a model folder: {reason}") from error


def _check_whole(paths: ModelPaths) -> None:
    if EnsemblePaths(paths.model_dir).card.is_file():
        raise ValueError("it is an ensemble's folder: use load_ensemble")
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


def read_card(path: Path) -> bytes:
    """Return the bytes of a description; raises ValueError if it is too large for one."""
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
