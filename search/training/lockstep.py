"""Several networks trained epoch by epoch together."""

import math
from collections.abc import Iterator, Sequence

from search.training.fold import FoldTraining
from search.training.history import FoldEpoch


def run_epochs(folds: Sequence[FoldTraining], epochs: int) -> Iterator[tuple[FoldEpoch, ...]]:
    """Yield, epoch after epoch, the figures of every fold.

    The caller tells it to stop by taking no further epoch. It ends by itself after `epochs`
    epochs, and after an epoch in which a fold diverged (see `diverged`).
    """
    for epoch in range(1, epochs + 1):
        figures = tuple(fold.run_epoch(epoch) for fold in folds)
        yield figures
        if diverged(figures):
            return


def diverged(figures: Sequence[FoldEpoch]) -> bool:
    """Return whether a loss of any fold is infinite or not a number."""
    losses = [loss for fold in figures for loss in (fold.train_loss, fold.validation_loss)]
    return any(loss is not None and not math.isfinite(loss) for loss in losses)
