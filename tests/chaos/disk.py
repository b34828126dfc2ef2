"""A disk that becomes full in the middle of a search, and has room again later."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from tests.chaos.effort import EpochWatch
from tests.chaos.kill import Reference
from tests.chaos.killing import PATIENCE_SECONDS, wait_for_end, wait_for_epochs
from tests.chaos.results import database_damage, results_hash, wrong_plans
from tests.chaos.searches import Running, Search
from tests.chaos.unavailable import run_as_root

MEGABYTES = 300
_BLOCK = bytes(1 << 16)


@final
@dataclass(frozen=True)
class Ending:
    """How one start of a search ended: its exit status and what it said on standard error."""

    status: int
    errors: tuple[str, ...]

    def is_one_line(self) -> bool:
        """Return whether it failed as a machine's failure should."""
        return self.status == 1 and len(self.errors) == 1 and self.errors[0].startswith("error: ")


@final
@dataclass(frozen=True)
class DiskReport:
    """A search whose disk filled up: how it ended, how it ended without room, and what is wrong."""

    filled_after: int
    ending: Ending
    ending_without_room: Ending
    problems: tuple[str, ...]


@contextmanager
def small_disk(folder: Path, megabytes: int = MEGABYTES) -> Iterator[Path]:
    """Mount a file system in memory on the folder; raises UnavailableError if that is refused."""
    folder.mkdir(parents=True)
    run_as_root("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        run_as_root("umount", "--lazy", str(folder))


def fill(file: Path) -> None:
    """Write until there is no room left."""
    with file.open("wb", buffering=0) as out:
        try:
            while out.write(_BLOCK):
                pass
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


def fill_up(search: Search, reference: Reference, seed: int) -> DiskReport:
    """Run the search, on a small disk, until a random moment, fill it, go on, make room, go on."""
    filler = search.runs_dir.with_name("filler")
    moment = int(np.random.default_rng(seed).integers(1, max(2, reference.epochs - 10)))
    with EpochWatch(search.paths.work_dir) as watch:
        running = search.start()
        try:
            wait_for_epochs(watch, running, moment)
            fill(filler)
            wait_for_end(watch, running)
        finally:
            running.kill()
            ending = _ending(search, running)
    without_room = _ending(search, search.start())
    filler.unlink()
    last = _ending(search, search.start())
    problems = tuple(_problems(search, reference, (ending, without_room), last))
    return DiskReport(moment, ending, without_room, problems)


def _ending(search: Search, running: Running) -> Ending:
    status = running.wait(PATIENCE_SECONDS)
    return Ending(status, tuple(search.errors()))


def _problems(
    search: Search, reference: Reference, full: tuple[Ending, Ending], last: Ending
) -> Iterator[str]:
    for when, ending in zip(("as it filled", "without room"), full, strict=True):
        if not ending.is_one_line():
            yield f"{when}: exit status {ending.status}, said {list(ending.errors)}"
    if last.status != 0:
        yield f"with room again: exit status {last.status}, said {list(last.errors)}"
        return
    wrong = wrong_plans(search.record(), search.plans)
    if wrong:
        yield f"plan indices without exactly one ended trial: {wrong}"
    if results_hash(search) != reference.results:
        yield "other results than the undisturbed search"
    if database_damage(search.paths.database) is not None:
        yield f"the database is damaged: {database_damage(search.paths.database)}"
