"""The options and arguments of the commands."""

from pathlib import Path
from typing import Annotated

import typer

from search.errors import UserError
from search.settings import check_named, check_study_name


def folder(given: str | Path) -> Path:
    """Return an option's folder; an empty text is none, and not the present folder."""
    try:
        return Path(str(check_named(given)))
    except ValueError as error:
        raise typer.BadParameter(f"{error}, got {str(given)!r}") from error


def checked_study(study: str) -> str:
    """Return the name; a database made elsewhere may hold some that lead out of runs_dir."""
    try:
        return check_study_name(study)
    except ValueError as error:
        raise UserError(f"study: {error}, got {study!r}") from error


Recipe = Annotated[Path | None, typer.Argument(help="TOML file with any of these settings.")]
Space = Annotated[str | None, typer.Option(help="mlp, cnn or FILE.py:NAME.")]
Sampler = Annotated[str | None, typer.Option(help="random, grid, tpe or baseline [random].")]
Pruner = Annotated[
    str | None,
    typer.Option(
        help="auto, none, median, halving or hyperband [auto: halving; none for grid and baseline]."
    ),
]
Trials = Annotated[int | None, typer.Option(help="How many [20; grid: all points].")]
Epochs = Annotated[int | None, typer.Option(help="At most, a trial [40].")]
Timeout = Annotated[
    str | None, typer.Option(help="Start no trial after this time, such as 30m or 2h.")
]
TrialTimeout = Annotated[
    str | None,
    typer.Option(help="End a trial that has not ended after this time, such as 10m [never]."),
]
Validation = Annotated[str | None, typer.Option(help="holdout or kfold [holdout].")]
HoldoutFraction = Annotated[float | None, typer.Option(help="Validation part [0.2].")]
Folds = Annotated[int | None, typer.Option(help="Folds of kfold [5].")]
Racing = Annotated[
    bool | None,
    typer.Option(help="Start trials on one fold; the better ones earn the others [no]."),
]
Metric = Annotated[str | None, typer.Option(help="accuracy or loss [accuracy].")]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random [0].")]
WithBaseline = Annotated[
    bool | None,
    typer.Option("--with-baseline/--no-baseline", help="Try the hand-tuned one first [yes]."),
]
MaxParameters = Annotated[int | None, typer.Option(help="Largest network allowed.")]
Dataset = Annotated[
    str | None, typer.Option(help="auto, cifar10, digits or an image folder [auto].")
]
DataDir = Annotated[
    Path | None, typer.Option(help="Where data is kept [data].", parser=folder, metavar="PATH")
]
ImageSize = Annotated[
    int | None, typer.Option(help="Height and width of a folder's images [the first's].")
]
TestFraction = Annotated[
    float | None, typer.Option(help="Sealed part of a folder without test/ [0.1].")
]
StudyName = Annotated[
    str | None, typer.Option(help="Name to keep it under [made of space, sampler, data].")
]
Storage = Annotated[str | None, typer.Option(help="Database URL [SQLite in runs_dir].")]
RunsDir = Annotated[
    Path | None, typer.Option(help="Where studies are kept [runs].", parser=folder, metavar="PATH")
]
CheckpointEvery = Annotated[
    int | None, typer.Option(help="Epochs between checkpoints; 0: none [1].")
]
Workers = Annotated[
    int | None, typer.Option(help="Processes; 0: one a core, or what a GPU has room for [0].")
]
Threads = Annotated[int | None, typer.Option(help="Threads of each worker [1].")]
Device = Annotated[str | None, typer.Option(help="auto, cpu or cuda [auto].")]
Precision = Annotated[
    str | None, typer.Option(help="fp32 or bf16 [auto: bf16 where it is native].")
]
AcceptChanges = Annotated[
    bool,
    typer.Option("--accept-changes", help="Go on though the space's code or a library changed."),
]

Quiet = Annotated[bool, typer.Option("--quiet", help="Print the result alone, and errors.")]
Events = Annotated[
    bool, typer.Option("--json", help="Print what happens as lines of JSON, one an event.")
]

BaselineSpace = Annotated[str, typer.Option("--space", help="mlp, cnn or FILE.py:NAME.")]
Repeats = Annotated[int, typer.Option(min=1, help="Trainings, each with a seed of its own.")]
BaselinePrecision = Annotated[str | None, typer.Option("--precision", help="fp32 or bf16 [fp32].")]

StudyFolder = Annotated[
    Path, typer.Option(help="Folder of the studies.", parser=folder, metavar="PATH")
]
Study = Annotated[str, typer.Argument(help="Name of a study, as `list` shows it.")]
Studies = Annotated[list[str], typer.Argument(help="Names of studies; several are compared.")]
ComparisonOutput = Annotated[
    Path | None, typer.Option("--output", help="Folder of a comparison [comparison in runs-dir].")
]
SampledAlone = Annotated[
    bool, typer.Option("--sampled-alone", help="Leave out the hand-tuned network, tried first.")
]
Orders = Annotated[int, typer.Option(min=1, help="Random orders of the trials.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it.")]
ShownTrial = Annotated[
    int | None, typer.Option("--trial", help="Show this trial: candidate, curve, how to repeat it.")
]
AllTrials = Annotated[bool, typer.Option("--all", help="List every trial, pruned ones too.")]
ListedAsJson = Annotated[
    bool, typer.Option("--json", help="Print a JSON array, one object a study.")
]
ShownAsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ExportedTrial = Annotated[int | None, typer.Option("--trial", help="Number of a trial [winner].")]
AsRecipe = Annotated[
    bool, typer.Option("--recipe", help="A recipe that trains this candidate again.")
]
AsPython = Annotated[
    bool, typer.Option("--python", help="A script that trains its network with torch alone.")
]
AsOnnx = Annotated[bool, typer.Option("--onnx", help="The winner's model, as an ONNX file.")]
ExportOutput = Annotated[
    Path | None, typer.Option("--output", help="File to write [printed; --onnx: STUDY.onnx].")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files.")]
Model = Annotated[
    Path, typer.Argument(help="Name of a study, or a model folder such as runs/STUDY/model.")
]
Images = Annotated[list[Path], typer.Argument(help="Image files, and folders of them.")]
Top = Annotated[int, typer.Option(min=1, help="How many classes of each image to print.")]
AllImages = Annotated[
    bool, typer.Option("--all", help="List every image, also where a terminal shows the first.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON with all probabilities.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print a row an image, comma-separated.")]
Host = Annotated[str, typer.Option(help="Address to listen on; a loopback one.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]
ReadOnly = Annotated[
    bool, typer.Option("--read-only", help="Show the studies, let nobody change or delete them.")
]
InsecurePublic = Annotated[
    bool,
    typer.Option(
        "--insecure-public", help="Listen on any --host: whoever reaches it needs no password."
    ),
]
Browser = Annotated[
    bool,
    typer.Option("--browser/--no-browser", help="Open it in a browser, in a terminal with one."),
]
Output = Annotated[Path, typer.Option(help="Folder of the figures and the table.")]
SpaceToList = Annotated[str | None, typer.Argument(help="mlp, cnn or FILE.py:NAME [all].")]
