"""Recording of learning curves: whole trainings, none stopped early, one core each."""

import gzip
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from loky import as_completed, get_reusable_executor

from search.seeding import derive_seed
from search.training.evaluation import Normalizer, evaluate, with_test_time_augmentation
from search.training.fused import fuse_for_inference
from search.training.settings import TrainingSettings, fastest_precision
from search.training.trainer import FoldTask, FoldTraining, diverged
from spaces import load_space
from tests.benchmarks.curves.candidates import read_candidates
from tests.benchmarks.curves.datasets import DATA, FULL_SIZE, find_data, prepare

EPOCHS = 27
SHORT_EPOCHS = 9  # of a whole schedule, to compare with the first 9 of a long one
_REPEATS = ((0, EPOCHS), (0, SHORT_EPOCHS), (1, EPOCHS))  # seeds and epochs, in order
_LARGEST = (("cnn", "cifar10-4000"), ("mlp", "cifar10-10000"))
FULL_EPOCHS = 40
_FULL = (("mlp", 163), ("cnn", 79), ("mlp", 89))  # the first of each space's portfolio
_FULL_SEEDS = 3
_BLOCKS = 5  # of candidates; each is recorded on all data before the next begins


@final
@dataclass(frozen=True)
class Run:
    """One training: which candidate of which space on which data, from which seed, how long."""

    space: str
    data: str
    index: int
    seed: int
    epochs: int = EPOCHS

    @property
    def piece(self) -> str:
        """Return the name of the file that it is stored in."""
        return f"{self.space}-{self.data}.jsonl"


def all_runs(candidates: dict[str, int]) -> list[Run]:
    """Return every training in the order of recording: whole tables of few candidates first.

    Short schedules and second seeds are for a third of the candidates.

    Args:
        candidates: How many there are, by space.
    """
    runs = [
        Run(space, data.name, index, seed, epochs)
        for space, count in candidates.items()
        for data in DATA
        if (space, data.name) not in (("cnn", "cifar10-10000"), ("mlp", "cifar10-2000"))
        for index in range(count)
        for seed, epochs in (_REPEATS if index % 3 == 0 else _REPEATS[:1])
    ]
    return sorted(runs, key=lambda run: _rank(run, candidates[run.space]))


def full_size_runs() -> list[Run]:
    """Return long trainings of good candidates on all of CIFAR-10."""
    return [
        Run(space, FULL_SIZE.name, index, seed, FULL_EPOCHS)
        for seed in range(_FULL_SEEDS)
        for space, index in _FULL
    ]


def _rank(run: Run, count: int) -> tuple[bool, bool, int, bool, bool]:
    """Put the largest data last, before them second seeds, before them blocks of candidates.

    The designed candidates, which are the last, belong to the first block. A block's short
    schedules follow its long ones; networks of space `cnn` come first.
    """
    block = (_BLOCKS * run.index // count + 1) % _BLOCKS
    largest = (run.space, run.data) in _LARGEST
    return largest, run.seed > 0, block, run.epochs < EPOCHS, run.space != "cnn"


def record(
    images: Path, curves: Path, out: Path, workers: int, *, full_size: bool = False
) -> Iterator[tuple[int, int]]:
    """Train what is not recorded yet, and append each result to its piece; yields done and total.

    Args:
        images: Root of the image folders.
        curves: Folder of the stored candidates and of the pieces packed so far.
        out: Folder of the further pieces, JSON lines.
        workers: Trainings at a time.
        full_size: Whether to record the long trainings on all images instead.
    """
    candidates = curves / "candidates"
    counts = {path.stem: len(read_candidates(path)) for path in candidates.glob("*.jsonl")}
    runs = full_size_runs() if full_size else all_runs(dict(sorted(counts.items(), reverse=True)))
    for name in {run.data for run in runs}:
        prepare(find_data(name), images)
    done = set(_recorded(out, curves))
    left = [run for run in runs if run not in done]
    out.mkdir(parents=True, exist_ok=True)
    executor = get_reusable_executor(workers, timeout=600, initializer=_one_thread)
    tasks = {executor.submit(train, run, images, candidates): run for run in left}
    for count, task in enumerate(as_completed(tasks), start=len(runs) - len(left) + 1):
        with (out / tasks[task].piece).open("a", encoding="utf-8") as file:
            file.write(json.dumps(task.result()) + "\n")
        yield count, len(runs)


def read_lines(path: Path) -> list[str]:
    """Return a piece's lines, one a training; it may be compressed."""
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode().splitlines()


def _recorded(*folders: Path) -> Iterator[Run]:
    for path in (path for folder in folders for path in folder.glob("*-*.jsonl*")):
        space, _, data = path.name.partition(".")[0].partition("-")
        for found in map(json.loads, read_lines(path)):
            yield Run(space, data, found["index"], found["seed"], found["epochs"])


def _one_thread() -> None:
    os.nice(4)
    torch.set_num_threads(1)


def train(run: Run, images: Path, candidates: Path) -> dict[str, Any]:
    """Return the curves of one training, one value an epoch.

    Accuracies are fractions; `seconds` is processor time of training and validation, which other
    load on the machine hardly changes. A training that diverges ends there.
    """
    data = prepare(find_data(run.data), images)
    params = read_candidates(candidates / f"{run.space}.jsonl")[run.index]
    candidate = load_space(run.space).candidate(params)
    settings = TrainingSettings(run.epochs, precision=fastest_precision("cpu"))
    task = FoldTask(
        train=data.train,
        validation=data.validation,
        statistics=data.statistics,
        schedule=candidate.schedule.build(candidate.optimizer.learning_rate, run.epochs),
        seed=derive_seed(run.seed, "trial", run.index, "fold", 0),
    )
    fold = FoldTraining(candidate, task, data.split, data.n_classes, settings)
    curves: dict[str, list[float]] = {
        name: [] for name in ("train_loss", "loss", "accuracy", "held_out", "seconds")
    }
    for epoch in range(1, run.epochs + 1):
        start = time.process_time()
        figures = fold.run_epoch(epoch)
        seconds = time.process_time() - start
        if diverged((figures,)):
            break
        network = with_test_time_augmentation(fuse_for_inference(fold.model), candidate)
        normalize = Normalizer(data.statistics, "cpu")
        held_out = evaluate(network, data.split, data.held_out, normalize, settings, data.n_classes)
        values = (
            figures.train_loss,
            figures.validation_loss,
            figures.validation_accuracy,
            held_out.accuracy(),
            seconds,
        )
        for curve, value in zip(curves.values(), values, strict=True):
            curve.append(round(float(value or 0.0), 4))
    return {"index": run.index, "seed": run.seed, "epochs": run.epochs, **curves}
