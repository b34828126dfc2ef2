"""One training: the report's loop, a plain resident loop, ours in fp32 and bf16."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, final

import torch

from search.executors.process_settings import keep_freed_memory, openmp_settings
from spaces import load_space
from tests.benchmarks.apart import in_own_process
from tests.benchmarks.loops import (
    augmentation_alone,
    make_data,
    our_loop,
    report_loop,
    resident_loop,
)
from tests.benchmarks.measuring import Row, peak_flops, race, show

# Forward and backward products of an epoch of 40,000 training and 10,000 validation images.
EPOCH_FLOPS = {"cnn": 2.41e12, "mlp": 0.284e12}
FULL_EPOCH = 50_000
Loop = Literal["report", "resident", "tuned report", "fp32", "bf16", "augmentation"]
LOOPS: dict[str, Loop] = {
    "the report's loop, fp32": "report",
    "plain loop on resident tensors, fp32": "resident",
    "the report's loop, with our memory settings": "tuned report",
    "ours, fp32": "fp32",
    "ours, bf16": "bf16",
    "flip and crop of one epoch alone": "augmentation",
}


@final
@dataclass(frozen=True)
class Contestant:
    """An epoch of one of the loops, in a process set up as its users set it up.

    Ours has a worker's settings, the plain loops have what Python and torch start with; how much
    of the difference is that, shows the report's loop with our settings.
    """

    network: str
    loop: Loop
    images: int
    threads: int

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables with which the process starts."""
        return {} if self.loop in ("report", "resident") else openmp_settings(self.threads)

    def __call__(self) -> Callable[[], None]:
        """Prepare the process; returns the epoch."""
        torch.set_num_threads(self.threads)
        candidate, data = load_space(self.network).baseline(), make_data(self.images)
        if candidate is None:
            raise ValueError(f"space {self.network} has no baseline")
        if self.loop == "report":
            return report_loop(candidate, data)
        if self.loop == "resident":
            return resident_loop(candidate, data)
        keep_freed_memory()
        if self.loop == "tuned report":
            return report_loop(candidate, data)
        if self.loop == "augmentation":
            return augmentation_alone(candidate, data)
        return our_loop(candidate, data, self.loop)


def run(results_dir: Path, *, images: int = 8_000, repeats: int = 5, threads: int = 1) -> None:
    """Print one table for each hand-tuned network; needs an otherwise idle machine."""
    torch.set_num_threads(threads)
    peaks = {"fp32": peak_flops(torch.float32), "bf16": peak_flops(torch.bfloat16)}
    for network in ("cnn", "mlp"):
        with ExitStack() as processes:
            epochs = {}
            for name, loop in LOOPS.items():
                one = Contestant(network, loop, images, threads)
                epochs[name] = processes.enter_context(in_own_process(one, one.environment))
            rows = race(epochs, repeats)
        facts = {
            "images": f"{images:,}",
            "threads": threads,
            "repeats": repeats,
            "peak fp32": f"{peaks['fp32'] / 1e9:.0f} GFLOP/s",
            "peak bf16": f"{peaks['bf16'] / 1e9:.0f} GFLOP/s",
        }
        title = f"One epoch of the {network}, {threads} threads"
        show(title, _with_shares(network, rows, images, peaks), facts, results_dir)


def _with_shares(network: str, rows: list[Row], images: int, peaks: dict[str, float]) -> list[Row]:
    *epochs, augmentation = rows
    share = augmentation.median / epochs[-1].median
    note = f"{share:.1%} of our bf16 epoch"
    return [_with_share(network, row, images, peaks) for row in epochs] + [
        replace(augmentation, note=note)
    ]


def _with_share(network: str, row: Row, images: int, peaks: dict[str, float]) -> Row:
    full = row.median * FULL_EPOCH / images
    peak = peaks["bf16" if "bf16" in row.name else "fp32"]
    share = EPOCH_FLOPS[network] / full / peak
    return replace(row, note=f"{full:.1f} s for 50,000 images, {share:.0%} of peak")
