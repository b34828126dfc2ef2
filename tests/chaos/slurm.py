"""A search on jobs of a real SLURM, of which one is cancelled and all have a minute's walltime."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import final

from tests.chaos.kill import Reference, undisturbed
from tests.chaos.searches import Running, Search
from tests.chaos.slurm_node import all_jobs, cancel, jobs, running_slurm
from tests.chaos.verdict import n_failed, problems_of

_PLANS = 400  # which take some walltimes
_WORKERS = 2
_PATIENCE_SECONDS = 900.0
_GONE_SECONDS = 60.0
_FILE = """
workers = {workers}
cores = 1
memory = "1GB"
walltime = "60s"
leave_before = "15s"
host = "127.0.0.1"
folder = "{folder}/worker"
log_folder = "{folder}/logs"
"""


@final
@dataclass(frozen=True)
class SlurmReport:
    """What came of a search on SLURM.

    Attributes:
        jobs: How many jobs it had.
        cancelled: How many of them were cancelled.
        failed: How many trials ended as failed.
        problems: What is not as it should be.
    """

    jobs: int
    cancelled: int
    failed: int
    problems: tuple[str, ...]


def run() -> SlurmReport:
    """Run a search on SLURM jobs, and compare it with one on this machine.

    Raises UnavailableError where there is no SLURM.
    """
    with running_slurm(), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reference = undisturbed(Search(folder / "calm" / "runs", folder / "data", plans=_PLANS))
        file = folder / "slurm.toml"
        file.write_text(_FILE.format(workers=_WORKERS, folder=folder), encoding="utf-8")
        place = ("--cluster", f"slurm:{file}")
        search = Search(folder / "slurm" / "runs", folder / "data", plans=_PLANS, place=place)
        running = search.start()
        try:
            seen, cancelled = _follow(running)
        finally:
            running.kill()
            running.wait()
        return _judge(search, reference, running.returncode, seen, cancelled)


def _follow(running: Running) -> tuple[set[str], set[str]]:
    """Follow a search to its end, and cancel one of its jobs; return all jobs and that one."""
    seen, cancelled = set[str](), set[str]()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    started: float | None = None
    while running.poll() is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the search has not ended after {_PATIENCE_SECONDS:g} s")
        now = jobs()
        seen.update(now)
        if started is None and len(now) == _WORKERS:
            started = time.monotonic()
        if started is not None and not cancelled and time.monotonic() - started > 20 and now:
            cancel(now[0])
            cancelled.add(now[0])
        time.sleep(0.5)
    return seen, cancelled


def _judge(
    search: Search, reference: Reference, status: int, seen: set[str], cancelled: set[str]
) -> SlurmReport:
    problems = list(problems_of(search, reference, status))
    failed = 0 if status else n_failed(search)
    if not cancelled:
        problems.append("no job was cancelled")
    if len(seen) < 2 * _WORKERS:
        problems.append(f"only {len(seen)} jobs, so none has met its walltime")
    if left := _left():
        problems.append(f"jobs that outlived the run: {', '.join(left)}")
    return SlurmReport(len(seen), len(cancelled), failed, tuple(problems))


def _left() -> list[str]:
    """Return the jobs that are left after a while."""
    deadline = time.monotonic() + _GONE_SECONDS
    while (left := all_jobs()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return left
