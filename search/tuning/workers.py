"""Tells which workers of a cluster there are, and on which of its machines each trial runs."""

from collections.abc import Iterable
from typing import final

from search.events import Listener, Notice
from search.executors.base import Executor
from search.tuning.recorder import TrialRecorder
from search.tuning.run_events import TrialPlaced, WorkersChanged
from search.tuning.running_trials import RunningTrial


@final
class WorkerWatch:
    """Looks at an executor from time to time; on one machine there is nothing to tell."""

    def __init__(self, executor: Executor, recorder: TrialRecorder, listener: Listener) -> None:
        self._executor, self._recorder, self._listener = executor, recorder, listener
        self._n_workers = executor.slots
        self._hosts: dict[int, tuple[str, ...]] = {}

    def look(self, trials: Iterable[RunningTrial]) -> None:
        """Tell and record what has changed since the last look."""
        for news in self._executor.take_news():
            self._listener(Notice(news))
        before, self._n_workers = self._n_workers, self._executor.slots
        if before != self._n_workers:
            self._listener(WorkersChanged(before, self._n_workers))
        for running in trials:
            known, now = self._hosts.get(running.trial.number, ()), running.hosts()
            # A trial that goes on after a pause has none until a worker is free.
            hosts = (*(one for one in known if one not in now), *now)
            if hosts != known:
                self._hosts[running.trial.number] = hosts
                self._recorder.placed(running.trial, hosts)
                self._listener(TrialPlaced(running.trial.number, hosts[-1]))
