"""What is recorded of every search, epoch by epoch, and what is read from it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from pydantic import BaseModel, ConfigDict


@final
class EpochRecord(BaseModel):
    """A validation accuracy (a fraction) and the second, since the command, it was known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    second: float
    trial: str
    epoch: int
    accuracy: float


@final
@dataclass(frozen=True)
class Recorder:
    """Appends to a file that several processes may write; `started` is a time.monotonic value.

    On one machine that clock is the same in all processes.
    """

    path: Path
    started: float

    def add(self, trial: str, epoch: int, accuracy: float) -> None:
        """Write down an accuracy that is known now."""
        second = time.monotonic() - self.started
        record = EpochRecord(second=second, trial=trial, epoch=epoch, accuracy=accuracy)
        with self.path.open("ab", buffering=0) as file:  # one write a line: lines stay whole
            file.write(record.model_dump_json().encode() + b"\n")


def read_records(path: Path, budget: float) -> list[EpochRecord]:
    """Return what was known within `budget` seconds, in order of time.

    A last line that a kill broke off is dropped.
    """
    whole = path.read_bytes().rpartition(b"\n")[0]
    records = [EpochRecord.model_validate_json(line) for line in whole.splitlines()]
    return sorted((r for r in records if r.second <= budget), key=lambda record: record.second)


def best_so_far(records: Sequence[EpochRecord]) -> Iterator[tuple[float, float]]:
    """Yield (second, accuracy) for every record that is better than all before it."""
    best = float("-inf")
    for record in records:
        if record.accuracy > best:
            best = record.accuracy
            yield record.second, best


def best_at(records: Sequence[EpochRecord], second: float) -> float | None:
    """Return the best accuracy known at `second`, or None."""
    return max((r.accuracy for r in records if r.second <= second), default=None)


def seconds_to_beat(records: Sequence[EpochRecord], accuracy: float) -> float | None:
    """Return when a strictly better accuracy was first known, or None."""
    return next((second for second, best in best_so_far(records) if best > accuracy), None)


def turns(tools: Sequence[str], seed: int) -> list[str]:
    """Return the order in which the tools have their turn.

    Odd seeds go backwards and every second seed begins with another tool, so that a machine that
    slows down favours nobody.
    """
    first = seed // 2 % len(tools)
    order = [*tools[first:], *tools[:first]]
    return order[::-1] if seed % 2 else order
