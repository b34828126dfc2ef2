"""What a trial costs beside its arithmetic: storage, progress, reporting, judging, polling.

Two kinds of real searches under a live display, with one worker. In the first the epochs are so
short that what lies around them shows; in the second they last seconds, so that little but polling
and drawing is left of the coordinator's work. Both are then set against epochs of five seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import final

from search.executors import ProcessExecutor
from search.training.settings import fastest_precision
from tests.benchmarks.checks import Bound, Check, show_checks
from tests.benchmarks.machine import machine_facts
from tests.benchmarks.searches import Watch, open_hand_tuned, random_dataset, watch_search

EPOCH_SECONDS = 5.0
_ALLOWED = Bound("<=", 2)
_SHORT_IMAGES, _SHORT_EPOCHS = 100, 40
_LONG_IMAGES = 16_000
_PRUNERS: tuple[str, ...] = ("none", "halving")

Search = Callable[[int, int, int, str], Watch]


@final
@dataclass(frozen=True)
class Shares:
    """Percentages of a trial's time.

    `waiting` is wall time of the worker's slot outside the epochs, `cpu` is the coordinator's work
    on trials and epochs, `polling` its work while nothing happens, each of one core.
    """

    waiting: float
    cpu: float
    polling: float

    @property
    def total(self) -> float:
        """Return the sum, an upper bound: some of the waiting is for the coordinator's work."""
        return self.waiting + self.cpu + self.polling


def shares(short: Watch, long: Watch) -> Shares:
    """Return what the short epochs' surroundings would be of long ones."""
    epochs = sum(trial.fold_epochs for trial in short.trials)
    trained = sum(trial.seconds for trial in short.trials)
    percent = 100 / epochs / EPOCH_SECONDS
    return Shares(
        waiting=percent * (short.wall - trained),
        cpu=percent * max(short.cpu - long.idle_share * short.wall, 0.0),
        polling=100 * long.idle_share,
    )


def run(results_dir: Path, *, trials: int = 4, repeats: int = 3) -> None:
    """Measure short and long epochs in turn."""
    facts = machine_facts() | {"trials": trials, "epochs": _SHORT_EPOCHS, "repeats": repeats}
    found: dict[str, list[Shares]] = {pruner: [] for pruner in _PRUNERS}
    workers = ProcessExecutor(1, 1)
    try:
        with TemporaryDirectory() as folder:
            search = _searches(Path(folder), workers)
            search(_SHORT_IMAGES, 1, 1, "none")  # starts the worker
            for _ in range(repeats):
                long = search(_LONG_IMAGES, 1, 1, "none")
                for pruner in _PRUNERS:
                    short = search(_SHORT_IMAGES, trials, _SHORT_EPOCHS, pruner)
                    found[pruner].append(shares(short, long))
    finally:
        workers.close()
    checks = [
        check for pruner, all_shares in found.items() for check in _checks(pruner, all_shares)
    ]
    show_checks("overhead", "Around the arithmetic at 5 s an epoch", checks, facts, results_dir)


def _checks(pruner: str, found: list[Shares]) -> list[Check]:
    name = f"pruner {pruner}"
    return [
        Check(f"{name}: a worker's time outside epochs", "%", tuple(one.waiting for one in found)),
        Check(f"{name}: the coordinator's CPU", "%", tuple(one.cpu for one in found)),
        Check(f"{name}: its polling and drawing", "%", tuple(one.polling for one in found)),
        Check(f"{name}: together", "%", tuple(one.total for one in found), _ALLOWED),
    ]


def _searches(folder: Path, workers: ProcessExecutor) -> Search:
    """Return what runs one search in a fresh study: (images, trials, epochs, pruner)."""
    precision = fastest_precision("cpu")
    numbers = iter(range(1_000_000))

    def search(images: int, trials: int, epochs: int, pruner: str) -> Watch:
        opened = open_hand_tuned(
            random_dataset(images, folder),
            folder / str(next(numbers)),
            trials=trials,
            epochs=epochs,
            precision=precision,
            pruner=pruner,
        )
        return watch_search(opened, workers)

    return search
