"""What ended a search, how much of its plan is done, and how to get a model of that. Pure."""

from itertools import count
from typing import Literal, NamedTuple

from search.command_lines import run_command
from search.tuning.records import StudyRecord

Reason = Literal["done", "timeout", "interrupted"]


class EndInfo(NamedTuple):
    """`done` of `planned` trials have ended; `reason` says why no more did."""

    reason: Reason
    done: int
    planned: int


def end_info(record: StudyRecord, *, stopped: bool) -> EndInfo:
    """Return the end of a run; at it all planned trials are stored, those that wait too."""
    planned = record.recipe.trials or len({trial.plan for trial in record.trials})
    done = min(len(_ended_plans(record)), planned)
    if stopped:
        return EndInfo("interrupted", done, planned)
    return EndInfo("timeout" if done < planned else "done", done, planned)


def model_command(record: StudyRecord) -> str | None:
    """Return the command that makes a model of the trials that have ended; None: none can win.

    It asks for as many trials as have ended before the first open one of the plan, at least one;
    of those behind it every complete one can win too.
    """
    if record.winner() is None:
        return None
    ended = _ended_plans(record)
    n_trials = next(plan for plan in count() if plan not in ended)
    return run_command(record.recipe, max(n_trials, 1))


def _ended_plans(record: StudyRecord) -> set[int]:
    unended = {trial.plan for trial in record.trials if trial.state in ("waiting", "running")}
    return {trial.plan for trial in record.trials} - unended
