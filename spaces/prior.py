"""A prior: which values of a space's parameters are worth trying more often than others.

A space's ranges stay as wide as they are; a prior only changes how often a value is drawn. It is
data, one entry per parameter. Those of the built-in spaces are a guess: one that was fitted to the
recorded learning curves found no better networks behind a portfolio (studies/curves/README.md).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import final

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from spaces.parameters import OfflineTrial, ParamValue, draw

MIN_STEPS = 20
"""Steps of an epoch below which a batch size is too large for a dataset."""

_MOST_REDRAWS = 100


class Belief(ABC):
    """How often the values of one parameter are drawn."""

    @abstractmethod
    def draw(self, distribution: BaseDistribution, rng: np.random.Generator) -> ParamValue:
        """Draw a value of the distribution.

        Raises:
            TypeError: The belief is about another kind of parameter.
        """

    @abstractmethod
    def words(self, distribution: BaseDistribution) -> str:
        """Return what values of the distribution are drawn, and how often."""


@final
@dataclass(frozen=True)
class Weights(Belief):
    """Choices of a categorical parameter are drawn in proportion to their weights; others never.

    Where no choice of the distribution has a weight, all are equally likely.
    """

    weights: Mapping[ParamValue, float]

    def draw(self, distribution: BaseDistribution, rng: np.random.Generator) -> ParamValue:
        """Draw one of the choices."""
        if not isinstance(distribution, CategoricalDistribution):
            raise TypeError(f"weights need a categorical parameter, got {distribution!r}")
        weights = np.array([self.weights.get(choice, 0.0) for choice in distribution.choices])
        if not weights.any():
            return draw(distribution, rng)
        place = int(rng.choice(len(weights), p=weights / weights.sum()))
        return distribution.choices[place]

    def words(self, distribution: BaseDistribution) -> str:
        """Return the share of each choice, the largest first: "gelu 60%, relu 40%"."""
        choices = getattr(distribution, "choices", ())
        known = {one: weight for one in choices if (weight := self.weights.get(one, 0.0)) > 0}
        shares = known or dict.fromkeys(choices, 1.0)
        ordered = sorted(shares.items(), key=lambda one: -one[1])
        return ", ".join(f"{one} {share / sum(shares.values()):.0%}" for one, share in ordered)


@final
@dataclass(frozen=True)
class Bell(Belief):
    """A number is drawn from a normal distribution, cut off at the ends of the range.

    Attributes:
        center: The most likely value.
        spread: Standard deviation; for a parameter on a log scale the factor that one standard
            deviation is.
    """

    center: float
    spread: float

    def draw(self, distribution: BaseDistribution, rng: np.random.Generator) -> ParamValue:
        """Draw a number within the range, on its scale and on one of its steps."""
        if not isinstance(distribution, FloatDistribution | IntDistribution):
            raise TypeError(f"a bell needs a number, got {distribution!r}")
        for _ in range(_MOST_REDRAWS):
            value = self._draw(distribution, rng)
            if distribution.low <= value <= distribution.high:
                return _on_step(distribution, value)
        return draw(distribution, rng)  # the bell lies outside the range

    def words(self, distribution: BaseDistribution) -> str:
        """Return the most likely value and the standard deviation: "near 0.2 (+- 0.15)"."""
        by_factor = getattr(distribution, "log", False)
        width = f"factor {self.spread:g}" if by_factor else f"+- {self.spread:g}"
        return f"near {self.center:g} ({width})"

    def _draw(
        self, distribution: FloatDistribution | IntDistribution, rng: np.random.Generator
    ) -> float:
        if distribution.log:
            return math.exp(rng.normal(math.log(self.center), math.log(self.spread)))
        return float(rng.normal(self.center, self.spread))


def _on_step(distribution: FloatDistribution | IntDistribution, value: float) -> float | int:
    low, high, step = distribution.low, distribution.high, distribution.step
    if step is not None and not distribution.log:
        # as in Optuna, a rounding error does not leave the range
        value = min(low + round((value - low) / step) * step, high)
    return round(value) if isinstance(distribution, IntDistribution) else value


@final
@dataclass(frozen=True)
class BySize:
    """A belief that depends on how many images a trial trains on.

    Attributes:
        fewer: The belief below the limit.
        limit: A number of images.
        more: The belief from the limit on.
    """

    fewer: Belief
    limit: int
    more: Belief

    def at(self, n_train: int) -> Belief:
        """Return the belief for a dataset."""
        return self.more if n_train >= self.limit else self.fewer

    def words(self, distribution: BaseDistribution) -> str:
        """Return both beliefs, and the number of images between them."""
        fewer, more = self.fewer.words(distribution), self.more.words(distribution)
        return f"{fewer}; from {self.limit:,} images on {more}"


@final
@dataclass(frozen=True)
class Prior:
    """Beliefs about the parameters of a space; parameters without one are drawn as they are.

    Attributes:
        beliefs: By parameter.
    """

    beliefs: Mapping[str, Belief | BySize] = field(default_factory=lambda: MappingProxyType({}))

    def for_images(self, n_train: int) -> dict[str, Belief]:
        """Return the beliefs for a dataset.

        No batch is so large that an epoch has fewer than `MIN_STEPS` steps.

        Args:
            n_train: Images that a trial trains on.
        """
        beliefs = {
            name: belief.at(n_train) if isinstance(belief, BySize) else belief
            for name, belief in self.beliefs.items()
        }
        belief = beliefs.get("batch_size")
        if not isinstance(belief, Weights):
            return beliefs
        kept: dict[ParamValue, float] = {
            size: weight
            for size, weight in belief.weights.items()
            if isinstance(size, int) and n_train >= MIN_STEPS * size
        }
        smallest = min(size for size in belief.weights if isinstance(size, int))
        return {**beliefs, "batch_size": Weights(kept or {smallest: 1.0})}


@final
class InformedTrial(OfflineTrial):
    """A trial whose parameters are drawn as beliefs say, each by a generator of its own."""

    def __init__(
        self,
        beliefs: Mapping[str, Belief],
        make_generator: Callable[[str], np.random.Generator],
    ) -> None:
        super().__init__()
        self._beliefs, self._make_generator = beliefs, make_generator

    def choose(self, name: str, distribution: BaseDistribution) -> ParamValue:
        """Return a value drawn by the parameter's generator."""
        belief, rng = self._beliefs.get(name), self._make_generator(name)
        return draw(distribution, rng) if belief is None else belief.draw(distribution, rng)
