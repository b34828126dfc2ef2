"""An ensemble: several trained networks whose probabilities are averaged."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, final

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import nn

from search.checks import describe_errors
from search.errors import UserError
from search.evaluation.classifier import Classifier
from search.evaluation.model import ImageClassifier, load_model, read_card
from search.files import as_path, verify_checksums, write_checksums, write_file
from search.paths import EnsemblePaths, ModelPaths
from search.text import listed


def mean_logits(logits: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return logits whose softmax is the mean of several networks' probabilities.

    Args:
        logits: Those of each network, float (N, classes).

    Returns:
        The logarithm of the mean probabilities, (N, classes).
    """
    log_probabilities = torch.stack([one.log_softmax(1) for one in logits])
    return log_probabilities.logsumexp(0) - torch.tensor(float(len(logits))).log()


@final
class MeanOfNetworks(nn.Module):
    """Several networks with their preprocessing, as one: the mean of their probabilities.

    It takes uint8 or float images (N, 3, H, W) with values in 0..255, and returns logits (N,
    classes): the logarithm of the mean probabilities.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes) of images (N, 3, H, W)."""
        return mean_logits([network(images) for network in self.networks])


@final
class Ensemble(Classifier):
    """Several trained networks that answer together, by the mean of their probabilities.

    It takes images, and is a classifier of scikit-learn, as `ImageClassifier`.

    Args:
        members: The networks, the winner's first; of the same classes and shape of images.

    Raises:
        UserError: There are none, or their classes or images differ.
    """

    def __init__(self, members: Sequence[ImageClassifier]) -> None:
        self.members = members
        if not members:
            raise UserError("ensemble: it needs one network or more, got none")
        first = members[0].card
        for other in (one.card for one in members[1:]):
            for name in ("class_names", "input_shape", "resize"):
                if getattr(first, name) != getattr(other, name):
                    raise UserError(f"ensemble: its networks must have the same {name}")
        self.class_names, self.classes_ = members[0].class_names, members[0].classes_
        self.input_shape, self.resize, self.scale = first.input_shape, first.resize, first.scale

    @property
    def trials(self) -> tuple[int, ...]:
        """The trials that its networks come from."""
        return tuple(one.card.trial for one in self.members)

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return mean_logits([one.logits(images) for one in self.members])

    def to_module(self) -> MeanOfNetworks:
        return MeanOfNetworks([one.to_module() for one in self.members]).eval()

    def write(self, folder: Path) -> None:
        """Write an ensemble's folder, which `load_ensemble` reads."""
        paths = EnsemblePaths(folder)
        for one in self.members:
            one.save(paths.member(one.card.trial))
        text = EnsembleCard(trials=self.trials).model_dump_json(indent=2)
        write_file(paths.card, text, durable=True)
        write_checksums((paths.card,))

    def origin(self) -> dict[str, str]:
        study, trials = self.members[0].card.study, ", ".join(map(str, self.trials))
        return {"study": study, "trials": trials}

    def __repr__(self) -> str:
        """Return what it is, in one line."""
        sides = " x ".join(map(str, self.input_shape[1:]))
        of = f"study {self.members[0].card.study!r}, trials {listed(list(map(str, self.trials)))}"
        return f"<Ensemble of {of}: {len(self.classes_)} classes, images of {sides}>"


@final
class EnsembleCard(BaseModel):
    """ensemble.json: of which networks an ensemble consists; each has a folder beside it.

    Attributes:
        format: Version of this file.
        trials: The trials that they come from, the winner first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    trials: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1, max_length=100)


def load_ensemble(folder: Path | str, *, trust_code: bool = False) -> Ensemble:
    """Load an ensemble.

    Args:
        folder: A folder that a search with `ensemble` wrote, such as `runs/STUDY/ensemble`.
        trust_code: That of `load_model`.

    Returns:
        The ensemble, on the CPU.

    Raises:
        UserError: The folder is no ensemble, or files have changed since they were written, or
            a network has code that is not trusted, or that fails.
    """
    paths = EnsemblePaths(as_path(folder, "folder"))
    try:
        verify_checksums((paths.card,))
        card = EnsembleCard.model_validate_json(read_card(paths.card))
    except ValidationError as error:
        reason = describe_errors(error)
        raise UserError(f"ensemble: {paths.card} describes no ensemble: {reason}") from error
    except (OSError, ValueError) as error:
        raise UserError(f"ensemble: {str(folder)!r} is no ensemble's folder: {error}") from error
    members = [load_model(paths.member(trial), trust_code=trust_code) for trial in card.trials]
    found = [(one.card.study, one.card.trial) for one in members]
    if found != [(members[0].card.study, trial) for trial in card.trials]:
        raise UserError(f"ensemble: {str(folder)!r} has a network of another trial or study")
    return Ensemble(members)


def is_model_folder(folder: Path) -> bool:
    """Return whether a folder has a model or an ensemble. Raises OSError if it cannot be read."""
    return ModelPaths(folder).card.is_file() or EnsemblePaths(folder).card.is_file()


def load_classifier(folder: Path, *, trust_code: bool = False) -> Classifier:
    """Load a folder's model or ensemble; arguments and errors are those of `load_model`."""
    if EnsemblePaths(folder).card.is_file():
        return load_ensemble(folder, trust_code=trust_code)
    return load_model(folder, trust_code=trust_code)
