"""What follows a search: the winner is retrained, exported and tested once, with its ensemble."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import joblib
import torch

from search.errors import UserError
from search.evaluation.ensemble import Ensemble, load_ensemble
from search.evaluation.model import ImageClassifier, export_model, load_model
from search.evaluation.model_card import write_model_readme
from search.evaluation.refit import Diverged, Refit, describe_refit, forget_refit, refit_trial
from search.evaluation.test_set import Averaged, evaluate_on_test_set
from search.events import Listener, Notice
from search.executors.base import Executor
from search.files import remove_folder
from search.paths import EnsemblePaths, ModelPaths, RunPaths
from search.stopping import StopRequest
from search.text import listed, plural
from search.training.metrics import TestResult
from search.tuning.after_search import EnsembleRecord, RepeatResult
from search.tuning.budget import Budget
from search.tuning.endings import why_no_winner
from search.tuning.estimate import refit_epoch_seconds
from search.tuning.opening import OpenStudy
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.store import read_study, to_plain


def finish_search(
    opened: OpenStudy,
    executor: Executor,
    listener: Listener,
    stop: StopRequest,
    budget: Budget | None = None,
) -> bool:
    """Refit and test the winner, with its ensemble; does nothing if that is done.

    Under a time budget the refit's schedule is as long as the time allows.

    Returns:
        False if a refit was stopped, which leaves the study as it is.

    Raises:
        UserError: No trial is complete.
    """
    record = read_study(opened.study)
    tested = record.is_tested() and not record.lacks_ensemble()
    exported = ModelPaths(opened.paths.model_dir).card.exists() and _has_ensemble(opened, record)
    if tested and exported:
        return True
    if record.lacks_ensemble() and record.openings:
        listener(Notice("the test set is opened again, for an ensemble that was not tested before"))
    classifier = refit_best(opened, executor, listener, stop, budget)
    if classifier is None:
        return False
    evaluate_winner(opened, classifier)
    remove_folder(opened.paths.checkpoints_dir)
    return True


def refit_best(
    opened: OpenStudy,
    executor: Executor,
    listener: Listener,
    stop: StopRequest,
    budget: Budget | None = None,
) -> ImageClassifier | None:
    """Return the winner's network, trained on all training images and exported.

    Where the recipe asks for an ensemble, its other networks are trained and exported too. What was
    exported before is loaded. Under a time budget schedules are as long as the time allows.

    Returns:
        The network; None if a refit was stopped, which leaves the study as it is.

    Raises:
        UserError: No trial is complete.
        MachineError: The winner's loss became infinite or NaN, or a training failed.
    """
    horizon = plan_horizon(opened, budget, executor)
    classifier = _refit_winner(opened, horizon, executor, listener, stop)
    record = read_study(opened.study)
    planned, tested = record.ensemble_members(), record.tested_ensemble()
    wanted = record.recipe.ensemble
    if wanted is not None and len(planned) < wanted:
        complete = plural(max(len(planned), 1), "complete trial")
        what = f"it has {len(planned)} networks" if planned else "there is none"
        listener(
            Notice(
                f"an ensemble of {wanted} needs as many complete trials of different settings; "
                f"with {complete} {what}"
            )
        )
    if classifier is None or not planned:
        return classifier
    members = [classifier]
    diverged = () if tested is None else tested.left_out
    for trial in (one for one in planned[1:] if one.number not in diverged):
        member = _refit_member(opened, trial, horizon, executor, listener, stop)
        if member is None:
            return None
        if isinstance(member, Diverged):
            listener(Notice(f"the {describe_refit(trial.number)} diverged: not in the ensemble"))
        else:
            members.append(member)
    _export_ensemble(Ensemble(members), EnsemblePaths(opened.paths.ensemble_dir))
    return classifier


def _has_ensemble(opened: OpenStudy, record: StudyRecord) -> bool:
    """Return whether the networks of a tested ensemble are exported and whole, if there is one."""
    if record.tested_ensemble() is None:
        return True
    try:
        load_ensemble(opened.paths.ensemble_dir, trust_code=True)  # which this study exported
    except UserError:
        return False
    return True


def _export_ensemble(ensemble: Ensemble, paths: EnsemblePaths) -> None:
    ensemble.save(paths.folder)
    kept = {paths.member(trial) for trial in ensemble.trials}
    for folder in paths.all_members():
        if folder not in kept:  # of an earlier ensemble
            remove_folder(folder)


def _refit_winner(
    opened: OpenStudy, horizon: int, executor: Executor, listener: Listener, stop: StopRequest
) -> ImageClassifier | None:
    record, paths = read_study(opened.study), opened.paths
    winner = _winner(record)
    refitted = record.refit is not None and record.refit.trial == winner.number
    exported = _exported(paths.model_dir, record.name, winner) if refitted else None
    if exported is not None:
        return exported
    fitted = refit_trial(opened, winner, horizon, executor, listener, stop)
    if fitted is None:
        return None
    if isinstance(fitted, Diverged):
        raise fitted.error()
    if not record.is_tested():  # or else only the exported model is missing
        opened.study.set_user_attr("test", None)  # an earlier winner's
        opened.study.set_user_attr("refit", to_plain(fitted.record))
    export_model(fitted.classifier, paths.model_dir)
    forget_refit(paths)
    return fitted.classifier


def _refit_member(
    opened: OpenStudy,
    trial: TrialRecord,
    horizon: int,
    executor: Executor,
    listener: Listener,
    stop: StopRequest,
) -> ImageClassifier | Diverged | None:
    """Return the network of another member of the ensemble, exported; None if it was stopped."""
    folder = EnsemblePaths(opened.paths.ensemble_dir).member(trial.number)
    exported = _exported(folder, opened.study.study_name, trial)
    if exported is not None:
        return exported
    fitted = refit_trial(opened, trial, horizon, executor, listener, stop)
    if not isinstance(fitted, Refit):
        return fitted
    fitted.classifier.save(folder)
    forget_refit(opened.paths)
    return fitted.classifier


def evaluate_winner(opened: OpenStudy, classifier: ImageClassifier) -> StudyRecord:
    """Return the study with its refitted winner tested; the test set is opened once for each.

    The ensemble, where there is to be one, is tested in the same opening.

    Raises:
        MachineError: The test split is missing or damaged.
        UserError: The ensemble's networks are missing or damaged.
    """
    record = read_study(opened.study)
    if not record.is_tested() or record.lacks_ensemble():
        torch.set_num_threads(joblib.cpu_count())
        number, planned = _winner(record).number, record.ensemble_members()
        members = _load_ensemble(opened.paths, planned)
        classifiers = {number: classifier} | {one.card.trial: one for one in members[1:]}
        purpose = f"final evaluation, {_purpose(list(classifiers))}{_without_failed(record)}"
        results, averaged = evaluate_on_test_set(
            opened, classifiers, number, purpose, averages=bool(planned)
        )
        if averaged is not None:
            left_out = tuple(one.number for one in planned if one.number not in classifiers)
            tested = _ensemble_record(results, averaged, left_out)
            opened.study.set_user_attr("ensemble", to_plain(tested))
        # last: a study that has its test result also has its model
        opened.study.set_user_attr("test", to_plain(results[number]))
    write_model_readme(read_study(opened.study), opened.paths)
    return read_study(opened.study)


def _load_ensemble(paths: RunPaths, planned: Sequence[TrialRecord]) -> Sequence[ImageClassifier]:
    """Return the networks that `refit_best` exported for the ensemble, if there is to be one."""
    if not planned:
        return ()
    return load_ensemble(paths.ensemble_dir, trust_code=True).members  # which this study exported


def _purpose(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return describe_refit(numbers[0])
    others = listed(list(map(str, numbers[1:])))
    return f"{describe_refit(numbers[0])} and an ensemble of it with {others}"


def _ensemble_record(
    results: Mapping[int, TestResult], averaged: Averaged, left_out: tuple[int, ...]
) -> EnsembleRecord:
    members = (
        RepeatResult(number, one.accuracy, one.interval, one.loss)
        for number, one in results.items()
    )
    return EnsembleRecord(
        trials=tuple(results),
        left_out=left_out,
        test=averaged.result,
        members=tuple(members),
        both=averaged.both,
        only_ensemble=averaged.only_mean,
        only_winner=averaged.only_best,
        agreeing=averaged.agreeing,
    )


def _without_failed(record: StudyRecord) -> str:
    n_failed = len(record.failed_indices())
    return f"; {n_failed} of {record.n_planned()} trials had failed" if n_failed else ""


def _winner(record: StudyRecord) -> TrialRecord:
    winner = record.winner()
    if winner is None:
        raise UserError(f"study {record.name!r} has no winner: {why_no_winner(record)}")
    return winner


def _exported(folder: Path, study: str, trial: TrialRecord) -> ImageClassifier | None:
    """Return a trial's exported network; None if it is not there, or not whole."""
    try:
        classifier = load_model(folder, trust_code=True)  # which this study exported
    except UserError:
        return None
    card = classifier.card
    if (card.study, card.trial) != (study, trial.number):
        return None
    classifier.network.to(memory_format=torch.channels_last)  # as it was trained
    return classifier


def plan_horizon(opened: OpenStudy, budget: Budget | None, executor: Executor) -> int:
    """Return the epochs of the schedule by which the winner is refitted.

    They are stored where they are not those of a trial, so that a later refit has as many. Under a
    time budget the executor measures how many there is time for.
    """
    record = read_study(opened.study)
    winner, trial = _winner(record), opened.recipe.epochs
    if (stored := record.refit_horizon(winner)) is not None:
        return stored
    horizon = opened.recipe.refit_epochs or trial
    if budget is not None and opened.recipe.refit_epochs is None:
        refitted = record.ensemble_members() or [winner]
        candidates = [one.candidate for one in refitted if one.candidate is not None]
        horizon = budget.refit_horizon(refit_epoch_seconds(opened, candidates, executor), trial)
    if horizon != trial:
        facts = {"trial": winner.number, "epochs": horizon}
        opened.study.set_user_attr("refit_horizon", facts)
    return horizon
