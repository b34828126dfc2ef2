"""Searches on a cluster of this machine, workers in folders of their own, while parts of it die."""

import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import final

from tests.chaos.kill import Reference, undisturbed
from tests.chaos.local_cluster import (
    FIRST_WORKER,
    LIFE_SIGN_SECONDS,
    Cluster,
    Place,
    behind_a_network,
    here,
    on_a_small_disk,
    running_cluster,
)
from tests.chaos.processes import children, descendants
from tests.chaos.searches import Running, Search
from tests.chaos.unavailable import UnavailableError
from tests.chaos.verdict import n_failed, problems_of

PLANS = 24
_WORKERS = 4
_PATIENCE_SECONDS = 600.0


Disturb = Callable[[Cluster, Search, Running], Running]
"""Disturbs a search that runs; returns its process, another one if it was started again."""


def _kill_worker(cluster: Cluster, search: Search, running: Running) -> Running:
    """Kill -9 of Dask's worker, which its nanny starts again."""
    for process in children(cluster.workers[FIRST_WORKER].pid):
        if "spawn_main" in process.command():
            process.kill()
    return running


def _kill_nanny(cluster: Cluster, search: Search, running: Running) -> Running:
    """Kill -9 of the command that serves, and a new one."""
    command = cluster.workers[FIRST_WORKER]
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
    command = cluster.workers[FIRST_WORKER]
    processes = descendants(command.pid)
    command.send_signal(signal.SIGSTOP)
    for one in processes:
        one.send(signal.SIGSTOP)
    time.sleep(2.5 * LIFE_SIGN_SECONDS)
    for one in processes:
        one.send(signal.SIGCONT)
    command.send_signal(signal.SIGCONT)
    return running


def _retire(cluster: Cluster, search: Search, running: Running) -> Running:
    """Have a worker leave after its epoch, and another one come later."""
    cluster.workers[FIRST_WORKER].terminate()
    time.sleep(3)
    cluster.start_worker("worker-new")
    return running


def _come_late(cluster: Cluster, search: Search, running: Running) -> Running:
    """Have the first workers come when the search has waited for them for a while."""
    time.sleep(5)
    for number in range(_WORKERS):
        cluster.start_worker(f"worker-{number}")
    return running


def _cut(cluster: Cluster, search: Search, running: Running) -> Running:
    """Cut the network of a worker for longer than the scheduler waits for its signs of life."""
    cluster.place.cut_network(2 * LIFE_SIGN_SECONDS)
    return running


def _fill(cluster: Cluster, search: Search, running: Running) -> Running:
    """Fill the disk of a worker."""
    cluster.place.fill_disk()
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
        within: Makes the place of the cluster in a folder.
    """

    name: str
    disturb: Disturb
    after: int | None = PLANS // 3
    failures: bool = True
    within: Callable[[Path], AbstractContextManager[Place]] = here


SCENARIOS = (
    Scenario("worker killed", _kill_worker),
    Scenario("nanny killed", _kill_nanny),
    Scenario("scheduler killed", _kill_scheduler),
    Scenario("coordinator killed", _kill_coordinator),
    Scenario("worker hung", _hang),
    Scenario("worker retired", _retire, failures=False),
    Scenario("workers late", _come_late, after=None, failures=False),
    Scenario("network cut", _cut, within=behind_a_network),
    Scenario("disk of a worker full", _fill, failures=False, within=on_a_small_disk),
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
        left_out: Why it was not tried, if this machine does not allow it.
    """

    scenario: str
    seconds: float = 0.0
    failed: int = 0
    problems: tuple[str, ...] = ()
    left_out: str | None = None


def run(runs: int, only: str | None = None) -> Iterator[ClusterReport]:
    """Yield what came of so many searches, one scenario after another, or all under `only`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        calm = Search(folder / "calm" / "runs", folder / "data", plans=PLANS)
        reference = undisturbed(calm)
        scenarios = cycle(one for one in SCENARIOS if only in (None, one.name))
        for number, scenario in enumerate(islice(scenarios, runs)):
            place = folder / f"{number}-{scenario.name.replace(' ', '-')}"
            yield survive(scenario, reference, place, folder / "data")


def survive(scenario: Scenario, reference: Reference, folder: Path, data: Path) -> ClusterReport:
    """Run a search under a scenario, and judge what came of it."""
    try:
        with scenario.within(folder) as place:
            return _survive(scenario, reference, folder, data, place)
    except UnavailableError as error:
        return ClusterReport(scenario.name, left_out=str(error))


def _survive(
    scenario: Scenario, reference: Reference, folder: Path, data: Path, place: Place
) -> ClusterReport:
    n_workers = 0 if scenario.after is None else _WORKERS
    with running_cluster(folder / "cluster", place, n_workers) as cluster:
        search = Search(folder / "runs", data, plans=PLANS, place=cluster.options)
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
