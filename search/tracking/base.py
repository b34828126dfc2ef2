"""What all experiment trackers have in common: which events of a study they write, and when."""

import statistics
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from search.errors import UserError
from search.events import Event
from search.metric import Metric
from search.objectives import objectives_of
from search.recipe import Recipe
from search.training.history import FoldEpoch
from search.training.metrics import TestResult
from search.tuning.records import TrialRecord
from search.tuning.run_events import (
    EpochEnded,
    ReportWritten,
    StudyOpened,
    TrialEnded,
    TrialStarted,
    WinnerRefitted,
    WinnerTested,
)

CURVES = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "learning_rate")
"""What is written of each epoch once a trial has ended, as means over folds; see `FoldEpoch`."""


class Tracker(ABC):
    """A listener that writes each trial as a run of its own, and the study as one beside them.

    A trial's run has the score of each epoch while it trains; at its end its parameters, its
    state, its result and all curves. The study's run has the recipe and, after refit and test, the
    test result and the report. What a tracker raises ends the search, as an interrupt does.
    """

    name: ClassVar[str]
    """What the command line calls it; also the extra that installs it."""
    package: ClassVar[str]
    """The module that it needs."""

    def __init__(self) -> None:
        if find_spec(self.package) is None:
            raise UserError(
                f"tracker {self.name!r} needs the package {self.package!r}: "
                f"pip install 'cifar-search[{self.name}]'"
            )
        self._recipe: Recipe | None = None
        self._open = False
        self._written: dict[int, set[int]] = {}  # of each running trial, the epochs written so far

    def __call__(self, event: Event) -> None:
        """Write what the event says; events before a study is known are not written."""
        match event:
            case StudyOpened():
                self.follow(event.recipe)
            case _ if self._recipe is not None:
                self._write(event, self._recipe)
            case _:
                pass

    def follow(self, recipe: Recipe) -> None:
        """Take the events that follow as those of this study."""
        if self._recipe != recipe:
            self.close()
            self._recipe = recipe

    def close(self) -> None:
        """End all runs, those of trials that are still training as interrupted.

        Later events open the study's run again.
        """
        for number in [*self._written]:
            self._written.pop(number)
            self.end_trial(number, "interrupted", {}, {})
        if self._open:
            self._open = False
            self.end_study()

    @abstractmethod
    def start_study(self, recipe: Recipe) -> None:
        """Open the study's run, again if it was ended."""

    @abstractmethod
    def log_study(self, figures: Mapping[str, float]) -> None:
        """Write figures of the study."""

    @abstractmethod
    def add_report(self, folder: Path) -> None:
        """Write the files of the report."""

    @abstractmethod
    def end_study(self) -> None:
        """End the study's run."""

    @abstractmethod
    def start_trial(self, number: int) -> None:
        """Open a trial's run."""

    @abstractmethod
    def log_epoch(self, number: int, epoch: int, figures: Mapping[str, float]) -> None:
        """Write figures of a trial after an epoch, counted from 1; not always in their order."""

    @abstractmethod
    def end_trial(
        self,
        number: int,
        state: str,
        params: Mapping[str, object],
        figures: Mapping[str, float],
    ) -> None:
        """Write what became of a trial, and end its run."""

    def _write(self, event: Event, recipe: Recipe) -> None:
        match event:
            case TrialStarted():
                self._ensure_started(event.number, recipe)
            case EpochEnded():
                self._ensure_started(event.number, recipe)
                self._written[event.number].add(event.epoch)
                self.log_epoch(event.number, event.epoch, {"score": event.score})
            case TrialEnded():
                self._ensure_started(event.trial.number, recipe)
                self._end(event.trial, recipe)
            case WinnerRefitted():
                self._ensure_open(recipe)
                self.log_study({"winner": event.refit.trial, "refit_epochs": event.refit.epochs})
            case WinnerTested():
                self._ensure_open(recipe)
                self.log_study(_test_figures(event.test))
            case ReportWritten():
                self._ensure_open(recipe)
                self.add_report(Path(event.page).parent)
            case _:
                pass

    def _ensure_open(self, recipe: Recipe) -> None:
        if not self._open:
            self._open = True
            self.start_study(recipe)

    def _ensure_started(self, number: int, recipe: Recipe) -> None:
        self._ensure_open(recipe)
        if number not in self._written:
            self._written[number] = set()
            self.start_trial(number)

    def _end(self, trial: TrialRecord, recipe: Recipe) -> None:
        written = self._written.pop(trial.number)
        metric = objectives_of(recipe.metric, recipe.objective, recipe.choose).metric
        for epoch, folds in enumerate(trial.history.epochs, start=1):
            figures = dict(_curve_points(folds))
            if epoch not in written:  # before this run, or because another trial has the result
                figures |= _score(folds, metric)
            self.log_epoch(trial.number, epoch, figures)
        self.end_trial(trial.number, trial.kind, trial.params, dict(_results(trial)))


def _curve_points(folds: tuple[FoldEpoch, ...]) -> Iterator[tuple[str, float]]:
    for name in CURVES:
        values = [getattr(fold, name) for fold in folds]
        if values and None not in values:
            yield name, statistics.fmean(values)


def _test_figures(test: TestResult) -> dict[str, float]:
    low, high = test.interval
    return {
        "test_accuracy": test.accuracy,
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_loss": test.loss,
    }


def _score(folds: tuple[FoldEpoch, ...], metric: Metric) -> dict[str, float]:
    return {"score": statistics.fmean(fold.score(metric) for fold in folds)} if folds else {}


def _results(trial: TrialRecord) -> Iterator[tuple[str, float]]:
    """Yield the figures of a trial that ended, without those that it does not have."""
    known = {
        "best_score": trial.value if trial.mean is None else trial.mean,
        "std": trial.std if len(trial.fold_scores) > 1 else None,
        "best_epoch": trial.best_epoch,
        "parameters": trial.n_parameters,
        "seconds": trial.seconds,
        **trial.costs,
    }
    yield from ((name, value) for name, value in known.items() if value is not None)
