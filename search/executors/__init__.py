"""Where jobs run: in worker processes, in this one, or on a cluster. Imports no torch, no Dask."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

from search.errors import UserError
from search.executors.base import Executor
from search.executors.cluster.launchers import read_launcher
from search.executors.cluster.settings import ClusterSettings, read_settings
from search.executors.dask import DaskExecutor
from search.executors.inline import InlineExecutor
from search.executors.processes import ProcessExecutor

__all__ = [
    "EXECUTORS",
    "DaskExecutor",
    "Executor",
    "ExecutorChoice",
    "InlineExecutor",
    "ProcessExecutor",
    "choose_executor",
    "get_executor",
]

EXECUTORS: tuple[type[Executor], ...] = (ProcessExecutor, InlineExecutor, DaskExecutor)


def get_executor(name: str) -> type[Executor]:
    """Return the executor of that name; raises ValueError for any other."""
    for executor in EXECUTORS:
        if executor.name == name:
            return executor
    names = ", ".join(executor.name for executor in EXECUTORS)
    raise ValueError(f"executor must be one of {names}, got {name!r}")


@final
@dataclass(frozen=True)
class ExecutorChoice:
    """Where a run's jobs run.

    Attributes:
        name: That of one of `EXECUTORS`.
        cluster: How its cluster is reached, if it needs one.
    """

    name: str = ProcessExecutor.name
    cluster: ClusterSettings | None = None

    @property
    def is_local(self) -> bool:
        """Return whether its jobs run in processes of this machine."""
        return self.cluster is None

    def start(self, slots: int, threads: int) -> Executor:
        """Return the executor; `slots` is the number of slots, 0: as it likes."""
        return get_executor(self.name).start(slots, threads, self.cluster)


def choose_executor(
    executor: str | None = None, cluster: str | None = None, **how: Any
) -> ExecutorChoice:
    """Return where options or arguments say that jobs run; a cluster means "dask".

    Args:
        executor: The name of one of `EXECUTORS`.
        cluster: The cluster's address.
        how: Further arguments of `read_settings`; None: not given.

    Raises UserError, which names the setting, its value and what is accepted.
    """
    given = {name: value for name, value in how.items() if value is not None}
    name = executor or (ProcessExecutor if cluster is None else DaskExecutor).name
    try:
        kind = get_executor(name)
    except ValueError as error:
        raise UserError(str(error)) from error
    unused = [*([] if cluster is None else ["cluster"]), *given]
    if kind is not DaskExecutor and unused:
        raise UserError(f"{unused[0]} is only for executor 'dask', got executor {name!r}")
    return ExecutorChoice(name, None if cluster is None else _cluster_settings(cluster, given))


def _cluster_settings(cluster: str, given: Mapping[str, Any]) -> ClusterSettings:
    launcher = read_launcher(cluster)
    if launcher is None:
        return read_settings(cluster, **given)
    accepted = ("worker_timeout", "accept_mixed_hardware")
    known = {name: value for name, value in given.items() if name in accepted}
    if other := next((name for name in given if name not in known), None):
        raise UserError(
            f"{other} is only for a scheduler that runs already, got cluster {cluster!r}; give "
            "`certificates` or `insecure` in its file"
        )
    return replace(read_settings("tcp://localhost:1", **known), address="", launcher=launcher)
