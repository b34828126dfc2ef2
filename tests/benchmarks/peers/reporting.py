"""The comparison as a table, a figure and JSON."""

import json
import math
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import final

import joblib
from rich.console import Console
from rich.table import Table

from tests.benchmarks.peers.contestants import CONTESTANTS, OURS
from tests.benchmarks.peers.drawing import Records, draw
from tests.benchmarks.peers.summary import SearchSummary, median_beaten, times_sooner

_WIDTH = 130  # characters; files get whole rows too
_PACKAGES = ("torch", "optuna", "ray", "scikit-learn", "skorch")


@final
@dataclass(frozen=True)
class Comparison:
    """The records by tool and seed, the baseline's accuracy by seed; `budget` in seconds."""

    searches: Records
    baselines: Sequence[float]
    budget: float
    epochs: int

    def summaries(self) -> dict[str, list[SearchSummary]]:
        """Return a summary of each search, by tool and seed."""
        return {
            tool: [SearchSummary.of(*pair) for pair in zip(own, self.baselines, strict=True)]
            for tool, own in self.searches.items()
        }


def report(comparison: Comparison, out: Path) -> None:
    """Print the table; write `peers.json`, `peers.pdf` and `peers.png`."""
    Console(width=_WIDTH).print(_table(comparison))
    values = {
        "baselines": comparison.baselines,
        "budget": comparison.budget,
        "epochs": comparison.epochs,
        "cores": joblib.cpu_count(),
        "machine": platform.platform(),
        "versions": {one.name: one.version for one in distributions() if one.name in _PACKAGES},
        "searches": {
            tool: [asdict(one) for one in own] for tool, own in comparison.summaries().items()
        },
    }
    (out / "peers.json").write_text(json.dumps(values, indent=2), encoding="utf-8")
    draw(comparison.searches, comparison.baselines, comparison.budget, out / "peers")


def _table(comparison: Comparison) -> Table:
    baselines = ", ".join(f"{one:.1%}" for one in comparison.baselines)
    table = Table(
        title=f"{comparison.budget:g} s a search, at most {comparison.epochs} epochs a trial",
        caption=f"hand-tuned network, by seed: {baselines}; medians over seeds (least to most)",
    )
    table.add_column("tool")
    for column in ("best accuracy", "beats the hand-tuned after", "ours sooner", "trials, epochs"):
        table.add_column(column, justify="right")
    summaries = comparison.summaries()
    for tool, own in summaries.items():
        sooner = _sooner(own, summaries.get(OURS), comparison.budget) if tool != OURS else ""
        work = "; ".join(f"{one.trials}, {one.epochs}" for one in own)
        best = _spread([one.best for one in own])
        table.add_row(CONTESTANTS[tool].title, best, _beaten(own), sooner, work)
    return table


def _spread(values: Sequence[float]) -> str:
    spread = f" ({min(values):.1%} to {max(values):.1%})" if len(values) > 1 else ""
    return f"{statistics.median(values):.1%}{spread}"


def _beaten(searches: Sequence[SearchSummary]) -> str:
    median = median_beaten(searches)
    each = ", ".join("never" if s.beaten is None else f"{s.beaten:.0f}" for s in searches)
    return f"{'never' if math.isinf(median) else f'{median:.0f} s'}, each {each}"


def _sooner(
    peer: Sequence[SearchSummary], ours: Sequence[SearchSummary] | None, budget: float
) -> str:
    times = times_sooner(peer, ours, budget) if ours else None
    if times is None:
        return "unknown"
    return f"{'at least ' if times.at_least else ''}{times.ratio:.1f} times"
