"""How trials are validated, as objects: a holdout, or k folds."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from search.errors import UserError
from search.recipe import Recipe


class Validation(ABC):
    """How the training images are split to validate trials; raises UserError for nonsense."""

    def __post_init__(self) -> None:
        Recipe.from_sources(None, {"space": "cnn", **self.settings()})  # checks them

    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """Return the recipe's settings that it stands for."""


@final
@dataclass(frozen=True)
class Holdout(Validation):
    """A stratified part of the training images is held out.

    Args:
        fraction: The share of the training images, between 0 and 1.
    """

    fraction: float = 0.2

    def settings(self) -> Mapping[str, Any]:
        return {"validation": "holdout", "holdout_fraction": self.fraction}


@final
@dataclass(frozen=True)
class KFold(Validation):
    """Stratified cross-validation: a trial's score is the mean over its folds.

    Args:
        folds: How many folds, at least 2.
        racing: Whether every trial starts on one fold and only the best earn the others.
    """

    folds: int = 5
    racing: bool = False

    def settings(self) -> Mapping[str, Any]:
        return {"validation": "kfold", "folds": self.folds, "racing": self.racing}


def validation_settings(validation: str | Validation | None) -> Mapping[str, Any]:
    """Return the settings that stand for how trials are validated; raises UserError if none do."""
    match validation:
        case None:
            return {}
        case Validation():
            return validation.settings()
        case str():
            return {"validation": validation}
        case _:
            raise UserError(
                "validation: must be search.KFold(5), search.Holdout(0.2), 'kfold', 'holdout' or "
                f"'given', got {validation!r}"
            )
