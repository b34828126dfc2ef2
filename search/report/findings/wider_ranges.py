"""Which command searches beyond the ends at which the best values are?"""

from collections.abc import Iterator
from typing import Any, Self, final

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from search.checks import derived_name
from search.command_lines import command_line
from search.paths import RunPaths
from search.report.blocks import Code, Paragraph
from search.report.evidence import Evidence
from search.report.finding import NEXT, Excerpt
from search.report.findings.recommendations import Border, End, Recommendations
from search.report.scoring import ranked_parameters
from search.text import listed
from search.tuning.records import StudyRecord
from spaces import BUILT_IN
from spaces.errors import SpaceError
from spaces.ranges import parse_ranges
from spaces.space import Space

_FEWEST = 20  # trials that draw from the wider ranges
_DECADE = 10.0  # by which a logarithmic range grows
_SHARE = 0.5  # of its width, by which another one does


@final
class WiderRanges(Excerpt):
    """The command that follows from values at the ends of their ranges."""

    key = "advice.borders"
    section = NEXT

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        """Write the command; None where no range can be widened, and for a user's own space."""
        advice, recipe = evidence.once(Recommendations.of), evidence.record.recipe
        space = BUILT_IN.get(recipe.space)
        if advice is None or space is None:
            return None
        earlier = list(recipe.set or ())
        wider = list(_accepted(evidence, space, advice.borders))
        if not wider:
            return None
        mentioned = {one.parameter for one in advice.borders}
        changed = {one.partition("=")[0] for one in wider}
        kept = [one for one in earlier if one.partition("=")[0].strip() not in changed]
        options = [word for one in (*kept, *wider) for word in ("--set", one)]
        trials = _trials(evidence.record)
        options += [] if trials is None else ["--trials", str(trials)]
        options += ["--study-name", derived_name(evidence.record.name, "-wider")]
        folder = RunPaths(recipe.runs_dir, evidence.record.name).report_dir
        command = command_line("run", str(folder / "recipe.toml"), *options)
        words = "From where this search was started, this searches wider ranges"
        if trials is not None and evidence.record.n_prepared > 1:
            words = f"{words}, after the prepared candidates that every such search begins with"
        if stay := sorted(mentioned - changed):
            words = f"{words} ({listed(stay)} can be no wider)"
        words = f"{words}:"
        return cls(content=(Paragraph(words), Code(command, "sh")))


def _trials(record: StudyRecord) -> int | None:
    """Return how many trials to run where more are needed: `_FEWEST` that draw from the ranges.

    None for a grid, which has as many as it has points, and where the recipe has enough.
    """
    planned = record.repeatable_recipe().trials
    least = max(record.n_first, record.n_prepared) + _FEWEST
    return None if planned is None or planned >= least else least


def _accepted(evidence: Evidence, space: Space, borders: tuple[Border, ...]) -> Iterator[str]:
    """Yield settings of wider ranges that the space accepts."""
    known = {one.name: one.distribution for one in evidence.once(ranked_parameters).parameters}
    for border in borders:
        text = widened(known[border.parameter], border.end)
        if text is None:
            continue
        setting = f"{border.parameter}={text}"
        try:
            space.with_ranges(**parse_ranges(space.parameters(), [setting]))
        except SpaceError:
            continue  # the network or the optimizer has no such values
        yield setting


def widened(distribution: BaseDistribution, end: End) -> str | None:
    """Return a range that goes on beyond an end, as `--set` takes it; None if there is none."""
    match distribution:
        case CategoricalDistribution():
            return _more_choices(list(distribution.choices), end)
        case IntDistribution() | FloatDistribution():
            low, high = _beyond(distribution, end)
            if low >= distribution.low and high <= distribution.high:
                return None
            return f"{_number(low)}..{_number(high)}"
    raise TypeError(f"no range: {distribution!r}")


def _beyond(distribution: IntDistribution | FloatDistribution, end: End) -> tuple[float, float]:
    low, high = distribution.low, distribution.high
    if distribution.log:
        factor = 2.0 if isinstance(distribution, IntDistribution) else _DECADE
        low, high = (low, high * factor) if end == "upper" else (low / factor, high)
    else:
        more = _SHARE * (high - low)
        step = distribution.step
        if step is not None:
            more = max(round(more / step), 1) * step
        # A range of numbers that are not negative stays one.
        lower = low - more if low < 0 else max(low - more, 0.0)
        low, high = (low, high + more) if end == "upper" else (lower, high)
    if isinstance(distribution, IntDistribution):
        return max(int(low), min(1, distribution.low)), int(high)  # a size is 1 at least
    return low, high


def _more_choices(choices: list[Any], end: End) -> str | None:
    """Go on with the last step of numeric choices: by a factor where they are a power series."""
    first, second = (choices[-1], choices[-2]) if end == "upper" else (choices[0], choices[1])
    factor = first / second if second else 0
    following = first * factor if factor in (2, 0.5, 10, 0.1) else 2 * first - second
    if following <= 0:
        return None
    if all(isinstance(one, int) for one in choices):
        if following != int(following):
            return None
        following = int(following)
    more = [*choices, following] if end == "upper" else [following, *choices]
    return ",".join(map(_number, more))


def _number(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
