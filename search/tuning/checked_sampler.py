"""A sampler of Optuna whose mistakes are told as its own.

A space may reject a point by a ValueError. The same error of a sampler would pass for that, and the
sampler would be asked again and again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from search.errors import UserError, describe_error
from spaces.parameters import canonicalize, describe_range


@final
class CheckedSampler(BaseSampler):
    """Asks a sampler for one point, and keeps what went wrong.

    Args:
        sampler: Whom it asks.
        setting: What a recipe calls it.
        index: Where in the plan the point belongs.

    Attributes:
        failure: What went wrong; None if nothing did.
    """

    def __init__(self, sampler: BaseSampler, setting: str, index: int) -> None:
        self._sampler, self._setting = sampler, setting
        self._place = f"at trial {index} of the plan"
        self.failure: UserError | None = None

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Let it prepare for a trial."""
        with self._noting():
            self._sampler.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the parameters of which it chooses values together."""
        with self._noting():
            return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return values that were chosen together.

        Optuna itself replaces numbers outside their range, and refuses what is checked here.
        """
        with self._noting():
            values = self._sampler.sample_relative(study, trial, search_space)
            for name, value in values.items():
                search_space[name].to_internal_repr(value)
        return values

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return a value of one parameter; raises SpaceError if it is outside its range."""
        with self._noting():
            value = self._sampler.sample_independent(study, trial, param_name, param_distribution)
        try:
            canonicalize(param_name, param_distribution, value)
        except ValueError:
            self.failure = UserError(
                f"sampler {self._setting!r} chose {value!r} for parameter {param_name!r} "
                f"{self._place}, but it must be {describe_range(param_distribution)}"
            )
            raise
        return value

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.failure = UserError(
                f"sampler {self._setting!r} failed {self._place}: {describe_error(error)}"
            )
            raise
