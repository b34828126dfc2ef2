"""The options and arguments of the commands that are no settings of a recipe."""

from pathlib import Path
from typing import Annotated

import typer

from search.cli.parsers import study_name
from search.recipe_fields import SPACE_NAMES

RecipeFile = Annotated[Path | None, typer.Argument(help="TOML file with any of these settings.")]
Trackers = Annotated[
    list[str] | None,
    typer.Option(
        "--tracker",
        help="Also write trials, curves and report to mlflow, tensorboard or wandb (offline); can "
        "be given several times.",
    ),
]
AcceptChanges = Annotated[
    bool,
    typer.Option("--accept-changes", help="Continue though the space's code or a library changed."),
]
Verify = Annotated[
    bool,
    typer.Option(
        "--verify", help="Read all files again; if one has changed, decode the images again."
    ),
]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="Try trials again that failed for good.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Only print the result.")]
Events = Annotated[bool, typer.Option("--json", help="Print one JSON object per event and line.")]

Repeats = Annotated[
    int, typer.Option(min=1, help="How many times to train it, each with a different seed.")
]

Study = Annotated[
    str,
    typer.Argument(help="Name of a study, as `list` shows it.", parser=study_name, metavar="study"),
]
Studies = Annotated[
    list[str],
    typer.Argument(
        help="Names of studies; two or more are compared.", parser=study_name, metavar="studies"
    ),
]
ComparisonOutput = Annotated[
    Path | None, typer.Option("--output", help="Folder for a comparison [comparison in runs_dir].")
]
SampledAlone = Annotated[
    bool,
    typer.Option("--sampled-alone", help="Leave out the hand-tuned network that is tried first."),
]
Orders = Annotated[int, typer.Option(min=1, help="Number of random trial orders to average over.")]
Yes = Annotated[bool, typer.Option("--yes", help="Really delete it.")]
ShownTrial = Annotated[
    int | None,
    typer.Option("--trial", help="Show this trial: settings, learning curve, how to reproduce it."),
]
AblationStart = Annotated[
    str, typer.Option("--from", help="Where the path begins: 'baseline', or a trial's number.")
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="Trainings at once.", show_default="study's")
]
NestedFolds = Annotated[
    int, typer.Option("--folds", min=2, help="Repetitions; each leaves out another part.")
]
Nested = Annotated[
    int | None,
    typer.Option(
        "--nested",
        min=2,
        help="Then repeat the search so often, as `nested` does; a budget is for the first.",
        show_default="no",
        rich_help_panel="Evaluation",
    ),
]
AllTrials = Annotated[bool, typer.Option("--all", help="List every trial, including pruned ones.")]
ListedAsJson = Annotated[
    bool, typer.Option("--json", help="Print a JSON array with one object per study.")
]
SortedBy = Annotated[
    str | None,
    typer.Option(
        "--sort",
        metavar="COLUMN",
        help="Sort trials by a column of trials.csv or a parameter; -COLUMN: the largest first.",
    ),
]
Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="CONDITION",
        help="Only trials for which it holds, such as 'sgd_lr<0.01' or state=pruned; repeatable.",
    ),
]
ShownAsCsv = Annotated[bool, typer.Option("--csv", help="Print trials as CSV, every column.")]
ShownAsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ExportedTrial = Annotated[
    int | None, typer.Option("--trial", help="Number of a trial [the winner].")
]
AsRecipe = Annotated[
    bool, typer.Option("--recipe", help="Export a recipe that trains this trial again.")
]
AsPython = Annotated[
    bool, typer.Option("--python", help="Export a script that trains its network with only torch.")
]
AsOnnx = Annotated[
    bool, typer.Option("--onnx", help="Export the winner's trained model as an ONNX file.")
]
OfEnsemble = Annotated[
    bool, typer.Option("--ensemble", help="With --onnx, export the ensemble, not the winner alone.")
]
ExportOutput = Annotated[
    Path | None, typer.Option("--output", help="File to write [print it; --onnx: STUDY.onnx].")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite existing files.")]
Model = Annotated[
    Path, typer.Argument(help="Name of a study, or a model folder such as runs/STUDY/model.")
]
Images = Annotated[list[Path], typer.Argument(help="Image files and folders of images.")]
TrustCode = Annotated[
    bool,
    typer.Option(
        "--trust-code",
        help="Run the code of a network of its own that the model folder has; a study's own model "
        "needs no such trust.",
    ),
]
Top = Annotated[int, typer.Option(min=1, help="How many classes to print per image.")]
AllImages = Annotated[
    bool, typer.Option("--all", help="List every image; a terminal shows only the first ones.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON with all probabilities.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV, one row per image.")]
Host = Annotated[str, typer.Option(help="Address to listen on; must be a loopback address.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]
ReadOnly = Annotated[
    bool,
    typer.Option("--read-only", help="Only show the studies; nobody can change or delete them."),
]
InsecurePublic = Annotated[
    bool,
    typer.Option(
        "--insecure-public",
        help="Allow any --host. There is no password: anyone who can reach it has access.",
    ),
]
Browser = Annotated[
    bool,
    typer.Option("--browser/--no-browser", help="Open the dashboard in a browser."),
]
Output = Annotated[Path, typer.Option(help="Folder for the figures and the table.")]
SpaceToList = Annotated[str | None, typer.Argument(help=f"{SPACE_NAMES} [all].")]
