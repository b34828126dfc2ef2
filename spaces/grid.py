"""Depth-first enumeration of a space: every combination of levels, each once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import final

from optuna.distributions import BaseDistribution
from optuna.trial import BaseTrial

from spaces.ranges import OfflineTrial, ParamValue, canonicalize, spread

Levels = Mapping[str, Sequence[ParamValue]]


@final
@dataclass(frozen=True)
class _Turn:
    """The level taken at one parameter, out of `n_levels`."""

    name: str
    level: int
    n_levels: int


@final
class _Walk(OfflineTrial):
    """Takes the given turns, then the first level of everything else."""

    def __init__(self, turns: Sequence[_Turn], levels: Levels) -> None:
        super().__init__()
        self.turns: list[_Turn] = []
        self._given = turns
        self._levels = levels

    def choose(self, name: str, distribution: BaseDistribution) -> ParamValue:
        levels = grid_levels(name, distribution, self._levels)
        turn = _Turn(name, 0, len(levels))
        if len(self.turns) < len(self._given):
            turn = self._given[len(self.turns)]
            if (turn.name, turn.n_levels) != (name, len(levels)):
                raise ValueError(
                    f"the space asks for {name!r} where it asked for {turn.name!r} before: "
                    "suggest must depend on the trial's values alone"
                )
        self.turns.append(turn)
        return levels[turn.level]


def enumerate_grid(
    suggest: Callable[[BaseTrial], object], levels: Levels
) -> Iterator[dict[str, ParamValue]]:
    """Yield the parameters of every combination, the last one asked for varying fastest.

    A conditional parameter is there only where `suggest` asks for it. `levels` may name the
    values of some parameters; `spread` gives those of the others. Raises ValueError naming the
    parameter where a level lies outside its range.
    """
    turns: list[_Turn] | None = []
    while turns is not None:
        walk = _Walk(turns, levels)
        suggest(walk)
        yield walk.params
        turns = _next_turns(walk.turns)


def grid_levels(
    name: str, distribution: BaseDistribution, levels: Levels
) -> tuple[ParamValue, ...]:
    """Return the parameter's own levels, or `spread` where it has none; never a value twice."""
    if name not in levels:
        return spread(distribution)
    if not levels[name]:
        raise ValueError(f"grid_levels of parameter {name!r} must not be empty")
    return tuple(dict.fromkeys(canonicalize(name, distribution, level) for level in levels[name]))


def _next_turns(turns: list[_Turn]) -> list[_Turn] | None:
    """Return the path up to and with the last turn that has a level left, one level on."""
    for depth in reversed(range(len(turns))):
        turn = turns[depth]
        if turn.level + 1 < turn.n_levels:
            return [*turns[:depth], _Turn(turn.name, turn.level + 1, turn.n_levels)]
    return None
