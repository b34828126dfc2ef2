"""Checkpoints: what a training needs to resume after a kill, one file per fold.

A file is the output of `torch.save` followed by its SHA-256, because flipped bits would otherwise
load silently. It is written under a temporary name, synced and renamed, and the previous one is
kept, so that there is an intact one whenever the machine stops.
"""

import hashlib
import io
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO, Self, cast, final

import torch
from pydantic import TypeAdapter
from safetensors.torch import save
from torch import nn

from search.files import atomic_write, write_file
from search.training.history import FoldEpoch
from search.training.trainer import FoldState, FoldTraining

NEWEST = "fold-*.ckpt"
"""Pattern of the names of the newest checkpoints, one a fold."""


def save_weights(path: Path, network: nn.Module) -> None:
    """Write the state dict atomically and durably, in a folder that may be new. Raises OSError."""
    path.parent.mkdir(exist_ok=True)
    state = network.state_dict().items()
    content = save({name: value.detach().cpu().contiguous() for name, value in state})
    write_file(path, content, durable=True)


_HISTORY = TypeAdapter(tuple[FoldEpoch, ...])
_DIGEST_BYTES = hashlib.sha256().digest_size


@final
@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one trial's folds, or of a refit.

    `key` identifies the training (see `training_key`): a checkpoint with another key is ignored.
    """

    directory: Path
    key: str

    def save(self, fold: int, state: FoldState) -> None:
        """Write a fold's state durably, in a directory that may be new. Raises OSError."""
        self.directory.mkdir(exist_ok=True)
        previous = self._path(fold, "previous")
        with atomic_write(self._path(fold, "ckpt"), durable=True, previous=previous) as file:
            _write(file, self.key, state)

    def load(self, fold: int) -> FoldState | None:
        """Return a fold's newest intact state, or None."""
        for path in (self._path(fold, "ckpt"), self._path(fold, "previous")):
            state = _read(path, self.key) if path.exists() else None
            if state is not None:
                return state
        return None

    def damaged(self, fold: int) -> bool:
        """Return whether a fold's newest file is damaged."""
        newest = self._path(fold, "ckpt")
        return newest.exists() and _payload(newest) is None

    def _path(self, fold: int, suffix: str) -> Path:
        return self.directory / f"fold-{fold}.{suffix}"


def newest_checkpoints(directory: Path) -> list[Path]:
    """Return the newest file of each fold, which is what another machine needs to resume."""
    return sorted(directory.glob(NEWEST))


def training_key(*facts: object) -> str:
    """Return a hash of the facts that decide a training, to tell trainings apart."""
    return hashlib.sha256("\n".join(map(repr, facts)).encode()).hexdigest()


@final
class _Hashing(io.RawIOBase):
    """Passes on what is written and hashes it, without a second copy of the weights."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.digest.update(data)
        return self._file.write(data)


def _write(file: BinaryIO, key: str, state: FoldState) -> None:
    content: dict[str, Any] = {
        "key": key,
        "history": _HISTORY.dump_json(state.history).decode(),
        "model": state.model,
        "optimizer": state.optimizer,
        "predictions": state.predictions,
    }
    hashing = _Hashing(file)
    try:
        torch.save(content, cast("IO[bytes]", hashing))
    except RuntimeError as error:
        if isinstance(error.__context__, OSError):  # torch hides what the file said
            raise error.__context__ from error
        raise
    file.write(hashing.digest.digest())


def _payload(path: Path) -> memoryview | None:
    """Return the content before the SHA-256, or None if the two do not match."""
    data = memoryview(path.read_bytes())
    payload, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    return payload if hashlib.sha256(payload).digest() == digest else None


def _read(path: Path, key: str) -> FoldState | None:
    """Return the state, or None if the file is damaged or belongs to another training."""
    payload = _payload(path)
    if payload is None:
        return None
    content = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    if content["key"] != key:
        return None
    history = _HISTORY.validate_json(content["history"])
    predictions = content.get("predictions", torch.empty(0))  # not in files of earlier releases
    return FoldState(history, content["model"], content["optimizer"], predictions)


@final
class AsyncCheckpointWriter:
    """Writes checkpoints every `every` epochs (0: never) while the next epoch trains.

    It is a context manager: when the block ends, all checkpoints are on the disk. A failed write
    raises its OSError at the next write or at the end of the block.
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

    def write(
        self,
        epoch: int,
        folds: Mapping[int, FoldTraining],
        *,
        stopping: bool = False,
        ended: bool = False,
    ) -> None:
        """Write each fold's state if it is due or the training is `stopping`.

        If the training has `ended`, its network is not written. A fold that was resumed from a
        later epoch than `epoch` already has its checkpoint.
        """
        due = self._every and (stopping or epoch % self._every == 0)
        if not due or epoch == self._kept:
            return
        self.wait()
        self._kept = epoch
        for number, fold in folds.items():
            state = fold.state()
            if len(state.history) == epoch:
                kept = state.of_ended() if ended else state.copied()
                self._writing.append(self._writer.submit(self._checkpoints.save, number, kept))

    def wait(self) -> None:
        """Wait until all writes are on the disk; raises OSError."""
        while self._writing:
            self._writing.pop(0).result()
