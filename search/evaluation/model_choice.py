"""Which model folder a user means: a folder, or the name of a study."""

from contextlib import suppress
from pathlib import Path

from search.catalog.study import open_stored
from search.errors import MachineError, UserError
from search.formatting import printable
from search.paths import ModelPaths, RunPaths
from search.tuning.backend import storage_failures
from search.tuning.ended import end_info, model_command
from search.tuning.records import StudyRecord
from search.tuning.store import read_study

_MOST_NAMED = 10


def find_model(name: Path, runs_dir: Path) -> Path:
    """Return the model folder that `name` is, or that the study called so has.

    Raises UserError where there is none, and where the name stands for a folder and a study.
    """
    study = RunPaths(runs_dir, str(name)).model_dir
    folders = [name, name / study.name] + ([study] if len(name.parts) == 1 else [])
    try:
        models = [folder for folder in folders if ModelPaths(folder).card.is_file()]
    except OSError as error:  # a folder that may not be entered, a name that is too long
        raise UserError(f"model: {str(name)!r} is not a model folder: {error.strerror}") from error
    if not models:
        raise UserError(_why_none(name, runs_dir))
    if len({folder.resolve() for folder in models}) > 1:
        found = " or ".join(repr(str(folder.absolute())) for folder in models)
        raise UserError(f"model: {str(name)!r} could be {found}: give one of these")
    return models[0]


def _why_none(name: Path, runs_dir: Path) -> str:
    record = stored_record(str(name), runs_dir)
    if record is not None:
        return _unfinished(record)
    named = _studies_with_models(runs_dir)
    return (
        f"model: {str(name)!r} is not a model folder: it has no {ModelPaths(name).card.name}; "
        f"nor has a study of that name in {str(runs_dir)!r} a model; studies that have one: "
        f"{', '.join(named) or 'none'}"
    )


def stored_record(name: str, runs_dir: Path) -> StudyRecord | None:
    """Return the study of that name in the folder's own database, None where none can be read."""
    with suppress(UserError, MachineError), storage_failures(name):  # a model needs no database
        return read_study(open_stored(name, runs_dir, None))
    return None


def _unfinished(record: StudyRecord) -> str:
    end, command = end_info(record, stopped=True), model_command(record)
    state = f"model: study {record.name!r} has none yet, {end.done} of {end.planned} trials done"
    if command is None:
        return f"{state}, none of them complete: wait for its run to end, or run its command again"
    return f"{state}; to get one of what is finished: {command}"


def _studies_with_models(runs_dir: Path) -> list[str]:
    names = sorted(path.name for path in runs_dir.glob("*"))
    models = [ModelPaths(RunPaths(runs_dir, name).model_dir) for name in names]
    found = [name for name, model in zip(names, models, strict=True) if model.card.is_file()]
    more = [f"and {len(found) - _MOST_NAMED} more"] if len(found) > _MOST_NAMED else []
    return [*map(printable, found[:_MOST_NAMED]), *more]
