"""Values as digests: equal for equal values, without what differs from run to run."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

_VOLATILE = {
    "cache_dir",
    "disk_free",
    "disk_needed",
    "finished",
    "hardware",
    "refit_seconds",
    "search_seconds",
    "seconds",
    "seconds_high",
    "seconds_low",
    "started",
    "time",
    "trial_seconds",
    "versions",
}


def stable(value: Any) -> Any:
    """Return a JSON value without times, places and what it was run on, at any depth."""
    if isinstance(value, Mapping):
        return {key: stable(one) for key, one in value.items() if key not in _VOLATILE}
    return [stable(one) for one in value] if isinstance(value, list | tuple) else value


def digest(value: Any) -> str:
    """Return a short hash of a JSON value or of bytes."""
    plain = (
        value if isinstance(value, bytes) else json.dumps(stable(value), sort_keys=True).encode()
    )
    return hashlib.sha256(plain).hexdigest()[:12]


def key_paths(value: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted path of every key, items of a list taken together."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield f"{path}{key}"
            yield from key_paths(one, f"{path}{key}.")
    elif isinstance(value, list):
        for one in value:
            yield from key_paths(one, path)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value that is no mapping with its dotted path, items of a list one by one."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from leaves(one, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, path)
    else:
        yield path, value
