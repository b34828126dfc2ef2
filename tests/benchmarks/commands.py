"""The program as its users start it, in a process of its own."""

import io
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

_PERIOD_SECONDS = 0.002
_PATIENCE_SECONDS = 300
_CLASSES = 10

Search = subprocess.Popen[bytes]


def command(*arguments: str) -> list[str]:
    """Return the command line of the program."""
    return [sys.executable, "-m", "search", *arguments]


@contextmanager
def running_search(study_dir: Path, **settings: str) -> Iterator[Search]:
    """Run a search with one worker for the block, then kill it; its workers follow by themselves.

    `settings` are those of a recipe.
    """
    place = {"runs_dir": str(study_dir.parent), "study_name": study_dir.name, "workers": "1"}
    options = [
        part
        for name, value in (place | settings).items()
        for part in (f"--{name.replace('_', '-')}", value)
    ]
    search = subprocess.Popen(command("run", *options), stdout=subprocess.DEVNULL)
    try:
        yield search
    finally:
        search.kill()
        search.wait()


def first_epoch(study_dir: Path, search: Search) -> tuple[float, str]:
    """Wait for a study's first epoch; return when it was reported, as Unix time, and its line.

    Raises RuntimeError where none comes.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and search.poll() is None:
        for path in study_dir.rglob("epochs.jsonl"):
            modified, text = path.stat().st_mtime, path.read_text(encoding="utf-8")
            if "\n" in text:
                return modified, text.splitlines()[0]
        time.sleep(_PERIOD_SECONDS)
    raise RuntimeError(f"the search in {study_dir} reported no epoch")


def make_image_folder(root: Path, n_images: int) -> None:
    """Write `n_images` different JPEGs of 32x32 pixels to train and a fifth as many to test."""
    rng = np.random.default_rng(0)
    for part, count in (("train", n_images), ("test", n_images // 5)):
        for label in range(_CLASSES):
            (root / part / str(label)).mkdir(parents=True)
        for number in range(count):
            buffer = io.BytesIO()
            pixels = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((32, 32)).save(buffer, "JPEG")
            path = root / part / str(number % _CLASSES) / f"{number}.jpg"
            path.write_bytes(buffer.getvalue())
