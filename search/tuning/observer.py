"""What a run tells whoever watches it."""

from typing import Protocol

from search.data.dataset import DataObserver
from search.recipe import Recipe
from search.tuning.records import TrialRecord


class StudyObserver(DataObserver, Protocol):
    """Hears of a run's events, in the coordinator's process; must not raise.

    `notice` and `progress` come from DataObserver.
    """

    def study_opened(self, recipe: Recipe, n_planned: int, done: list[TrialRecord]) -> None:
        """Hear that the search begins or goes on; `done` has ended in earlier runs."""

    def trial_started(self, number: int, plan: int, slot: int) -> None:
        """Hear that a trial started on a worker's slot."""

    def epoch_ended(self, number: int, epoch: int, score: float) -> None:
        """Hear the mean over folds of the validation figure after an epoch."""

    def trial_waiting(self, number: int) -> None:
        """Hear that a trial is trained on the folds it has and waits for what others reach."""

    def folds_earned(self, numbers: list[int], n_folds: int, of: int) -> None:
        """Hear that trials earned training on `n_folds` of all `of` folds, best first."""

    def stopping(self, n_training: int) -> None:
        """Hear that the search was asked to stop and waits for so many epochs to end."""

    def trial_ended(self, trial: TrialRecord) -> None:
        """Hear that a trial ended."""

    def search_ended(self) -> None:
        """Hear that no further trial will start."""
