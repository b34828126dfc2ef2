"""Metrics of users' files, and which metric a recipe names."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from numbers import Real
from pathlib import Path
from typing import Any, TypeAlias, final

from search.metric import METRICS, Counts, Floats, Labels, Metric

_N_GUESSES = 1000  # images on which a function is tried with random probabilities

Function: TypeAlias = Callable[[Labels, Floats], float]
"""A user's metric: a function of labels (N,) and probabilities (N, classes)."""


@final
@dataclass(frozen=True)
class FunctionMetric(Metric):
    """A metric that a user's function computes.

    Attributes:
        function: Called with labels, int64 (N,), and probabilities, float64 (N, classes); None for
            that of a stored study, which is only described.
        higher_is_better: Its direction.
        words: Its name in a sentence; "": the function's.
        low: Its least value; None: there is none.
        high: Its greatest value, likewise.
        is_share: Whether it is a fraction that is written as a percentage.
        name: The setting that names it.
    """

    function: Function | None = None
    higher_is_better: bool = True
    words: str = ""
    low: float | None = None
    high: float | None = None
    is_share: bool = False
    name: str = ""

    def __str__(self) -> str:
        return self.words

    @property
    def is_computable(self) -> bool:
        return self.function is not None

    def facts(self) -> dict[str, Any]:
        """Return what a study stores of it, by which `stored_metric` describes it again."""
        kept = asdict(replace(self, function=None))
        return {name: value for name, value in kept.items() if name not in ("function", "name")}

    def chance(self, shares: Sequence[float]) -> float:
        import numpy as np

        rng = np.random.default_rng(0)
        images = np.ceil(np.array(shares) * _N_GUESSES).astype(int)
        labels = np.repeat(np.arange(len(shares)), images)
        return self.measure(labels, rng.dirichlet(np.ones(len(shares)), len(labels)))

    def measure(self, labels: Labels, probabilities: Floats) -> float:
        if self.function is None:
            raise ValueError(f"metric {self.name!r} is described, but its function is not loaded")
        value = self.function(labels, probabilities)
        if not isinstance(value, Real) or not math.isfinite(value):
            raise ValueError(f"metric {self.name!r} must return a finite number, got {value!r}")
        return float(value)

    def resampled(self, labels: Labels, probabilities: Floats, weights: Counts) -> Floats:
        import numpy as np

        drawn = (np.repeat(np.arange(len(labels)), one) for one in weights)
        return np.array([self.measure(labels[one], probabilities[one]) for one in drawn])


def get_metric(setting: str) -> Metric:
    """Return the metric that a recipe names: one of `METRICS`, or a user's `FILE.py:NAME`.

    Raises:
        ValueError: There is none; for a user's file, in one line what is wrong with it.
    """
    for metric in METRICS:
        if metric.name == setting:
            return metric
    from spaces.user_object import UserObject

    found = UserObject.parse("metric", setting)
    if found is None:
        names = ", ".join(metric.name for metric in METRICS)
        raise ValueError(f"metric must be one of {names} or FILE.py:NAME, got {setting!r}")
    return _load(setting, found.path.read_bytes())


@lru_cache(maxsize=8)
def _load(setting: str, source: bytes) -> FunctionMetric:
    """Return the metric of a user's file, which is run once for each content."""
    from spaces.user_object import UserObject

    del source
    found = UserObject.parse("metric", setting)
    module = {} if found is None else vars(found.run())
    name = setting.rpartition(":")[2]
    if name not in module:
        raise ValueError(f"metric {setting!r}: the file has no {name!r}")
    match module[name]:
        case FunctionMetric() as metric if metric.function is not None:
            words, quiet = metric.words or _words(metric.function), _quiet(metric.function, name)
            return replace(metric, function=quiet, name=setting, words=words)
        case function if callable(function):
            return FunctionMetric(_quiet(function, name), name=setting, words=_words(function))
        case other:
            raise ValueError(
                f"metric {setting!r} must be a function of (labels, probabilities) or a "
                f"FunctionMetric of one, got {type(other).__name__}"
            )


def _words(function: object) -> str:
    return str(getattr(function, "__name__", type(function).__name__)).replace("_", " ")


def _quiet(function: Function, name: str) -> Function:
    """Return a function that prints to standard error, each line once and only the first few."""
    from spaces.user_output import FirstPrints

    prints = FirstPrints(name)

    def quiet(labels: Labels, probabilities: Floats) -> float:
        with prints.shown():
            return function(labels, probabilities)

    return quiet


def check_metric_name(setting: str) -> None:
    """Raise ValueError if a user's metric is called what one of `METRICS` is.

    Only a new study is refused for it, as both would be shown under one name.
    """
    metric, known = get_metric(setting), {str(one).casefold() for one in METRICS}
    if isinstance(metric, FunctionMetric) and str(metric).casefold() in known:
        object_name = setting.rpartition(":")[2].replace("_", " ").casefold()
        what = "rename the function" if object_name in known else "give it other words"
        raise ValueError(f"metric {setting!r} has the name of a built-in metric; {what}")


def check_metric(setting: str, shares: Sequence[float]) -> None:
    """Try a user's metric on random probabilities; one of this program needs no trial.

    Args:
        setting: What the recipe names.
        shares: Each class's share of the images.

    Raises:
        ValueError: It fails, returns no finite number, or another one each time, in one line with
            the place.
    """
    from spaces.user_object import UserObject

    metric, found = get_metric(setting), UserObject.parse("metric", setting)
    if found is not None:
        with found.one_line_errors():
            value = metric.chance(shares)
            if value != metric.chance(shares):
                raise ValueError("it returns another value for the same labels and probabilities")
            if value != metric.clipped(value):
                raise ValueError(f"it returns {value:g}, which is out of the range that it states")


def metric_source(setting: str) -> str | None:
    """Return a user's code that computes the metric; None: this program's version does.

    Raises:
        ValueError: There is no such file, or it is not valid Python.
    """
    from spaces.user_object import UserObject

    found = UserObject.parse("metric", setting)
    return None if found is None else found.source()


def metric_helpers(setting: str) -> dict[str, str]:
    """Return the code of the user's modules that this code imports, by file; raises likewise."""
    from spaces.user_object import UserObject

    found = UserObject.parse("metric", setting)
    return {} if found is None else found.helpers()


def metric_file(setting: str) -> Path | None:
    """Return the user's file that a recipe's metric is in; None for one of `METRICS`."""
    from spaces.user_object import UserObject

    found = UserObject.parse("metric", setting)
    return None if found is None else found.path


def metric_code(setting: str) -> tuple[tuple[str, str], ...]:
    """Return the text of the user's file and of what it imports, by path; none without a file.

    Raises ValueError as `metric_source` does.
    """
    from spaces.user_object import UserObject

    found = UserObject.parse("metric", setting)
    return () if found is None else found.code.files


def metric_from(setting: str, file: Path | None) -> Metric:
    """Return the metric that a recipe names; a user's from a copy of its file, if there is one.

    Raises as `get_metric` does.
    """
    if file is None:
        return get_metric(setting)
    metric = get_metric(f"{file}:{setting.rpartition(':')[2]}")
    if not isinstance(metric, FunctionMetric):
        raise TypeError(f"metric {setting!r} has no file")
    return replace(metric, name=setting)


def stored_metric(setting: str, facts: Mapping[str, Any] | None) -> Metric:
    """Return the metric of a stored study; `facts` are those of a user's, whose file may be gone.

    Raises:
        ValueError: It is unknown.
    """
    return get_metric(setting) if facts is None else FunctionMetric(name=setting, **facts)
