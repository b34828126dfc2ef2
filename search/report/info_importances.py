"""Which parameters set the best trials apart. Pure, but for reading the Optuna study."""

import math
import warnings
from typing import NamedTuple

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from search.report.comparing import comparable_trials
from search.study.records import StudyRecord

_FEWEST = 5


class ImportancesInfo(NamedTuple):
    """Importances that add up to 1, the greatest first; or, where there are none, the reason.

    They say what sets the best `quantile` of the `n_trials` trials apart from the rest; trials
    are compared by their scores or, where `epoch` is given, after that epoch.
    """

    names: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    n_trials: int = 0
    quantile: float = 0.0
    epoch: int | None = None
    reason: str | None = None


def importances_info(record: StudyRecord, study: optuna.Study) -> ImportancesInfo:
    """Return PED-ANOVA importances of the parameters of the trials that can be compared.

    Source: Watanabe, Bansal, Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter
    Importance in Arbitrary Subspaces", IJCAI 2023, as Optuna implements it. Conditional
    parameters count.
    """
    compared = comparable_trials(record)
    scores = {t.number: value for t, value in zip(compared.trials, compared.values, strict=True)}
    distributions = _searched(study, set(scores))
    if reason := _reason(scores, distributions):
        return ImportancesInfo(n_trials=len(scores), reason=reason)
    sign = -1.0 if record.recipe.metric == "accuracy" else 1.0
    signed = {number: sign * value for number, value in scores.items()}
    quantile = _quantile(len(scores))
    raw = _ped_anova(study, sorted(distributions), signed, quantile)
    total = sum(raw.values())
    if not total > 0:
        reason = "the trials are too few to tell the parameters apart"
        return ImportancesInfo(n_trials=len(scores), reason=reason)
    names, values = zip(*sorted(raw.items(), key=lambda item: (-item[1], item[0])), strict=True)
    shares = tuple(value / total for value in values)
    return ImportancesInfo(names, shares, len(scores), quantile, compared.epoch)


def _searched(study: optuna.Study, numbers: set[int]) -> set[str]:
    """Return the parameters of the trials that had more than one value to take."""
    trials = [t for t in study.get_trials(deepcopy=False) if t.number in numbers]
    return {name for t in trials for name, dist in t.distributions.items() if not dist.single()}


def _reason(scores: dict[int, float], names: set[str]) -> str | None:
    if len(scores) < _FEWEST:
        return "importances need at least five trials that can be compared"
    if len(set(scores.values())) == 1:
        return "all trials have the same score"
    return None if names else "no parameter was varied"


def _quantile(n_trials: int) -> float:
    """Return the share called best: Optuna asks for 5 trials in it, and uses a tenth."""
    return min(0.5, max(0.1, 5 / n_trials))


def _ped_anova(
    study: optuna.Study, names: list[str], signed: dict[int, float], quantile: float
) -> dict[str, float]:
    with warnings.catch_warnings():
        # Optuna warns of few trials, which the report says itself, and that low targets win.
        warnings.simplefilter("ignore")
        return get_param_importances(
            study,
            evaluator=PedAnovaImportanceEvaluator(target_quantile=quantile),
            params=names,
            target=lambda trial: signed.get(trial.number, math.nan),
            normalize=False,
        )
