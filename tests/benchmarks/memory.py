"""What a worker needs of its own while it trains, beyond what all of them share.

Shared are the dataset, memory-mapped, and what the server that workers are forked from imported.

The search runs as its users start it, so that nothing of the benchmark is loaded by the worker.
"""

import re
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from search.training.settings import Precision
from tests.benchmarks.checks import Bound, Check, show_checks
from tests.benchmarks.commands import Search, first_epoch, make_image_folder, running_search
from tests.benchmarks.machine import machine_facts
from tests.benchmarks.searches import HAND_TUNED

_ALLOWED = Bound("<=", 350)
_PERIOD_SECONDS = 0.1
_PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")


def run(results_dir: Path, *, images: int = 50_000) -> None:
    """Train the hand-tuned CNN for one epoch with validation, in each precision."""
    facts = machine_facts() | {"images": f"{images:,}", "batch": "64"}
    with TemporaryDirectory() as name:
        folder = Path(name)
        make_image_folder(folder / "images", images)
        checks = [_check(folder, precision) for precision in _PRECISIONS]
    show_checks("memory", "Memory of a worker beyond the dataset", checks, facts, results_dir)


def _check(folder: Path, precision: Precision) -> Check:
    samples = _sample_epoch(folder, precision)
    note = f"{len(samples)} samples, median {statistics.median(samples):.0f}"
    return Check(f"a worker's own peak, {precision}", "MB", (max(samples),), _ALLOWED, note)


def _sample_epoch(folder: Path, precision: Precision) -> list[float]:
    """Return the own memory of the largest worker, in MB, sampled until an epoch has ended."""
    settings = {
        "space": HAND_TUNED,
        "dataset": str(folder / "images"),
        "data_dir": str(folder),
        "precision": precision,
    }
    study_dir = folder / "runs" / precision
    samples = []
    with ThreadPoolExecutor(1) as threads, running_search(study_dir, **settings) as search:
        ended = threads.submit(first_epoch, study_dir, search)
        while not ended.done():
            samples.append(max(_workers_megabytes(search, folder), default=0.0))
            time.sleep(_PERIOD_SECONDS)
        ended.result()
    return [sample for sample in samples if sample]


def _workers_megabytes(search: Search, shared_dir: Path) -> Iterator[float]:
    servers = list(children(search.pid))
    for pid in [worker for server in servers for worker in children(server)]:
        with suppress(OSError):  # it has ended
            yield own_bytes(Path(f"/proc/{pid}/smaps").read_text("utf-8"), shared_dir) / 1e6


def children(pid: int) -> Iterator[int]:
    """Yield the processes that a process has started."""
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            yield from map(int, (task / "children").read_text("utf-8").split())


def own_bytes(smaps: str, shared_dir: Path) -> int:
    """Return the private pages in the text of /proc/PID/smaps, in bytes.

    Clean pages of the files under `shared_dir` are left out: they count as private while no other
    process maps them, yet they are the page cache's. Pages of them that were written to, and so
    copied, are the process's own.
    """
    total, shared = 0, False
    for line in smaps.splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            shared = f" {shared_dir}/" in line
        elif line.startswith("Private_Dirty:") or (line.startswith("Private_") and not shared):
            total += 1024 * int(line.split()[1])
    return total
