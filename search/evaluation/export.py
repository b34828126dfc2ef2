"""What `export` does, short of printing."""

from pathlib import Path

from search.catalog.studies import find_trial, open_stored
from search.errors import UserError
from search.evaluation.export_recipe import export_recipe
from search.evaluation.export_script import export_script
from search.files import check_output, write_outputs
from search.paths import RunPaths
from search.tuning.outcome import why_no_winner
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.store import read_study


def read_trial(
    name: str, runs_dir: Path, storage: str | None, number: int | None
) -> tuple[StudyRecord, TrialRecord]:
    """Return a study and its trial of that number, or its winner for None.

    Raises UserError if there is no such study or trial, or no winner.
    """
    record = read_study(open_stored(name, runs_dir, storage))
    if number is not None:
        return record, find_trial(record, number)
    winner = record.winner()
    if winner is None:
        raise UserError(
            f"trial: study {name!r} has no winner to export, {why_no_winner(record)}; "
            "accepted: --trial N"
        )
    return record, winner


def recipe_text(record: StudyRecord, trial: TrialRecord) -> str:
    """Return the trial's recipe, with its space in a comment."""
    return export_recipe(record, trial, None).in_one()


def write_recipe(
    record: StudyRecord, trial: TrialRecord, output: Path, *, force: bool
) -> tuple[Path, ...]:
    """Write the trial's recipe and, in the same folder, its space; return both files."""
    if output.suffix != ".toml":
        raise UserError(
            f"output: {str(output)!r} must end with .toml; its space goes into the same folder, "
            "in a file that ends with -space.py"
        )
    exported = export_recipe(record, trial, output)
    texts = {output: exported.toml, exported.space_path: exported.space_code}
    write_outputs(texts, force=force)
    return tuple(texts)


def script_text(record: StudyRecord, trial: TrialRecord) -> str:
    """Return a script that trains the trial's network with nothing but torch."""
    return export_script(record, trial)


def write_script(
    record: StudyRecord, trial: TrialRecord, output: Path, *, force: bool
) -> tuple[Path, ...]:
    """Write what `script_text` returns; return its file."""
    write_outputs({output: script_text(record, trial)}, force=force)
    return (output,)


def write_onnx(
    record: StudyRecord, trial: TrialRecord, runs_dir: Path, output: Path, *, force: bool
) -> str:
    """Write the winner's exported model as ONNX; return a line on how it was checked.

    Raises UserError for other trials, which have no trained network.
    """
    winner = record.winner()
    if winner is None or winner.number != trial.number:
        raise UserError(f"trial: {trial.number} has no exported model; accepted: the winner's")
    check_output(output, force=force)
    from search.evaluation.onnx import export_onnx  # noqa: PLC0415  # needs packages of an extra

    return export_onnx(RunPaths(runs_dir, record.name).model_dir, output).line()
