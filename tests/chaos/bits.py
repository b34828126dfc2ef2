"""Damaged checkpoints: single flipped bits, of which torch alone loads most, and truncations."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from torch import nn

from search.training.checkpoints import Checkpoints, training_key
from search.training.history import FoldEpoch
from search.training.trainer import FoldState

_EPOCHS = 3


@final
@dataclass(frozen=True)
class BitsReport:
    """How many damages were done, and what became of them.

    `silent` counts flipped bits with which torch alone loads the file without a word, `caught` and
    `truncations_caught` damages that are refused here, `fallen_back` those after which the
    checkpoint before is loaded.
    """

    flips: int
    silent: int
    caught: int
    truncations: int
    truncations_caught: int
    fallen_back: int

    def is_sound(self) -> bool:
        """Return whether every damage was caught, and cost one checkpoint."""
        caught = (self.caught, self.truncations_caught) == (self.flips, self.truncations)
        return caught and self.fallen_back == self.flips + self.truncations


def flip_bits(folder: Path, flips: int = 300, truncations: int = 60, seed: int = 0) -> BitsReport:
    """Damage one checkpoint in every one of these ways, each time from the whole file."""
    rng = np.random.default_rng(seed)
    checkpoints = Checkpoints(folder, training_key("bits"))
    states = list(_states())
    for state in states:
        checkpoints.save(0, state)
    newest, previous = folder / "fold-0.ckpt", folder / "fold-0.previous"
    whole, before = newest.read_bytes(), previous.read_bytes()
    payload = _saved_by_torch(states[-1])
    flipped = [_flipped(whole, int(rng.integers(8 * len(whole)))) for _ in range(flips)]
    cut = [whole[: rng.integers(len(whole))] for _ in range(truncations - 1)] + [b""]
    refused = []
    fallen_back = 0
    for damaged in flipped + cut:
        newest.write_bytes(damaged)
        previous.unlink()
        refused.append(checkpoints.load(0) is None)
        previous.write_bytes(before)
        loaded = checkpoints.load(0)
        fallen_back += loaded is not None and len(loaded.history) == len(states) - 1
    silent = sum(
        _loads(_flipped(payload, int(rng.integers(8 * len(payload))))) for _ in range(flips)
    )
    return BitsReport(
        flips, silent, sum(refused[:flips]), truncations, sum(refused[flips:]), fallen_back
    )


def _states() -> Iterator[FoldState]:
    """Yield the states of a small network after each of its epochs."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.Adam(model.parameters())
    history: tuple[FoldEpoch, ...] = ()
    for _ in range(_EPOCHS):
        model(torch.randn(8, 64)).sum().backward()
        optimizer.step()
        history += (FoldEpoch(1.0, 0.5, 1.0, 0.5, 1e-3, 0.1),)
        yield FoldState(history, model.state_dict(), optimizer.state_dict())


def _saved_by_torch(state: FoldState) -> bytes:
    file = io.BytesIO()
    torch.save({"model": state.model, "optimizer": state.optimizer}, file)
    return file.getvalue()


def _flipped(data: bytes, bit: int) -> bytes:
    damaged = bytearray(data)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def _loads(data: bytes) -> bool:
    try:
        torch.load(io.BytesIO(data), weights_only=True)
    except Exception:  # noqa: BLE001 - whatever it raises, it noticed
        return False
    return True
