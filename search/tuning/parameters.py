"""Whether Optuna takes a space's parameters beside those of a study's earlier trials."""

import optuna
from optuna.distributions import BaseDistribution, check_distribution_compatibility

from search.errors import UserError
from spaces import Space
from spaces.ranges import describe_range


def check_parameters(study: optuna.Study, space: Space, setting: str) -> None:
    """Raise UserError where Optuna would refuse a parameter of the space beside earlier trials.

    It takes another range of numbers, but no other choices, kind or scale.
    """
    stored = {n: d for t in study.get_trials(deepcopy=False) for n, d in t.distributions.items()}
    for parameter in space.parameters():
        then, now = stored.get(parameter.name), parameter.distribution
        if then is not None and not _compatible(then, now):
            raise UserError(
                f"space {setting!r}: parameter {parameter.name!r} was {_words(then)} when study "
                f"{study.study_name!r} began and is now {_words(now)} which Optuna does not take "
                "into one study, so that --accept-changes cannot help; accepted: the parameter as "
                "it was, or another --study-name"
            )


def _compatible(then: BaseDistribution, now: BaseDistribution) -> bool:
    try:
        check_distribution_compatibility(then, now)
    except ValueError:
        return False
    return True


def _words(distribution: BaseDistribution) -> str:
    kind = type(distribution).__name__.removesuffix("Distribution").lower()
    return f"{kind}, {describe_range(distribution)},"
