"""A candidate in a few words, for a cell of a table. Pure."""

from collections.abc import Iterator

from cifar_models import CNNConfig
from spaces import Candidate


def short_words(candidate: Candidate) -> str:
    """Return network and training as keywords: "cnn 32-64-128 relu, adam 0.001, batch 64"."""
    return ", ".join(_words(candidate))


def _words(candidate: Candidate) -> Iterator[str]:
    model, optimizer = candidate.model, candidate.optimizer
    widths = model.channels if isinstance(model, CNNConfig) else model.hidden_widths
    yield f"{model.kind} {'-'.join(str(width) for width in widths)} {model.activation}"
    yield f"{optimizer.name} {optimizer.learning_rate:.2g}"
    if candidate.schedule.name != "constant":
        yield candidate.schedule.name
    yield f"batch {candidate.batch_size}"
    if candidate.augmentation != "none":
        yield candidate.augmentation
