"""Publishes what a study found where optuna-dashboard shows it: notes, and figures as artifacts."""

from collections.abc import Callable, Iterator
from functools import partial

import optuna
from matplotlib.figure import Figure
from optuna.artifacts import FileSystemArtifactStore, upload_artifact

from search.base import paper_style
from search.dashboard.notes import study_note, trial_note
from search.paths import RunPaths
from search.report.figures.report import FIGURE_NAMES
from search.report.figures.trial import draw_trial_confusion, draw_trial_curve, png_bytes
from search.report.info.trial import trial_confusion_info, trial_curve_info
from search.tuning.board import StudyBoard, study_artifacts
from search.tuning.records import StudyRecord, TrialRecord


def publish_figures(study: optuna.Study, paths: RunPaths) -> None:
    """Put every PNG of the report into the artifact store, in place of an earlier one."""
    paths.artifacts_dir.mkdir(parents=True, exist_ok=True)
    store = FileSystemArtifactStore(str(paths.artifacts_dir))
    known = study_artifacts(study)
    for figure in (paths.figure(name, "png") for name in FIGURE_NAMES):
        if figure.exists() and figure.name in known:
            with figure.open("rb") as file:
                store.write(known[figure.name], file)
        elif figure.exists():
            upload_artifact(study_or_trial=study, file_path=str(figure), artifact_store=store)


def publish_study(
    board: StudyBoard, record: StudyRecord, baseline: StudyRecord | None = None
) -> None:
    """Write the study's note, with a line on the baseline study beside it."""
    board.write_note(study_note(record, baseline))


def publish_trial(board: StudyBoard, record: StudyRecord, trial: TrialRecord) -> None:
    """Draw a trial that has ended, and write its note; last, as the sign that all is there.

    A picture that is kept is not drawn again, as nothing changes what ended.
    """
    with paper_style():
        for name, draw in _drawers(record, trial):
            if not board.has_png(name, trial.number):
                board.put_png(name, png_bytes(draw()), trial.number)
    board.write_note(trial_note(trial, record), trial.number)


def _drawers(record: StudyRecord, trial: TrialRecord) -> Iterator[tuple[str, Callable[[], Figure]]]:
    metric = record.recipe.metric
    curve = trial_curve_info(trial, metric)
    if curve is not None:
        yield "learning-curve.png", partial(draw_trial_curve, curve)
    confusion = trial_confusion_info(trial, metric, record.dataset.class_names)
    if confusion is not None:
        yield "confusion-matrix.png", partial(draw_trial_confusion, confusion)
