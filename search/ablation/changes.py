"""The changes that lead from one candidate to another, and the candidates between them.

A change is one setting, such as the batch size or the network's dropout. What only makes sense
together is one change: another optimizer with its learning rate and weight decay, another kind of
network with all its sizes.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from spaces.candidate import Candidate, candidate_differences, describe_optimizer
from spaces.families import Families


@final
@dataclass(frozen=True)
class _Part:
    """A part of a candidate: the field that says of which kind it is, and what it is in words."""

    kind: str
    words: Callable[[Candidate], str]


_KINDS = {
    "model": _Part("kind", lambda one: one.model.describe()),
    "optimizer": _Part("name", describe_optimizer),
    "schedule": _Part("name", lambda one: one.schedule.words),
    "loss": _Part("name", lambda one: ", ".join(one.loss.settings()) or "cross entropy"),
}

_Field = tuple[str, ...]
_ABSENT = object()


@final
@dataclass(frozen=True)
class Change:
    """One step from a candidate towards another.

    Attributes:
        name: What changes, as part.setting or part, such as "model.channels" or "optimizer".
        fields: The paths of the settings in the candidate's JSON, each one or two names long.
        before: The values in the first candidate, in words.
        after: The values in the other candidate.
    """

    name: str
    fields: tuple[_Field, ...]
    before: str
    after: str


def changes_between(
    start: Candidate, end: Candidate, families: Families = ()
) -> tuple[Change, ...]:
    """Return the changes from one candidate to the other, in the order of the settings.

    Settings of one part that cannot change alone, such as the widths and the dropouts of a network
    that gets another layer, are one change.
    """
    words = {name: (a, b) for name, a, b in candidate_differences(start, end)}
    found: dict[str, list[_Field]] = {}
    for path in _changed(_values(start), _values(end)):
        alone = changed(start, end, [Change("", (path,), "", "")], families) is not None
        found.setdefault(".".join(path) if alone else path[0], []).append(path)
    return tuple(
        Change(name, tuple(paths), *(_in_words(paths, words) or _kinds(name, start, end)))
        for name, paths in found.items()
    )


def changed(
    start: Candidate, end: Candidate, changes: Collection[Change], families: Families = ()
) -> Candidate | None:
    """Return the first candidate after some of the changes; None if they do not go together."""
    values, other = _values(start), _values(end)
    for change in changes:
        for path in change.fields:
            _set(values, path, _get(other, path))
    try:
        return Candidate.from_json(json.dumps(values), families)
    except ValueError:
        return None


def _values(candidate: Candidate) -> dict[str, Any]:
    """Return all settings as JSON has them; the usual ones too, which it leaves out."""
    values = candidate.model_dump(mode="json")
    for name in type(candidate).model_fields:
        if name not in values:
            value = getattr(candidate, name)
            values[name] = value.model_dump(mode="json") if name in _KINDS else value
    return values


def _changed(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[_Field]:
    for part, value in left.items():
        other, kind = right[part], _KINDS.get(part)
        if value == other:
            continue
        if kind is None or value[kind.kind] != other[kind.kind]:
            yield (part,)
            continue
        for name in dict.fromkeys([*value, *other]):
            if value.get(name, _ABSENT) != other.get(name, _ABSENT):
                yield part, name


def _in_words(
    paths: Sequence[_Field], words: Mapping[str, tuple[str, str]]
) -> tuple[str, str] | None:
    """Return the values of settings before and after; None for another kind of a part."""
    names = [".".join(path) for path in paths]
    if not all(name in words for name in names):
        return None
    before, after = ("; ".join(side) for side in zip(*(words[one] for one in names), strict=True))
    return before, after


def _kinds(part: str, start: Candidate, end: Candidate) -> tuple[str, str]:
    return _KINDS[part].words(start), _KINDS[part].words(end)


def _get(values: Mapping[str, Any], path: _Field) -> Any:
    for name in path:
        values = values.get(name, _ABSENT) if isinstance(values, Mapping) else _ABSENT
    return values


def _set(values: dict[str, Any], path: _Field, value: Any) -> None:
    *outer, name = path
    for one in outer:
        values[one] = dict(values[one])
        values = values[one]
    if value is _ABSENT:
        values.pop(name, None)
    else:
        values[name] = value
