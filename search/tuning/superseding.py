"""Closes the waiting trials that a changed space has no use for."""

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from search.tuning.attempts import SUPERSEDED
from search.tuning.points import Params
from search.tuning.preparing import Plan


def supersede_waiting(plan: Plan, study: optuna.Study, storage: BaseStorage) -> None:
    """Fail the waiting trials whose points are not those of the plan, so that none is trained.

    Their plan indices are queued anew, with the plan's points.
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        if not _is_planned(trial, plan):
            # the reason first: it alone keeps a trial from being run, and no ended one takes it
            storage.set_trial_user_attr(trial._trial_id, "reason", SUPERSEDED)
            storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)


def _is_planned(trial: FrozenTrial, plan: Plan) -> bool:
    point = _point(trial, plan)
    try:
        return point == trial.params and plan.space.distributions(point) == trial.distributions
    except ValueError:  # what TPE once asked for lies outside the space by now
        return False


def _point(trial: FrozenTrial, plan: Plan) -> Params | None:
    """Return the trial's point in the plan; what TPE asked for is its own."""
    index: int = trial.user_attrs.get("plan", len(plan.points))
    if index < len(plan.points):
        return plan.points[index]
    asked: Params = trial.params
    return asked if plan.recipe.sampler == "tpe" else None
