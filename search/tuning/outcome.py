"""How a search ended, and what to do next. Pure."""

from itertools import count
from typing import Literal, NamedTuple

from search.command_lines import run_command
from search.tuning.records import StudyRecord


def remedy(record: StudyRecord) -> str:
    """Return the way out in words, by what became of the trials."""
    attempts = (trial.as_attempt() for trial in record.trials)
    limits = [one.limit for one in attempts if one.limit is not None]
    if limits:
        return (
            f"the same command with a --trial-timeout above {max(limits):g}s, or without one, "
            "tries those again that timed out"
        )
    if any(trial.diverged for trial in record.trials):
        return "give a space of smaller learning rates, and another --study-name"
    if any(trial.infeasible for trial in record.trials):
        return "give a larger --max-parameters or another space, and another --study-name"
    return "mend the cause, and give another --study-name"


def why_no_winner(record: StudyRecord) -> str:
    """Return in one line what became of its trials, and the way out where all have ended."""
    kinds = [trial.kind for trial in record.trials]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    reasons = [trial.reason for trial in record.trials if trial.reason]
    last = f"; the last reason: {reasons[-1]}" if reasons else ""
    way = (
        remedy(record) if record.has_no_winner() else "it has not ended: run it on, or wait for it"
    )
    return f"no trial is complete with a finite loss ({counts or 'no trials'}){last}; {way}"


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
