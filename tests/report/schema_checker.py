"""As much of JSON Schema (2020-12) as report.schema.json uses."""

from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "integer": (int,),
    "number": (int, float),
}
_KNOWN = {
    "$defs", "$ref", "additionalProperties", "anyOf", "const", "description", "enum", "format",
    "items", "maxItems", "minItems", "prefixItems", "properties", "required", "title", "type",
}  # fmt: skip


def errors(value: Any, schema: Any, root: Any, place: str = "$") -> list[str]:
    """Return what in a value, as read from JSON, the schema does not allow."""
    assert set(schema) <= _KNOWN, f"{place}: this checker knows nothing of {set(schema) - _KNOWN}"
    if "$ref" in schema:
        return errors(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, place)
    if "anyOf" in schema:
        tries = [errors(value, one, root, place) for one in schema["anyOf"]]
        return min(tries, key=len)
    found = _own_errors(value, schema, place)
    if found:
        return found
    return [
        error
        for one, rule, at in _parts(value, schema, place)
        for error in errors(one, rule, root, at)
    ]


def _own_errors(value: Any, schema: Any, place: str) -> list[str]:
    kind = schema.get("type")
    if kind is not None:
        wrong_bool = isinstance(value, bool) and kind != "boolean"
        if wrong_bool or not isinstance(value, _TYPES[kind]):
            return [f"{place}: {value!r} is no {kind}"]
    if "const" in schema and value != schema["const"]:
        return [f"{place}: {value!r} is not {schema['const']!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{place}: {value!r} is none of {schema['enum']}"]
    if isinstance(value, list) and len(value) < schema.get("minItems", 0):
        return [f"{place}: too short"]
    missing = [name for name in schema.get("required", ()) if name not in value]
    return [f"{place}: lacks {', '.join(missing)}"] if missing else []


def _parts(value: Any, schema: Any, place: str) -> list[tuple[Any, Any, str]]:
    if isinstance(value, list):
        rules = schema.get("prefixItems") or [schema.get("items", {})] * len(value)
        return [
            (one, rule, f"{place}[{i}]")
            for i, (one, rule) in enumerate(zip(value, rules, strict=True))
        ]
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        return [(one, known.get(name, others), f"{place}.{name}") for name, one in value.items()]
    return []
