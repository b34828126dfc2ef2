"""The coordinator's connection with a cluster: which workers there are, and calls to them."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass, field
from typing import Any, final

from distributed import Client
from distributed.comm import CommClosedError

from search.errors import MachineError, UserError, first_line
from search.executors.cluster.agent import Greeting, greet, own_versions
from search.executors.cluster.security import security_of, tls_refusal
from search.executors.cluster.settings import ClusterSettings

_CONNECT_SECONDS = 10.0
_log = logging.getLogger(__name__)


@final
class WorkerLostError(BrokenExecutor):
    """A worker left the cluster while it had a job."""


@final
@dataclass(frozen=True)
class Worker:
    """A worker that runs at most one job of this run at a time.

    Attributes:
        session: The connection.
        address: Its address in the cluster.
        greeting: What it said of itself.
        datasets: Fingerprints of those that it has, verified.
    """

    session: "Session"
    address: str
    greeting: Greeting
    datasets: set[str] = field(default_factory=set)

    def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Return what a function returns there; raises as `Session.call` does."""
        return self.session.call(self.address, function, *arguments)

    def is_there(self) -> bool:
        """Return whether the cluster still has it."""
        return self.session.has(self.address)


@final
class Session:
    """A connection with a cluster's scheduler; used by several threads.

    Raises UserError if no scheduler answers, or it does not accept this process.
    """

    def __init__(self, settings: ClusterSettings, threads: int) -> None:
        self._settings, self._threads = settings, threads
        self._changed = threading.Condition()
        self._addresses: set[str] = set()
        self._greeted: dict[str, Worker] = {}
        self._refused: dict[str, UserError] = {}
        self._busy: set[str] = set()
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # it tells in many lines
        self.client = _connect(settings)
        self.client.subscribe_topic("all", self._note_event)
        for address in self.client.scheduler_info()["workers"]:
            self._add(address)

    def n_workers(self) -> int:
        """Return how many workers there are that this run can use."""
        with self._changed:
            return len(self._addresses - set(self._refused))

    def has(self, address: str) -> bool:
        """Return whether a worker is in the cluster."""
        with self._changed:
            return address in self._addresses

    def busy(self) -> list[str]:
        """Return the workers that have a job of this run."""
        with self._changed:
            return sorted(self._busy)

    def check(self) -> None:
        """Raise MachineError if the scheduler is gone."""
        if self.client.status != "running":
            raise MachineError(
                f"the cluster's scheduler at {self._settings.address} is gone; everything so far "
                "is kept: start it, then run it again to resume"
            )

    def acquire(self) -> Worker:
        """Return an idle worker, which is busy until it is released; waits for one.

        Raises:
            UserError: No worker can be used, as its versions differ.
            MachineError: There is no worker for too long, or no scheduler.
        """
        deadline = time.monotonic() + self._settings.worker_timeout
        while True:
            self.check()
            address = self._take_idle(deadline)
            if address is None:
                continue
            worker = self._greet(address)
            if worker is not None:
                return worker

    def release(self, address: str) -> None:
        """Make a worker idle again."""
        with self._changed:
            self._busy.discard(address)
            self._changed.notify_all()

    def call(self, address: str, function: Callable[..., Any], *arguments: object) -> Any:
        """Return what a function returns on a worker.

        Raises what it raises there; WorkerLostError if the worker cannot be reached.
        """
        try:
            results = self.client.run(function, *arguments, workers=[address])
        except (CommClosedError, KeyError) as error:
            self.check()
            raise WorkerLostError(f"worker {address} is gone") from error
        return results[address]

    def close(self) -> None:
        """End the connection."""
        self.client.close(timeout=_CONNECT_SECONDS)

    def _take_idle(self, deadline: float) -> str | None:
        """Return a worker, now busy; None if there is none after a moment.

        The time counts only as long as there is no worker at all.
        """
        with self._changed:
            usable = self._addresses - set(self._refused)
            idle = sorted(usable - self._busy)
            if idle:
                self._busy.add(idle[0])
                return idle[0]
            if not usable and self._refused:
                raise next(iter(self._refused.values()))
            if not usable and time.monotonic() > deadline:
                raise MachineError(_no_worker(self._settings))
            self._changed.wait(timeout=0.5)
            return None

    def _greet(self, address: str) -> Worker | None:
        """Return a worker that is ready for jobs; None if it cannot be used."""
        known = self._greeted.get(address)
        if known is not None:
            return known
        try:
            greeting = self.call(address, greet, self._threads)
            check_versions(address, greeting)
        except WorkerLostError:
            self._remove(address)
            return None
        except ImportError as error:
            self._refuse(address, UserError(_not_ours(address, error)))
            return None
        except UserError as error:
            self._refuse(address, error)
            return None
        worker = self._greeted[address] = Worker(self, address, greeting)
        return worker

    def _refuse(self, address: str, reason: UserError) -> None:
        _log.warning("%s", reason)
        with self._changed:
            self._refused[address] = reason
            self._changed.notify_all()

    def _note_event(self, event: tuple[float, Any]) -> None:
        _, message = event
        match message:
            case {"action": "add-worker", "worker": str(address)}:
                self._add(address)
            case {"action": "remove-worker", "worker": str(address)}:
                self._remove(address)
            case _:  # clients come and go, functions run
                pass

    def _add(self, address: str) -> None:
        with self._changed:
            self._addresses.add(address)
            self._changed.notify_all()

    def _remove(self, address: str) -> None:
        with self._changed:
            self._addresses.discard(address)
            self._busy.discard(address)
            self._refused.pop(address, None)
            self._greeted.pop(address, None)
            self._changed.notify_all()


def _connect(settings: ClusterSettings) -> Client:
    security = security_of(settings, "client")
    try:
        return Client(
            settings.address,
            timeout=_CONNECT_SECONDS,
            security=security,
            set_as_default=False,
            name="cifar-search",
        )
    except (OSError, ValueError) as error:
        refusal = tls_refusal(settings, error)
        if refusal is not None:
            raise refusal from error
        raise UserError(
            f"cluster: no scheduler answers at {settings.address!r} ({first_line(error)}); "
            "start one with `python -m search scheduler`"
        ) from error


def check_versions(address: str, greeting: Greeting) -> None:
    """Raise UserError if a worker has other versions than this process."""
    for name, own in own_versions().items():
        theirs = greeting.versions.get(name)
        if theirs != own:
            raise UserError(
                f"cluster: worker {address} ({greeting.place}) has {name} {theirs}, this process "
                f"{name} {own}; results agree only between equal versions: install the same on both"
            )


def _not_ours(address: str, error: ImportError) -> str:
    return (
        f"cluster: worker {address} does not have this program ({first_line(error)}); start it "
        "with `python -m search worker` there"
    )


def _no_worker(settings: ClusterSettings) -> str:
    return (
        f"the cluster at {settings.address} has had no worker for {settings.worker_timeout:g} s; "
        f"everything so far is kept: start one with `python -m search worker {settings.address}`, "
        "then run it again to resume"
    )
