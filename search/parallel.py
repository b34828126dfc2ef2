"""Work of a moment spread over the cores."""

import multiprocessing
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

import joblib

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def parallel_map(work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
    """Apply a function to items in forks of this process, one a core; return the results in order.

    Forks begin at once, with all that is imported and computed. Where processes cannot be forked
    safely (on other systems than Linux), with one core, and if a fork is killed, all is done in
    this process.

    Args:
        work: Does not print, and changes nothing that this process would have to know. Its results
            and errors can be pickled.
        items: In the order of their results.
    """
    n_forks = min(_cores(), len(items))
    if n_forks < 2:
        return list(map(work, items))
    context = multiprocessing.get_context("fork")
    try:
        with (
            warnings.catch_warnings(),
            ProcessPoolExecutor(n_forks, context, _inherit, (work, items)) as forks,
        ):
            # Python 3.12 warns that locks of other threads stay locked in a fork: none needs them.
            warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)
            return list(forks.map(_do, range(len(items))))
    except BrokenProcessPool:
        return list(map(work, items))


def _cores() -> int:
    if sys.platform != "linux" or multiprocessing.current_process().daemon:
        return 1
    return int(joblib.cpu_count())


_inherited: list[Any] = []  # in a fork: the function and its items, which need not be pickled


def _inherit(work: Callable[[Any], Any], items: Sequence[Any]) -> None:
    _inherited[:] = [work, items]


def _do(index: int) -> Any:
    work, items = _inherited
    return work(items[index])
