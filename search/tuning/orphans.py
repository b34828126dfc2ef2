"""Trials that were begun and not ended: failed as interrupted, which is no attempt that counts."""

from datetime import datetime

import optuna
from optuna.storages import BaseStorage
from optuna.trial import Trial, TrialState

from search.paths import RunPaths
from search.tuning.attempts import INTERRUPTED


def fail_interrupted(
    study: optuna.Study, storage: BaseStorage, trial: Trial, seen: datetime | None = None
) -> None:
    """Fail a running trial that was last seen alive then, or is stopped now."""
    last = (seen or datetime.now()).isoformat()
    storage.set_trial_user_attr(trial._trial_id, "last_seen", last)
    storage.set_trial_user_attr(trial._trial_id, "reason", INTERRUPTED)
    study.tell(trial, state=TrialState.FAIL)


def fail_orphans(study: optuna.Study, storage: BaseStorage, paths: RunPaths) -> None:
    """Fail the trials that a dead coordinator left running, as of when they last wrote anything."""
    for orphan in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        seen = _last_sign(paths, orphan.number) or orphan.datetime_start
        fail_interrupted(study, storage, Trial(study, orphan._trial_id), seen)


def _last_sign(paths: RunPaths, number: int) -> datetime | None:
    """Return the newest time of the trial's files, local as Optuna's times are."""
    times = [path.stat().st_mtime for path in paths.trial_dir(number).rglob("*")]
    return datetime.fromtimestamp(max(times)) if times else None
