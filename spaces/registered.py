"""What optimizers and schedules share: settings that are registered under a name."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Annotated, Any, ClassVar, Self, TypeVar, cast

from optuna.trial import BaseTrial
from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema, ValidationError
from pydantic_core import core_schema

from spaces.errors import SettingError, reason_of

_Name = TypeVar("_Name", bound=str)
_Config = TypeVar("_Config", bound="NamedConfig")


FROZEN = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Settings(BaseModel, ABC):
    """Settings that cannot be changed; a wrong one is a `SettingError` when they are made."""

    model_config = FROZEN

    def __init__(self, /, **settings: Any) -> None:
        """Check the settings; raises SettingError, which names the first wrong one."""
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise SettingError(reason_of(error)) from None

    # Stored settings are read as by pydantic's own, whose errors say where they are.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]


class NamedConfig(Settings, ABC):
    """Settings of one kind of optimizer or schedule.

    A subclass fixes `name`, the kind's name in stored candidates, by a `Literal` with a default.
    `words` name the kind in a sentence.
    """

    name: str
    words: ClassVar[str]

    @classmethod
    def key(cls) -> str:
        """Return the name that all settings of this kind have."""
        return str(cls.model_fields["name"].default)

    @classmethod
    @abstractmethod
    def suggest(cls, trial: BaseTrial) -> Self:
        """Return suggested settings; parameter names must not be used by another kind."""


def one_of(classes: Sequence[type[Any]], tag: str) -> GetPydanticSchema:
    """Return the annotation of a field for any of the classes, distinguished by their `tag`."""
    union = Annotated[reduce(or_, classes), Field(discriminator=tag)]  # type: ignore[valid-type]
    return GetPydanticSchema(lambda _source, handler: handler(union))


def one_of_names(names: Sequence[str]) -> GetPydanticSchema:
    """Return the annotation of a field for one of the names."""
    return GetPydanticSchema(lambda _source, _handler: core_schema.literal_schema(list(names)))


def suggest_name(trial: BaseTrial, name: str, choices: Sequence[_Name]) -> _Name:
    """Return one of the choices, typed as they are."""
    return cast("_Name", trial.suggest_categorical(name, choices))


def suggest_kind(trial: BaseTrial, name: str, among: Sequence[type[_Config]]) -> _Config:
    """Return settings of a suggested kind; the parameter `name` holds the kind's name.

    Raises ValueError if it holds another name, as ranges that a user gave may have it.
    """
    kinds = {kind.key(): kind for kind in among}
    chosen = suggest_name(trial, name, tuple(kinds))
    if chosen not in kinds:
        raise ValueError(f"{name} must be one of {', '.join(kinds)}, got {chosen!r}")
    return kinds[chosen].suggest(trial)
