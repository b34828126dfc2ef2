"""Which command trains a baseline to compare the winner with?"""

import shlex
from typing import Self, final

from search.recipe import IMAGE_SETTINGS
from search.report.blocks import Code, Paragraph
from search.report.evidence import Evidence, hand_tuned_kind, model_kind
from search.report.finding import GOOD, Excerpt
from search.tuning.records import StudyRecord


@final
class BaselineSuggestion(Excerpt):
    """How to train a baseline to compare with, where no study has one."""

    key = "versus.command"
    section = GOOD
    title = "How to test the hand-tuned network"
    folded = True

    @classmethod
    def of(cls, evidence: Evidence) -> Self | None:
        command = baseline_command(evidence.record)
        if evidence.baseline is not None or command is None:
            return None
        kind = model_kind(evidence.record)
        own = kind is not None and hand_tuned_kind(kind) == kind
        what = "hand-tuned network of this kind" if own else "hand-tuned network"
        words = Paragraph(
            f"No {what} has been tested on this data to compare with. To train and test one:"
        )
        return cls(content=(words, Code(command, "sh")))


# Settings that two studies must share to use the same data and find each other.
_SHARED = (*IMAGE_SETTINGS, "data_dir", "storage", "runs_dir")


def baseline_command(record: StudyRecord) -> str | None:
    """The command that trains a baseline for a search; None if there is no use for one.

    That is before the search has its test result, for a baseline study itself, and where the
    hand-tuned candidate won.
    """
    kind, recipe, winner = model_kind(record), record.recipe, record.winner()
    unbeaten = recipe.with_baseline and winner is not None and winner.plan == 0
    if record.test is None or kind is None or unbeaten or not recipe.protocol.is_search:
        return None
    flags = ["--space", hand_tuned_kind(kind), "--dataset", recipe.dataset]
    if recipe.groups is not None:  # the hand-tuned report's own split knows none
        flags += ["--validation", "kfold"]
    for name in _SHARED:
        value = getattr(recipe, name)
        if value != type(recipe).model_fields[name].default:
            flags += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return f"python -m search baseline {shlex.join(flags)}"
