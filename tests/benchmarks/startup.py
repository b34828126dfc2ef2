"""How long a user waits: for the help, for the list of studies, for the first training step."""

import json
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from optuna.trial import create_trial

from tests.benchmarks.checks import Bound, Check, show_checks
from tests.benchmarks.commands import command, first_epoch, make_image_folder, running_search
from tests.benchmarks.machine import machine_facts
from tests.benchmarks.searches import QUICK, open_hand_tuned, random_dataset

_STUDIES, _TRIALS, _EPOCHS = 10, 20, 40


def run(
    results_dir: Path, *, dataset: Path | None = None, images: int = 50_000, repeats: int = 3
) -> None:
    """Time real commands; `dataset` is an image folder to use instead of a generated one."""
    facts = machine_facts() | {"images": str(dataset or f"{images:,}"), "repeats": repeats}
    with TemporaryDirectory() as name:
        folder = Path(name)
        if dataset is None:
            dataset = folder / "images"
            make_image_folder(dataset, images)
        make_studies(folder / "listed")
        runs = ["--runs-dir", str(folder / "listed")]
        checks = [
            _check("--help", 0.5, [command_seconds("--help") for _ in range(repeats)]),
            _check("list", 1.5, [command_seconds("list", *runs) for _ in range(repeats)]),
            _first_steps("digits", "digits", folder, repeats),
            _first_steps("an image folder", str(dataset), folder, repeats),
        ]
    show_checks("startup", "Start-up", checks, facts, results_dir)


def command_seconds(*arguments: str) -> float:
    """Return the wall time of a whole command."""
    begin = time.perf_counter()
    subprocess.run(command(*arguments), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def _first_steps(name: str, dataset: str, folder: Path, repeats: int) -> Check:
    seconds = [
        first_step_seconds(folder / "runs" / f"{Path(dataset).name}-{number}", dataset, folder)
        for number in range(repeats + 1)
    ]
    return _check(f"run to the first step, {name}", 8, seconds[1:])  # the first decodes the images


def first_step_seconds(study_dir: Path, dataset: str, data_dir: Path) -> float:
    """Return the time from the command to the beginning of its first epoch, in seconds.

    An epoch's figures appear when it ends and say how long it took, which is short in this space.
    """
    begin = time.time()
    with running_search(study_dir, space=QUICK, dataset=dataset, data_dir=str(data_dir)) as search:
        ended, figures = first_epoch(study_dir, search)
    return ended - epoch_seconds(figures) - begin


def epoch_seconds(line: str) -> float:
    """Return the seconds that an epoch took, from its line in a trial's epochs.jsonl."""
    return float(sum(fold["seconds"] for fold in json.loads(line)))


def make_studies(runs_dir: Path) -> None:
    """Store studies of finished trials, each with its curve."""
    dataset = random_dataset(1000, runs_dir / "data")
    curve = {epoch: epoch / 100 for epoch in range(1, _EPOCHS + 1)}
    for number in range(_STUDIES):
        opened = open_hand_tuned(
            dataset, runs_dir, name=f"study-{number}", trials=1, epochs=1, precision="fp32"
        )
        opened.study.add_trials([create_trial(value=0.5, intermediate_values=curve)] * _TRIALS)


def _check(name: str, allowed: float, seconds: list[float]) -> Check:
    return Check(name, "s", tuple(seconds), Bound("<=", allowed))
