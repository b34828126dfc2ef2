"""Pruning rules by name, with their default settings."""

from typing import Literal

from search.recipe import PrunerName
from search.tuning.rules import (
    HalvingRule,
    HyperbandRule,
    MedianRule,
    NoPruning,
    PruningRule,
    rungs,
)


def build_rule(name: PrunerName | Literal["auto"], epochs: int, seed: int) -> PruningRule:
    """Return the rule with its default settings for trainings of `epochs` epochs.

    Raises ValueError for "auto", which a resolved recipe does not hold.
    """
    first, factor = max(2, epochs // 10), 3  # measured: studies/README.md
    match name:
        case "none":
            return NoPruning()
        case "median":
            return MedianRule(startup_trials=5, warmup_epochs=first)
        case "halving":
            return HalvingRule(first, factor)
        case "hyperband":
            starts = rungs(first, factor, max(first, epochs // factor))
            return HyperbandRule(tuple(HalvingRule(start, factor) for start in starts), seed)
        case "auto":
            raise ValueError("pruner must be resolved, got 'auto'")
