"""Which parameters set the best trials apart. Pure, but for reading the Optuna study."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, create_trial

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
    frozen = {trial.number: trial for trial in study.get_trials(deepcopy=False)}
    trials = [frozen[trial.number] for trial in compared.trials]
    scores = compared.values
    names = _searched(trials)
    if reason := _reason(scores, names):
        return ImportancesInfo(n_trials=len(scores), reason=reason)
    sign = -1.0 if record.recipe.metric == "accuracy" else 1.0
    quantile = _quantile(len(scores))
    raw = _ped_anova(trials, [sign * value for value in scores], names, quantile)
    total = sum(raw.values())
    if not total > 0:
        reason = "the trials are too few to tell the parameters apart"
        return ImportancesInfo(n_trials=len(scores), reason=reason)
    ordered, values = zip(*sorted(raw.items(), key=lambda item: (-item[1], item[0])), strict=True)
    shares = tuple(value / total for value in values)
    return ImportancesInfo(ordered, shares, len(scores), quantile, compared.epoch)


def _searched(trials: Sequence[FrozenTrial]) -> list[str]:
    """Return the parameters that had more than one value to take."""
    searched = {n for t in trials for n, dist in t.distributions.items() if not dist.single()}
    return sorted(searched)


def _reason(scores: Sequence[float], names: list[str]) -> str | None:
    if len(scores) < _FEWEST:
        return "importances need at least five trials that can be compared"
    if len(set(scores)) == 1:
        return "all trials have the same score"
    return None if names else "no parameter was varied"


def _quantile(n_trials: int) -> float:
    """Return the share called best: Optuna asks for 5 trials in it, and uses a tenth."""
    return min(0.5, max(0.1, 5 / n_trials))


def _ped_anova(
    trials: Sequence[FrozenTrial], losses: Sequence[float], names: list[str], quantile: float
) -> dict[str, float]:
    """Return the raw importances; Optuna looks at complete trials only, so all are made so."""
    with _quiet():
        study = optuna.create_study(direction="minimize")
        for trial, loss in zip(trials, losses, strict=True):
            copy = create_trial(value=loss, params=trial.params, distributions=trial.distributions)
            study.add_trial(copy)
        evaluator = PedAnovaImportanceEvaluator(target_quantile=quantile)
        return get_param_importances(study, evaluator=evaluator, params=names, normalize=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Optuna's log, and its warnings of few trials, which the report says itself."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    optuna.logging.set_verbosity(verbosity)
