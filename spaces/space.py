"""Space: what may be searched, as one function from a trial to a candidate."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

from optuna.distributions import BaseDistribution
from optuna.trial import BaseTrial

from spaces.candidate import Candidate
from spaces.grid import enumerate_grid
from spaces.parameters import Parameter, find_parameters
from spaces.ranges import OfflineTrial, ParamValue, canonicalize


@final
class _Replay(OfflineTrial):
    """Gives back known parameters."""

    def __init__(self, params: Mapping[str, ParamValue]) -> None:
        super().__init__()
        self._known = params

    def choose(self, name: str, distribution: BaseDistribution) -> ParamValue:
        if name not in self._known:
            raise ValueError(f"parameter {name!r} is asked for but has no value")
        return canonicalize(name, distribution, self._known[name])


@final
@dataclass(frozen=True)
class Space:
    """A named set of candidates.

    `suggest` asks a trial for parameters and returns the candidate that they make; it depends on
    nothing else. `baseline_params` are the parameters of a known good candidate, and
    `grid_levels` the values that a grid takes of a parameter, instead of all the choices of a
    categorical or low, middle and high of a number.
    """

    name: str
    suggest: Callable[[BaseTrial], Candidate]
    baseline_params: Mapping[str, ParamValue] | None = None
    grid_levels: Mapping[str, Sequence[ParamValue]] = field(default_factory=dict)

    def candidate(self, params: Mapping[str, ParamValue]) -> Candidate:
        """Return the candidate that the parameters make.

        Raises ValueError where a parameter is missing, unknown or outside its range; TypeError
        where `suggest` returns anything but a Candidate.
        """
        return self._replay(params)[0]

    def distributions(self, params: Mapping[str, ParamValue]) -> dict[str, BaseDistribution]:
        """Return the distributions that `suggest` asks for on the way to these parameters.

        Raises as `candidate` does.
        """
        return self._replay(params)[1]

    def baseline(self) -> Candidate | None:
        """Return the candidate of `baseline_params`; None where there are none."""
        return None if self.baseline_params is None else self.candidate(self.baseline_params)

    def grid(self) -> Iterator[dict[str, ParamValue]]:
        """Yield every combination of the grid's levels once, lazily, always in the same order.

        Raises ValueError naming the parameter where one of `grid_levels` is outside its range.
        """
        return enumerate_grid(self.suggest, self.grid_levels)

    def parameters(self) -> tuple[Parameter, ...]:
        """Return every parameter with its range and, in words, the condition that it hangs on."""
        return find_parameters(self.suggest)

    def _replay(
        self, params: Mapping[str, ParamValue]
    ) -> tuple[Candidate, dict[str, BaseDistribution]]:
        replay = _Replay(params)
        candidate = self.suggest(replay)
        unknown = sorted(set(params) - set(replay.params))
        if unknown:
            raise ValueError(f"parameter {unknown[0]!r} is never asked for by space {self.name!r}")
        if not isinstance(candidate, Candidate):
            kind = type(candidate).__name__
            raise TypeError(f"suggest of space {self.name!r} must return a Candidate, got {kind}")
        return candidate, replay.distributions
