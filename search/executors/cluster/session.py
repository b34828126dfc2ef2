"""The coordinator's connection with a cluster: which workers there are, and calls to them."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass, field
from typing import Any, final

from distributed import Client
from distributed.comm import CommClosedError

from search.errors import MachineError, UserError
from search.executors.cluster.agent import Greeting, greet, own_versions
from search.executors.cluster.messages import DaemonError
from search.executors.cluster.security import security_of, tls_refusal, why_no_answer
from search.executors.cluster.settings import ClusterSettings
from search.executors.cluster.told import (
    has_not_this_program,
    is_daemon,
    left_out,
    no_worker,
    waiting_for_one,
)

_CONNECT_SECONDS = 10.0
_RECONNECT_SECONDS = 2.0
_POLL_SECONDS = 0.5
_SILENT_SECONDS = 3.0  # without a worker until that is told
_SILENT = logging.CRITICAL + 1


@final
class WorkerLostError(BrokenExecutor):
    """A worker left the cluster unexpectedly while it had a job."""


@final
class WorkerLeftError(Exception):
    """A worker left as it was told to while it had a job, which another one takes over."""


@final
class UnusableWorkerError(Exception):
    """A worker cannot run jobs for a reason of its machine; others may."""

    def __init__(self, reason: MachineError) -> None:
        super().__init__(str(reason))
        self.reason = reason


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

    def check(self) -> None:
        """Raise what `loss` returns if the cluster does not have it any more."""
        self.session.check()
        if not self.session.has(self.address):
            raise self.loss()

    def loss(self) -> Exception:
        """Return the error that says that it is gone, by whether that was expected.

        Raises MachineError if it is the scheduler that is gone.
        """
        return self.session.loss(self.address)


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
        self._refused: dict[str, UserError | MachineError] = {}
        self._busy: set[str] = set()
        self._leaving: set[str] = set()
        self._left: set[str] = set()  # as they were told to
        self._news: list[str] = []
        self._kind = ""  # hardware of the first worker
        self._last_seen = time.monotonic()  # when there was a worker, or one was asked for
        self._told_of_none = False
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(_SILENT)  # it tells in many lines
        self.client = _connect(settings, _CONNECT_SECONDS)
        self._follow()

    def _follow(self) -> None:
        """Follow which workers there are."""
        self.client.subscribe_topic("all", self._note_event)
        for address in self.client.scheduler_info(n_workers=-1)["workers"]:
            self._add(address)

    def reconnect(self) -> bool:
        """Connect again after the scheduler was gone; returns whether it is there."""
        self.client.close(timeout=_RECONNECT_SECONDS)
        with self._changed:
            for known in (self._addresses, self._greeted, self._refused, self._busy):
                known.clear()
        try:
            self.client = _connect(self._settings, _RECONNECT_SECONDS)
        except UserError:
            return False
        self._follow()
        return True

    def n_workers(self) -> int:
        """Return how many workers there are that this run can use."""
        with self._changed:
            return len(self._usable())

    def addresses(self) -> list[str]:
        """Return the workers of the cluster."""
        with self._changed:
            return sorted(self._addresses)

    def has(self, address: str) -> bool:
        """Return whether a worker is in the cluster."""
        with self._changed:
            return address in self._addresses

    def busy(self) -> list[str]:
        """Return the workers that have a job of this run."""
        with self._changed:
            return sorted(self._busy)

    def take_news(self) -> list[str]:
        """Return what users should know and were not told yet."""
        with self._changed:
            news, self._news = self._news, []
        return news

    def check(self) -> None:
        """Raise MachineError, which may pass, if the scheduler is gone."""
        if self.client.status != "running":
            raise MachineError(
                f"the cluster's scheduler at {self._settings.address} is gone; everything so far "
                "is kept: start it, then run it again to resume",
                may_pass=True,
            )

    def acquire(self, check: Callable[[], None]) -> Worker:
        """Return an idle worker, which is busy until it is released; waits for one.

        Args:
            check: Called while it waits; what it raises ends the waiting.

        Raises:
            UserError: No worker can be used, as its versions differ.
            MachineError: No worker can be used, there is none for too long, or no scheduler.
        """
        with self._changed:
            self._last_seen = time.monotonic()
        while True:
            check()
            self.check()
            address = self._take_idle()
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

    def exclude(self, address: str) -> None:
        """Use a worker no more, as it leaves."""
        with self._changed:
            self._leaving.add(address)
            self._changed.notify_all()

    def refuse(self, address: str, reason: UserError | MachineError) -> None:
        """Use a worker no more, for this reason, unless it is started again."""
        with self._changed:
            self._refused[address] = reason
            known = self._greeted.get(address)
            self._news.append(left_out(reason, address, known and known.greeting.place))
            self._changed.notify_all()

    def loss(self, address: str) -> Exception:
        """Return the error that says that a worker is gone, as `Worker.loss` does."""
        self.check()
        with self._changed:
            left = address in self._left or address in self._leaving
        kind = WorkerLeftError if left else WorkerLostError
        return kind(f"worker {address} is gone")

    def call(self, address: str, function: Callable[..., Any], *arguments: object) -> Any:
        """Return what a function returns on a worker.

        Raises what it raises there; WorkerLostError or WorkerLeftError if the worker is gone.
        """

        async def run() -> Any:  # in the client's loop, where its methods are coroutines
            return await self.client.run(function, *arguments, workers=[address])

        calling = asyncio.run_coroutine_threadsafe(run(), self.client.loop.asyncio_loop)
        try:
            while True:
                try:
                    return calling.result(_POLL_SECONDS)[address]
                except TimeoutError:
                    # A machine that hangs never answers; the scheduler removes it after a while.
                    if calling.done() or not self.has(address):
                        raise
                    self.check()
        except (CommClosedError, KeyError, TimeoutError) as error:
            calling.cancel()
            raise self.loss(address) from error

    def close(self) -> None:
        """End the connection."""
        if self.client.status == "running":
            self.client.unsubscribe_topic("all")
        self.client.close(timeout=_CONNECT_SECONDS)

    def _usable(self) -> set[str]:
        return self._addresses - set(self._refused) - self._leaving

    def _take_idle(self) -> str | None:
        """Return a worker, now busy; None if there is none after a moment.

        The time counts only as long as there is no worker at all.
        """
        with self._changed:
            usable = self._usable()
            if usable:
                self._last_seen, self._told_of_none = time.monotonic(), False
            waited = time.monotonic() - self._last_seen
            if waited > _SILENT_SECONDS and not self._told_of_none:
                self._news.append(waiting_for_one(self._settings))
                self._told_of_none = True
            idle = sorted(usable - self._busy)
            if idle:
                self._busy.add(idle[0])
                return idle[0]
            if not usable and self._refused:
                raise next(iter(self._refused.values()))
            if waited > self._settings.worker_timeout:
                raise MachineError(no_worker(self._settings))
            self._changed.wait(timeout=_POLL_SECONDS)
            return None

    def _greet(self, address: str) -> Worker | None:
        """Return a worker that is ready for jobs; None if it cannot be used."""
        known = self._greeted.get(address)
        if known is not None:
            return known
        try:
            greeting = self._greeting(address)
        except (WorkerLostError, WorkerLeftError):
            self._remove(address)
            return None
        except UserError as error:
            self.refuse(address, error)
            self.release(address)
            return None
        worker = self._greeted[address] = Worker(self, address, greeting)
        return worker

    def _greeting(self, address: str) -> Greeting:
        """Return what a worker says of itself; raises UserError if it cannot be used."""
        try:
            greeting: Greeting = self.call(address, greet, self._threads)
        except DaemonError as error:
            raise UserError(is_daemon(address)) from error
        except ImportError as error:
            raise UserError(has_not_this_program(address, error)) from error
        check_versions(address, greeting)
        return greeting._replace(host=self._check_hardware(address, greeting))

    def _check_hardware(self, address: str, greeting: Greeting) -> str:
        """Return what a worker's machine is called: with its hardware, if kinds are mixed.

        Raises UserError if it is of another kind than the first one and that was not accepted.
        """
        with self._changed:
            kind = self._kind = self._kind or greeting.hardware
        if self._settings.accept_mixed_hardware:
            return f"{greeting.host} ({greeting.hardware})"
        if greeting.hardware != kind:
            raise UserError(
                f"cluster: worker {address} ({greeting.place}) has {greeting.hardware}, others of "
                f"this run {kind}; results agree to the last bit only between equal hardware: use "
                "one kind, or `accept_mixed_hardware`"
            )
        return greeting.host

    def _note_event(self, event: tuple[float, Any]) -> None:
        _, message = event
        match message:
            case {"action": "add-worker", "worker": str(address)}:
                self._add(address)
            case {"action": "remove-worker", "worker": str(address), "expected": bool(expected)}:
                if expected:
                    with self._changed:
                        self._left.add(address)
                self._remove(address)
            case _:  # clients come and go, functions run
                pass

    def _add(self, address: str) -> None:
        with self._changed:
            self._addresses.add(address)
            self._left.discard(address)
            self._changed.notify_all()

    def _remove(self, address: str) -> None:
        with self._changed:
            self._addresses.discard(address)
            self._busy.discard(address)
            self._refused.pop(address, None)
            self._greeted.pop(address, None)
            self._changed.notify_all()


@final
class _Client(Client):  # type: ignore[misc]
    """A client that its session closes; one that could not connect has nothing to close."""

    def __del__(self) -> None:
        """Do nothing, where Dask would try to close it for seconds."""


def _connect(settings: ClusterSettings, seconds: float) -> Client:
    security = security_of(settings, "client")
    try:
        return _Client(
            settings.address,
            timeout=seconds,
            security=security,
            set_as_default=False,
            name="cifar-search",
        )
    except (OSError, ValueError) as error:
        refusal = tls_refusal(settings, error)
        if refusal is not None:
            raise refusal from error
        raise UserError(
            f"cluster: no scheduler answers at {settings.address!r} ({why_no_answer(error)}); "
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
