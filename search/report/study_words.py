"""A study in words: what it is, how it is scored, how far it is. Pure."""

from search.report.trials import ENDED
from search.text import percent, plural, times
from search.tuning.records import StudyRecord
from search.tuning.samplers import get_sampler

_SCORED = {True: "after the last epoch", False: "mean over folds at E*"}


def validation_words(record: StudyRecord) -> str:
    """How trials were scored: "5-fold cross-validation" or "holdout of 20%"."""
    recipe = record.recipe
    if recipe.validation == "kfold":
        racing = ", raced from one fold on" if recipe.racing else ""
        return f"{recipe.folds}-fold cross-validation{racing}"
    if recipe.protocol.split is not None:
        return "the hand-tuned report’s holdout of a fifth"
    return f"holdout of {percent(recipe.holdout_fraction, 0)}"


def scored_epoch(record: StudyRecord) -> str:
    """Which figures are a trial's: "mean over folds at E*" or "after the last epoch"."""
    return _SCORED[record.recipe.protocol.scores_last_epoch]


def page_title(record: StudyRecord) -> str:
    """What kind of report it is."""
    return "Best-model report" if record.recipe.protocol.is_search else "Baseline report"


def page_lead(record: StudyRecord) -> str:
    """In a sentence: what was searched or reproduced, on what, and how it was scored."""
    recipe, dataset = record.recipe, record.dataset.name
    how = f"scored by {validation_words(record)}"
    if recipe.protocol.is_search:
        search = get_sampler(recipe.sampler).words
        return f"{search[0].upper()}{search[1:]} of the space {recipe.space} on {dataset}, {how}."
    trained = f"trained {times(len(record.complete()))}"
    return f"The hand-tuned network of the space {recipe.space} on {dataset}, {trained}, {how}."


def study_status(record: StudyRecord) -> str | None:
    """One sentence on what is still missing; None where the study has ended."""
    if record.test is not None:
        return None
    ended = sum(trial.kind in ENDED for trial in record.trials)
    done = f"{ended} of {plural(len(record.trials), 'trial')} ended"
    if record.winner() is None:
        return f"No trial is complete yet ({done})."
    protocol = record.recipe.protocol
    if record.refit is None or not protocol.refits:
        lacking = "no refit and no test result" if protocol.refits else "no test result"
        return f"The {protocol.kind} has not ended ({done}): {lacking} yet."
    return "The winner has been refitted, but the test set has not been evaluated yet."
