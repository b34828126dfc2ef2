"""Checkpoints: what a training needs to go on where it was killed, one file a fold.

A file is what `torch.save` wrote and the SHA-256 of that: flipped bits would load silently
otherwise. It is written under a temporary name, synced and renamed, and the one before is kept
until the next, so that whenever the machine stops there is a whole one.
"""

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast, final

import torch
from pydantic import TypeAdapter

from search.durable import sync
from search.training.fold import FoldState
from search.training.history import FoldEpoch

_HISTORY = TypeAdapter(tuple[FoldEpoch, ...])
_DIGEST_BYTES = hashlib.sha256().digest_size


@final
@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one trial's folds, or of a refit.

    `key` says of which training they are, whatever decides it (see `training_key`): one of another
    key is as good as none.
    """

    directory: Path
    key: str

    def save(self, fold: int, state: FoldState) -> None:
        """Write a fold's state; it is on the disk when this returns. Raises OSError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        newest, previous, temporary = (self._path(fold, s) for s in ("ckpt", "previous", "tmp"))
        try:
            with temporary.open("wb") as file:
                _write(file, self.key, state)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            temporary.unlink(missing_ok=True)  # on a full disk every byte counts
            raise
        if newest.exists():
            newest.replace(previous)
        temporary.replace(newest)
        sync(self.directory)

    def load(self, fold: int) -> FoldState | None:
        """Return a fold's newest whole state, None where there is none."""
        for path in (self._path(fold, "ckpt"), self._path(fold, "previous")):
            state = _read(path, self.key) if path.exists() else None
            if state is not None:
                return state
        return None

    def damaged(self, fold: int) -> bool:
        """Return whether a fold's newest file is not what was written."""
        newest = self._path(fold, "ckpt")
        return newest.exists() and _payload(newest) is None

    def _path(self, fold: int, suffix: str) -> Path:
        return self.directory / f"fold-{fold}.{suffix}"


def training_key(*facts: object) -> str:
    """Return what tells a training from every other: a hash of the facts that decide it."""
    return hashlib.sha256("\n".join(map(repr, facts)).encode()).hexdigest()


@final
class _Hashing(io.RawIOBase):
    """Passes on what is written, and hashes it on the way: no second copy of the weights."""

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
    """Return what was written before its SHA-256, None where the two do not agree."""
    data = memoryview(path.read_bytes())
    payload, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    return payload if hashlib.sha256(payload).digest() == digest else None


def _read(path: Path, key: str) -> FoldState | None:
    """Return the state, None where the file is damaged or of another training."""
    payload = _payload(path)
    if payload is None:
        return None
    content = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    if content["key"] != key:
        return None
    history = _HISTORY.validate_json(content["history"])
    return FoldState(history, content["model"], content["optimizer"])
