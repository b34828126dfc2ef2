"""This program, as a user runs it: `python -m search run --budget`, everything else by default.

bf16 where the processor has it, a process of one thread a core, candidates of the portfolio first;
the hand-tuned network is not tried (`--no-baseline`), as the others do not get it either. The
budget is for the refit, the test and the report, too, which nobody else does. Epochs are read from
the study's database while it runs; what is read late counts as late.

The portfolio was chosen from recorded trainings, some of them on subsets of CIFAR-10. So there is a
contestant whose portfolio was chosen without those, and one that has neither portfolio nor prior
and tries the very candidates of the peers.
"""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np

from tests.benchmarks.peers.elsewhere import elsewhere_path
from tests.benchmarks.peers.task import Task

MOST_TRIALS = 200
_STUDY = "ours"
_POLL_SECONDS = 0.1
_NEW_EPOCHS = """
    SELECT trial_intermediate_value_id, number, step, intermediate_value
    FROM trial_intermediate_values JOIN trials USING (trial_id)
    WHERE trial_intermediate_value_id > ? ORDER BY trial_intermediate_value_id
"""


def search(task: Task) -> None:
    """Search within the budget, everything else at its defaults."""
    _search(task, budget=f"{task.budget:g}s")


def search_elsewhere(task: Task) -> None:
    """Search within the budget, with a portfolio from data other than CIFAR-10."""
    space = f"{elsewhere_path(task.space, task.data_dir)}:space"
    _search(task, budget=f"{task.budget:g}s", space=space)


def search_drawn(task: Task) -> None:
    """Search through the candidates that the peers get, for as many epochs as theirs."""
    _search(task, start="none", prior="off", trials=MOST_TRIALS, epochs=task.epochs)


def search_tpe(task: Task) -> None:
    """Search with `--sampler tpe`, for as many epochs as the peers."""
    _search(task, sampler="tpe", trials=MOST_TRIALS, epochs=task.epochs)


def _search(task: Task, **settings: str | int) -> None:
    """Search until the process is killed, or all trials have ended."""
    runs_dir = task.scratch
    with subprocess.Popen(command(task, runs_dir, settings)) as process:
        watch(task, runs_dir, process.poll)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)


def command(task: Task, runs_dir: Path, settings: Mapping[str, str | int]) -> list[str]:
    """Return the command line; `settings` come on top of the task's."""
    every = {
        "space": task.space,
        "seed": task.seed,
        "dataset": task.images_dir,
        "data-dir": task.data_dir,
        "runs-dir": runs_dir,
        "study-name": _STUDY,
    }
    flags = [f"--{name}={value}" for name, value in (every | dict(settings)).items()]
    return [sys.executable, "-m", "search", "run", "--no-baseline", *flags]


def watch(task: Task, runs_dir: Path, ended: Callable[[], int | None]) -> None:
    """Record the epochs that appear in the study's database until `ended` says so."""
    database, last, recorder = runs_dir / "studies.db", 0, task.recorder()
    while True:
        final = ended() is not None  # asked first, so that what came before the end is read
        for row, trial, epoch, accuracy in new_epochs(database, last):
            if not last:
                check_split(task, runs_dir / _STUDY / "folds.npz")
            recorder.add(str(trial), epoch, accuracy)
            last = row
        if final:
            return
        time.sleep(_POLL_SECONDS)


def new_epochs(database: Path, last: int) -> list[tuple[int, int, int, float]]:
    """Return (id, trial, epoch, accuracy) of the epochs reported after the one with id `last`."""
    if not database.exists():
        return []
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as opened:
        try:
            return opened.execute(_NEW_EPOCHS, (last,)).fetchall()
        except sqlite3.OperationalError as error:  # the tables are being made
            if "no such table" in str(error):
                return []
            raise


def check_split(task: Task, folds: Path) -> None:
    """Raise ValueError unless the study's holdout is that of everyone else."""
    arrays = task.load()
    with np.load(folds, allow_pickle=False) as stored:
        pairs = ((arrays.train, stored["train_0"]), (arrays.validation, stored["validation_0"]))
        if not all(np.array_equal(theirs, own) for theirs, own in pairs):
            raise ValueError(f"{folds} is another split than the peers have")
