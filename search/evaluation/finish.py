"""The end of a search: refit the winner, open the test set once, export the model."""

import shutil

import joblib
import torch

from search.errors import UserError
from search.evaluation.card import ModelCard
from search.evaluation.classifier import ImageClassifier
from search.evaluation.export import export_model
from search.evaluation.measuring import measure
from search.evaluation.readme_file import write_model_readme
from search.evaluation.refit import refit
from search.executors.process import keep_freed_memory
from search.paths import ModelPaths
from search.reference.reproduce import finish_reproduction
from search.tuning.observer import StudyObserver
from search.tuning.opening import OpenStudy
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.stopping import StopRequest
from search.tuning.store import read_study, to_plain
from search.tuning.winning import why_no_winner


def finish_study(opened: OpenStudy, observer: StudyObserver, stop: StopRequest) -> StudyRecord:
    """Return the study with its winner refitted and tested; does nothing where that is done.

    A reproduction has no refit: there the networks of its trials are tested. A refit that is
    stopped leaves the study as it is. Raises UserError where no trial is complete.
    """
    if opened.recipe.as_reported:
        return finish_reproduction(opened, observer)
    return _finish_search(opened, observer, stop)


def _finish_search(opened: OpenStudy, observer: StudyObserver, stop: StopRequest) -> StudyRecord:
    record = read_study(opened.study)
    winner = record.winner()
    if winner is None:
        raise UserError(f"study {record.name!r} has no winner: {why_no_winner(record)}")
    tested = record.refit is not None and record.refit.trial == winner.number and record.test
    if not tested or not ModelPaths(opened.paths.model_dir).card.exists():
        _finish(opened, winner, observer, stop, test=not tested)
    return read_study(opened.study)


def _finish(
    opened: OpenStudy,
    winner: TrialRecord,
    observer: StudyObserver,
    stop: StopRequest,
    *,
    test: bool,
) -> None:
    """Refit and export; `test` False where only the exported model is gone: a refit repeats."""
    study, dataset = opened.study, opened.dataset
    description = f"refit of trial {winner.number}"
    torch.set_num_threads(joblib.cpu_count())
    keep_freed_memory()
    with stop.heeded():
        fitted = refit(
            winner,
            opened.recipe,
            dataset,
            opened.paths.refit_checkpoints,
            lambda done, total: observer.progress(description, done, total),
            stop,
        )
    if fitted is None:
        return
    card = ModelCard.describe(
        fitted.candidate, dataset, fitted.statistics, study.study_name, fitted.record.trial
    )
    classifier = ImageClassifier(card, fitted.model.to("cpu"))
    if test:
        study.set_user_attr("test", None)  # of an earlier winner
        study.set_user_attr("refit", to_plain(fitted.record))
        purpose = f"final evaluation, {description}"
        results = measure(opened, {winner.number: classifier}, winner.number, purpose)
    export_model(card, classifier.network, opened.paths.model_dir)
    if test:  # last: a study that has its test result has its model too
        study.set_user_attr("test", to_plain(results[winner.number]))
    write_model_readme(read_study(study), opened.paths)
    if opened.paths.checkpoints_dir.exists():
        shutil.rmtree(opened.paths.checkpoints_dir)
