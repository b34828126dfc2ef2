"""Kills parts of a running search, and starts it again until it is done."""

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from tests.chaos.effort import Epoch, EpochWatch
from tests.chaos.processes import Process, await_end, family, workers
from tests.chaos.searches import WORKERS, Running, Search

_POLL_SECONDS = 0.02
_NEVER = 1 << 30
PATIENCE_SECONDS = 600.0  # for anything at all to happen

Target = Literal["worker", "coordinator"]


@final
@dataclass(frozen=True)
class Blow:
    """One kill -9: of whom, and how many seconds after how many epochs were reported."""

    target: Target
    epochs: int
    delay: float


@final
@dataclass(frozen=True)
class Ordeal:
    """What a search went through.

    `cut_short` counts the trainings that were under way when they were killed: at most so many
    epochs were lost in their middle, which nobody reports. `orphan_seconds` is how long one of a
    coordinator's processes outlived it at most, and `orphan` whether that was a worker.
    """

    workers_killed: int
    coordinators_killed: int
    cut_short: int
    orphan_seconds: float
    orphan: str
    epochs: frozenset[Epoch]
    status: int


def draw_blows(
    rng: np.random.Generator, n_epochs: int, n_workers: int, n_coordinators: int
) -> list[Blow]:
    """Return blows spread over a search of `n_epochs`, in the order in which they fall.

    Some fall before its first epoch and some after its last, in the refit and in the report. No
    more than two workers should be killed: a plan index that loses three is given up.
    """
    at_workers = [_draw(rng, "worker", n_epochs) for _ in range(n_workers)]
    at_coordinators = [_draw(rng, "coordinator", n_epochs) for _ in range(n_coordinators)]
    return sorted(at_workers + at_coordinators, key=lambda blow: (blow.epochs, blow.delay))


def _draw(rng: np.random.Generator, target: Target, n_epochs: int) -> Blow:
    epochs = min(int(rng.integers(0, n_epochs + n_epochs // 10, endpoint=True)), n_epochs)
    between = 0 < epochs < n_epochs  # otherwise it starts, or refits and reports, for seconds
    return Blow(target, epochs, rng.uniform(0.0, 0.3 if between else 5.0))


def endure(search: Search, blows: Iterable[Blow], rng: np.random.Generator) -> Ordeal:
    """Run a search to its end under blows; those that come too late are left out.

    Raises TimeoutError where nothing happens for long.
    """
    siege = _Siege(search, rng)
    try:
        with EpochWatch(search.paths.work_dir) as watch:
            return siege.run(watch, deque(blows))
    finally:
        siege.end()


def wait_for_epochs(watch: EpochWatch, running: Running, n_epochs: int) -> bool:
    """Wait until so many epochs were reported; returns False where the search ends before.

    Raises TimeoutError.
    """
    deadline, seen = time.monotonic() + PATIENCE_SECONDS, -1
    while (now := len(watch.look())) < n_epochs and running.poll() is None:
        if now > seen:
            deadline, seen = time.monotonic() + PATIENCE_SECONDS, now
        if time.monotonic() > deadline:
            raise TimeoutError(f"no epoch for {PATIENCE_SECONDS:g} s, {now} were reported")
        time.sleep(_POLL_SECONDS)
    return running.poll() is None


def wait_for_end(watch: EpochWatch, running: Running) -> None:
    """Look at the epochs until the search ends. Raises TimeoutError."""
    wait_for_epochs(watch, running, _NEVER)


@final
class _Siege:
    """One search under blows, and the count of its losses."""

    def __init__(self, search: Search, rng: np.random.Generator) -> None:
        self._search, self._rng = search, rng
        self._workers = self._coordinators = self._cut_short = 0
        self._orphan_seconds, self._orphan = 0.0, "orphan"
        self._running = search.start()

    def run(self, watch: EpochWatch, blows: deque[Blow]) -> Ordeal:
        while blows and wait_for_epochs(watch, self._running, blows[0].epochs):
            blow = blows.popleft()
            time.sleep(blow.delay)
            if blow.target == "worker":
                self._kill_worker()
            else:
                self._kill_coordinator(watch.under_way())
        wait_for_end(watch, self._running)
        return Ordeal(
            workers_killed=self._workers,
            coordinators_killed=self._coordinators,
            cut_short=self._cut_short,
            orphan_seconds=self._orphan_seconds,
            orphan=self._orphan,
            epochs=watch.look(),
            status=self._running.wait(),
        )

    def end(self) -> None:
        """Kill what still runs."""
        self._running.kill()
        self._running.wait()

    def _kill_worker(self) -> None:
        """Kill one of the workers, whatever it does; there are none in a refit."""
        alive = workers(self._running.pid)
        if alive:
            alive[self._rng.integers(len(alive))].kill()
            self._workers += 1
            self._cut_short += 1

    def _kill_coordinator(self, trainings: int) -> None:
        """Kill the coordinator, and start it again, at times before its workers have ended."""
        left, trained_by = family(self._running.pid), workers(self._running.pid)
        if self._running.poll() is not None:
            return
        self.end()
        self._coordinators += 1
        self._cut_short += min(trainings, WORKERS)
        at_once = self._rng.random() < 0.5
        if at_once:
            self._running = self._search.start()
        self._await_orphans(left, trained_by)
        if not at_once:
            self._running = self._search.start()

    def _await_orphans(self, left: list[Process], trained_by: list[Process]) -> None:
        waited, last = await_end(left, patience=60.0)
        if waited > self._orphan_seconds:
            kind = "worker" if set(last) & set(trained_by) else "helper"
            self._orphan_seconds, self._orphan = waited, kind
        for process in last:
            process.kill()
