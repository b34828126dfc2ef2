"""PED-ANOVA importances of parameters, and what they are by chance alone."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import final

import numpy as np
import optuna
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial, create_trial

N_SHUFFLES = 39


@final
@dataclass(frozen=True)
class PedAnova:
    """The importances of `names` for being among the best `quantile` of the trials.

    Source: Watanabe, Bansal, Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter
    Importance in Arbitrary Subspaces", IJCAI 2023, as Optuna implements it. Optuna looks at
    complete trials only, so all are made so.
    """

    study: optuna.Study
    names: tuple[str, ...]
    quantile: float

    def importances(self, losses: Sequence[float]) -> Mapping[str, float]:
        """Return the raw importance of each name; one loss a trial, in their order."""
        evaluator = PedAnovaImportanceEvaluator(target_quantile=self.quantile)
        with _quiet():
            return evaluator.evaluate(
                self.study, params=list(self.names), target=lambda trial: losses[trial.number]
            )

    def chance_levels(self, losses: Sequence[float], seed: int = 0) -> Mapping[str, float]:
        """Return the raw importance that each name exceeds by chance in one of 40 studies.

        The losses are dealt anew to the trials 39 times, so that no parameter matters, and the
        greatest importance of each is returned. It is a permutation test of each parameter alone
        (Fisher, "The Design of Experiments", 1935): of 40 that do not matter one exceeds it.
        """
        generator = np.random.default_rng(seed)
        deals = (generator.permutation(losses).tolist() for _ in range(N_SHUFFLES))
        found = [self.importances(deal) for deal in deals]
        return {name: max(one[name] for one in found) for name in self.names}


def ped_anova(trials: Sequence[FrozenTrial], names: Sequence[str], quantile: float) -> PedAnova:
    """Return the evaluation of these trials' parameters."""
    with _quiet():
        study = optuna.create_study()
        study.add_trials(
            [
                create_trial(value=0.0, params=trial.params, distributions=trial.distributions)
                for trial in trials
            ]
        )
    return PedAnova(study, tuple(names), quantile)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Optuna's log, and its warnings of few trials, which the report says itself."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
