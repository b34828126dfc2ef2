"""Candidates of both built-in spaces, and scripts made of them, for the tests of exports."""

from pathlib import Path
from types import ModuleType
from typing import Any

from search.data.dataset import DatasetInfo
from search.evaluation.exporting import render_script
from search.tuning.drawn_points import PlanRequest, random_point
from spaces import BUILT_IN, Candidate

CLASSES = ("cat", 'dog "b"', "eel's\n")
SHAPE = (3, 8, 8)
EPOCHS, HORIZON = 2, 3
RATES = [0.01, 0.001]


def dataset() -> DatasetInfo:
    """Return a dataset of three classes of 8x8 images."""
    return DatasetInfo("tiny", "f1" * 32, CLASSES, SHAPE, 12, 6, Path("cache"))


def sampled(space: str, number: int) -> Candidate:
    """Return a candidate drawn from a built-in space, with a clipped gradient for every third."""
    point = random_point(PlanRequest(BUILT_IN[space], 5, lambda candidate: None), number)
    clip = None if number % 3 else 0.5
    return BUILT_IN[space].candidate(point).model_copy(update={"gradient_clip": clip})


def script(candidate: Candidate, **settings: Any) -> str:
    """Return the script of a candidate, of few epochs."""
    known: dict[str, Any] = {"title": "Trial 1 of study tiny", "epochs": EPOCHS}
    known |= {"horizon": HORIZON, "rates": RATES, "bf16": False, "test_fraction": 0.1}
    return render_script(candidate, dataset(), **(known | settings))


def module(text: str, path: Path) -> ModuleType:
    """Return the code as a module, loaded from that file."""
    path.write_text(text, encoding="utf-8")
    loaded = ModuleType(path.stem)
    # no bytecode: of two files written within a second it may be the earlier one's
    exec(compile(text, path, "exec"), vars(loaded))  # noqa: S102
    return loaded
