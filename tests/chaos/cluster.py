"""Searches on a cluster of this machine, workers in folders of their own, while parts of it die."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from tests.chaos.kill import Reference, undisturbed
from tests.chaos.processes import children, descendants
from tests.chaos.searches import Running, Search
from tests.chaos.slurm_node import free_port
from tests.chaos.verdict import n_failed, problems_of

PLANS = 24
_WORKERS = 2
_LIFE_SIGN_SECONDS = 15  # after which the scheduler gives up a worker that hangs
_PATIENCE_SECONDS = 600.0


@final
@dataclass
class Cluster:
    """A scheduler and workers, as a user starts them."""

    folder: Path
    port: int = field(default_factory=free_port)
    scheduler: Running | None = None
    workers: dict[str, Running] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Return the scheduler's address."""
        return f"tcp://127.0.0.1:{self.port}"

    def start_scheduler(self) -> None:
        """Start the scheduler, at the same address each time."""
        settings = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": f"{_LIFE_SIGN_SECONDS}s"}
        self.scheduler = self._start("scheduler", settings, "scheduler", "--port", str(self.port))

    def start_worker(self, name: str) -> None:
        """Start a worker in a folder of its own."""
        self.workers[name] = self._start(name, {}, "worker", self.address, "--folder", ".")

    def _start(self, name: str, settings: dict[str, str], *command: str) -> Running:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        root = str(Path(__file__).parents[2])
        environment = os.environ | settings | {"PYTHONPATH": root}
        with (folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "search", *command],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
            )

    def close(self) -> None:
        """End all of it."""
        for process in (*self.workers.values(), self.scheduler):
            if process is None:
                continue
            left = descendants(process.pid)
            process.kill()
            process.wait()
            for one in left:
                one.kill()


@contextmanager
def running_cluster(folder: Path, n_workers: int) -> Iterator[Cluster]:
    """Yield a cluster with so many workers, which end with the block."""
    cluster = Cluster(folder)
    try:
        cluster.start_scheduler()
        for number in range(n_workers):
            cluster.start_worker(f"worker-{number}")
        yield cluster
    finally:
        cluster.close()


Disturb = Callable[[Cluster, Search, Running], Running]
"""Disturbs a search that runs; returns its process, another one if it was started again."""


def _kill_worker(cluster: Cluster, search: Search, running: Running) -> Running:
    """Kill -9 of Dask's worker, which its nanny starts again."""
    for process in children(cluster.workers["worker-0"].pid):
        if "spawn_main" in process.command():
            process.kill()
    return running


def _kill_nanny(cluster: Cluster, search: Search, running: Running) -> Running:
    """Kill -9 of the command that serves, and a new one."""
    command = cluster.workers["worker-0"]
    command.kill()
    command.wait()
    cluster.start_worker("worker-new")
    return running


def _kill_scheduler(cluster: Cluster, search: Search, running: Running) -> Running:
    """Kill -9 of the scheduler, and a new one at its address; workers and search wait for it."""
    if cluster.scheduler is not None:
        cluster.scheduler.kill()
        cluster.scheduler.wait()
    time.sleep(2)
    cluster.start_scheduler()
    return running


def _kill_coordinator(cluster: Cluster, search: Search, running: Running) -> Running:
    """Kill -9 of the search itself, which is started again."""
    running.kill()
    running.wait()
    return search.start()


def _hang(cluster: Cluster, search: Search, running: Running) -> Running:
    """Stop a worker for longer than the scheduler waits for its signs of life."""
    command = cluster.workers["worker-0"]
    processes = descendants(command.pid)
    command.send_signal(signal.SIGSTOP)
    for one in processes:
        one.send(signal.SIGSTOP)
    time.sleep(2.5 * _LIFE_SIGN_SECONDS)
    for one in processes:
        one.send(signal.SIGCONT)
    command.send_signal(signal.SIGCONT)
    return running


def _retire(cluster: Cluster, search: Search, running: Running) -> Running:
    """Have a worker leave after its epoch, and another one come later."""
    cluster.workers["worker-0"].terminate()
    time.sleep(3)
    cluster.start_worker("worker-new")
    return running


def _come_late(cluster: Cluster, search: Search, running: Running) -> Running:
    """Have the first workers come when the search has waited for them for a while."""
    time.sleep(5)
    for number in range(_WORKERS):
        cluster.start_worker(f"worker-{number}")
    return running


@final
@dataclass(frozen=True)
class Scenario:
    """One way to disturb a search.

    Attributes:
        name: In words.
        disturb: Does it.
        after: After how many ended trials; None: at once, and there is no worker yet.
        failures: Whether a trial may count as failed by it.
    """

    name: str
    disturb: Disturb
    after: int | None = PLANS // 3
    failures: bool = True


SCENARIOS = (
    Scenario("worker killed", _kill_worker),
    Scenario("nanny killed", _kill_nanny),
    Scenario("scheduler killed", _kill_scheduler),
    Scenario("coordinator killed", _kill_coordinator),
    Scenario("worker hung", _hang),
    Scenario("worker retired", _retire, failures=False),
    Scenario("workers late", _come_late, after=None, failures=False),
)


@final
@dataclass(frozen=True)
class ClusterReport:
    """What came of a search under one scenario.

    Attributes:
        scenario: Its name.
        seconds: How long the search took.
        failed: How many trials ended as failed, interrupted ones included.
        problems: What is not as it should be.
    """

    scenario: str
    seconds: float
    failed: int
    problems: tuple[str, ...]


def run(runs: int) -> Iterator[ClusterReport]:
    """Yield what came of each scenario, `runs` times."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        calm = Search(folder / "calm" / "runs", folder / "data", plans=PLANS)
        reference = undisturbed(calm)
        for number in range(runs):
            for scenario in SCENARIOS:
                place = folder / f"{number}-{scenario.name.replace(' ', '-')}"
                yield survive(scenario, reference, place, folder / "data")


def survive(scenario: Scenario, reference: Reference, folder: Path, data: Path) -> ClusterReport:
    """Run a search under a scenario, and judge what came of it."""
    n_workers = 0 if scenario.after is None else _WORKERS
    with running_cluster(folder / "cluster", n_workers) as cluster:
        place = ("--cluster", cluster.address)
        search = Search(folder / "runs", data, plans=PLANS, place=place)
        started = time.monotonic()
        running = search.start()
        try:
            _await(running, lambda: search.n_ended() >= (scenario.after or 0))
            running = scenario.disturb(cluster, search, running)
            _await(running, lambda: False)
        finally:
            running.kill()
            running.wait()
        seconds = time.monotonic() - started
        problems = list(problems_of(search, reference, running.returncode))
    failed = 0 if running.returncode else n_failed(search)
    if failed and not scenario.failures:
        problems.append(f"{failed} trials count as failed")
    return ClusterReport(scenario.name, seconds, failed, tuple(problems))


def _await(running: Running, happened: Callable[[], bool]) -> None:
    """Wait until something has happened, or the search has ended. Raises TimeoutError."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while running.poll() is None and not happened():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing has happened for {_PATIENCE_SECONDS:g} s")
        time.sleep(0.2)
