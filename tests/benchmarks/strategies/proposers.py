"""Where a replayed search gets its candidates from."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Any, final

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from spaces import load_space
from spaces.parameters import OfflineTrial, ParamValue, draw
from spaces.prior import Prior
from tests.benchmarks.curves.candidates import is_affordable
from tests.benchmarks.strategies.simulation import Proposer
from tests.benchmarks.strategies.surrogate import Surrogate
from tests.benchmarks.strategies.table import Curve, Params, Task

POOL = 800  # candidates drawn once a task; every replay takes others of them

Choose = Callable[[str, Any, np.random.Generator, Mapping[str, ParamValue]], ParamValue]


@final
class _Drawn(OfflineTrial):
    def __init__(self, rng: np.random.Generator, choose: Choose) -> None:
        super().__init__()
        self._rng, self._choose = rng, choose

    def choose(self, name: str, distribution: Any) -> ParamValue:
        return self._choose(name, distribution, self._rng, self.params)


def uniform(name: str, distribution: Any, rng: np.random.Generator, so_far: Params) -> ParamValue:
    """Choose as random search does."""
    del name, so_far
    return draw(distribution, rng)


def informed(prior: Prior, task: Task) -> Choose:
    """Return a choice as the prior says for the task's number of images."""
    beliefs = prior.for_images(round(0.8 * task.n_images))

    def choose(
        name: str, distribution: Any, rng: np.random.Generator, so_far: Params
    ) -> ParamValue:
        del so_far
        belief = beliefs.get(name)
        return draw(distribution, rng) if belief is None else belief.draw(distribution, rng)

    return choose


def draw_pool(space: str, choose: Choose, count: int = POOL, seed: int = 1) -> list[Params]:
    """Return parameters of affordable candidates."""
    rng = np.random.default_rng(seed)
    found: list[Params] = []
    built_in = load_space(space)
    while len(found) < count:
        trial = _Drawn(rng, choose)
        if is_affordable(space, built_in.suggest(trial)):
            found.append(trial.params)
    return found


@final
class Pool(Proposer):
    """Takes `first` in their order, then curves of a pool in an order drawn from a seed.

    Once all were taken, they come again in another order.
    """

    def __init__(self, first: Sequence[Curve], pool: Sequence[Curve], seed: int) -> None:
        rng = np.random.default_rng(seed)
        orders = (rng.permutation(n) for n in repeat(len(pool)))
        self._curves: Iterator[Curve] = chain(first, (pool[i] for one in orders for i in one))

    def propose(self) -> Curve:
        """Return the next."""
        return next(self._curves)

    def learn(self, trial: int, trained: int) -> None:
        """Learn nothing."""


@final
class Evolving(Proposer):
    """Takes `first` in their order, then changes the best so far in a few parameters.

    A parent is one of the best of the trials that were trained furthest; each of its parameters is
    drawn anew with a probability that changes `changes` of them on average, at least one. Every so
    often a candidate is drawn without a parent.
    """

    def __init__(
        self,
        task: Task,
        surrogate: Surrogate,
        choose: Choose,
        first: Sequence[tuple[Params, Curve]],
        seed: int,
        *,
        parents: int = 3,
        changes: float = 2.0,
        fresh: float = 1 / 3,
    ) -> None:
        self._space, self._name = load_space(task.space), task.space
        self._surrogate, self._choose = surrogate, choose
        self._first, self._rng = list(first), np.random.default_rng(seed)
        self._parents, self._changes, self._fresh = parents, changes, fresh
        self._trials: list[tuple[Params, Curve]] = []
        self._ended: dict[int, tuple[int, float]] = {}  # epochs and best accuracy of trials

    def propose(self) -> Curve:
        """Return the next candidate's curve."""
        number = len(self._trials)
        if number < len(self._first):
            self._trials.append(self._first[number])
        else:
            params = self._child()
            self._trials.append((params, self._surrogate.predict([params])[0]))
        return self._trials[-1][1]

    def learn(self, trial: int, trained: int) -> None:
        """Keep how far it got, and how well."""
        curve = self._trials[trial][1]
        seen = curve.short if trained == len(curve.short) else curve.accuracy[:trained]
        self._ended[trial] = trained, float(seen.max())

    def _child(self) -> Params:
        tried = [params for params, _ in self._trials]
        while True:
            trial = _Drawn(self._rng, self._inherited())
            if is_affordable(self._name, self._space.suggest(trial)) and trial.params not in tried:
                return trial.params

    def _inherited(self) -> Choose:
        best = sorted(self._ended, key=self._ended.__getitem__, reverse=True)[: self._parents]
        if not best or self._rng.random() < self._fresh:
            return self._choose
        parent = self._trials[int(self._rng.choice(best))][0]
        kept = self._rng.random(len(parent)) > self._changes / len(parent)
        if kept.all():
            kept[self._rng.integers(len(parent))] = False
        inherited = {name: parent[name] for name, keep in zip(parent, kept, strict=True) if keep}

        def choose(
            name: str, distribution: Any, rng: np.random.Generator, so_far: Params
        ) -> ParamValue:
            if name in inherited:
                return inherited[name]
            return self._choose(name, distribution, rng, so_far)

        return choose


@final
class OptunaProposer(Proposer):
    """Asks a sampler of Optuna, after the first candidates; it learns how trials ended.

    A trial that did not reach the horizon is told as pruned, with its last value. A candidate that
    cannot be afforded is not tried; `hears_limits` says whether it is told as one without any
    merit, as a sampler without randomness would otherwise ask for the same one for ever.
    """

    def __init__(
        self,
        task: Task,
        surrogate: Surrogate,
        sampler: BaseSampler,
        first: Sequence[tuple[Params, Curve]] = (),
        *,
        hears_limits: bool = False,
    ) -> None:
        warnings.simplefilter("ignore")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space, self._name = load_space(task.space), task.space
        self._surrogate, self._hears_limits = surrogate, hears_limits
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._first = list(first)
        self._trials: list[tuple[optuna.Trial, Curve]] = []

    def propose(self) -> Curve:
        """Ask the sampler for a candidate that can be afforded."""
        number = len(self._trials)
        if number < len(self._first):
            self._study.enqueue_trial(dict(self._first[number][0]))
        while True:
            trial = self._study.ask()
            candidate = self._space.suggest(trial)
            if number < len(self._first) or is_affordable(self._name, candidate):
                break
            if self._hears_limits:
                self._study.tell(trial, 0.0)
            else:
                self._study.tell(trial, state=TrialState.FAIL)
        known = number < len(self._first)
        curve = self._first[number][1] if known else self._surrogate.predict([trial.params])[0]
        self._trials.append((trial, curve))
        return curve

    def learn(self, trial: int, trained: int) -> None:
        """Tell the study."""
        asked, curve = self._trials[trial]
        if trained == len(curve.accuracy):
            self._study.tell(asked, float(curve.accuracy.max()))
        else:
            asked.report(float(curve.accuracy[:trained].max()), trained)
            self._study.tell(asked, state=TrialState.PRUNED)
