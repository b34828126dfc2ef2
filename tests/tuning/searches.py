"""Whole searches in this process, and what they came to."""

from collections.abc import Callable
from typing import Any

from search.executors import InlineExecutor
from search.executors.base import Executor
from search.recipe import Recipe
from search.stopping import StopRequest
from search.tuning.opening import OpenStudy, open_study
from search.tuning.preparing import prepare
from search.tuning.records import StudyRecord
from search.tuning.run import run_search
from search.tuning.store import read_study

Undisturbed = Callable[[dict[str, Any]], StudyRecord]
"""Returns what a search with these settings comes to with one worker, which nothing disturbs."""

Priced = Callable[[float], None]
"""Sets the seconds that any candidate is found to take for an image."""


def opened_and_searched(recipe: Recipe, listener: Any, executor: Executor) -> OpenStudy:
    """Run a recipe's search to its end; return the study."""
    opened = open_study(prepare(recipe, InlineExecutor(), listener))
    run_search(opened, executor, listener, StopRequest())
    return opened


def searched(recipe: Recipe, listener: Any, executor: Executor) -> StudyRecord:
    """Run a recipe's search to its end; return what is stored."""
    return read_study(opened_and_searched(recipe, listener, executor).study)
