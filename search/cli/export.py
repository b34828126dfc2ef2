"""The command that takes a trial away: as a recipe, a script, an ONNX file.

Heavy packages are imported inside the command, so that --help answers at once.
"""

from pathlib import Path

from search.cli import options
from search.cli.checks import checked_study
from search.cli.console import make_console
from search.cli.printing import print_all
from search.errors import UserError

_RUNS = Path("runs")


def export(
    study: options.Study,
    trial: options.ExportedTrial = None,
    recipe: options.AsRecipe = False,
    python: options.AsPython = False,
    onnx: options.AsOnnx = False,
    output: options.ExportOutput = None,
    force: options.Force = False,
    runs_dir: options.StudyFolder = _RUNS,
    storage: options.Storage = None,
) -> None:
    """Export a trial: a recipe that trains it again, a script for torch alone, or ONNX.

    Recipe and script are printed unless --output names a file.
    """
    name = checked_study(study)
    asked = {"--recipe": recipe, "--python": python, "--onnx": onnx}
    if sum(asked.values()) != 1:
        given = " and ".join(flag for flag, is_given in asked.items() if is_given)
        raise UserError(
            "export needs one of --recipe (trains the trial again here), --python (a script that "
            f"trains it with torch alone), --onnx (the trained network), got {given or 'none'}"
        )
    from search.evaluation import command

    record, chosen = command.read_trial(name, runs_dir, storage, trial)
    console = make_console()
    if onnx:
        file = Path(f"{name}.onnx") if output is None else output
        check = command.write_onnx(record, chosen, runs_dir, file, force=force)
        print_all([f"wrote {file}", check], console)
    elif output is not None:
        write = command.write_recipe if recipe else command.write_script
        print_all([f"wrote {file}" for file in write(record, chosen, output, force=force)], console)
    else:
        text = command.recipe_text if recipe else command.script_text
        print_all([text(record, chosen).rstrip("\n")], console)
