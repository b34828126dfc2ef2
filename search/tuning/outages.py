"""Outages: files of a study or its data, or a cluster, are out of reach for a while.

As when a network disk is away, or a scheduler is started again. That is no failure of a trial. The
search waits, for a limited time, and goes on as after a kill: from the study as stored, and from
the checkpoints. What lasts, such as a full disk, ends the run; the same command goes on later.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, final

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError

from search import text
from search.data.cache import load_train_split
from search.errors import MachineError, UserError
from search.events import Event, Listener, Notice
from search.executors.base import Executor
from search.executors.failures import describe_failure, kind_of_failure
from search.files import write_file
from search.stopping import StopRequest
from search.tuning.connections import is_lost_server
from search.tuning.locks import check_still_held
from search.tuning.opening import OpenStudy
from search.tuning.records import TrialRecord
from search.tuning.run_events import TrialEnded, TrialStarted
from search.tuning.storage import is_out_of_reach, reconnect
from search.tuning.store import read_study

_PATIENCE_SECONDS = 600.0
_POLL_SECONDS = 1.0
_MOST_ALIKE = 3  # failures of one kind within an hour though all files are there
_ALIKE_SECONDS = 3600.0
_DATABASE = (SQLAlchemyError, StorageInternalError)


@final
class FilesError(Exception):
    """Files of a study or its data cannot be used; an `outage` may pass, a `fault` lasts."""

    def __init__(
        self, kind: Literal["fault", "outage"], reason: str, *, of_server: bool = False
    ) -> None:
        super().__init__(reason)
        self.kind, self.reason, self.of_server = kind, reason, of_server

    def told(self) -> MachineError:
        """Return the error that ends the run: what was kept, and how to go on."""
        return MachineError(
            f"files of the study or its data, or its database, cannot be used: {self.reason}; "
            "finished trials and earlier checkpoints are kept and no trial counts as failed: make "
            "room or give access to them again, then run it again to resume"
        )


@contextmanager
def file_errors(opened: OpenStudy) -> Iterator[None]:
    """Turn an error of the block into a FilesError if it is one of the study's or data's files."""
    try:
        yield
    except _DATABASE as error:
        if not is_out_of_reach(error):
            raise
        cause = error.__cause__ or error
        reason = describe_failure(cause)
        raise FilesError("outage", reason, of_server=is_lost_server(error)) from error
    except OSError as error:
        kind = kind_of_failure(error, (opened.paths.runs_dir, opened.dataset.cache_dir))
        if kind == "failed":
            raise
        raise FilesError(kind, describe_failure(error)) from error


@contextmanager
def files_needed(opened: OpenStudy) -> Iterator[None]:
    """Turn an error of the study's or data's files in the block into a MachineError."""
    try:
        with file_errors(opened):
            yield
    except FilesError as error:
        raise error.told() from error


@final
class Outages:
    """Waits until the files can be used again; one instance per run.

    Args:
        opened: The study.
        listener: Receives a notice when an outage starts and when it is over.
        stop: Ends the waiting.
        patience: How long an outage may last, in seconds.
        poll: How often the files are looked for, in seconds.
    """

    def __init__(
        self,
        opened: OpenStudy,
        listener: Listener,
        stop: StopRequest,
        patience: float = _PATIENCE_SECONDS,
        poll: float = _POLL_SECONDS,
    ) -> None:
        self._opened, self._listener, self._stop = opened, listener, stop
        self._patience, self._poll = patience, poll
        self._alike: dict[str, list[float]] = {}  # when each failure came
        self._unended: set[int] = set()

    def note(self, event: Event) -> None:
        """Note which trials have started and not ended, as the listeners know it."""
        if isinstance(event, TrialStarted):
            self._unended.add(event.number)
        elif isinstance(event, TrialEnded):
            self._unended.discard(event.trial.number)

    def ended_unnoticed(self) -> list[TrialRecord]:
        """Return the trials that ended by an outage or during it, of which no listener heard."""
        trials = read_study(self._opened.study).trials
        ended = [one for one in trials if one.state not in ("waiting", "running")]
        return [one for one in ended if one.number in self._unended]

    def wait(self, error: FilesError) -> bool:
        """Wait until the files can be used again.

        Returns False if a stop was requested meanwhile. Raises MachineError if the error lasts,
        or comes again and again though all files are there.
        """
        if error.kind == "fault":
            raise error.told()
        began = time.monotonic()
        if error.of_server:  # looking for it takes up to a minute
            self._listener(Notice(self._waiting(error.reason)))
        missing = self._missing()
        if missing is None:
            recent = [
                one for one in self._alike.get(error.reason, []) if began - one < _ALIKE_SECONDS
            ]
            self._alike[error.reason] = [*recent, began]
            if len(recent) + 1 >= _MOST_ALIKE:
                raise error.told()
        elif not error.of_server:
            self._listener(Notice(self._waiting(missing)))
        while missing is not None:
            if self._stop.requested():
                return False
            if time.monotonic() - began > self._patience:
                raise FilesError("outage", missing).told()
            time.sleep(self._poll)
            missing = self._missing()
        seconds = time.monotonic() - began
        self._listener(Notice(_over(error.reason, seconds)))
        return True

    def wait_for(self, executor: Executor, error: MachineError) -> bool:
        """Wait until the place where trials run can be reached again.

        Returns False if a stop was requested meanwhile. Raises the error if it lasts.
        """
        limit = text.duration(self._patience)
        self._listener(Notice(f"{_first_clause(error)}: waiting up to {limit} for it"))
        began = time.monotonic()
        while not executor.reconnect():
            if self._stop.requested():
                return False
            if time.monotonic() - began > self._patience:
                raise error
            time.sleep(self._poll)
        seconds = text.duration(time.monotonic() - began)
        self._listener(Notice(f"back after {seconds}: trials go on from checkpoints"))
        return True

    def _waiting(self, missing: str) -> str:
        return (
            f"files of the study or its data, or its database, are out of reach ({missing}): no "
            f"trial counts as failed; waiting up to {text.duration(self._patience)} for them"
        )

    def _missing(self) -> str | None:
        """Return what cannot be used now; None if everything is there again.

        Raises UserError if another process has taken over the study meanwhile.
        """
        try:
            self._use()
        except UserError:
            raise
        except (OSError, MachineError, *_DATABASE) as error:
            return describe_failure(error)
        return None

    def _use(self) -> None:
        """Read and write what a search reads and writes."""
        opened, paths = self._opened, self._opened.paths
        paths.folds.read_bytes()
        load_train_split(opened.dataset)
        check_still_held(paths)
        probe = paths.study_dir / ".probe"
        write_file(probe, b"", durable=True)
        probe.unlink()
        reconnect(opened.storage)
        opened.storage.get_study_user_attrs(opened.study._study_id)


def _first_clause(error: MachineError) -> str:
    return str(error).partition(";")[0]


def _over(reason: str, seconds: float) -> str:
    if seconds < 1:
        return f"could not be used for a moment: {reason}; trials go on from checkpoints"
    return f"all is back after {text.duration(seconds)}: trials go on from checkpoints"
