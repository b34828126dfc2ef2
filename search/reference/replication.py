"""The end of a replication: all trained networks are tested together, without a refit."""

import joblib
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from search.errors import MachineError, UserError
from search.evaluation.model import ImageClassifier, export_model, load_network
from search.evaluation.model_card import write_model_readme
from search.evaluation.test_set import evaluate_on_test_set
from search.events import Listener, Notice
from search.executors.base import Executor
from search.files import remove_folder
from search.paths import ModelPaths
from search.training.metrics import TestResult
from search.tuning.after_search import RepeatResult
from search.tuning.endings import why_no_winner
from search.tuning.opening import OpenStudy
from search.tuning.pruners import NoPruner
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.running_trials import make_trial_job
from search.tuning.store import read_study, to_plain


def finish_replication(opened: OpenStudy, executor: Executor, listener: Listener) -> StudyRecord:
    """Return the study with every complete trial's network tested and the best one exported.

    The best has the best validation score. Networks whose files are missing are trained again.
    Does nothing if all is done. Raises UserError if no trial is complete.
    """
    record = read_study(opened.study)
    winner, trials = record.winner(), sorted(record.complete(), key=lambda trial: trial.plan)
    if winner is None:
        raise UserError(f"study {record.name!r} has nothing to test: {why_no_winner(record)}")
    if [trial.number for trial in trials] != [repeat.trial for repeat in record.repeats]:
        _retrain_missing(opened, trials, executor, listener)
        _test(opened, trials, winner)
    elif not ModelPaths(opened.paths.model_dir).card.exists():
        _retrain_missing(opened, [winner], executor, listener)
        _export(opened, winner)
        write_model_readme(read_study(opened.study), opened.paths)
    return read_study(opened.study)


def _retrain_missing(
    opened: OpenStudy, trials: list[TrialRecord], executor: Executor, listener: Listener
) -> None:
    """Retrain networks whose files are missing or damaged; the results are the same."""
    for trial in trials:
        try:
            load_file(opened.paths.network(trial.number))
        except (OSError, SafetensorError):
            network = f"the network of trial {trial.number}"
            listener(Notice(f"{network} is missing or damaged: retraining it"))
            _retrain(opened, trial, executor)


def _retrain(opened: OpenStudy, trial: TrialRecord, executor: Executor) -> None:
    if trial.candidate is None:
        raise ValueError(f"trial {trial.number} has no candidate")
    job = make_trial_job(opened, trial.number, trial.plan, trial.candidate, (0,), NoPruner())
    remove_folder(job.folder)
    outcome = executor.run(job)
    for folder in (opened.paths.trial_dir(trial.number), job.checkpoints):
        remove_folder(folder)
    if outcome.ended != "finished":
        raise MachineError(f"trial {trial.number} cannot be retrained: {outcome.reason}")


def _test(opened: OpenStudy, trials: list[TrialRecord], winner: TrialRecord) -> None:
    torch.set_num_threads(joblib.cpu_count())
    classifiers = {trial.number: _classifier(opened, trial) for trial in trials}
    count = "1 training" if len(trials) == 1 else f"{len(trials)} trainings"
    purpose = f"final evaluation, {count} of the baseline"
    opened.study.set_user_attr("test", None)  # of an earlier run with fewer trainings
    results, _ = evaluate_on_test_set(opened, classifiers, winner.number, purpose)
    _export(opened, winner)
    repeats = tuple(_repeat(number, result) for number, result in results.items())
    opened.study.set_user_attr("test", to_plain(results[winner.number]))
    opened.study.set_user_attr("repeats", to_plain(repeats))  # last: it marks the study as complete
    write_model_readme(read_study(opened.study), opened.paths)


def _repeat(number: int, result: TestResult) -> RepeatResult:
    return RepeatResult(number, result.accuracy, result.interval, result.loss)


def _export(opened: OpenStudy, winner: TrialRecord) -> None:
    export_model(_classifier(opened, winner), opened.paths.model_dir)


def _classifier(opened: OpenStudy, trial: TrialRecord) -> ImageClassifier:
    """Return a trial's final network."""
    path, study = opened.paths.network(trial.number), opened.study.study_name
    if trial.candidate is None:
        raise ValueError(f"trial {trial.number} has no candidate")
    try:
        return load_network(
            path,
            trial.candidate,
            opened.dataset,
            opened.statistics[0],
            study,
            trial.number,
            opened.recipe.resize,
            opened.space.family_source,
        )
    except (OSError, RuntimeError, SafetensorError) as error:
        raise MachineError(
            f"the network of trial {trial.number}, {path}, cannot be read: {error}; "
            f"delete study {study!r} and run it again"
        ) from error
