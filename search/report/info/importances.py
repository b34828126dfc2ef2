"""Which parameters set the best trials apart. Pure, but for reading the Optuna study."""

from collections.abc import Sequence
from typing import NamedTuple

import optuna
from optuna.trial import FrozenTrial

from search.report.info.comparing import After, comparable_trials
from search.report.statistics import N_SHUFFLES, ped_anova
from search.tuning.records import StudyRecord

_FEWEST = 5
_FEW = 20
_ROUNDING = 1e-9  # relative: equal values summed in another order are no difference


class ImportancesInfo(NamedTuple):
    """Importances that add up to 1, the greatest first; or, where there are none, the reason.

    They say what sets the best `quantile` of the `n_trials` trials apart from the rest; trials
    are compared by their scores or, where `after` is given, at that point. `chance`
    holds what each of them has by chance at most, but in one of 40 studies.
    """

    names: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    n_trials: int = 0
    quantile: float = 0.0
    after: After | None = None
    reason: str | None = None
    chance: tuple[float, ...] = ()

    @property
    def beyond_chance(self) -> tuple[str, ...]:
        """Return the parameters that matter more than chance explains, the greatest first."""
        rows = zip(self.names, self.values, self.chance, strict=True)
        return tuple(n for n, value, chance in rows if value > chance * (1 + _ROUNDING))

    @property
    def by_chance(self) -> float:
        """Return how many parameters would be among them if none mattered."""
        return len(self.names) / (N_SHUFFLES + 1)

    @property
    def few(self) -> bool:
        """Return whether the trials are so few that the ranking may well be chance."""
        return self.n_trials < _FEW


def importances_info(record: StudyRecord, study: optuna.Study) -> ImportancesInfo:
    """Return PED-ANOVA importances of the parameters of the trials that can be compared.

    Conditional parameters count.
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
    losses, evaluation = [sign * value for value in scores], ped_anova(trials, names, quantile)
    raw = evaluation.importances(losses)
    total = sum(raw.values())
    if not total > 0:
        reason = "the trials are too few to tell the parameters apart"
        return ImportancesInfo(n_trials=len(scores), reason=reason)
    ordered, values = zip(*sorted(raw.items(), key=lambda item: (-item[1], item[0])), strict=True)
    shares = tuple(value / total for value in values)
    levels = evaluation.chance_levels(losses)
    chance = tuple(levels[name] / total for name in ordered)
    return ImportancesInfo(ordered, shares, len(scores), quantile, compared.after, None, chance)


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
