"""SMAC3's multi-fidelity search (a random forest proposes, Hyperband allots) over recorded curves.

Needs the package `smac`. SMAC wants a fixed set of parameters, so those that a candidate does not
use are chosen too, and ignored.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

from ConfigSpace import Categorical, ConfigurationSpace, Float, Integer
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from smac import MultiFidelityFacade, Scenario
from smac.runhistory.dataclasses import TrialValue

from spaces import load_space
from spaces.parameters import OfflineTrial, ParamValue, canonicalize
from tests.benchmarks.curves.candidates import is_affordable
from tests.benchmarks.strategies.simulation import Slice
from tests.benchmarks.strategies.surrogate import Surrogate
from tests.benchmarks.strategies.table import Curve, Task

_FIRST, _FACTOR = 1, 3
_ENDLESS = 1_000_000  # trials; the replay ends it


def smac_slices(
    task: Task, surrogate: Surrogate, seed: int, horizon: int
) -> Iterator[tuple[Slice, Curve]]:
    """Yield the slices of SMAC's search without end.

    A candidate that the table leaves out as too large is told to be as bad as can be, for free.
    """
    space = load_space(task.space)
    parameters = {one.name: one.distribution for one in space.parameters()}
    with tempfile.TemporaryDirectory() as folder:
        facade = _facade(parameters, seed, horizon, folder)
        numbers: dict[Any, int] = {}
        while True:
            info = facade.ask()
            trial = _Given(dict(info.config))
            candidate = space.suggest(trial)
            if not is_affordable(task.space, candidate):
                facade.tell(info, TrialValue(cost=1.0))
                continue
            number = numbers.setdefault(info.config, len(numbers))
            curve = surrogate.predict([trial.params])[0]
            until = round(info.budget or horizon)
            facade.tell(info, TrialValue(cost=1 - float(curve.accuracy[:until].max())))
            yield Slice(number, until), curve


def _facade(
    parameters: dict[str, BaseDistribution], seed: int, horizon: int, folder: str
) -> MultiFidelityFacade:
    searched = ConfigurationSpace(seed=seed)
    searched.add(*(_translated(name, one) for name, one in parameters.items()))
    scenario = Scenario(
        searched,
        output_directory=Path(folder),
        deterministic=True,
        min_budget=_FIRST,
        max_budget=horizon,
        n_trials=_ENDLESS,
        seed=seed,
    )
    return MultiFidelityFacade(
        scenario,
        _never_called,
        intensifier=MultiFidelityFacade.get_intensifier(scenario, eta=_FACTOR),
        config_selector=MultiFidelityFacade.get_config_selector(scenario, retrain_after=16),
        logging_level=False,
        overwrite=True,
    )


def _never_called(config: object, seed: int, budget: float) -> float:
    raise AssertionError(f"asked and told, not called: {config}, {seed}, {budget}")


def _translated(name: str, distribution: BaseDistribution) -> Any:
    match distribution:
        case CategoricalDistribution(choices=choices):
            return Categorical(name, list(choices))
        case IntDistribution(low=low, high=high, log=log, step=1) if low < high:
            return Integer(name, (low, high), log=log)
        case IntDistribution(low=low, high=high, step=step):
            return Categorical(name, list(range(low, high + 1, step)), ordered=True)
        case FloatDistribution(low=low, high=high, log=log) if low < high:
            return Float(name, (low, high), log=log)  # a step is taken when the value is used
        case _:
            raise ValueError(f"parameter {name!r}: no translation of {distribution}")


@final
class _Given(OfflineTrial):
    """Returns the values of a configuration, moved to the steps of their ranges."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__()
        self._values = values

    def choose(self, name: str, distribution: BaseDistribution) -> ParamValue:
        value = self._values[name]
        match distribution:
            case FloatDistribution(low=low, high=high, step=float() as step):
                stepped = min(low + step * round((value - low) / step), high)
                return canonicalize(name, distribution, stepped)
            case IntDistribution():
                return canonicalize(name, distribution, int(value))
            case FloatDistribution():
                return canonicalize(name, distribution, float(value))
            case CategoricalDistribution(choices=choices):
                return next(choice for choice in choices if choice == value)
            case _:
                raise ValueError(f"parameter {name!r} has an unknown distribution: {distribution}")
