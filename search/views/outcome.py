"""What `show` says of how trials went: how many became what, and how one ended. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.text import Text

from search.formatting import format_epochs, format_score, printable
from search.progress.phrases import describe_number
from search.report.kinds import last_attempts
from search.tuning.records import StudyRecord, TrialRecord
from search.views.leaderboard import count_kinds, outcome

_BEGUN = ("running", "interrupted")


def count_trials(record: StudyRecord) -> str:
    """Return how many trials became what; attempts that were begun again are told apart.

    A trial is a point of the plan, and what became of it is what its last attempt became.
    """
    last = last_attempts(record)
    numbers = {trial.number for trial in last}
    earlier = Counter(trial.kind for trial in record.trials if trial.number not in numbers)
    begun_again = (
        f"{count} {'attempt' if count == 1 else 'attempts'} "
        f"{'cut off' if kind == 'interrupted' else kind} and begun again"
        for kind, count in sorted(earlier.items())
    )
    return "; ".join((count_kinds(last), *begun_again))


def describe_outcome(
    trial: TrialRecord, record: StudyRecord, reported: Sequence[float] = ()
) -> str:
    """Return how a trial ended or how far it is, in words.

    `reported` are the validation figures of the epochs of one that has not ended, so far.
    """
    if trial.kind not in _BEGUN:
        return outcome(trial, record.recipe)
    if not reported:
        return trial.kind
    score = format_score(reported[-1], record.recipe.metric)
    if trial.kind == "running":
        return f"running: epoch {len(reported)} of {record.recipe.epochs} at {score}"
    return f"interrupted after {format_epochs(len(reported))} at {score}"


def draw_unranked(record: StudyRecord) -> Iterator[Text]:
    """Yield a line for each trial that has no rank: how it ended, or that it has not."""
    ranked = {trial.number for trial in record.complete()}
    for trial in record.trials:
        if trial.number not in ranked:
            yield Text(f"{describe_number(trial)} {printable(describe_outcome(trial, record))}")
