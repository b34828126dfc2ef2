"""Finalists: the best trials, trained again with other seeds before one of them wins.

The best of many trials is partly the luckiest one. The mean of a few trainings that were not
selected says better which candidate is best.
"""

from search.events import Listener, Notice
from search.executors.base import Executor
from search.seeding import derive_seed
from search.stopping import StopRequest
from search.text import listed, plural, score
from search.tuning.after_search import Finalist
from search.tuning.extra_trainings import (
    ExtraTraining,
    ExtraTrainings,
    StoppedEarly,
    StoredScores,
)
from search.tuning.opening import OpenStudy
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.store import read_study, to_plain


def train_finalists(
    opened: OpenStudy, executor: Executor, listener: Listener, stop: StopRequest
) -> bool:
    """Train the best trials again, as often as the recipe says, and store their scores.

    What was trained before is not trained again. Does nothing where the recipe has no finalists, or
    fewer than two trials could win.

    Returns:
        False if a stop was requested before the end.

    Raises:
        MachineError: A training failed.
    """
    recipe = opened.recipe
    if recipe.finalists is None:
        return True
    best = read_study(opened.study).best_different(recipe.finalists)
    if len(best) < 2:
        return True
    trainings = ExtraTrainings(
        opened,
        executor,
        listener,
        stop,
        step="Finalists",
        most=len(best) * recipe.repeats,
        scores=StoredScores(opened.paths.extra_scores),
    )
    # one repeat of all before the next of any, so that workers have something to do
    rounds = [[_training(one, recipe.seed, i) for one in best] for i in range(recipe.repeats)]
    try:
        with stop.accepted():
            scores = trainings.scores([one for each in rounds for one in each])
    except StoppedEarly:
        return False
    finalists = [
        Finalist(trial.number, tuple(scores[place :: len(best)]))
        for place, trial in enumerate(best)
    ]
    opened.study.set_user_attr("finalists", [to_plain(one) for one in finalists])
    listener(Notice(_told(read_study(opened.study))))
    return True


def _training(trial: TrialRecord, study_seed: int, repeat: int) -> ExtraTraining:
    if trial.candidate is None:
        raise ValueError(f"trial {trial.number} has no candidate")
    return ExtraTraining.of(trial.candidate, trial.plan, derive_seed(study_seed, "again", repeat))


def _told(record: StudyRecord) -> str:
    """Return the finalists' mean scores in a line, and which of them has won."""
    found, best = record.current_finalists(), record.best_finalist()
    means = [f"trial {one.trial} {score(one.mean(), record.metric)}" for one in found]
    repeats = plural(len(found[0].scores), "further training")
    won = "none of them has won" if best is None else f"trial {best.trial} has won"
    return f"finalists, by the mean of {repeats}: {listed(means)}; {won}"
