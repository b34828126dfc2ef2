"""What trials report and note, written together; the only module that knows these tables.

Optuna's own methods take a transaction with two queries for each value, half of all that a trial
costs. As there, what belongs to a trial must be written before it ends.
"""

import json
from collections.abc import Mapping
from typing import Any, final

from optuna.storages import BaseStorage
from optuna.storages._rdb.models import TrialIntermediateValueModel, TrialUserAttributeModel
from optuna.trial import Trial

from search.tuning.tables import database_of, write_rows

_ATTRIBUTES: Any = TrialUserAttributeModel.__table__
_REPORTED: Any = TrialIntermediateValueModel.__table__


def note(trial: Trial, values: Mapping[str, Any]) -> None:
    """Set user attributes of a running trial, which it has itself, too: all of them or none."""
    database = database_of(trial.storage)
    if database is None:
        for name, value in values.items():
            trial.set_user_attr(name, value)
        return
    rows = [
        {"trial_id": trial._trial_id, "key": name, "value_json": json.dumps(value)}
        for name, value in values.items()
    ]
    write_rows(database, _ATTRIBUTES, rows, ("trial_id", "key"))
    trial._cached_frozen_trial.user_attrs.update(values)


@final
class ReportedValues:
    """Values of epochs, of any trials, that are still to be written.

    Nothing waits for a server's disk here: they are many, and what is decided by them is stored
    with the trials.
    """

    def __init__(self, storage: BaseStorage) -> None:
        self._storage = storage
        self._waiting: list[tuple[int, int, float]] = []

    def add(self, trial_id: int, epoch: int, value: float) -> None:
        """Note the value of a trial's epoch; a later one of the same epoch replaces it."""
        self._waiting.append((trial_id, epoch, value))

    def write(self) -> None:
        """Write what was noted."""
        waiting, self._waiting = self._waiting, []
        database = database_of(self._storage)
        if database is not None:
            rows = [_row(*one) for one in waiting]
            write_rows(database, _REPORTED, rows, ("trial_id", "step"), on_disk=False)
        else:
            for trial_id, epoch, value in waiting:
                self._storage.set_trial_intermediate_value(trial_id, epoch, value)


def _row(trial_id: int, epoch: int, value: float) -> dict[str, Any]:
    stored, kind = TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
    return {
        "trial_id": trial_id,
        "step": epoch,
        "intermediate_value": stored,
        "intermediate_value_type": kind,
    }
