"""What a contestant is asked to do, and the images that it gets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from tests.benchmarks.peers.records import Recorder


@final
class Task(BaseModel):
    """One search: `work_dir` holds its files, `images_dir` the image folder, `epochs` the most.

    `started` is the time.monotonic value from which `budget` seconds count.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: str
    space: str
    seed: int
    epochs: int
    budget: float
    started: float
    images_dir: Path
    data_dir: Path
    work_dir: Path

    @property
    def records(self) -> Path:
        """Return the file of the records while the search runs."""
        return self.work_dir / f"{self.tool}.partial"

    @property
    def scratch(self) -> Path:
        """Return the folder for whatever else the tool writes."""
        return self.work_dir / f"{self.tool}-files"

    def recorder(self) -> Recorder:
        """Return what the search reports to."""
        return Recorder(self.records, self.started)

    def load(self) -> "Arrays":
        """Return the images of the task's split."""
        return Arrays.load(self.data_dir, self.work_dir / "split.npz")


@final
@dataclass(frozen=True, eq=False)
class Arrays:
    """Images uint8 (N, H, W, 3), labels int64 (N,), the holdout's indices int64.

    `mean` and `std`, one a channel, are those of the training part, for values of 0 to 1.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    train: npt.NDArray[np.int64]
    validation: npt.NDArray[np.int64]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def n_classes(self) -> int:
        """Return the number of classes."""
        return int(self.labels.max()) + 1

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Return (channels, height, width)."""
        height, width, channels = self.images.shape[1:]
        return channels, height, width

    def save(self, data_dir: Path, split: Path) -> None:
        """Write the images once for all splits, and the split."""
        np.save(data_dir / "images.npy", self.images)
        np.savez(
            split,
            labels=self.labels,
            train=self.train,
            validation=self.validation,
            mean=np.array(self.mean),
            std=np.array(self.std),
        )

    @classmethod
    def load(cls, data_dir: Path, split: Path) -> Self:
        """Return what `save` wrote."""
        with np.load(split, allow_pickle=False) as stored:
            return cls(
                images=np.load(data_dir / "images.npy", allow_pickle=False),
                labels=stored["labels"],
                train=stored["train"],
                validation=stored["validation"],
                mean=tuple(stored["mean"].tolist()),
                std=tuple(stored["std"].tolist()),
            )
