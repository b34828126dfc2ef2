"""One training: the report's loop, a plain resident loop, ours in fp32 and bf16."""

from dataclasses import replace
from pathlib import Path

import torch

from spaces import load_space
from tests.benchmarks.loops import make_data, our_loop, report_loop, resident_loop
from tests.benchmarks.measuring import Row, peak_flops, race, show

# Forward and backward products of an epoch of 40,000 training and 10,000 validation images.
EPOCH_FLOPS = {"cnn": 2.41e12, "mlp": 0.284e12}
FULL_EPOCH = 50_000


def run(results_dir: Path, *, images: int = 8_000, repeats: int = 5, threads: int = 1) -> None:
    """Print one table for each hand-tuned network; needs an otherwise idle machine."""
    torch.set_num_threads(threads)
    data = make_data(images)
    peaks = {"fp32": peak_flops(torch.float32), "bf16": peak_flops(torch.bfloat16)}
    for name in ("cnn", "mlp"):
        candidate = load_space(name).baseline()
        if candidate is None:
            raise ValueError(f"space {name} has no baseline")
        contestants = {
            "the report's loop, fp32": report_loop(candidate, data),
            "plain loop on resident tensors, fp32": resident_loop(candidate, data),
            "ours, fp32": our_loop(candidate, data, "fp32"),
            "ours, bf16": our_loop(candidate, data, "bf16"),
        }
        rows = [_with_share(name, row, images, peaks) for row in race(contestants, repeats)]
        facts = {
            "images": f"{images:,}",
            "threads": threads,
            "repeats": repeats,
            "peak fp32": f"{peaks['fp32'] / 1e9:.0f} GFLOP/s",
            "peak bf16": f"{peaks['bf16'] / 1e9:.0f} GFLOP/s",
        }
        show(f"One epoch of the {name}, {threads} threads", rows, facts, results_dir)


def _with_share(network: str, row: Row, images: int, peaks: dict[str, float]) -> Row:
    full = row.median * FULL_EPOCH / images
    peak = peaks["bf16" if "bf16" in row.name else "fp32"]
    share = EPOCH_FLOPS[network] / full / peak
    return replace(row, note=f"{full:.1f} s for 50,000 images, {share:.0%} of peak")
