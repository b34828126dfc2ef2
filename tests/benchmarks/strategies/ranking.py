"""Which strategies differ by more than chance: ranks over tasks, and their critical difference."""

from pathlib import Path
from typing import Literal

import pandas as pd
import scikit_posthocs
from matplotlib.figure import Figure
from scipy.stats import friedmanchisquare, wilcoxon

Clock = Literal["by_epochs", "by_seconds"]


def regret_table(replays: pd.DataFrame, clock: Clock) -> pd.DataFrame:
    """Return the mean regret over tasks: a row per contestant, a column per budget."""
    table = replays.pivot_table(index="contestant", columns="equivalents", values=clock)
    return table.sort_values(list(table.columns)[len(table.columns) // 2])


def rank_table(replays: pd.DataFrame, clock: Clock, equivalents: int) -> pd.Series:
    """Return each contestant's mean rank over tasks at a budget; 1 is best."""
    return _blocks(replays, clock, equivalents).rank(axis=1).mean().sort_values()


def significance(replays: pd.DataFrame, clock: Clock, equivalents: int) -> pd.DataFrame:
    """Return the p-values that pairs of contestants are alike: Wilcoxon's test, Holm's correction.

    Each task is one observation: the mean regret over seeds.
    """
    blocks = _blocks(replays, clock, equivalents)
    long = blocks.melt(var_name="contestant", value_name="regret")
    return scikit_posthocs.posthoc_wilcoxon(
        long, val_col="regret", group_col="contestant", p_adjust="holm", zero_method="zsplit"
    )


def overall(replays: pd.DataFrame, clock: Clock, equivalents: int) -> float:
    """Return Friedman's p-value that all contestants are alike, or Wilcoxon's of two."""
    blocks = _blocks(replays, clock, equivalents)
    if len(blocks.columns) == 2:
        return float(wilcoxon(*(blocks[name] for name in blocks)).pvalue)
    return float(friedmanchisquare(*(blocks[name] for name in blocks)).pvalue)


def draw_critical_difference(
    replays: pd.DataFrame, clock: Clock, equivalents: int, path: Path
) -> None:
    """Write a diagram of mean ranks; a bar joins contestants that Nemenyi's test cannot part."""
    blocks = _blocks(replays, clock, equivalents)
    pvalues = scikit_posthocs.posthoc_nemenyi_friedman(blocks)
    figure = Figure(figsize=(9, 0.28 * len(blocks.columns) + 1.2), layout="constrained")
    axes = figure.subplots()
    scikit_posthocs.critical_difference_diagram(blocks.rank(axis=1).mean(), pvalues, ax=axes)
    axes.set_title(f"mean rank after {equivalents} whole trainings (lower is better)")
    figure.savefig(path)


def _blocks(replays: pd.DataFrame, clock: Clock, equivalents: int) -> pd.DataFrame:
    chosen = replays[replays.equivalents == equivalents]
    return chosen.pivot_table(index="task", columns="contestant", values=clock)
