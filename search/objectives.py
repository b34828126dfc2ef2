"""Several objectives: what is traded against the metric, and by which rule the winner is chosen.

To add a cost: list it in `COSTS`, and record its value where trials end
(`search.tuning.ask_and_tell`).
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, final

from search import text
from search.checks import names_object
from search.metric import METRICS, Metric
from search.user_metric import get_metric


@final
@dataclass(frozen=True)
class Cost:
    """What is to be low besides a good score.

    Attributes:
        name: What `--objective`, `--choose` and report.json call it.
        words: Its name in a sentence.
        write: Writes a value, with its unit if it has one.
    """

    name: str
    words: str
    write: Callable[[float], str]


def _count(value: float) -> str:
    return f"{value:,.0f}"


PARAMETERS = Cost("parameters", "parameters", _count)
MULTIPLY_ADDS = Cost("multiply_adds", "multiply-adds", _count)
LATENCY = Cost("latency", "latency", lambda value: f"{value:.3g} ms")
COSTS: tuple[Cost, ...] = (PARAMETERS, MULTIPLY_ADDS, LATENCY)

_RULE = "best OBJECTIVE [under|over NUMBER[k|M|%] [OBJECTIVE]]..."
_FACTORS = {"": 1.0, "k": 1e3, "M": 1e6, "%": 0.01}


@final
@dataclass(frozen=True)
class Limit:
    """A bound on an objective: its values are over it, or under it."""

    objective: str
    over: bool
    bound: float

    def holds(self, value: float) -> bool:
        """Return whether a value keeps to it."""
        return value > self.bound if self.over else value < self.bound


@final
@dataclass(frozen=True)
class Choice:
    """The rule by which the winner is chosen: the best of an objective within some limits."""

    best: str
    limits: tuple[Limit, ...] = ()

    @classmethod
    def parse(cls, rule: str, objectives: Sequence[str]) -> Self:
        """Return the rule that a text such as "best accuracy under 200k" means.

        A limit without a name is on the metric if it is a percentage, and otherwise on the only
        objective besides the one that is to be best.

        Raises:
            ValueError: It is no such rule of these objectives; the message has one line.
        """
        words = re.sub(r"(?<=\d)\s+(?=[kM%](\s|$))", "", rule).split()
        if words[:1] != ["best"] or len(words) < 2:
            raise _mistake(rule, "it must begin with 'best OBJECTIVE'", objectives)
        best, rest = _known(words[1], rule, objectives), words[2:]
        limits = []
        while rest:
            side, number, *rest = (*rest, "") if len(rest) == 1 else rest
            if side not in ("under", "over"):
                raise _mistake(rule, f"{side!r} must be 'under' or 'over'", objectives)
            bound = _number(number, rule, objectives)
            if rest and rest[0] not in ("under", "over"):
                name, rest = _known(rest[0], rule, objectives), rest[1:]
            elif number.endswith("%"):
                name = objectives[0]
            else:
                name = _only_other(best, rule, objectives)
            if number.endswith("%") and name != objectives[0]:
                raise _mistake(rule, f"{number!r} is no limit of {name!r}", objectives)
            limits.append(Limit(name, side == "over", bound))
        return cls(best, tuple(limits))


def _known(name: str, rule: str, objectives: Sequence[str]) -> str:
    if name not in objectives:
        raise _mistake(rule, f"{name!r} is not one of the objectives", objectives)
    return name


def _only_other(best: str, rule: str, objectives: Sequence[str]) -> str:
    others = [one for one in objectives if one != best]
    if len(others) != 1:
        raise _mistake(rule, "the objective of a limit must be named", objectives)
    return others[0]


def _number(word: str, rule: str, objectives: Sequence[str]) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(k|M|%|)", word)
    if found is None:
        raise _mistake(rule, f"{word!r} must be a number such as 200k, 1.5M, 90% or 3", objectives)
    return float(found[1]) * _FACTORS[found[2]]


def _mistake(rule: str, what: str, objectives: Sequence[str]) -> ValueError:
    names = ", ".join(objectives)
    return ValueError(f"{what}; accepted: {_RULE}, objectives {names}, got {rule!r}")


@final
@dataclass(frozen=True)
class Objectives:
    """What a study optimizes: a metric, and the costs that are traded against it, if any.

    Attributes:
        metric: What trials are scored by.
        costs: What else is to be low; lower is better for each.
        choice: The rule by which the winner is chosen.
    """

    metric: Metric
    costs: tuple[Cost, ...]
    choice: Choice

    @classmethod
    def of(cls, metric: Metric, objective: str | None, choose: str | None) -> Self:
        """Return what the settings of these names mean.

        Raises:
            ValueError: They are not as `check_objectives` says.
        """
        names = check_objectives(metric.name, objective, choose)
        costs = tuple(cost for name in names[1:] for cost in COSTS if cost.name == name)
        choice = Choice(metric.name) if choose is None else Choice.parse(choose, names)
        return cls(metric, costs, choice)

    @property
    def names(self) -> tuple[str, ...]:
        """Return all names, that of the metric first."""
        return (self.metric.name, *(cost.name for cost in self.costs))

    @property
    def several(self) -> bool:
        """Whether there is more than the metric."""
        return bool(self.costs)

    def words(self) -> tuple[str, ...]:
        """Return all names in words, as Optuna's dashboard shows them."""
        return (f"validation {self.metric}", *(cost.words for cost in self.costs))

    def maximized(self) -> tuple[bool, ...]:
        """Return whether each is to be high."""
        return (self.metric.higher_is_better, *(False for _ in self.costs))

    def values(self, score: float, costs: Mapping[str, float]) -> tuple[float, ...]:
        """Return the values of all; a cost that was not measured is infinite."""
        return (score, *(float(costs.get(cost.name, math.inf)) for cost in self.costs))

    def written(self, values: Sequence[float]) -> tuple[str, ...]:
        """Return values of all as text."""
        score, *costs = values
        pairs = zip(self.costs, costs, strict=True)
        return (text.score(score, self.metric), *(cost.write(one) for cost, one in pairs))

    def keeps_limits(self, values: Sequence[float]) -> bool:
        """Return whether values of all keep to the rule's limits, so that they can win."""
        known = dict(zip(self.names, values, strict=True))
        return all(limit.holds(known[limit.objective]) for limit in self.choice.limits)

    def reached(self, values: Sequence[Sequence[float]]) -> tuple[str, ...]:
        """Return how near some trials' values of all come to the rule's limits, in words.

        For a limit below, their least value: "parameters: 2,354,186 or more".
        """
        rows = [(self.written(one), one) for one in values]
        nearest = []
        for limit in self.choice.limits:
            place = self.names.index(limit.objective)
            ordered = sorted(rows, key=lambda row: row[1][place])
            words, _ = ordered[-1 if limit.over else 0]
            side = "less" if limit.over else "more"
            nearest.append(f"{limit.objective}: {words[place]} or {side}")
        return tuple(nearest)

    def rank(self, values: Sequence[float]) -> tuple[bool, float]:
        """Return a key that is least for the values that win by the rule."""
        place = self.names.index(self.choice.best)
        sign = -1.0 if self.maximized()[place] else 1.0
        return not self.keeps_limits(values), sign * values[place]

    def losses(self, values: Sequence[float]) -> tuple[float, ...]:
        """Return the values with those negated that are to be high: lower is better for all."""
        pairs = zip(values, self.maximized(), strict=True)
        return tuple(-value if high else value for value, high in pairs)


def objective_names(objective: str) -> tuple[str, ...]:
    """Return the names that an objective's text lists, separated by commas."""
    return tuple(name.strip() for name in objective.split(","))


def with_metric(settings: Any) -> Any:
    """Return a recipe's settings with the first objective as the metric, unless that is given."""
    given = settings.get("objective") if isinstance(settings, Mapping) else None
    first = objective_names(given)[0] if isinstance(given, str) else ""
    known = names_object(first) or any(metric.name == first for metric in METRICS)
    return _with_whole_names({"metric": first, **settings} if known else settings)


def _with_whole_names(settings: Any) -> Any:
    """Return settings whose objectives name a user's metric in full, also where they do not."""
    metric = settings.get("metric") if isinstance(settings, Mapping) else None
    if not isinstance(metric, str) or not names_object(metric):
        return settings
    name = re.compile(rf"(?<![\w.:/\\-]){re.escape(metric.rpartition(':')[2])}(?![\w.:-])")
    texts = {key: settings.get(key) for key in ("objective", "choose")}
    whole = {
        key: name.sub(lambda _: metric, value)
        for key, value in texts.items()
        if isinstance(value, str)
    }
    return {**settings, **whole}


def check_objectives(metric: str, objective: str | None, choose: str | None) -> tuple[str, ...]:
    """Return the names of all objectives, that of the metric first.

    Raises:
        ValueError: `objective` is not the metric and then some costs, each once; or `choose` is no
            rule of these objectives.
    """
    names = (metric,) if objective is None else objective_names(objective)
    known = [cost.name for cost in COSTS]
    wrong = [name for name in names[1:] if name not in known]
    if objective is not None and (names[0] != metric or not names[1:] or wrong):
        raise ValueError(
            f"objective must be a metric, the same as metric {metric!r}, and then one or more of "
            f"{text.listed(known)}, separated by commas, got {objective!r}"
        )
    if len(set(names)) != len(names):
        raise ValueError(f"objective must name each only once, got {objective!r}")
    if choose is not None:
        try:
            Choice.parse(choose, names)
        except ValueError as error:
            raise ValueError(f"choose: {error}") from error
    return names


def check_trials(pruner: str, sampler: str, *, racing: bool, searches: bool) -> None:
    """Raise ValueError unless trials of these settings can have several objectives.

    Only the metric has a curve, by which trials are pruned and race for folds.
    """
    needs = {
        "pruner 'none'": (pruner in ("auto", "none"), f"pruner {pruner!r}"),
        "trials with all folds": (not racing, "racing true"),
        "a search": (searches, f"sampler {sampler!r}"),
    }
    for need, (fulfilled, given) in needs.items():
        if not fulfilled:
            raise ValueError(f"objective needs {need}, got {given}")


def objectives_of(metric: str, objective: str | None, choose: str | None) -> Objectives:
    """Return the objectives of a recipe's settings; raises ValueError if they are none."""
    return Objectives.of(get_metric(metric), objective, choose)
