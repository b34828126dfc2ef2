"""Space: what may be searched, as one function from a trial to a candidate."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self, final

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import BaseTrial

from spaces.candidate import Candidate
from spaces.errors import SpaceError, reason_of
from spaces.families import Families, FamilySource
from spaces.parameters import OfflineTrial, ParamValue, canonicalize, spread
from spaces.prior import MIN_STEPS, Prior
from spaces.probing import REJECTIONS, Parameter, Probes, find_parameters, parameters_of, probe
from spaces.ranges import Ranges, check_ends
from spaces.storable import StorableTrial

Levels = Mapping[str, Sequence[ParamValue]]


@final
@dataclass(frozen=True)
class _Turn:
    """The level chosen for one parameter, out of `n_levels`."""

    name: str
    level: int
    n_levels: int


@final
class _Walk(OfflineTrial):
    """Takes the given turns, then the first level of every other parameter."""

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
                raise SpaceError(
                    f"the space suggests {name!r} where it suggested {turn.name!r} before: "
                    "suggest must depend only on the trial's values"
                )
        self.turns.append(turn)
        return levels[turn.level]


@final
@dataclass(frozen=True)
class GridPoint:
    """A combination of a grid's levels, and why the space rejects it; None: it does not."""

    params: dict[str, ParamValue]
    rejected: str | None = None


def visit_grid(suggest: Callable[[BaseTrial], object], levels: Levels) -> Iterator[GridPoint]:
    """Yield every combination of levels once, the last suggested parameter varying fastest.

    Conditional parameters are included only if `suggest` uses them. Where it rejects a point before
    it has suggested all, that point stands for all combinations of the others. `levels` has the
    values of some parameters; `spread` gives those of the others.

    Raises:
        SpaceError: A level is outside its parameter's range.
    """
    turns: list[_Turn] | None = []
    while turns is not None:
        walk, reason = _Walk(turns, levels), None
        try:
            suggest(walk)
        except SpaceError:
            raise
        except REJECTIONS as error:
            reason = reason_of(error)
        yield GridPoint(walk.params, reason)
        turns = _next_turns(walk.turns)


def enumerate_grid(
    suggest: Callable[[BaseTrial], object], levels: Levels
) -> Iterator[dict[str, ParamValue]]:
    """Yield the parameters of every combination that is not rejected; see `visit_grid`."""
    return (one.params for one in visit_grid(suggest, levels) if one.rejected is None)


def grid_levels(
    name: str, distribution: BaseDistribution, levels: Levels
) -> tuple[ParamValue, ...]:
    """Return the parameter's own levels, or `spread` if it has none, without repetitions."""
    if name not in levels:
        return spread(distribution)
    if not levels[name]:
        raise SpaceError(f"grid_levels of parameter {name!r} must not be empty")
    return tuple(dict.fromkeys(canonicalize(name, distribution, level) for level in levels[name]))


def _next_turns(turns: list[_Turn]) -> list[_Turn] | None:
    """Return the turns up to the last one that has another level, with that level."""
    for depth in reversed(range(len(turns))):
        turn = turns[depth]
        if turn.level + 1 < turn.n_levels:
            return [*turns[:depth], _Turn(turn.name, turn.level + 1, turn.n_levels)]
    return None


@final
class _Replay(OfflineTrial):
    """Returns known parameters."""

    def __init__(self, params: Mapping[str, ParamValue]) -> None:
        super().__init__()
        self._known = params

    def choose(self, name: str, distribution: BaseDistribution) -> ParamValue:
        if name not in self._known:
            raise SpaceError(f"parameter {name!r} is suggested but has no value")
        return canonicalize(name, distribution, self._known[name])


@final
@dataclass(frozen=True)
class Space:
    """A named set of candidates.

    `suggest` gets parameters from a trial and returns their candidate; it must depend on
    nothing else. It may reject a combination of values by a ValueError or `optuna.TrialPruned`.

    Attributes:
        name: What a recipe calls it.
        suggest: Makes a candidate of a trial's parameters.
        baseline_params: The parameters of a known good candidate.
        grid_levels: The values that a grid takes of a parameter, instead of all the choices of a
            categorical or low, middle and high of a number.
        portfolio: Parameters of candidates that are worth trying first, the best one first.
        widths: Parameters that make a network larger, by which one is fitted to a limit.
        prior: How often values are drawn; None: as `suggest` says, uniformly.
        families: Families of networks of the user's own that its candidates have.
        notices: What whoever searches it should know, such as points that `with_ranges` left out.
        family_source: The code that defines these, once the space has been loaded from its file.
    """

    name: str
    suggest: Callable[[BaseTrial], Candidate]
    baseline_params: Mapping[str, ParamValue] | None = None
    grid_levels: Mapping[str, Sequence[ParamValue]] = field(default_factory=dict)
    portfolio: Sequence[Mapping[str, ParamValue]] = ()
    widths: Sequence[str] = ()
    prior: Prior | None = None
    families: Families = ()
    notices: Sequence[str] = ()
    family_source: FamilySource | None = None

    def __repr__(self) -> str:
        return f"<Space {self.name!r}>"

    def candidate(self, params: Mapping[str, ParamValue]) -> Candidate:
        """Return the candidate that the parameters make.

        Raises ValueError if a parameter is missing, unknown or outside its range; TypeError if
        `suggest` does not return a Candidate.
        """
        return self._replay(params)[0]

    def distributions(self, params: Mapping[str, ParamValue]) -> dict[str, BaseDistribution]:
        """Return the distributions that `suggest` uses for these parameters.

        Raises as `candidate` does.
        """
        return self._replay(params)[1]

    def baseline(self) -> Candidate | None:
        """Return the candidate of `baseline_params`, if there are any."""
        return None if self.baseline_params is None else self.candidate(self.baseline_params)

    def fit_batch_size(
        self, params: Mapping[str, ParamValue], n_train: int
    ) -> Mapping[str, ParamValue]:
        """Return the parameters with a batch size that suits a dataset.

        That is the largest of the choices of `batch_size`, up to the given one, with which an
        epoch has at least `MIN_STEPS` steps, or the smallest choice.

        Args:
            params: Parameters of a candidate.
            n_train: Images that an epoch trains on.
        """
        distribution, given = self.distributions(params).get("batch_size"), params.get("batch_size")
        if not isinstance(distribution, CategoricalDistribution) or not isinstance(given, int):
            return params
        sizes = sorted(size for size in distribution.choices if isinstance(size, int))
        fitting = [size for size in sizes if size <= given and size * MIN_STEPS <= n_train]
        return {**params, "batch_size": max(fitting, default=sizes[0])}

    def narrow(self, params: Mapping[str, ParamValue], factor: float) -> Mapping[str, ParamValue]:
        """Return the parameters with every one of `widths` made smaller, within its range.

        A whole number is multiplied; of choices the next smaller one is taken.

        Args:
            params: Parameters of a candidate.
            factor: Less than 1.
        """
        distributions, changed = self.distributions(params), dict(params)
        for name in self.widths:
            width = params.get(name)
            if not isinstance(width, int):
                continue
            match distributions.get(name):
                case IntDistribution(low=low):
                    changed[name] = max(round(width * factor), low)
                case CategoricalDistribution(choices=choices):
                    smaller = [one for one in choices if isinstance(one, int) and one < width]
                    changed[name] = max(smaller, default=width)
        return changed

    def grid(self) -> Iterator[dict[str, ParamValue]]:
        """Yield every combination of the grid's levels once, lazily, always in the same order.

        Combinations that the space rejects are left out. Raises SpaceError if one of
        `grid_levels` is outside its parameter's range.
        """
        return enumerate_grid(self.suggest, self.grid_levels)

    def visit_grid(self) -> Iterator[GridPoint]:
        """Yield what `grid` yields, and what the space rejects."""
        return visit_grid(self.suggest, self.grid_levels)

    def with_ranges(self, **ranges: Any) -> Self:
        """Return the space with other ranges of some parameters; everything else stays.

        Points of the portfolio get the nearest values that are within; where there are none, and
        if the baseline is outside, they are left out, and `notices` says so. So are grid levels.

        Args:
            ranges: By parameter, (low, high) or one value of a number, or the choices.

        Raises:
            SpaceError: There is no such parameter, or this is no range for it.

        Example:
            `CNN_SPACE.with_ranges(sgd_lr=(1e-4, 1.0), batch_size=(32, 64))`
        """
        known = find_parameters(lambda trial: self.suggest(StorableTrial(trial)))
        changed = Ranges.check(self.name, known, ranges)
        check_ends(changed, self.suggest)
        suggest = changed.applied(self.suggest)
        baseline, notices = self.baseline_params, []
        outside = None if baseline is None else changed.outside(baseline)
        if outside is not None:
            notices.append("the baseline, whose {} is {}, is left out".format(*outside))
        moved = [changed.moved(point) for point in self.portfolio]
        portfolio = [point for point in moved if point is not None]
        if portfolio != list(self.portfolio):
            n_left_out, n_moved = moved.count(None), sum(map(_differ, moved, self.portfolio))
            counts = f"{n_moved} moved, {n_left_out} left out"
            notices.append(f"of {len(moved)} points of the portfolio {counts}")
        told = [f"space {self.name} with other ranges: {'; '.join(notices)}"] if notices else []
        return replace(
            self,
            suggest=suggest,
            baseline_params=baseline if outside is None else None,
            grid_levels=changed.levels(self.grid_levels),
            portfolio=tuple(portfolio),
            prior=changed.prior(self.prior),
            notices=(*self.notices, *told),
        )

    @cached_property
    def probes(self) -> Probes[Candidate]:
        """Trials of every branch with their candidates, always the same ones.

        Raises:
            SpaceError: A parameter cannot be suggested like that, or every point is rejected.
        """
        return probe(self.suggest)

    def parameters(self) -> tuple[Parameter, ...]:
        """Return every parameter with its range and its condition in words."""
        return parameters_of([trial for trial, _ in self.probes.accepted])

    def _replay(
        self, params: Mapping[str, ParamValue]
    ) -> tuple[Candidate, dict[str, BaseDistribution]]:
        replay = _Replay(params)
        candidate = self.suggest(replay)
        unknown = sorted(set(params) - set(replay.params))
        if unknown:
            raise ValueError(f"parameter {unknown[0]!r} is never suggested by space {self.name!r}")
        if not isinstance(candidate, Candidate):
            kind = type(candidate).__name__
            raise TypeError(f"suggest of space {self.name!r} must return a Candidate, got {kind}")
        return candidate, replay.distributions


def _differ(moved: Mapping[str, ParamValue] | None, point: Mapping[str, ParamValue]) -> bool:
    return moved is not None and moved != point
