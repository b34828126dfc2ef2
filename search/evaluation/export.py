"""The exported model: safetensors weights and a JSON that says how to use them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from cifar_models import MLPConfig, build_model
from search.checksums import check_sums, sums_path, write_sums
from search.durable import sync, whole_file
from search.errors import MachineError, UserError
from search.evaluation.card import ModelCard
from search.evaluation.classifier import ImageClassifier, Prediction
from search.failures import DAMAGED_ARRAYS
from search.paths import ModelPaths
from search.training.weights import save_weights
from search.wrong_values import describe_errors

__all__ = ["ImageClassifier", "ModelCard", "Prediction", "export_model", "load_model"]

_MOST_CARD_BYTES = 1 << 20


def export_model(card: ModelCard, network: nn.Module, model_dir: Path) -> None:
    """Write weights, card and their SHA-256 sums, each whole or not at all.

    They are on the disk when this returns. The README beside them has no sum: people add to it.
    """
    paths = ModelPaths(model_dir)
    save_weights(paths.weights, network)
    with whole_file(paths.card) as file:
        file.write(card.model_dump_json(indent=2).encode())
    write_sums((paths.card, paths.weights))
    sync(sums_path(model_dir))
    sync(model_dir)


def load_model(model_dir: Path | str) -> ImageClassifier:
    """Return the exported model of a folder.

    Raises UserError where it is none, or not as it was written: a network of flipped bits would
    answer too. Weights are looked at before a network is made, so no folder can ask for more
    memory than its weights take.
    """
    paths = ModelPaths(Path(model_dir))
    try:
        _check_whole(paths)
        card = ModelCard.model_validate_json(_read_card(paths.card))
        return ImageClassifier(card, _load_network(card, paths.weights))
    except ValidationError as error:
        reason = describe_errors(error)
        raise UserError(f"model: {paths.card} is not a model's description: {reason}") from error
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)  # torch adds its stack
        raise UserError(f"model: {str(model_dir)!r} is not a model folder: {reason}") from error


def _check_whole(paths: ModelPaths) -> None:
    if not paths.card.is_file():
        raise ValueError(f"it has no {paths.card.name}")
    sums = sums_path(paths.model_dir)
    taken_over = f"is taken over by: sha256sum {paths.card.name} {paths.weights.name} > {sums.name}"
    if not sums.is_file():
        raise ValueError(
            f"it has no {sums.name}: models of older versions have none; one that you trust "
            f"{taken_over}"
        )
    try:
        check_sums((paths.card, paths.weights))
    except ValueError as error:
        raise ValueError(f"{error}; what was changed on purpose {taken_over}") from error


def _read_card(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(_MOST_CARD_BYTES + 1)
    if len(content) > _MOST_CARD_BYTES:
        raise ValueError(f"{path.name} is larger than {_MOST_CARD_BYTES:,} bytes")
    return content


def _load_network(card: ModelCard, path: Path) -> nn.Module:
    weights, model = load_file(path), card.candidate.model
    layers = model.hidden_widths if isinstance(model, MLPConfig) else model.channels
    if len(layers) > len(weights):
        raise ValueError(f"{path.name} has {len(weights)} arrays for {len(layers)} layers")
    with torch.device("meta"):  # takes no memory, however large
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


def load_images(path: Path) -> npt.NDArray[np.uint8] | None:
    """Return what `save_images` wrote, None where there is nothing.

    Raises MachineError where the file is damaged.
    """
    try:
        images: npt.NDArray[np.uint8] = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        return None
    except DAMAGED_ARRAYS as error:
        raise MachineError(
            f"the images {path} are damaged; remove the file to go on without them"
        ) from error
    return images


def save_images(path: Path, images: npt.NDArray[np.uint8]) -> None:
    """Write an array of images whole or not at all."""
    with whole_file(path) as file:
        np.save(file, images, allow_pickle=False)
