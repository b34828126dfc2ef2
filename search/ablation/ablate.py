"""Finds and stores the path from the hand-tuned network, or a trial, to a study's winner."""

from collections.abc import Sequence

from search.ablation.changes import changes_between
from search.ablation.path import Ablation, find_path, most_trainings
from search.errors import UserError
from search.events import Listener, Notice
from search.executors.base import Executor
from search.stopping import StopRequest
from search.text import duration, plural
from search.tuning.endings import why_no_winner
from search.tuning.extra_trainings import ExtraTraining, ExtraTrainings, StoredScores
from search.tuning.opening import OpenStudy
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.store import read_study
from spaces.candidate import Candidate


def ablate(
    opened: OpenStudy,
    executor: Executor,
    listener: Listener,
    stop: StopRequest,
    start_trial: int | None = None,
) -> Ablation:
    """Find the path to the winner and store it with the study.

    All candidates of it are trained as the winner was: on the same folds, with the same seeds. What
    was trained before is not trained again.

    Args:
        opened: The study.
        executor: Where the candidates are trained.
        listener: Receives how many are trained.
        stop: Ends it early; what is finished is kept.
        start_trial: The trial where the path begins; None: the hand-tuned network.

    Raises:
        UserError: Nothing has won, there is no hand-tuned network, or it is the winner.
        MachineError: A training failed.
        StoppedEarly: A stop was requested.
    """
    record = read_study(opened.study)
    winner = record.winner()
    if winner is None or winner.candidate is None or winner.mean is None:
        raise UserError(f"study {record.name!r} has no winner: {why_no_winner(record)}")
    begin, words = _start(opened, record, start_trial)
    families = opened.space.families
    end = winner.candidate.with_families(families)
    n_changes = len(changes_between(begin, end, families))
    if not n_changes:
        raise UserError(f"trial {winner.number} has won, and does not differ from {words}")
    most = most_trainings(n_changes)
    listener(Notice(_plan(winner, n_changes, most, words, executor.slots)))
    scores = StoredScores(opened.paths.extra_scores)
    scores.know(ExtraTraining.of(end, winner.plan, record.recipe.seed), winner.mean)
    trainings = ExtraTrainings(
        opened, executor, listener, stop, step="Ablation", most=most, scores=scores
    )

    def train_all(candidates: Sequence[Candidate]) -> list[float | None]:
        seeds = winner.plan, record.recipe.seed  # less of the differences is chance
        return trainings.scores([ExtraTraining.of(one, *seeds) for one in candidates])

    with stop.accepted():
        path = find_path(begin, end, train_all, record.metric, families)
    ablation = Ablation(winner.number, words, path)
    ablation.store(opened.paths.ablation)
    return ablation


def _start(opened: OpenStudy, record: StudyRecord, number: int | None) -> tuple[Candidate, str]:
    """Return the candidate where the path begins, and its name."""
    if number is None:
        candidate = opened.space.baseline()
        if candidate is None:
            raise UserError(
                f"from must be a trial, as space {opened.space.name!r} has no hand-tuned network"
            )
        return candidate, "the hand-tuned network"
    trials = {one.number: one for one in record.trials}
    if number not in trials:
        there = f"{min(trials)} to {max(trials)}" if trials else "none yet"
        raise UserError(f"from: study {record.name!r} has no trial {number}; its trials: {there}")
    stored = trials[number].candidate
    if stored is None:
        raise UserError(f"from: trial {number} of study {record.name!r} has no candidate")
    return stored.with_families(opened.space.families), f"trial {number}"


def _plan(winner: TrialRecord, n_changes: int, most: int, words: str, slots: int) -> str:
    seconds = winner.seconds * most / max(slots, 1)
    return (
        f"from {words} to trial {winner.number}: {plural(n_changes, 'change')}, up to "
        f"{plural(most, 'training')}, about {duration(seconds)} if each takes what the winner took"
    )
