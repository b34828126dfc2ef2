"""How a search ended, in words, and what can be done next."""

from itertools import count
from typing import Literal, NamedTuple

from search import text
from search.command_lines import run_command
from search.tuning.records import StudyRecord

_LIMITS = ("max_parameters", "max_multiply_adds")  # of a network


def next_step_hint(record: StudyRecord) -> str:
    """Return what can be done about a study without a winner, given how its trials ended."""
    attempts = (trial.as_attempt() for trial in record.trials)
    limits = [one.limit for one in attempts if one.limit is not None]
    if limits:
        return (
            f"run it again with a `trial_timeout` above {max(limits):g}s, or without one, to try "
            "the trials that timed out again"
        )
    if record.complete():
        return "run it again with another `choose` to take the winner from the same trials"
    if any(trial.diverged for trial in record.trials):
        return "use a space with smaller learning rates, and another `study_name`"
    if any(trial.infeasible for trial in record.trials):
        too_small = [name for name in _LIMITS if getattr(record.recipe, name)]
        if record.recipe.budget is not None and record.recipe.max_multiply_adds:
            too_small.insert(0, "budget")  # by which the plan limits them
        ways = text.listed([*(f"a larger `{name}`" for name in too_small), "another space"], "or")
        return f"use {ways}, and another `study_name`"
    return (
        "fix the cause, then run it again with `retry_failed`, and with `accept_changes` too if "
        "that changed code"
    )


def why_no_winner(record: StudyRecord) -> str:
    """Return in one line why a study has no winner, and what can be done about it."""
    kinds = [trial.kind for trial in record.trials]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    reasons = [trial.reason for trial in record.trials if trial.reason]
    last = f"; the last reason: {reasons[-1]}" if reasons else ""
    unfinished = "it is not finished: resume it, or wait for it"
    hint = next_step_hint(record) if record.has_no_winner() else unfinished
    if scored := record.complete():
        trials = (
            f"none of {len(scored)} complete trials" if len(scored) > 1 else "no complete trial"
        )
        meant = record.objectives
        reached = ", ".join(meant.reached([trial.values(meant) for trial in scored]))
        return f"{trials} meets choose {record.recipe.choose!r} ({reached}); {hint}"
    return f"no trial is complete with a finite loss ({counts or 'no trials'}){last}; {hint}"


Reason = Literal["done", "timeout", "interrupted"]


class EndInfo(NamedTuple):
    """How a run ended: `done` of `planned` trials have ended; `reason` says why no more have.

    `failed` of those that have ended were not trained.
    """

    reason: Reason
    done: int
    planned: int
    failed: int = 0


def end_info(record: StudyRecord, *, stopped: bool) -> EndInfo:
    """Return how a run ended."""
    planned, failed = record.n_planned(), len(record.failed_indices())
    done = min(len(_ended_indices(record)), planned)
    if stopped:
        return EndInfo("interrupted", done, planned, failed)
    limited = record.recipe.timeout is not None or record.recipe.budget is not None
    return EndInfo("timeout" if limited and done < planned else "done", done, planned, failed)


def failures_line(record: StudyRecord) -> str | None:
    """Return how many of the planned trials failed, why the last one did, and what can be done."""
    failed = record.failed_indices()
    if not failed:
        return None
    reasons = [one.reason for one in record.trials if one.plan in failed and one.reason]
    last = f" (the last reason: {reasons[-1]})" if reasons else ""
    return (
        f"{len(failed)} of {text.plural(record.n_planned(), 'trial')} failed and took no part"
        f"{last}; run it again with `retry_failed` to try them again"
    )


def model_command(record: StudyRecord) -> str | None:
    """Return the command that makes a model from the trials so far; None if none can win.

    It requests as many trials as ended before the first open index of the plan, at least one.
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
