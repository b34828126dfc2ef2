"""Which study of the hand-tuned network a winner is compared with. Pure."""

import shlex
from collections.abc import Iterable
from datetime import UTC, datetime

from search.report.trials import model_kind
from search.tuning.records import StudyRecord

_NEVER = datetime.min.replace(tzinfo=UTC)
# Settings that decide whether two studies have the same data and are found together.
_SHARED = ("image_size", "test_fraction", "data_dir", "storage", "runs_dir")


def choose_baseline(record: StudyRecord, stored: Iterable[StudyRecord]) -> StudyRecord | None:
    """The baseline study to compare a search with; None where there is none.

    It has a test result of the same kind of network on the same data. Trained as in the
    hand-tuned report comes first, then the most trainings, then the newest test. A baseline study
    itself is compared with nothing.
    """
    kind = model_kind(record)
    if not record.recipe.protocol.is_search or kind is None:
        return None
    fitting = [
        one
        for one in stored
        if not one.recipe.protocol.is_search
        and one.test is not None
        and one.dataset.fingerprint == record.dataset.fingerprint
        and model_kind(one) == kind
    ]
    return max(fitting, key=_rank, default=None)


def _rank(study: StudyRecord) -> tuple[bool, int, datetime]:
    newest = max((opening.time for opening in study.openings), default=_NEVER)
    return study.recipe.protocol.split is not None, len(study.complete()), newest


def baseline_command(record: StudyRecord) -> str | None:
    """The command that trains a baseline for a search; None where there is no use for one.

    That is before the search has its test result, for a baseline study itself, and where the
    hand-tuned candidate won.
    """
    kind, recipe, winner = model_kind(record), record.recipe, record.winner()
    unbeaten = recipe.with_baseline and winner is not None and winner.plan == 0
    if record.test is None or kind is None or unbeaten or not recipe.protocol.is_search:
        return None
    flags = ["--space", kind, "--dataset", recipe.dataset]
    for name in _SHARED:
        value = getattr(recipe, name)
        if value != type(recipe).model_fields[name].default:
            flags += [f"--{name.replace('_', '-')}", str(value)]
    return f"python -m search baseline {shlex.join(flags)}"
