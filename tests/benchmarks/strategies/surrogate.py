"""Curves of candidates that were not recorded: a forest that has read the recorded ones."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from scipy.stats import spearmanr
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import KFold, cross_val_predict

from spaces.parameters import ParamValue
from tests.benchmarks.strategies.table import Curve, Floats, Params, Task

_TREES = 100
_MIN_SHORT = 10  # recorded short schedules that a forest can learn from
_LOGARITHMIC = ("_lr", "_decay", "width", "_width_1", "_width_2", "batch_size")


@final
class Encoder:
    """Turns candidates into rows of numbers: logarithms of rates, flags of choices."""

    def __init__(self, candidates: Sequence[Params]) -> None:
        names = sorted({name for one in candidates for name in one})
        self._choices = {
            name: sorted({str(one[name]) for one in candidates if isinstance(one.get(name), str)})
            for name in names
        }

    def __call__(self, params: Sequence[Params]) -> Floats:
        """Return (candidates, columns); a parameter that a candidate has not is far away."""
        columns: list[list[float]] = []
        for name, choices in self._choices.items():
            values = [one.get(name) for one in params]
            if choices:
                columns += [[float(value == choice) for value in values] for choice in choices]
            else:
                columns.append([_number(name, value) for value in values])
        return np.array(columns).T


def _number(name: str, value: ParamValue) -> float:
    if value is None:
        return -20.0
    return float(np.log10(float(value))) if name.endswith(_LOGARITHMIC) else float(value)


@final
@dataclass(frozen=True)
class Fit:
    """How well the surrogate predicts candidates that it has not read, in cross-validation.

    Attributes:
        rank_correlation: Spearman's, of predicted and recorded held-out accuracy.
        error: Root of the mean squared error of the held-out accuracy, a fraction.
        trees: How many trees are averaged for one candidate.
    """

    rank_correlation: float
    error: float
    trees: int


@final
class Surrogate:
    """Predicts whole curves of a task's candidates.

    A forest's mean is smoother than what trainings give: the best candidates would look alike.
    So each candidate gets the mean of a few trees, chosen by a hash of it, as few as make
    predictions of unseen candidates vary as much as recorded ones do.
    """

    def __init__(self, task: Task) -> None:
        self._encode = Encoder(task.candidates)
        recorded = [task.candidates[index] for index in task.curves]
        first = [curve for curve, *_ in task.curves.values()]
        targets = np.array(
            [[*curve.accuracy, curve.quality, np.log(curve.epoch_seconds)] for curve in first]
        )
        features = self._encode(recorded)
        self._forest = ExtraTreesRegressor(_TREES, min_samples_leaf=1, random_state=0, n_jobs=1)
        self.fit = self._assess(features, targets)
        self._forest.fit(features, targets)
        self._short_forest = self._learn_short(recorded, first)

    def predict(self, params: Sequence[Params]) -> list[Curve]:
        """Return the curves of candidates."""
        features = self._encode(params)
        trees = np.stack([tree.predict(features) for tree in self._forest.estimators_])
        curves = []
        for row, one in enumerate(params):
            digest = hashlib.sha256(json.dumps(dict(one), sort_keys=True).encode()).digest()
            chosen = np.frombuffer(digest, np.uint16)[: self.fit.trees] % _TREES
            values = trees[chosen, row].mean(axis=0)
            seconds = float(np.exp(trees[:, row, -1].mean()))
            curves.append(Curve(values[:-2], float(values[-2]), seconds))
        return self.with_short(params, curves)

    def with_short(self, params: Sequence[Params], curves: Sequence[Curve]) -> list[Curve]:
        """Return the curves with short schedules', predicted from the long ones where need be.

        They stay empty where too few were recorded.
        """
        missing = [place for place, curve in enumerate(curves) if not len(curve.short)]
        if self._short_forest is None or not missing:
            return list(curves)
        features = self._short_features([params[i] for i in missing], [curves[i] for i in missing])
        found = dict(zip(missing, self._short_forest.predict(features), strict=True))
        return [replace(one, short=found.get(i, one.short)) for i, one in enumerate(curves)]

    def _learn_short(
        self, params: Sequence[Params], curves: Sequence[Curve]
    ) -> ExtraTreesRegressor | None:
        both = [place for place, curve in enumerate(curves) if len(curve.short)]
        if len(both) < _MIN_SHORT:
            return None
        features = self._short_features([params[i] for i in both], [curves[i] for i in both])
        forest = ExtraTreesRegressor(_TREES, random_state=0, n_jobs=1)
        return forest.fit(features, np.array([curves[i].short for i in both]))

    def _short_features(self, params: Sequence[Params], curves: Sequence[Curve]) -> Floats:
        return np.hstack([self._encode(params), np.array([curve.accuracy for curve in curves])])

    def _assess(self, features: Floats, targets: Floats) -> Fit:
        folds = KFold(5, shuffle=True, random_state=0)
        predicted = cross_val_predict(self._forest, features, targets, cv=folds)[:, -2]
        truth = targets[:, -2]
        error = float(np.sqrt(np.mean((predicted - truth) ** 2)))
        return Fit(
            float(spearmanr(predicted, truth).statistic),
            error,
            self._calibrate(features, targets, folds),
        )

    def _calibrate(self, features: Floats, targets: Floats, folds: KFold) -> int:
        """Return the largest number of trees whose mean varies as much as the truth does."""
        spread = []
        for train, test in folds.split(features):
            forest = ExtraTreesRegressor(_TREES, random_state=0).fit(
                features[train], targets[train]
            )
            spread.append(
                np.stack([tree.predict(features[test])[:, -2] for tree in forest.estimators_])
            )
        votes = np.concatenate(spread, axis=1)
        truth = float(np.std(targets[:, -2]))
        for count in range(16, 1, -1):
            if np.std(votes[:count].mean(axis=0)) >= truth:
                return count
        return 1
