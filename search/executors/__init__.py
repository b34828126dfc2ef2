"""Where jobs run: in worker processes, or in this one. Imports no torch."""

from search.executors.base import Executor
from search.executors.inline import InlineExecutor
from search.executors.processes import ProcessExecutor

__all__ = ["EXECUTORS", "Executor", "InlineExecutor", "ProcessExecutor", "get_executor"]

EXECUTORS: tuple[type[Executor], ...] = (ProcessExecutor, InlineExecutor)


def get_executor(name: str) -> type[Executor]:
    """Return the executor of that name; raises ValueError for any other."""
    for executor in EXECUTORS:
        if executor.name == name:
            return executor
    names = ", ".join(executor.name for executor in EXECUTORS)
    raise ValueError(f"executor must be one of {names}, got {name!r}")
