"""Keeps the states of networks in training: written beside it, of copies, one after the other."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, final

from search.training.checkpoints import Checkpoints
from search.training.fold import FoldState, FoldTraining


@final
class Keeper:
    """Writes checkpoints `every` so many epochs (0: never) while the next epoch trains.

    As a context manager: at the end of the block all are on the disk. A write that failed raises
    its OSError at the next one or there.
    """

    def __init__(self, checkpoints: Checkpoints, every: int) -> None:
        self._checkpoints, self._every = checkpoints, every
        self._writer = ThreadPoolExecutor(max_workers=1)
        self._writing: list[Future[None]] = []
        self._kept = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._writer.shutdown()
        if error is None:
            self.wait()

    def keep(
        self,
        epoch: int,
        folds: Mapping[int, FoldTraining],
        *,
        leaving: bool = False,
        ended: bool = False,
    ) -> None:
        """Keep each fold's state where it is due or the training is `leaving`.

        Of a training that has `ended` the history is enough. A fold that was resumed from further
        on than `epoch` has its checkpoint already.
        """
        due = self._every and (leaving or epoch % self._every == 0)
        if not due or epoch == self._kept:
            return
        self.wait()
        self._kept = epoch
        for number, fold in folds.items():
            state = fold.state()
            if len(state.history) == epoch:
                kept = FoldState(state.history) if ended else state.copied()
                self._writing.append(self._writer.submit(self._checkpoints.save, number, kept))

    def wait(self) -> None:
        """Wait until what was kept is on the disk; raises OSError."""
        while self._writing:
            self._writing.pop(0).result()
