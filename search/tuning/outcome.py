"""How a search ended, and what can be done next. Pure."""

from itertools import count
from typing import Literal, NamedTuple

from search.command_lines import run_command
from search.tuning.records import StudyRecord


def next_step_hint(record: StudyRecord) -> str:
    """Return what can be done about a study without a winner, by how its trials ended."""
    attempts = (trial.as_attempt() for trial in record.trials)
    limits = [one.limit for one in attempts if one.limit is not None]
    if limits:
        return (
            f"the same command with a --trial-timeout above {max(limits):g}s, or without one, "
            "tries the trials that timed out again"
        )
    if any(trial.diverged for trial in record.trials):
        return "use a space with smaller learning rates, and another --study-name"
    if any(trial.infeasible for trial in record.trials):
        return "use a larger --max-parameters or another space, and another --study-name"
    return "fix the cause, then use another --study-name"


def why_no_winner(record: StudyRecord) -> str:
    """Return in one line how its trials ended, and what can be done about it."""
    kinds = [trial.kind for trial in record.trials]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    reasons = [trial.reason for trial in record.trials if trial.reason]
    last = f"; the last reason: {reasons[-1]}" if reasons else ""
    unfinished = "it is not finished: resume it, or wait for it"
    hint = next_step_hint(record) if record.has_no_winner() else unfinished
    return f"no trial is complete with a finite loss ({counts or 'no trials'}){last}; {hint}"


Reason = Literal["done", "timeout", "interrupted"]


class EndInfo(NamedTuple):
    """How a run ended: `done` of `planned` trials have ended; `reason` says why no more have."""

    reason: Reason
    done: int
    planned: int


def end_info(record: StudyRecord, *, stopped: bool) -> EndInfo:
    """Return how a run ended; all planned trials are stored by then, waiting ones included."""
    planned = record.recipe.trials or len({trial.plan for trial in record.trials})
    done = min(len(_ended_indices(record)), planned)
    if stopped:
        return EndInfo("interrupted", done, planned)
    return EndInfo("timeout" if done < planned else "done", done, planned)


def model_command(record: StudyRecord) -> str | None:
    """Return the command that makes a model of the trials that have ended; None: none can win.

    It requests as many trials as have ended before the first open index of the plan, at least one.
    Complete trials after that index can win, too.
    """
    if record.winner() is None:
        return None
    ended = _ended_indices(record)
    n_trials = next(index for index in count() if index not in ended)
    return run_command(record.recipe, max(n_trials, 1))


def _ended_indices(record: StudyRecord) -> set[int]:
    unended = {trial.plan for trial in record.trials if trial.state in ("waiting", "running")}
    return {trial.plan for trial in record.trials} - unended
