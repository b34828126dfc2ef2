"""Families of networks that a user's space brings along, and candidates that hold one of them.

A stored candidate names its family and has its settings. Whatever trains it, or uses its network,
runs the stored code of the space's file to get the class; whatever only shows it does not.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache, reduce
from operator import is_, or_
from typing import Annotated, Any, TypeAlias, final

import numpy as np
from pydantic import Field, GetPydanticSchema, TypeAdapter, ValidationInfo
from pydantic_core import core_schema
from torch import nn

from cifar_models import FAMILIES, ModelConfig
from spaces.errors import SpaceError
from spaces.user_code import UserCode

Families: TypeAlias = Sequence[type[ModelConfig]]
_KINDS = tuple(family.kind for family in FAMILIES)


@final
@dataclass(frozen=True)
class StoredNetwork(ModelConfig):
    """A network of a user's family whose code has not been run: it can be shown, but not built.

    Attributes:
        kind: Its family.
        text: Its settings, as JSON.
    """

    kind: str
    text: str

    def build(self, input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
        """Raise ValueError."""
        del input_shape, num_classes
        raise ValueError(
            f"network family {self.kind!r} is not of this program, and its code has not been run"
        )

    def settings(self) -> dict[str, Any]:
        """Return its settings, as JSON values."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    def _settings(self) -> Any:
        return self.settings().items()


@final
@dataclass(frozen=True)
class FamilySource:
    """The code of a user's space that has families: enough to build its networks anywhere.

    Attributes:
        files: The space's file and what it imports, see `UserCode`.
        space: The space's name in it.
    """

    files: tuple[tuple[str, str], ...]
    space: str

    def load(self) -> tuple[type[ModelConfig], ...]:
        """Run the code, once in a process, and return the families; raises whatever it raises."""
        space: Any = getattr(UserCode(self.files[0][0], self.files).run(), self.space)
        return tuple(space.families)


def family_kind(family: type[ModelConfig]) -> str:
    """Return the name that all networks of a family have; "" if it has none."""
    fields: Mapping[str, Any] = getattr(family, "model_fields", {})
    kind = fields["kind"].default if "kind" in fields else getattr(family, "kind", "")
    return kind if isinstance(kind, str) else ""


def check_family(family: type[ModelConfig]) -> None:
    """Raise SpaceError, which says what a family must be, unless this is one."""
    name = getattr(family, "__name__", repr(family))
    if not (isinstance(family, type) and issubclass(family, ModelConfig)):
        raise SpaceError(f"family {name} must be a class derived from ModelConfig")
    kind = family_kind(family)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", kind):
        raise SpaceError(
            f"family {name} must have a name of letters a-z, digits, - and _, such as "
            f"`kind: Literal['mine'] = 'mine'`, got {kind!r}"
        )
    if kind in _KINDS and family not in FAMILIES:
        raise SpaceError(f"family {name} must not be called {kind!r}, which this program has")
    parameters = getattr(family, "__dataclass_params__", None)
    config: Mapping[str, Any] = getattr(family, "model_config", {})
    if not (getattr(parameters, "frozen", False) or config.get("frozen")):
        raise SpaceError(f"family {name} must be a frozen dataclass: @dataclass(frozen=True)")


@cache
def _adapter(family: type[ModelConfig]) -> TypeAdapter[ModelConfig]:
    return TypeAdapter(family)


def _validate(value: Any, handler: Any, info: ValidationInfo) -> ModelConfig:
    """Return a network: of this program, of the context's families, or as it is stored."""
    if isinstance(value, ModelConfig) and is_dataclass(value):
        value = _with_plain_values(value)
    if isinstance(value, ModelConfig) and type(value) not in FAMILIES:
        return value
    context: Mapping[str, Any] = info.context or {}
    kind = value.get("kind") if isinstance(value, Mapping) else None
    for family in context.get("families", ()):
        if kind == family_kind(family):
            return _adapter(family).validate_python(value)
    if isinstance(kind, str) and kind not in _KINDS and context.get("as_stored"):
        settings = {name: one for name, one in value.items() if name != "kind"}
        return StoredNetwork(kind, json.dumps(settings))
    made: ModelConfig = handler(value)
    return made


def _with_plain_values(network: Any) -> Any:
    """Return a network as it comes back from JSON: tuples for lists, Python's numbers for NumPy's.

    Anything else that JSON cannot hold is found when the space is tried out.
    """
    given = {one.name: getattr(network, one.name) for one in fields(network) if one.init}
    plain = {name: _plain(value) for name, value in given.items()}
    changed = {name: value for name, value in plain.items() if value is not given[name]}
    return replace(network, **changed) if changed else network


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        plain = tuple(map(_plain, value))
        same = isinstance(value, tuple) and all(map(is_, plain, value))
        return value if same else plain
    return value


def _serialize(value: Any, handler: Any, info: Any) -> Any:
    if isinstance(value, StoredNetwork):
        return {"kind": value.kind, **value.settings()}
    if isinstance(value, ModelConfig) and type(value) not in FAMILIES:
        return _adapter(type(value)).dump_python(value, mode=info.mode)
    return handler(value)


def _schema(_source: Any, handler: Any) -> core_schema.CoreSchema:
    union = Annotated[reduce(or_, FAMILIES), Field(discriminator="kind")]  # type: ignore[valid-type]
    known = handler(union)
    return core_schema.with_info_wrap_validator_function(
        _validate,
        known,
        serialization=core_schema.wrap_serializer_function_ser_schema(
            _serialize, info_arg=True, schema=known
        ),
    )


ANY_FAMILY = GetPydanticSchema(_schema)
"""Annotates a field for a network of any family."""
