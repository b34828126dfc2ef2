"""The strategies that are compared: where each gets its candidates, and how far it trains them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, final

import optuna

from search.tuning.pruners import HalvingPruner, HyperbandPruner, MedianPruner, NoPruner, Pruner
from tests.benchmarks.strategies.simulation import Strategy
from tests.benchmarks.strategies.trained import (
    best_of_group,
    extrapolated,
    progressive_promotion,
    promotion,
    pruned_by,
    short_schedules,
    short_then_whole,
)

Source = Literal["uniform", "prior", "fitted", "evolved", "tpe", "gp", "cma", "smac"]
Start = Literal["none", "baseline", "portfolio"]


@final
@dataclass(frozen=True)
class Contestant:
    """One way to search.

    Attributes:
        name: What tables call it.
        source: Where candidates come from after the first ones; "prior" is the program's,
            "fitted" one that was fitted to the other data sets.
        start: Which candidates come first; "portfolio" has the baseline before it.
        strategy: How far trials are trained; None: the source chooses that, too.
        seeds: How many replays of a task; None: as many as are asked for.
    """

    name: str
    source: Source
    start: Start
    strategy: Strategy | None = field(compare=False)
    seeds: int | None = None


def _default(pruner: type[Pruner]) -> Strategy:
    return pruned_by(pruner.for_horizon)


def _halving(first: int, factor: int) -> Strategy:
    return pruned_by(lambda _epochs, _seed: HalvingPruner(first, factor))


_NONE, _MEDIAN = _default(NoPruner), _default(MedianPruner)
_HALVING, _HYPERBAND = _default(HalvingPruner), _default(HyperbandPruner)
_FEW = 5  # replays of samplers that take long to ask

CONTESTANTS: tuple[Contestant, ...] = (
    Contestant("random", "uniform", "none", _NONE),
    Contestant("random, median", "uniform", "baseline", _MEDIAN),
    Contestant("random, halving", "uniform", "baseline", _HALVING),
    Contestant("random, hyperband", "uniform", "baseline", _HYPERBAND),
    Contestant("random, ASHA", "uniform", "baseline", promotion(2, 3)),
    Contestant("random, best of 9 after 1", "uniform", "baseline", best_of_group(9, (1, 1))),
    Contestant("prior, none", "prior", "baseline", _NONE),
    Contestant("prior, halving", "prior", "baseline", _HALVING),
    Contestant("fitted prior, none", "fitted", "baseline", _NONE),
    Contestant(
        "portfolio and fitted prior, best of 9 after 3",
        "fitted",
        "portfolio",
        best_of_group(9, (3, 1)),
    ),
    Contestant("portfolio, none", "uniform", "portfolio", _NONE),
    Contestant("portfolio, halving", "uniform", "portfolio", _HALVING),
    Contestant("portfolio and prior, none", "prior", "portfolio", _NONE),
    Contestant("portfolio and prior, halving", "prior", "portfolio", _HALVING),
    Contestant("portfolio and prior, median", "prior", "portfolio", _MEDIAN),
    Contestant("portfolio and prior, hyperband", "prior", "portfolio", _HYPERBAND),
    Contestant("portfolio and prior, ASHA", "prior", "portfolio", promotion(2, 3)),
    Contestant("random, PASHA", "uniform", "baseline", progressive_promotion(1, 3)),
    Contestant("random, extrapolation", "uniform", "baseline", extrapolated(3, 3)),
    Contestant("portfolio and prior, PASHA", "prior", "portfolio", progressive_promotion(1, 3)),
    Contestant("portfolio and prior, extrapolation", "prior", "portfolio", extrapolated(3, 3)),
    Contestant("portfolio and prior, ASHA from 1", "prior", "portfolio", promotion(1, 3)),
    Contestant(
        "portfolio and prior, best of 9 after 1",
        "prior",
        "portfolio",
        best_of_group(9, (1, 1)),
    ),
    *(
        Contestant(
            f"portfolio and prior, {name}", "prior", "portfolio", best_of_group(count, *looks)
        )
        for name, count, looks in (
            ("best of 9 after 3", 9, ((3, 1),)),
            ("best of 9 after 6", 9, ((6, 1),)),
            ("best of 9 after 9", 9, ((9, 1),)),
            ("best 2 of 9 after 3", 9, ((3, 2),)),
            ("best of 5 after 5", 5, ((5, 1),)),
            ("best 3 of 9 after 3, 1 after 9", 9, ((3, 3), (9, 1))),
            ("best 3 of 9 after 3, 1 after 18", 9, ((3, 3), (18, 1))),
            ("best 9 of 27 after 1, 3 after 3, 1 after 9", 27, ((1, 9), (3, 3), (9, 1))),
            ("best 9 of 27 after 3, 3 after 9", 27, ((3, 9), (9, 3))),
        )
    ),
    *(
        Contestant(
            f"portfolio and prior, halving from {first} by {factor}",
            "prior",
            "portfolio",
            _halving(first, factor),
        )
        for first in (1, 2, 4)
        for factor in (2, 3, 4)
        if (first, factor) != (2, 3)
    ),
    Contestant("portfolio and prior, halving from 3 by 9", "prior", "portfolio", _halving(3, 9)),
    *(
        Contestant(
            f"portfolio and prior, ASHA from {first} by {factor}",
            "prior",
            "portfolio",
            promotion(first, factor),
        )
        for first, factor in ((3, 9), (3, 4), (4, 3))
    ),
    Contestant("random, short schedules", "uniform", "baseline", short_schedules),
    Contestant("prior, short schedules", "prior", "baseline", short_schedules),
    Contestant("portfolio and prior, short schedules", "prior", "portfolio", short_schedules),
    *(
        Contestant(
            f"portfolio and prior, {count} short, {keep} whole",
            "prior",
            "portfolio",
            short_then_whole(count, keep),
        )
        for count, keep in ((9, 1), (9, 3), (18, 3))
    ),
    Contestant(
        "portfolio and evolved, best of 9 after 3",
        "evolved",
        "portfolio",
        best_of_group(9, (3, 1)),
        _FEW,
    ),
    Contestant(
        "portfolio and evolved, short schedules", "evolved", "portfolio", short_schedules, _FEW
    ),
    Contestant("TPE", "tpe", "none", _NONE, _FEW),
    Contestant("TPE, halving", "tpe", "baseline", _HALVING, _FEW),
    Contestant("TPE, hyperband", "tpe", "baseline", _HYPERBAND, _FEW),
    Contestant("portfolio and TPE, halving", "tpe", "portfolio", _HALVING, _FEW),
    Contestant("TPE, best of 9 after 3", "tpe", "baseline", best_of_group(9, (3, 1)), _FEW),
    Contestant(
        "portfolio and TPE, best of 9 after 3",
        "tpe",
        "portfolio",
        best_of_group(9, (3, 1)),
        _FEW,
    ),
    Contestant("Gaussian process", "gp", "none", _NONE, _FEW),
    Contestant("CMA-ES", "cma", "none", _NONE, _FEW),
    Contestant("SMAC3, Hyperband", "smac", "none", None, _FEW),
)


def optuna_sampler(source: Source, seed: int) -> optuna.samplers.BaseSampler:
    """Return Optuna's sampler."""
    makers: dict[Source, Callable[[], optuna.samplers.BaseSampler]] = {
        "tpe": lambda: optuna.samplers.TPESampler(seed=seed, group=True),
        "gp": lambda: optuna.samplers.GPSampler(seed=seed),
        "cma": lambda: optuna.samplers.CmaEsSampler(seed=seed),
    }
    return makers[source]()
