"""Runs the steps of a study for the Python API: the search, the refit, the test."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, chdir, contextmanager, nullcontext
from pathlib import Path
from typing import final

from search.ablation.ablate import ablate
from search.ablation.path import Ablation
from search.checks import password_note, without_password
from search.dashboard.publishing import Publisher
from search.errors import MachineError, UserError
from search.evaluation.finishing import evaluate_winner, plan_horizon
from search.evaluation.model import ImageClassifier
from search.events import Event, Listener, fan_out
from search.executors import ExecutorChoice
from search.files import check_writable
from search.nested import repeat_search
from search.pipeline import OpenRun, Outcome, open_run
from search.recipe import Recipe
from search.stopping import StopRequest
from search.study.interrupts import interruptible
from search.study.listening import Listeners, UntoldNotices
from search.study.progress import shown_progress
from search.tuning.endings import end_info
from search.tuning.extra_trainings import StoppedEarly
from search.tuning.records import StudyRecord
from search.tuning.run_events import RunEnded, StudyOpened, WinnerRefitted, WinnerTested
from search.tuning.storage import storage_error
from search.tuning.store import read_study

RUNS_DIR = Path("runs")
"""Where studies are unless told."""


@final
class Runner:
    """Runs one step of a study at a time, in the folder that was current when it was made.

    Args:
        progress: Whether to show it.
        place: Where trainings run.
        accept_changes: Whether to resume a study whose code or libraries have changed.
    """

    def __init__(
        self,
        *,
        progress: bool = False,
        place: ExecutorChoice | None = None,
        accept_changes: bool = False,
    ) -> None:
        if not isinstance(progress, bool):
            raise UserError(f"progress must be True or False, got {progress!r}")
        self.listeners = Listeners()
        self._notices = UntoldNotices()
        self._progress, self._place = progress, place or ExecutorChoice()
        self._accept_changes = accept_changes
        self._folder = Path.cwd()  # which relative paths are relative to
        self._stop: StopRequest | None = None

    def search(
        self, recipe: Recipe, *, retry_failed: bool = False, accept_changes: bool | None = None
    ) -> Outcome:
        """Create or resume the study and run its open trials; the test set stays closed.

        Args:
            recipe: The requested settings.
            retry_failed: Whether trials that failed for good are tried again.
            accept_changes: Whether code and libraries may have changed; None: as for other steps.
        """
        with (
            self._listening(recipe, opened=False) as (listener, stop),
            Publisher(listener) as publisher,
            self._opened(
                recipe,
                fan_out(listener, publisher),
                stop,
                retry_failed=retry_failed,
                accept_changes=accept_changes,
            ) as run,
        ):
            ended = run.search()
            outcome = run.outcome()
            winner = outcome.record.winner()
            if ended and winner is not None and run.budget is not None:
                # now, as the budget's clock is running
                plan_horizon(run.opened, run.budget, run.workers)
            run.workers.close()
            publisher.close(whole=not outcome.stopped)
            end = end_info(outcome.record, stopped=outcome.stopped)
            listener(RunEnded(end, None if winner is None else winner.number))
        return outcome

    def refit(self, recipe: Recipe) -> ImageClassifier:
        """Return the winner, retrained on all training images and exported."""
        with (
            self._listening(recipe) as (listener, stop),
            self._opened(recipe, listener, stop, searching=False) as run,
        ):
            return _refit(run)

    def test(self, recipe: Recipe) -> StudyRecord:
        """Return the study with its winner tested; it is refitted first unless it was before."""
        with (
            self._listening(recipe) as (listener, stop),
            self._opened(recipe, listener, stop, searching=False) as run,
        ):
            if recipe.protocol.refits:
                record = evaluate_winner(run.opened, _refit(run))
            else:
                run.finish()
                record = read_study(run.opened.study)
            if record.test is not None:
                listener(WinnerTested(record.test, len(record.openings)))
        return record

    def ablate(self, recipe: Recipe, start_trial: int | None) -> Ablation:
        """Return the path to the winner, which is stored with the study."""
        with (
            self._listening(recipe) as (listener, stop),
            self._opened(recipe, listener, stop, searching=False) as run,
        ):
            run.workers.resize(recipe.workers)
            try:
                return ablate(run.opened, run.workers, listener, stop, start_trial)
            except StoppedEarly as error:
                raise KeyboardInterrupt from error  # which says how to continue

    def repeat(self, recipe: Recipe, folds: int) -> None:
        """Repeat the search on parts of its training images."""
        with self._listening(recipe) as (listener, stop):
            ended = repeat_search(
                recipe.study_name,
                recipe.runs_dir,
                recipe.storage,
                stop,
                lambda: nullcontext(listener),
                folds=folds,
                executor=self._place,
            )
            if not ended:
                raise KeyboardInterrupt  # which says how to continue

    def in_own_folder(self) -> AbstractContextManager[None]:
        """Return a context in which the folder is current that was when it was made."""
        return chdir(self._folder)

    def announce(self, event: Event) -> None:
        """Tell the listeners what happened outside of a step."""
        self.listeners(event)
        self.listeners.close()

    def stop(self) -> None:
        """Request that the step that runs now ends after the current epoch."""
        if self._stop is not None:
            self._stop.request()

    @contextmanager
    def _listening(
        self, recipe: Recipe, *, opened: bool = True
    ) -> Iterator[tuple[Listener, StopRequest]]:
        """Yield the listener of a step, and what stops it; a step of a step is refused.

        Args:
            recipe: The requested settings.
            opened: Whether the study is known to exist; a search may have to make it.
        """
        if self._stop is not None:
            raise UserError("study: a step of this study is running; stop() ends it")
        stop = self._stop = StopRequest()
        name = recipe.study_name if opened else None

        def note_name(event: Event) -> None:
            nonlocal name
            if isinstance(event, StudyOpened):
                name = event.recipe.study_name

        try:
            with (
                one_line_errors(),
                self.in_own_folder(),
                interruptible(stop, lambda: _how_to_continue(name, recipe, searching=not opened)),
                shown_progress(shown=self._progress) as shown,
            ):
                check_writable(recipe.runs_dir)
                yield fan_out(note_name, self._notices.of_step(shown), self.listeners), stop
        finally:
            self._stop = None
            self.listeners.close()

    @contextmanager
    def _opened(
        self,
        recipe: Recipe,
        listener: Listener,
        stop: StopRequest,
        *,
        searching: bool = True,
        retry_failed: bool = False,
        accept_changes: bool | None = None,
    ) -> Iterator[OpenRun]:
        with open_run(
            recipe,
            listener,
            stop,
            executor=self._place,
            accept_changes=self._accept_changes if accept_changes is None else accept_changes,
            retry_failed=retry_failed,
            estimate=self._progress and searching,
            searching=searching,
        ) as run:
            yield run


def _refit(run: OpenRun) -> ImageClassifier:
    if not run.opened.recipe.protocol.refits:
        raise UserError(
            f"refit: study {run.opened.study.study_name!r} replicates the hand-tuned networks, "
            "which are tested as they are: use test()"
        )
    classifier = run.refit()
    if classifier is None:
        raise KeyboardInterrupt
    record = read_study(run.opened.study)
    if record.refit is not None:
        run.listener(WinnerRefitted(record.refit))
    return classifier


def _how_to_continue(name: str | None, recipe: Recipe, *, searching: bool) -> str:
    if name is None:
        return "interrupted before a trial was started: run the same call again"
    kept = "interrupted; everything so far is kept: run the same call again to continue"
    return f"{kept}, or {_continuing_call(name, recipe)}" if searching else kept


def _continuing_call(name: str, recipe: Recipe) -> str:
    """Return the call that continues a study, without the password of its database."""
    storage = None if recipe.storage is None else without_password(recipe.storage)
    place = "" if recipe.runs_dir == RUNS_DIR else f", {str(recipe.runs_dir)!r}"
    place += "" if storage is None else f", storage={storage!r}"
    return f"search.load_study({name!r}{place}).run(){password_note(recipe.storage, storage)}"


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn failures of database and machine into one line; errors of callbacks stay as they are.

    Raises:
        UserError: A value cannot be stored.
        MachineError: The database or the machine failed.
    """
    try:
        yield
    except (UserError, MachineError):
        raise
    except Exception as error:
        known = storage_error(error)
        if known is None and isinstance(error, OSError):
            known = MachineError(str(error))
        if known is None:
            raise
        raise known from error
