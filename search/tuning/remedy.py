"""What gets a study that has ended without a winner to one. Pure."""

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
