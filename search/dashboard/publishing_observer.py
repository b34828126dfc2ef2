"""Passes on what a run tells, and has trials published as they end."""

from types import TracebackType
from typing import Self, final

from search.dashboard.publishing import Publisher
from search.recipe import Recipe
from search.tuning.observer import StudyObserver
from search.tuning.records import TrialRecord


@final
class PublishingObserver:
    """Tells another observer everything, and a publisher which trials ended.

    As a context manager: at the end of the block the publisher has ended; what it had not come to
    is left to the next run or report, unless `close` waited for it.
    """

    def __init__(self, observer: StudyObserver) -> None:
        self._observer, self._publisher = observer, Publisher()
        self._study_name: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close(whole=False)

    def close(self, *, whole: bool) -> None:
        """End the publisher, once all is published if `whole`; say it where that failed."""
        name, self._study_name = self._study_name, None
        if name is None:
            return
        failure = self._publisher.end(whole=whole)
        if failure is not None:
            self.notice(
                f"the dashboard's notes and pictures could not be written: {failure}; "
                f"python -m search report {name} writes them again"
            )

    def notice(self, text: str) -> None:
        """Pass it on."""
        self._observer.notice(text)

    def progress(self, description: str, done: int, total: int) -> None:
        """Pass it on."""
        self._observer.progress(description, done, total)

    def study_opened(self, recipe: Recipe, n_planned: int, done: list[TrialRecord]) -> None:
        """Pass it on, and begin to publish."""
        self._observer.study_opened(recipe, n_planned, done)
        self._study_name = recipe.study_name
        self._publisher.begin(recipe, done)

    def trial_started(self, number: int, plan: int, slot: int) -> None:
        """Pass it on."""
        self._observer.trial_started(number, plan, slot)

    def epoch_ended(self, number: int, epoch: int, score: float) -> None:
        """Pass it on."""
        self._observer.epoch_ended(number, epoch, score)

    def trial_waiting(self, number: int) -> None:
        """Pass it on."""
        self._observer.trial_waiting(number)

    def folds_earned(self, numbers: list[int], n_folds: int, of: int) -> None:
        """Pass it on."""
        self._observer.folds_earned(numbers, n_folds, of)

    def stopping(self, n_training: int) -> None:
        """Pass it on."""
        self._observer.stopping(n_training)

    def trial_ended(self, trial: TrialRecord) -> None:
        """Pass it on, and have the trial published."""
        self._observer.trial_ended(trial)
        self._publisher.add(trial)

    def search_ended(self) -> None:
        """Pass it on."""
        self._observer.search_ended()
