"""Which model folder a user means: a folder, or the name of a study."""

from pathlib import Path

from search.errors import UserError
from search.paths import ModelPaths, RunPaths


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
        raise UserError(
            f"model: {str(name)!r} is not a model folder: it has no {ModelPaths(name).card.name}; "
            f"nor has a study of that name in {str(runs_dir)!r} a model"
        )
    if len({folder.resolve() for folder in models}) > 1:
        found = " or ".join(repr(str(folder.absolute())) for folder in models)
        raise UserError(f"model: {str(name)!r} could be {found}: give one of these")
    return models[0]
