"""A trial around another one, which answers what it does not change itself."""

import datetime
from abc import ABC
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from optuna.distributions import CategoricalChoiceType
from optuna.trial import BaseTrial

_Choice = TypeVar("_Choice", bound=CategoricalChoiceType)


class WrappedTrial(BaseTrial, ABC):
    """Passes everything on to a trial; a subclass changes what is suggested."""

    def __init__(self, trial: BaseTrial) -> None:
        self._trial = trial

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Ask for a number."""
        return self._trial.suggest_float(name, low, high, step=step, log=log)

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Ask for an integer."""
        return self._trial.suggest_int(name, low, high, step=step, log=log)

    def suggest_categorical(self, name: str, choices: Sequence[_Choice]) -> _Choice:
        """Ask for one of the choices."""
        return cast("_Choice", self._trial.suggest_categorical(name, choices))

    def suggest_uniform(self, name: str, low: float, high: float) -> float:
        """Return `suggest_float`; deprecated by Optuna."""
        return self.suggest_float(name, low, high)

    def suggest_loguniform(self, name: str, low: float, high: float) -> float:
        """Return `suggest_float` on a log scale; deprecated by Optuna."""
        return self.suggest_float(name, low, high, log=True)

    def suggest_discrete_uniform(self, name: str, low: float, high: float, q: float) -> float:
        """Return `suggest_float` in steps of q; deprecated by Optuna."""
        return self.suggest_float(name, low, high, step=q)

    def report(self, value: float, step: int) -> None:
        """Report a value."""
        self._trial.report(value, step)

    def should_prune(self) -> bool:
        """Return whether the trial should end."""
        return self._trial.should_prune()

    def set_user_attr(self, key: str, value: Any) -> None:
        """Record an attribute."""
        self._trial.set_user_attr(key, value)

    def set_constraint(self, key: str, value: float) -> None:
        """Record a constraint."""
        self._trial.set_constraint(key, value)

    @property
    def params(self) -> dict[str, Any]:
        """The values so far."""
        return self._trial.params

    @property
    def distributions(self) -> dict[str, Any]:
        """The distributions so far."""
        return self._trial.distributions

    @property
    def user_attrs(self) -> dict[str, Any]:
        """The recorded attributes."""
        return self._trial.user_attrs

    @property
    def constraints(self) -> dict[str, float]:
        """The recorded constraints."""
        constraints: dict[str, float] = self._trial.constraints
        return constraints

    @property
    def datetime_start(self) -> datetime.datetime | None:
        """When it started."""
        return self._trial.datetime_start

    @property
    def number(self) -> int:
        """Its number in a study; raises SpaceError without one."""
        return self._trial.number

    def __getattr__(self, name: str) -> Any:
        """Return what only some trials have, such as `system_attrs`."""
        return getattr(self._trial, name)
