"""The recorded learning curves as arrays: what a replayed search would have seen."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from spaces.parameters import ParamValue
from tests.benchmarks.curves.datasets import find_data
from tests.benchmarks.curves.recording import EPOCHS, SHORT_EPOCHS, read_lines

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
        short: Validation accuracy after each epoch of a short, whole schedule; empty if there is
            none.
    """

    accuracy: Floats
    quality: float
    epoch_seconds: float
    short: Floats = field(default_factory=lambda: np.zeros(0))


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
        return find_data(self.data).family

    def quality(self, index: int) -> float:
        """Return the mean over seeds of a candidate's held-out accuracy."""
        return float(np.mean([curve.quality for curve in self.curves[index]]))


def read_tasks(folder: Path, at_least: int = 20) -> list[Task]:
    """Return the tasks of `studies/curves`, those with at least so many candidates."""
    tasks = []
    for path in sorted(folder.glob("*-*.jsonl*")):
        space, _, data = path.name.partition(".")[0].partition("-")
        candidates = [
            json.loads(line) for line in read_lines(folder / "candidates" / f"{space}.jsonl")
        ]
        curves: dict[int, list[Curve]] = {}
        records = sorted(map(json.loads, read_lines(path)), key=lambda one: one["seed"])
        shorts = {one["index"]: one for one in records if one["epochs"] != EPOCHS}
        for record in records:
            if record["epochs"] == EPOCHS:
                curve = _curve(record, shorts.get(record["index"]))
                curves.setdefault(record["index"], []).append(curve)
        if len(curves) >= at_least:
            tasks.append(Task(space, data, candidates, dict(sorted(curves.items()))))
    return tasks


def _curve(record: Mapping[str, Any], short: Mapping[str, Any] | None) -> Curve:
    accuracy = _padded(record["accuracy"], EPOCHS)
    finished = len(record["accuracy"]) == EPOCHS
    return Curve(
        accuracy=accuracy,
        quality=record["held_out"][int(np.argmax(accuracy))] if finished else CHANCE,
        epoch_seconds=float(np.mean(record["seconds"] or [0.1])),
        short=np.zeros(0) if short is None else _padded(short["accuracy"], SHORT_EPOCHS),
    )


def _padded(accuracy: Sequence[float], epochs: int) -> Floats:
    """Return the curve, with chance after a divergence."""
    return np.array([*accuracy, *[CHANCE] * (epochs - len(accuracy))])
