"""Whether W workers do W times the work of one, beside what the machine itself allows.

Every contestant does the same work once on one process and then once on each of W: whole trials
through the coordinator and its workers, the same trials with nobody coordinating them, and
matrix products of a size that stays in the cache. The last two are the hardware's own limit: they
fall short where cores share memory bandwidth, clock or execution units.
"""

import itertools
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import final

import joblib
import torch
from joblib.externals.loky import ProcessPoolExecutor

from search.data.dataset import DatasetInfo
from search.executors import ProcessExecutor
from search.executors.process_settings import keep_freed_memory, openmp_settings
from search.training.settings import Precision, fastest_precision
from tests.benchmarks.checks import Bound, Check, show_checks
from tests.benchmarks.loops import make_data, our_loop
from tests.benchmarks.machine import machine_facts
from tests.benchmarks.points import hand_tuned
from tests.benchmarks.searches import open_hand_tuned, random_dataset, watch_search

_SHARE = 0.95
_EPOCHS = 3
_MATRIX, _PRODUCTS = 512, 300

Contestant = Callable[[int], float]


def run(results_dir: Path, *, images: int = 3_000, repeats: int = 4) -> None:
    """Take turns between the contestants, each with one process and with 2, 4, 8... and all."""
    cores = int(joblib.cpu_count())
    counts = sorted({1, cores} | {2**power for power in range(1, cores.bit_length())})
    facts = machine_facts() | {"images": images, "epochs": _EPOCHS, "repeats": repeats}
    with TemporaryDirectory() as folder:
        field = _Field(random_dataset(images, Path(folder)), Path(folder), counts)
        try:
            times = field.race(repeats)
        finally:
            field.close()
    checks = [
        _check(name, count, scaling(times[name, 1], seconds, count))
        for (name, count), seconds in times.items()
        if count > 1
    ]
    show_checks("workers", "Throughput of W workers against one", checks, facts, results_dir)


def scaling(one: list[float], many: list[float], count: int) -> tuple[float, ...]:
    """Return, pair by pair, the throughput of `count` processes against that of one.

    `one` and `many` are the seconds in which each process did the same amount of work.
    """
    return tuple(count * a / b for a, b in zip(one, many, strict=True))


def _check(name: str, count: int, ratios: tuple[float, ...]) -> Check:
    bound = Bound(">=", _SHARE * count) if name.startswith("search") else None
    return Check(f"{name}, W = {count}", "times", ratios, bound)


@final
class _Field:
    """The contestants, their processes started and warm."""

    def __init__(self, dataset: DatasetInfo, folder: Path, counts: list[int]) -> None:
        self._dataset, self._folder, self._counts = dataset, folder, counts
        self._precision = fastest_precision("cpu")
        self._numbers = itertools.count()
        self._workers = {count: ProcessExecutor(count, 1) for count in counts}
        self._pool = ProcessPoolExecutor(
            max_workers=max(counts), env=openmp_settings(1), initializer=keep_freed_memory
        )

    def race(self, repeats: int) -> dict[tuple[str, int], list[float]]:
        """Return the seconds of every contestant and count, after a round that is not counted."""
        contestants: dict[str, Contestant] = {
            "search": self._search,
            "the same trainings alone": self._training,
            "matrix products": self._products,
        }
        rounds = [(name, count) for name in contestants for count in self._counts]
        times: dict[tuple[str, int], list[float]] = {one: [] for one in rounds}
        for repeat in range(repeats + 1):
            for name, count in rounds:
                seconds = contestants[name](count)
                if repeat:
                    times[name, count].append(seconds)
        return times

    def close(self) -> None:
        """End all processes."""
        for workers in self._workers.values():
            workers.close()
        self._pool.shutdown(wait=True, kill_workers=True)

    def _search(self, count: int) -> float:
        opened = open_hand_tuned(
            self._dataset,
            self._folder / str(next(self._numbers)),
            trials=count,
            epochs=_EPOCHS,
            precision=self._precision,
        )
        return watch_search(opened, self._workers[count]).wall

    def _training(self, count: int) -> float:
        images = self._dataset.n_train
        return _together(
            count, lambda: self._pool.submit(train_alone, images, _EPOCHS, self._precision)
        )

    def _products(self, count: int) -> float:
        return _together(count, lambda: self._pool.submit(multiply, _MATRIX, _PRODUCTS))


def _together(count: int, submit: Callable[[], "Future[None]"]) -> float:
    begin = time.perf_counter()
    for future in [submit() for _ in range(count)]:
        future.result()
    return time.perf_counter() - begin


def train_alone(images: int, epochs: int, precision: Precision) -> None:
    """Train the hand-tuned CNN on one thread, with nobody watching."""
    torch.set_num_threads(1)
    epoch = our_loop(hand_tuned(), make_data(images), precision)
    for _ in range(epochs):
        epoch()


def multiply(size: int, repeats: int) -> None:
    """Multiply square fp32 matrices on one thread."""
    torch.set_num_threads(1)
    left, right = torch.randn(2, size, size)
    for _ in range(repeats):
        torch.mm(left, right, out=torch.empty(size, size))
