"""The comparison from the command to table, figure and JSON."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import final

from search.errors import MachineError, UserError
from spaces import BUILT_IN
from tests.benchmarks.curves.datasets import FAMILIES
from tests.benchmarks.peers.contestants import BASELINE, ELSEWHERE, parse_tools
from tests.benchmarks.peers.elsewhere import write_elsewhere
from tests.benchmarks.peers.preparing import generate_images, prepare
from tests.benchmarks.peers.processes import run_for
from tests.benchmarks.peers.records import EpochRecord, read_records, turns
from tests.benchmarks.peers.reporting import Comparison, report
from tests.benchmarks.peers.task import Task

_GENERATED_PER_CLASS = 100


@final
@dataclass(frozen=True)
class Settings:
    """What is compared, and where its files lie; `dataset` None stands for generated images.

    `family` says which images of the recorded curves those of `dataset` are.
    """

    space: str
    tools: tuple[str, ...]
    dataset: Path | None
    family: str
    budget: float
    seeds: int
    epochs: int
    out: Path

    @classmethod
    def parse(
        cls,
        space: str,
        tools: str,
        dataset: Path | None,
        family: str,
        budget: float,
        seeds: int,
        epochs: int,
        out: Path,
    ) -> "Settings":
        """Return the settings; raises UserError for a bad space or tool, or a missing folder."""
        if dataset is not None and not (dataset / "train").is_dir():
            raise UserError(f"dataset: an image folder with train/ is needed, got {str(dataset)!r}")
        if space not in BUILT_IN:
            raise UserError(f"space: mlp or cnn is needed, got {space!r}")
        if family not in FAMILIES:
            raise UserError(f"family: one of {', '.join(FAMILIES)} is needed, got {family!r}")
        return cls(space, tuple(parse_tools(tools)), dataset, family, budget, seeds, epochs, out)

    def describe(self) -> str:
        """Return what decides the results, in words."""
        data = f"space {self.space}, dataset {self.dataset}, family {self.family}"
        return f"{data}, budget {self.budget:g}, epochs {self.epochs}"

    def seed_dir(self, seed: int) -> Path:
        """Return the folder of one seed's searches."""
        return self.out / f"seed-{seed}"

    def records(self, tool: str, seed: int) -> Path:
        """Return the records of a search that has ended."""
        return self.seed_dir(seed) / f"{tool}.jsonl"


def run(settings: Settings) -> None:
    """Run every search that has not been run in `out` yet; print the table, write the rest.

    Raises MachineError where a search breaks off. Searches that have ended are kept, so the same
    command goes on; `out` must be another folder for other settings.
    """
    check_same(settings)
    data_dir = settings.out / "data"
    images = settings.dataset or generate_images(settings.out / "generated", _GENERATED_PER_CLASS)
    for seed in range(settings.seeds):
        prepare(images, data_dir, settings.seed_dir(seed), seed)
        if seed == 0 and ELSEWHERE in settings.tools:  # the folder is there by now
            write_elsewhere(settings.space, settings.family, data_dir)
        for tool in (BASELINE, *turns(settings.tools, seed)):
            if not settings.records(tool, seed).exists():
                search(settings, tool, seed, images.absolute(), data_dir.absolute())
    report(read(settings), settings.out)


def check_same(settings: Settings) -> None:
    """Note what decides the results in `out`; raises UserError where it was something else."""
    settings.out.mkdir(parents=True, exist_ok=True)
    note = settings.out / "settings.txt"
    asked = settings.describe()
    if note.exists() and note.read_text(encoding="utf-8") != asked:
        known = note.read_text(encoding="utf-8")
        raise UserError(f"out: {str(settings.out)!r} holds searches with {known}, not {asked}")
    note.write_text(asked, encoding="utf-8")


def search(settings: Settings, tool: str, seed: int, images: Path, data_dir: Path) -> None:
    """Run one search in a process of its own, for the budget; the baseline to its end."""
    work_dir = settings.seed_dir(seed).absolute()
    task = Task(
        tool=tool,
        space=settings.space,
        seed=seed,
        epochs=settings.epochs,
        budget=settings.budget,
        started=time.monotonic(),
        images_dir=images,
        data_dir=data_dir,
        work_dir=work_dir,
    )
    clear(task)
    order, log = work_dir / f"{tool}.json", work_dir / f"{tool}.log"
    order.write_text(task.model_dump_json(), encoding="utf-8")
    seconds = None if tool == BASELINE else settings.budget
    status = run_for([sys.executable, "-m", "tests.benchmarks.peers", str(order)], seconds, log)
    if status:
        raise MachineError(f"the search with {tool} ended with status {status}: see {log}")
    task.records.rename(settings.records(tool, seed))


def clear(task: Task) -> None:
    """Remove what a broken-off search left and make place for its files."""
    if task.scratch.exists():
        rmtree(task.scratch)
    task.scratch.mkdir()
    task.records.write_bytes(b"")


def read(settings: Settings) -> Comparison:
    """Return everything that was recorded."""

    def records(tool: str, budget: float) -> list[list[EpochRecord]]:
        paths = [settings.records(tool, seed) for seed in range(settings.seeds)]
        return [read_records(path, budget) for path in paths]

    baselines = [max(r.accuracy for r in one) for one in records(BASELINE, float("inf"))]
    searches = {tool: records(tool, settings.budget) for tool in settings.tools}
    return Comparison(searches, baselines, settings.budget, settings.epochs)
