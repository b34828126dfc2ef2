"""What the data tests share: a listener that remembers and a writer of small images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
from PIL import Image

from search.data.dataset import DatasetInfo, DatasetRequest
from search.data.sources import prepare_dataset
from search.events import Event, Notice, StepProgress


@final
class Recorder:
    """A listener that keeps notices and steps."""

    def __init__(self) -> None:
        self.notices: list[str] = []
        self.steps: list[tuple[str, int, int]] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.notices.append(event.text)
        elif isinstance(event, StepProgress):
            self.steps.append((event.step, event.done, event.total))


FolderMaker = Callable[..., Path]
Preparer = Callable[..., DatasetInfo]


def write_images(
    folder: Path, count: int, *, mode: str = "RGB", size: tuple[int, int] = (6, 5), seed: int = 0
) -> None:
    """Write `count` random PNGs of (width, height) `size`."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for i in range(count):
        values = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(values).convert(mode).save(folder / f"{i:03}.png")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def make_folder(tmp_path: Path) -> FolderMaker:
    """Return a maker of folders: train/ with the given class sizes, test/ where asked for."""

    def make(
        name: str = "pets",
        *,
        train: dict[str, int],
        test: dict[str, int] | None = None,
        mode: str = "RGB",
    ) -> Path:
        for part, sizes in (("train", train), ("test", test or {})):
            for number, (label, count) in enumerate(sizes.items()):
                seed = 100 * number + (part == "test")
                write_images(tmp_path / name / part / label, count, mode=mode, seed=seed)
        return tmp_path / name

    return make


@pytest.fixture
def prepare(data_dir: Path, recorder: Recorder) -> Preparer:
    """Return prepare_dataset with the test's own data_dir and listener."""

    def run(dataset: str | Path, **settings: Any) -> DatasetInfo:
        return prepare_dataset(DatasetRequest(str(dataset), data_dir, **settings), recorder)

    return run
