"""Why a study has nothing to show at its end."""

from search.tuning.records import StudyRecord
from search.tuning.remedy import remedy


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
