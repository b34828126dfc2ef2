"""Files that are away for a while: no trial fails, and the search ends as if nothing had been."""

import errno
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import pytest

from search.errors import MachineError, UserError
from search.events import Event, Listener
from search.executors import InlineExecutor, ProcessExecutor
from search.executors.base import Executor
from search.executors.failures import kind_of_failure
from search.pipeline import run_study
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.locks import study_lock
from search.tuning.opening import OpenStudy, open_study
from search.tuning.outages import FilesError, Outages
from search.tuning.preparing import prepare
from search.tuning.run import run_search
from search.tuning.run_events import TrialEnded, TrialStarted
from search.tuning.store import read_study
from tests.study_fixtures import EventRecorder, ended_results, recipe_maker

pytestmark = pytest.mark.slow

Maker = Callable[..., Recipe]
_SETTINGS: dict[str, Any] = {"trials": 6, "epochs": 5, "pruner": "halving", "study_name": "s"}
PLACES: dict[str, Callable[[OpenStudy], Path]] = {
    "the study's folder": lambda opened: opened.paths.study_dir,
    "all studies, and the database": lambda opened: opened.paths.runs_dir,
    "the data": lambda opened: opened.dataset.cache_dir,
    "the folds": lambda opened: opened.paths.folds,
}


@final
class Disk:
    """A listener that takes a place away when the n-th trial starts, for some seconds."""

    def __init__(self, place: Path, n_trials: int, seconds: float | None) -> None:
        self._place, self._n_trials, self._seconds = place, n_trials, seconds
        self.away = place.with_name("away")

    def __call__(self, event: Event) -> None:
        if isinstance(event, TrialStarted):
            self._n_trials -= 1
            if self._n_trials == 0:
                self._place.rename(self.away)
                if self._seconds is not None:
                    threading.Timer(self._seconds, self.back).start()

    def back(self) -> None:
        """Bring it back; nothing must have been put in its place."""
        assert not self._place.exists()
        self.away.rename(self._place)


def _search(
    opened: OpenStudy, executor: Executor, disk: Listener, patience: float = 20
) -> EventRecorder:
    recorder, stop = EventRecorder(), StopRequest()

    def listen(event: Event) -> None:
        recorder(event)
        disk(event)

    outages = Outages(opened, listen, stop, patience, poll=0.05)
    with study_lock(opened.paths):
        assert run_search(opened, executor, listen, stop, outages=outages)
    return recorder


@pytest.fixture(scope="module")
def undisturbed(
    image_folder: Path, data_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Any, ...]]:
    """Return the results of a search that nothing disturbs."""
    make = recipe_maker(tmp_path_factory.mktemp("undisturbed"), image_folder, data_dir)
    return ended_results(run_study(make(**_SETTINGS), EventRecorder(), executor="inline").record)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_search_waits_for_files_that_are_away(
    place: Callable[[OpenStudy], Path],
    undisturbed: list[tuple[Any, ...]],
    make_recipe: Maker,
    listener: EventRecorder,
) -> None:
    """It says so, goes on by itself, and ends with the very trials; none counts as failed."""
    opened = open_study(prepare(make_recipe(**_SETTINGS), InlineExecutor(), listener))
    heard = _search(opened, InlineExecutor(), Disk(place(opened), 3, 0.4))
    record = read_study(opened.study)
    assert ended_results(record) == undisturbed
    assert {t.reason for t in record.trials if t.state == "failed"} == {"interrupted"}
    waiting, back = heard.notices()
    assert "waiting up to 20 s for them" in waiting
    assert "trials go on from checkpoints" in back
    started = {event.number for event in heard.all(TrialStarted)}
    assert started == {event.trial.number for event in heard.all(TrialEnded)}


def test_trainings_in_processes_go_on_from_their_checkpoints(
    undisturbed: list[tuple[Any, ...]], make_recipe: Maker, listener: EventRecorder
) -> None:
    """Two workers meet the outage in the middle of trainings."""
    opened = open_study(prepare(make_recipe(**_SETTINGS), InlineExecutor(), listener))
    with ProcessExecutor(2, threads=1) as executor:
        _search(opened, executor, Disk(opened.paths.study_dir, 4, 1.5))
    assert ended_results(read_study(opened.study)) == undisturbed


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_what_does_not_come_back_ends_the_run_and_nothing_else(
    place: Callable[[OpenStudy], Path],
    undisturbed: list[tuple[Any, ...]],
    make_recipe: Maker,
    listener: EventRecorder,
) -> None:
    """One line says how to go on; once the files are back the same command trains every trial."""
    recipe = make_recipe(**_SETTINGS)
    opened = open_study(prepare(recipe, InlineExecutor(), listener))
    disk = Disk(place(opened), 3, None)
    with pytest.raises(MachineError, match=r"no trial counts as failed.* run it again"):
        _search(opened, InlineExecutor(), disk, patience=0.2)
    disk.back()
    record = run_study(recipe, listener, executor="inline").record
    assert ended_results(record) == undisturbed
    assert {t.reason for t in record.trials if t.state == "failed"} == {"interrupted"}
    assert len(record.openings) == 1


def test_waiting_ends_with_a_stop(make_recipe: Maker, listener: EventRecorder) -> None:
    """Ctrl-C while it waits is heeded, and nothing counts as failed."""
    opened = open_study(prepare(make_recipe(**_SETTINGS), InlineExecutor(), listener))
    disk, stop = Disk(opened.paths.study_dir, 2, None), StopRequest()
    threading.Timer(0.5, stop.request).start()
    outages = Outages(opened, listener, stop, poll=0.05)
    began = time.monotonic()
    assert not run_search(opened, InlineExecutor(), disk, stop, outages=outages)
    assert time.monotonic() - began < 30
    assert not [t for t in read_study(opened.study).trials if t.state == "failed"]


def test_another_process_may_have_taken_the_study(
    make_recipe: Maker, listener: EventRecorder
) -> None:
    """A disk that comes back may have lost its locks: whoever took the study keeps it."""
    opened = open_study(prepare(make_recipe(**_SETTINGS), InlineExecutor(), listener))
    opened.paths.lock_holder.write_text(
        '{"process": 1, "host": "elsewhere", "since": "2026-01-01"}', encoding="utf-8"
    )
    outages = Outages(opened, listener, StopRequest())
    with pytest.raises(UserError, match="process 1 on elsewhere"):
        outages.wait(FilesError("outage", "x"))


def test_an_error_that_comes_again_and_again_ends_the_run(
    make_recipe: Maker, listener: EventRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad sector is not an outage, though it looks like one."""
    opened = open_study(prepare(make_recipe(**_SETTINGS), InlineExecutor(), listener))
    monkeypatch.setattr("search.tuning.outages.check_still_held", lambda _: None)
    outages = Outages(opened, listener, StopRequest())
    for _ in range(2):
        assert outages.wait(FilesError("outage", "Input/output error: 'fold-0.ckpt'"))
    assert outages.wait(FilesError("outage", "another"))
    with pytest.raises(MachineError, match=r"Input/output error: 'fold-0\.ckpt'"):
        outages.wait(FilesError("outage", "Input/output error: 'fold-0.ckpt'"))


_OWN = Path("/runs/s")


def _from(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "full"), "fault"),
        (OSError(errno.EDQUOT, "quota"), "fault"),
        (OSError(errno.EMFILE, "too many"), "fault"),
        (PermissionError(errno.EACCES, "denied", "/runs/s/work/a"), "fault"),
        (PermissionError(errno.EACCES, "denied", "/home/weights.pt"), "failed"),
        (OSError(errno.EROFS, "read-only", "/runs/s/mark"), "fault"),
        (OSError(errno.EIO, "broken"), "outage"),
        (OSError(errno.ESTALE, "stale", "/runs/s/folds.npz"), "outage"),
        (TimeoutError(errno.ETIMEDOUT, "slow"), "outage"),
        (OSError(errno.ENOTCONN, "unmounted"), "outage"),
        (FileNotFoundError(errno.ENOENT, "gone", "/runs/s/work/a"), "outage"),
        (FileNotFoundError(errno.ENOENT, "gone", "/runs/s"), "outage"),
        (FileNotFoundError(errno.ENOENT, "gone", "/runs/s2/a"), "failed"),
        (FileNotFoundError(errno.ENOENT, "gone"), "failed"),
        (OSError("of no number"), "failed"),
        (ValueError("negative width"), "failed"),
        (_from(ValueError("folds"), OSError(errno.EIO, "broken")), "outage"),
        (_from(MachineError("cache"), FileNotFoundError(errno.ENOENT, "gone", "/x")), "outage"),
        (_from(MachineError("cache"), ValueError("of the wrong size")), "fault"),
        (MachineError("other folds"), "fault"),
        (MemoryError(), "failed"),
    ],
    ids=lambda one: one if isinstance(one, str) else repr(one),
)
def test_failures_are_of_three_kinds(error: Exception, kind: str) -> None:
    """A candidate's own mistakes are failures; those of files are the machine's."""
    assert kind_of_failure(error, (_OWN,)) == kind
