"""What was measured against what is allowed: the second kind of table, beside `measuring`'s races.

A check holds several repeats of one figure; its median is what the bound is for.
"""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, final

from rich.console import Console
from rich.table import Table


@final
@dataclass(frozen=True)
class Bound:
    """At most or at least a figure, in the check's unit."""

    kind: Literal["<=", ">="]
    figure: float

    def allows(self, measured: float) -> bool:
        """Return whether the figure keeps the bound."""
        return measured <= self.figure if self.kind == "<=" else measured >= self.figure


@final
@dataclass(frozen=True)
class Check:
    """One figure, measured several times; without a bound it is there to compare with."""

    name: str
    unit: str
    measured: tuple[float, ...]
    bound: Bound | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """Return the median of the repeats."""
        return statistics.median(self.measured)

    @property
    def verdict(self) -> str:
        """Return "kept" or "MISSED", and nothing where there is no bound."""
        if self.bound is None:
            return ""
        return "kept" if self.bound.allows(self.median) else "MISSED"


def show_checks(
    name: str, title: str, checks: Sequence[Check], facts: Mapping[str, object], results_dir: Path
) -> None:
    """Print the table and write `results_dir`/`name`.json for later comparison."""
    Console().print(checks_table(title, checks, facts))
    rows = [asdict(one) | {"median": one.median, "verdict": one.verdict} for one in checks]
    time = datetime.now(UTC).isoformat(timespec="seconds")
    values = {"title": title, "time": time, "facts": facts, "rows": rows}
    results_dir.mkdir(parents=True, exist_ok=True)
    path = results_dir / f"{name}.json"
    path.write_text(json.dumps(values, indent=2), encoding="utf-8")


def checks_table(title: str, checks: Sequence[Check], facts: Mapping[str, object]) -> Table:
    """Return one row a check: median, spread, what is allowed and whether it is kept."""
    table = Table(title=title, caption=", ".join(f"{k} {v}" for k, v in facts.items()))
    table.add_column("measured")
    for column in ("median", "min", "max", "unit", "allowed", ""):
        table.add_column(column, justify="right")
    table.add_column("")
    for one in checks:
        spread = (one.median, min(one.measured), max(one.measured))
        allowed = f"{one.bound.kind} {one.bound.figure:.4g}" if one.bound else ""
        figures = (f"{figure:.3g}" if figure < 100 else f"{figure:,.0f}" for figure in spread)
        table.add_row(one.name, *figures, one.unit, allowed, one.verdict, one.note)
    return table
