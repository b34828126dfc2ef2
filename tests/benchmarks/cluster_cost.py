"""What a cluster costs beside local processes: throughput, start-up, bytes that are moved.

Scheduler and workers run on this machine, so the figures are those of the messages and not of a
network. Both executors train the same trials in turn with as many workers.
"""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from search.executors import DaskExecutor, Executor, ProcessExecutor, choose_executor
from search.training.settings import fastest_precision
from tests.benchmarks.checks import Bound, Check, show_checks
from tests.benchmarks.commands import command
from tests.benchmarks.machine import machine_facts
from tests.benchmarks.searches import QUICK, open_hand_tuned, random_dataset, watch_search
from tests.chaos.local_cluster import Cluster, Place, running_cluster

_EPOCHS, _TRIALS_PER_WORKER = 3, 2


def run(results_dir: Path, *, images: int = 3_000, workers: int = 2, repeats: int = 5) -> None:
    """Take turns between processes and a cluster, after a round of each that is not counted."""
    trials = workers * _TRIALS_PER_WORKER
    facts = machine_facts() | {"images": images, "workers": workers, "repeats": repeats}
    facts |= {"trials": trials, "epochs": _EPOCHS}
    with (
        TemporaryDirectory() as name,
        running_cluster(Path(name) / "cluster", Place(), workers) as cluster,
    ):
        await_workers(cluster, workers)
        search = _searcher(Path(name), images, trials)
        checks = [
            *_throughput(search, cluster, workers, repeats),
            *_start_up(Path(name), cluster, repeats),
        ]
    show_checks("cluster", "A cluster of this machine against its processes", checks, facts,
                results_dir)  # fmt: skip


def await_workers(cluster: Cluster, workers: int) -> None:
    """Wait until so many workers serve."""
    with connected(cluster) as executor:
        while executor.slots < workers:
            time.sleep(0.2)


def connected(cluster: Cluster) -> Executor:
    """Return the cluster's workers as an executor."""
    return choose_executor(cluster=cluster.address).start(0, threads=1)


def _searcher(folder: Path, images: int, trials: int) -> Callable[[Executor], float]:
    """Return a function that runs one search of equal trials and returns its seconds."""
    dataset, precision = random_dataset(images, folder / "data"), fastest_precision("cpu")
    places = iter(range(1_000_000))

    def search(executor: Executor) -> float:
        opened = open_hand_tuned(
            dataset,
            folder / f"search-{next(places)}",
            trials=trials,
            epochs=_EPOCHS,
            precision=precision,
        )
        return watch_search(opened, executor).wall

    return search


def _throughput(
    search: Callable[[Executor], float], cluster: Cluster, workers: int, repeats: int
) -> list[Check]:
    ratios, moved = list[float](), list[float]()
    with ProcessExecutor.start(workers, 1) as local, connected(cluster) as remote:
        for repeat in range(repeats + 1):
            seconds = search(local)
            before = loopback_bytes()
            ratio = seconds / search(remote)
            moved.append((loopback_bytes() - before) / 1e6)
            if repeat:
                ratios.append(ratio)
    return [
        Check("trials an hour, times those of processes", "times", tuple(ratios), Bound(">=", 0.9)),
        Check("moved by the first search, with the images", "MB", (moved[0],)),
        Check("moved by a later one", "MB", tuple(moved[1:])),
    ]


def _start_up(folder: Path, cluster: Cluster, repeats: int) -> list[Check]:
    """Time whole commands until their first epoch has ended, the first uncounted."""
    places = {"processes": ("--workers", "2"), DaskExecutor.name: cluster.options}
    seconds: dict[str, list[float]] = {name: [] for name in places}
    for repeat in range(repeats + 1):
        for name, options in places.items():
            taken = first_epoch_seconds(folder / f"start-{name}-{repeat}", folder / "data", options)
            if repeat:
                seconds[name].append(taken)
    return [
        Check(f"run to the first epoch's end, {name}", "s", tuple(one))
        for name, one in seconds.items()
    ]


def first_epoch_seconds(runs_dir: Path, data_dir: Path, options: tuple[str, ...]) -> float:
    """Return the seconds from a command's start to its first epoch's end, on digits."""
    settings = ("--space", QUICK, "--dataset", "digits", "--trials", "2", "--no-baseline")
    folders = ("--runs-dir", str(runs_dir), "--data-dir", str(data_dir), "--json")
    began = time.perf_counter()
    with subprocess.Popen(
        command("run", *settings, *folders, *options), stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            if json.loads(line)["event"] == "epoch":
                process.kill()
                return time.perf_counter() - began
    raise RuntimeError(f"no epoch ended, exit status {process.returncode}")


def loopback_bytes() -> int:
    """Return how many bytes this machine has sent to itself."""
    lines = Path("/proc/net/dev").read_text(encoding="ascii").splitlines()
    (loopback,) = (one for one in lines if one.strip().startswith("lo:"))
    return int(loopback.split()[9])
