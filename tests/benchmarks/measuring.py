"""How the benchmarks measure: side by side, interleaved, medians of several repeats."""

import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import final

import torch
from rich.console import Console
from rich.table import Table


@final
@dataclass(frozen=True)
class Row:
    """One contestant: seconds of each repeat, and its speed against the reference's."""

    name: str
    seconds: tuple[float, ...]
    ratio: float
    note: str = ""

    @property
    def median(self) -> float:
        """Return the median of the repeats, in seconds."""
        return statistics.median(self.seconds)


def race(contestants: Mapping[str, Callable[[], None]], repeats: int) -> list[Row]:
    """Time the contestants in turn, `repeats` times after one warm-up round.

    A row's ratio is the median over repeats of first contestant's time / its own, pair by pair,
    so that a drift of the machine's speed cancels.
    """
    for run in contestants.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(repeats):
        for name, run in contestants.items():
            begin = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - begin)
    reference = next(iter(times.values()))
    return [
        Row(name, tuple(own), statistics.median(a / b for a, b in zip(reference, own, strict=True)))
        for name, own in times.items()
    ]


def peak_flops(dtype: torch.dtype, size: int = 2048, repeats: int = 5) -> float:
    """Return the best matrix-product rate of the present threads, in FLOP/s."""
    left, right = torch.randn(2, size, size).to(dtype)
    rates = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        left @ right
        rates.append(2 * size**3 / (time.perf_counter() - begin))
    return max(rates[1:])


def show(title: str, rows: list[Row], facts: Mapping[str, object], results_dir: Path) -> None:
    """Print the table and write it as JSON for later comparison."""
    table = Table(title=title, caption=", ".join(f"{k} {v}" for k, v in facts.items()))
    table.add_column("contestant")
    for column in ("median s", "min s", "max s", "times as fast"):
        table.add_column(column, justify="right")
    table.add_column("")
    for row in rows:
        spread = (row.median, min(row.seconds), max(row.seconds))
        table.add_row(row.name, *(f"{s:.2f}" for s in spread), f"{row.ratio:.2f}", row.note)
    Console().print(table)
    results_dir.mkdir(parents=True, exist_ok=True)
    values = {"title": title, "facts": facts, "rows": [asdict(row) for row in rows]}
    name = title.replace(" ", "-").replace(",", "").lower()
    (results_dir / f"{name}.json").write_text(json.dumps(values, indent=2), encoding="utf-8")
