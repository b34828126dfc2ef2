"""What the parts of report.json share: how they are read, and what may stand in them. Pure."""

import math
import re
from abc import ABC
from datetime import datetime
from typing import Annotated, final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic.types import JsonValue


class Facts(BaseModel, ABC):
    """A part of report.json, read from a value whose attributes have the same names.

    Each field is described by the docstring under it, which the JSON Schema repeats.
    """

    model_config = ConfigDict(frozen=True, from_attributes=True, use_attribute_docstrings=True)


def finite(value: object) -> object:
    """Return the value with None for each number in it that is not finite, which JSON lacks."""
    match value:
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {str(key): finite(one) for key, one in value.items()}
        case list() | tuple():
            return [finite(one) for one in value]
    return value


def without_folders(text: str) -> str:
    """Return the text with the last name alone of each path from the root or from a home."""
    return re.sub(r"(?<![\w.~/:])~?/(?:[^/\s'\"]+/)*(?=[^/\s'\"])", "", text)


Number = Annotated[float | None, BeforeValidator(finite)]
Text = Annotated[str, AfterValidator(without_folders)]
Settings = Annotated[dict[str, JsonValue], BeforeValidator(finite)]
Interval = tuple[Number, Number]
# The storage keeps times without their zone, for which the schema's "date-time" would ask.
LocalTime = Annotated[datetime, WithJsonSchema({"type": "string"})]


@final
class AfterFacts(Facts):
    """How far trials were compared with each other."""

    epoch: int
    """After this epoch."""
    folds: int
    """By the mean over so many folds, the first ones."""
    of: int
    """The study's folds."""
