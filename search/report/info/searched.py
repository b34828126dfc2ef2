"""The searched parameters of the trials that can be compared, best first. Pure, but for Optuna."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution

from search.report.info.comparing import After, comparable_trials
from search.report.info.scales import Scale, parameter_scale
from search.tuning.records import StudyRecord


@final
@dataclass(frozen=True)
class Searched:
    """A parameter with its latest range; `values` are those of the trials, best first.

    A trial without it, where it hangs on a condition, has the value MISSING.
    """

    name: str
    distribution: BaseDistribution
    values: tuple[object, ...]

    def known(self, trials: slice) -> list[Any]:
        """Return the values of these trials, without the missing ones."""
        return [value for value in self.values[trials] if value is not MISSING]

    def scale(self) -> Scale:
        """Return the positions, 0 to 1, of its range or of its choices in their order."""
        return parameter_scale(self.distribution, self.known(slice(None)))

    def is_number(self) -> bool:
        """Return whether it is a range of numbers, not a choice among several."""
        return not isinstance(self.distribution, CategoricalDistribution)


@final
class _Missing:
    """The value of a parameter that a trial was not asked for; None may be a choice."""


MISSING = _Missing()


@final
@dataclass(frozen=True)
class Ranked:
    """The trials' numbers, best first, and their parameters; `after` as in `comparable_trials`."""

    numbers: tuple[int, ...]
    parameters: tuple[Searched, ...]
    after: After | None


def ranked_parameters(record: StudyRecord, study: optuna.Study) -> Ranked:
    """Return the varied parameters by name; ties rank in the plan's order.

    A grid's ranges are the values that it tried.
    """
    compared = comparable_trials(record)
    sign = -1.0 if record.recipe.metric == "accuracy" else 1.0
    order = sorted(range(len(compared.values)), key=lambda i: sign * compared.values[i])
    numbers = tuple(compared.trials[i].number for i in order)
    parameters = _searched(study, numbers)
    if record.recipe.sampler == "grid":
        parameters = (_as_tried(parameter) for parameter in parameters)
    return Ranked(numbers, tuple(parameters), compared.after)


def _searched(study: optuna.Study, numbers: Sequence[int]) -> Iterator[Searched]:
    frozen = {trial.number: trial for trial in study.get_trials(deepcopy=False)}
    trials = [frozen[number] for number in numbers]
    latest: dict[str, BaseDistribution] = {}
    for number in sorted(numbers):
        latest |= frozen[number].distributions
    for name in sorted(latest):
        values = tuple(trial.params.get(name, MISSING) for trial in trials)
        if len(set(map(repr, values)) - {repr(MISSING)}) > 1:
            yield Searched(name, latest[name], values)


def _as_tried(searched: Searched) -> Searched:
    if not searched.is_number():
        return searched
    tried = sorted(set(searched.known(slice(None))))
    return replace(searched, distribution=CategoricalDistribution(tried))
