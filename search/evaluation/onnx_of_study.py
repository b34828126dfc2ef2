"""The winner of a study, or its ensemble, as an ONNX file."""

from pathlib import Path

from search.errors import UserError
from search.evaluation.ensemble import is_model_folder
from search.evaluation.onnx import export_onnx
from search.files import check_output
from search.paths import RunPaths
from search.tuning.records import StudyRecord, TrialRecord


def write_onnx(
    record: StudyRecord,
    trial: TrialRecord,
    runs_dir: Path,
    output: Path,
    *,
    force: bool,
    ensemble: bool = False,
) -> str:
    """Write the winner's exported model, or its ensemble, as ONNX.

    Returns a line on how it was checked. Raises UserError for other trials, which have no trained
    network, and if there is no ensemble.
    """
    winner = record.winner()
    if winner is None or winner.number != trial.number:
        raise UserError(f"trial: {trial.number} has no exported model; accepted: the winner's")
    check_output(output, force=force)
    paths = RunPaths(runs_dir, record.name)
    if ensemble and record.tested_ensemble() is None:
        raise UserError(
            f"ensemble: study {record.name!r} has none; run --ensemble N makes one of N networks, "
            "where as many trials of different settings are complete"
        )
    if ensemble and not is_model_folder(paths.ensemble_dir):
        raise UserError(
            f"ensemble: the folder {str(paths.ensemble_dir)!r} is gone; the study's own command "
            "makes it again"
        )
    folder = paths.ensemble_dir if ensemble else paths.model_dir
    return export_onnx(folder, output, trust_code=True).line()
