"""The recorded learning curves as arrays: what a replayed search would have seen."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from spaces.parameters import ParamValue
from tests.benchmarks.curves.datasets import find_data

Floats: TypeAlias = npt.NDArray[np.float64]
Params: TypeAlias = Mapping[str, ParamValue]

CHANCE = 0.1  # of ten classes, which all the recorded data sets have


@final
@dataclass(frozen=True, eq=False)
class Curve:
    """One training to its end.

    Attributes:
        accuracy: Validation accuracy after each epoch, (epochs,); chance after a divergence.
        quality: Accuracy on held-out images at the epoch that is best in validation.
        epoch_seconds: Mean processor seconds of an epoch.
    """

    accuracy: Floats
    quality: float
    epoch_seconds: float


@final
@dataclass(frozen=True, eq=False)
class Task:
    """One space on one data set.

    `curves` holds, for each recorded candidate, one curve a seed.
    """

    space: str
    data: str
    candidates: Sequence[Params]
    curves: Mapping[int, Sequence[Curve]]

    @property
    def name(self) -> str:
        """Return the name of the task."""
        return f"{self.space}/{self.data}"

    @property
    def n_images(self) -> int:
        """Return the number of images used, a fifth of them to validate."""
        return find_data(self.data).images

    @property
    def family(self) -> str:
        """Return the data set that this one is a part of: what is left out together."""
        return find_data(self.data).folder or "digits"

    def quality(self, index: int) -> float:
        """Return the mean over seeds of a candidate's held-out accuracy."""
        return float(np.mean([curve.quality for curve in self.curves[index]]))


def read_tasks(folder: Path, at_least: int = 20) -> list[Task]:
    """Return the tasks of `studies/curves`, those with at least so many candidates."""
    tasks = []
    for path in sorted(folder.glob("*-*.jsonl*")):
        space, _, data = path.name.partition(".")[0].partition("-")
        candidates = [json.loads(line) for line in _lines(folder / "candidates" / f"{space}.jsonl")]
        curves: dict[int, list[Curve]] = {}
        for record in sorted(map(json.loads, _lines(path)), key=lambda one: one["seed"]):
            curves.setdefault(record["index"], []).append(_curve(record))
        if len(curves) >= at_least:
            tasks.append(Task(space, data, candidates, dict(sorted(curves.items()))))
    return tasks


def _lines(path: Path) -> Iterator[str]:
    content = path.read_bytes()
    text = gzip.decompress(content) if path.suffix == ".gz" else content
    yield from text.decode().splitlines()


def _curve(record: Mapping[str, Any], epochs: int = 27) -> Curve:
    accuracy = np.full(epochs, CHANCE)
    trained = len(record["accuracy"])
    accuracy[:trained] = record["accuracy"]
    best = int(np.argmax(accuracy))
    quality = record["held_out"][best] if trained == epochs else CHANCE
    return Curve(accuracy, quality, float(np.mean(record["seconds"] or [0.1])))
