"""Curves of candidates that were not recorded: a forest that has read the recorded ones."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.stats import spearmanr
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import KFold, cross_val_predict

from spaces.parameters import ParamValue
from tests.benchmarks.strategies.table import Curve, Floats, Params, Task

_TREES = 100


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
        # where short schedules were recorded, only candidates that have both
        with_short = [index for index, (curve, *_) in task.curves.items() if len(curve.short)]
        self._indices = with_short or list(task.curves)
        self._encode = Encoder(task.candidates)
        recorded = [task.candidates[index] for index in self._indices]
        first = [task.curves[index][0] for index in self._indices]
        targets = np.array(
            [
                [*curve.accuracy, *curve.short, curve.quality, np.log(curve.epoch_seconds)]
                for curve in first
            ]
        )
        self._epochs = len(first[0].accuracy)
        features = self._encode(recorded)
        self._forest = ExtraTreesRegressor(_TREES, min_samples_leaf=1, random_state=0, n_jobs=1)
        self.fit = self._assess(features, targets)
        self._forest.fit(features, targets)

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
            accuracy, short = np.split(values[:-2], [self._epochs])
            curves.append(Curve(accuracy, float(values[-2]), seconds, short))
        return curves

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
