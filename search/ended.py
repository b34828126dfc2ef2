"""What ended a search, and how much of its plan is done. Pure."""

from typing import Literal, NamedTuple

from search.study.records import StudyRecord

Reason = Literal["done", "timeout", "interrupted"]


class EndInfo(NamedTuple):
    """`done` of `planned` trials have ended; `reason` says why no more did."""

    reason: Reason
    done: int
    planned: int


def end_info(record: StudyRecord, *, stopped: bool) -> EndInfo:
    """Return the end of a run; at it all planned trials are stored, those that wait too."""
    plans = {trial.plan for trial in record.trials}
    unended = {trial.plan for trial in record.trials if trial.state in ("waiting", "running")}
    planned = record.recipe.trials or len(plans)
    done = min(len(plans - unended), planned)
    if stopped:
        return EndInfo("interrupted", done, planned)
    return EndInfo("timeout" if done < planned else "done", done, planned)
