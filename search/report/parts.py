"""What the parts of report.json share: how they are described, and what may stand in them."""

import math
import re
from abc import ABC
from datetime import datetime
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SkipValidation,
    WithJsonSchema,
)
from pydantic.json_schema import SkipJsonSchema
from pydantic.types import JsonValue

_T = TypeVar("_T")


def finite(value: object) -> object:
    """Replace each number that is not finite by None, as JSON has no such numbers."""
    match value:
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {str(key): finite(one) for key, one in value.items()}
        case list() | tuple():
            return [finite(one) for one in value]
    return value


def without_folders(text: str) -> str:
    """Shorten each path from the root or from a home in the text to its last name."""
    return re.sub(r"(?<![\w.~/:])~?/(?:[^/\s'\"]+/)*(?=[^/\s'\"])", "", text)


Number = Annotated[float | None, BeforeValidator(finite)]
Text = Annotated[str, AfterValidator(without_folders)]
Settings = Annotated[dict[str, JsonValue], BeforeValidator(finite)]
Interval = tuple[Number, Number]
# The storage keeps times without their zone, for which the schema's "date-time" would ask.
LocalTime = Annotated[datetime, WithJsonSchema({"type": "string"})]
# A field of a finding that report.json does not hold.
Unlisted = Annotated[_T, Field(exclude=True, repr=False), SkipJsonSchema(), SkipValidation()]


class ReportPart(BaseModel, ABC):
    """A part of report.json; it can be read from a value with attributes of the same names.

    Each field is described by the docstring under it, which the JSON Schema repeats.
    """

    model_config = ConfigDict(
        frozen=True,
        from_attributes=True,
        use_attribute_docstrings=True,
        arbitrary_types_allowed=True,
        json_schema_serialization_defaults_required=True,
    )
