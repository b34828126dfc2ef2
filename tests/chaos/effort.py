"""Counts epochs from outside: in the files through which workers report them."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, final

from search.tuning.records import StudyRecord

_MOST_BYTES = 1 << 20

# Plan index or trial number, epoch, and the seconds that it took: one trained again took others,
# one told again from a checkpoint took the same to the last bit.
Epoch = tuple[int, int, float]


@final
class EpochWatch:
    """Sees the epochs that a study's workers report; its files stay readable once removed."""

    def __init__(self, work_dir: Path) -> None:
        self._work_dir = work_dir
        self._files: dict[tuple[Path, int], int] = {}  # by path and inode: descriptors

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for descriptor in self._files.values():
            os.close(descriptor)

    def look(self) -> frozenset[Epoch]:
        """Open what is new; return all epochs reported so far, by trial number."""
        for folder in self._trainings():
            with suppress(FileNotFoundError):  # it has just been removed, or is not written yet
                self._open(folder / "epochs.jsonl")
        files = ((path, fd) for (path, _), fd in self._files.items())
        return frozenset(epoch for path, fd in files for epoch in _epochs(path, fd))

    def under_way(self) -> int:
        """Return how many trainings have a folder now: each can be in the middle of an epoch."""
        return len(list(self._trainings()))

    def _trainings(self) -> Iterator[Path]:
        for trial in _listed(self._work_dir):
            yield from _listed(trial)

    def _open(self, path: Path) -> None:
        key = (path, path.stat().st_ino)
        if key not in self._files:
            self._files[key] = os.open(path, os.O_RDONLY)


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _epochs(path: Path, descriptor: int) -> Iterable[Epoch]:
    trial = int(path.parents[1].name.removeprefix("trial-"))
    whole = os.pread(descriptor, _MOST_BYTES, 0).rpartition(b"\n")[0]
    for epoch, line in enumerate(whole.splitlines(), start=1):
        yield trial, epoch, sum(fold["seconds"] for fold in json.loads(line))


def trained_epochs(seen: Iterable[Epoch], record: StudyRecord) -> frozenset[Epoch]:
    """Return all epochs that were trained to their end, by plan index: those seen and stored."""
    plans = {trial.number: trial.plan for trial in record.trials}
    stored = (
        (trial.plan, epoch, sum(fold.seconds for fold in folds))
        for trial in record.trials
        for epoch, folds in enumerate(trial.history.epochs, start=1)
    )
    return frozenset(stored) | {(plans[trial], *rest) for trial, *rest in seen}  # type: ignore[misc]


def trained_again(epochs: Iterable[Epoch]) -> int:
    """Return how many epochs were trained though they had been trained before."""
    every = list(epochs)
    return len(every) - len({(plan, epoch) for plan, epoch, _ in every})
