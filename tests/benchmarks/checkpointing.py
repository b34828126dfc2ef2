"""What keeping a checkpoint of every epoch costs: beside the training, waited for, not at all."""

import itertools
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, final

import torch

from search.executors.process_settings import keep_freed_memory, openmp_settings
from search.training.checkpoints import AsyncCheckpointWriter, Checkpoints
from spaces import AdamConfig, Candidate, MLPConfig, load_space
from tests.benchmarks.apart import in_own_process
from tests.benchmarks.loops import make_data, our_training
from tests.benchmarks.measuring import Row, race, show

Network = Literal["mlp", "cnn", "large mlp"]
Way = Literal["none", "beside", "waited"]
NETWORKS: tuple[Network, ...] = ("mlp", "cnn", "large mlp")
WAYS: dict[str, Way] = {
    "no checkpoints": "none",
    "written beside the next epoch": "beside",
    "written before the next epoch": "waited",
}


@final
@dataclass(frozen=True)
class Contestant:
    """An epoch in bf16 with a checkpoint after it, in a process set up as a worker is."""

    network: Network
    way: Way
    images: int
    directory: Path

    def __call__(self) -> Callable[[], None]:
        """Prepare the process; returns the epoch."""
        torch.set_num_threads(1)
        keep_freed_memory()
        training = our_training(candidate_of(self.network), make_data(self.images), "bf16")
        every = 0 if self.way == "none" else 1
        writer = AsyncCheckpointWriter(Checkpoints(self.directory / self.way, "benchmark"), every)
        epochs = itertools.count(1)

        def run() -> None:
            epoch = next(epochs)
            training.run_epoch(epoch)
            writer.write(epoch, {0: training})
            if self.way == "waited":
                writer.wait()

        return run


def candidate_of(network: Network) -> Candidate:
    """Return a hand-tuned candidate, or an MLP of 7.4 million weights under Adam."""
    if network == "large mlp":
        model = MLPConfig(hidden_widths=(2048, 512), dropouts=(0.1, 0.1))
        return Candidate(model=model, optimizer=AdamConfig(learning_rate=1e-3))
    candidate = load_space(network).baseline()
    if candidate is None:
        raise ValueError(f"space {network} has no baseline")
    return candidate


def run(results_dir: Path, *, images: int = 10_000, repeats: int = 7) -> None:
    """Print one table for each network; needs an otherwise idle machine."""
    for network in NETWORKS:
        rows = _rows(network, images, repeats)
        facts = {"images": f"{images:,}", "repeats": repeats, "thread": 1, "precision": "bf16"}
        show(f"Checkpoints of the {network}", rows, facts, results_dir)


def _rows(network: Network, images: int, repeats: int) -> list[Row]:
    with TemporaryDirectory(dir=".") as folder, ExitStack() as processes:
        epochs = {}
        for name, way in WAYS.items():
            one = Contestant(network, way, images, Path(folder))
            epochs[name] = processes.enter_context(in_own_process(one, openmp_settings(1)))
        return race(epochs, repeats)
