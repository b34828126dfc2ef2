"""The options of the commands; those that are a recipe's settings are made from its fields."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin

import typer
from pydantic.fields import FieldInfo
from typer.models import ArgumentInfo

from search.checks import OneOf, check_named, check_study_name, expand_home
from search.command_lines import option_names
from search.errors import UserError
from search.recipe import SPACE_NAMES, Recipe
from search.text import listed

Command: TypeAlias = Callable[..., None]


def with_settings(
    *names: str, fill: bool = False, places: Iterable[str] = ()
) -> Callable[[Command], Command]:
    """Return a decorator that gives a command an option for each of these settings of a recipe.

    The command gets each as a keyword argument: None if it was not given, or with `fill` the
    recipe's default. It also gets those options of `CLUSTER`, None if not given.
    """

    def decorate(command: Command) -> Command:
        def call(**given: object) -> None:
            given |= {
                name: None for name in names if given[name] == []
            }  # given several times, or not
            if fill:
                defaults = {name: Recipe.model_fields[name].default for name in names}
                given |= {name: value for name, value in defaults.items() if given[name] is None}
            command(**given)

        own = [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for one in inspect.signature(command).parameters.values()
            if one.kind is not inspect.Parameter.VAR_KEYWORD and one.name not in names
        ]
        arguments = [one for one in own if _is_argument(one)]
        options = [one for one in own if not _is_argument(one)]
        parameters = [
            *arguments,
            *map(_parameter, names),
            *map(_cluster_parameter, places),
            *options,
        ]
        call.__name__, call.__doc__ = command.__name__, command.__doc__
        call.__annotations__ = {one.name: one.annotation for one in parameters}
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return call

    return decorate


def _is_argument(parameter: inspect.Parameter) -> bool:
    return any(isinstance(one, ArgumentInfo) for one in get_args(parameter.annotation))


def _parameter(name: str) -> inspect.Parameter:
    """Return the option of a setting; its value is None if it is not given."""
    field = Recipe.model_fields[name]
    kind = _parsed_type(field)
    option = typer.Option(
        "/".join(option_names(name)),
        help=_help(field),
        parser=folder if kind is Path else None,
        metavar="PATH" if kind is Path else None,
        rich_help_panel=setting_section(name),
    )
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, keyword, default=None, annotation=Annotated[kind | None, option])


def _cluster_parameter(name: str) -> inspect.Parameter:
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, keyword, default=None, annotation=CLUSTER[name])


# The first setting of each section of the help; the others follow it in the recipe.
_SECTIONS = {
    "space": "Search",
    "validation": "Evaluation",
    "seed": "Search",
    "dataset": "Data",
    "study_name": "Storage and resources",
}


def setting_section(name: str) -> str:
    """Return the section of help and documentation that a recipe's setting belongs to."""
    settings = list(Recipe.model_fields)
    before = settings[: settings.index(name) + 1]
    return next(_SECTIONS[one] for one in reversed(before) if one in _SECTIONS)


def _parsed_type(field: FieldInfo) -> Any:
    """Return the type that the command line parses; the recipe checks the rest."""
    kinds = get_args(field.annotation) or (field.annotation,)
    if any(get_origin(kind) is tuple for kind in kinds):
        return list[str]
    return next((kind for kind in (bool, int, float, Path) if kind in kinds), str)


def _help(field: FieldInfo) -> str:
    meaning, default = setting_help(field)
    return f"{meaning} [{default}]." if default else f"{meaning}."


def setting_help(field: FieldInfo) -> tuple[str, str]:
    """Return a setting's description with the values to choose from, and its default in words."""
    choices = _choices(field)
    meaning = f"{field.description}: {listed(choices, 'or')}" if choices else field.description
    return str(meaning), _default(field)


def _choices(field: FieldInfo) -> tuple[str, ...]:
    if get_origin(field.annotation) is Literal:
        return get_args(field.annotation)
    return next((one.accepted() for one in field.metadata if isinstance(one, OneOf)), ())


def _default(field: FieldInfo) -> str:
    """Return a setting's default in words, "" if there is none."""
    if field.is_required():
        return ""
    extra = field.json_schema_extra
    means = str(extra["means"]) if isinstance(extra, dict) and "means" in extra else ""
    if field.default is None:
        return means
    if isinstance(field.default, bool):
        return "yes" if field.default else "no"
    if not means:
        return str(field.default)
    return f"auto: {means}" if field.default == "auto" else means


def folder(given: str | Path) -> Path:
    """Return an option's folder; an empty text is an error, and does not mean this folder."""
    try:
        return Path(expand_home(str(check_named(given))))
    except ValueError as error:
        raise typer.BadParameter(f"{error}, got {str(given)!r}") from error


def _study(study: str) -> str:
    """Return the name; a database from elsewhere may contain names that lead out of runs_dir."""
    try:
        return check_study_name(study)
    except ValueError as error:
        raise UserError(f"study: {error}, got {study!r}") from error


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
    typer.Argument(help="Name of a study, as `list` shows it.", parser=_study, metavar="study"),
]
Studies = Annotated[
    list[str],
    typer.Argument(
        help="Names of studies; two or more are compared.", parser=_study, metavar="studies"
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


def _place_option(name: str, words: str) -> Any:
    return typer.Option(name, help=words, rich_help_panel="Cluster")


_TlsFile: TypeAlias = Path | None

CLUSTER: Mapping[str, Any] = {
    "executor": Annotated[
        str | None,
        _place_option(
            "--executor",
            "Where trials run: processes, inline (this process) or dask "
            "[processes; dask with --cluster].",
        ),
    ],
    "cluster": Annotated[
        str | None,
        _place_option(
            "--cluster",
            "Run the trials on the workers of this Dask scheduler: tcp://HOST:PORT, "
            "tls://HOST:PORT or a scheduler file; or start workers by slurm:FILE.toml or "
            "ssh:FILE.toml.",
        ),
    ],
    "worker_timeout": Annotated[
        str | None,
        _place_option(
            "--worker-timeout",
            "End the run, keeping everything, once there has been no worker for this time [5m].",
        ),
    ],
    "accept_mixed_hardware": Annotated[
        bool | None,
        _place_option(
            "--accept-mixed-hardware",
            "Use workers with other processors or GPUs too, whose results differ in the last bits.",
        ),
    ],
    "insecure_cluster": Annotated[
        bool | None,
        _place_option(
            "--insecure-cluster",
            "Accept a tcp:// scheduler on another machine: nothing is encrypted, and whoever "
            "reaches it can run code.",
        ),
    ],
    "tls_ca": Annotated[
        _TlsFile, _place_option("--tls-ca", "The certificate authority's certificate, for tls://.")
    ],
    "tls_cert": Annotated[
        _TlsFile, _place_option("--tls-cert", "This process's certificate, for tls://.")
    ],
    "tls_key": Annotated[
        _TlsFile, _place_option("--tls-key", "This process's private key, for tls://.")
    ],
}
"""Options that say where trials run; no settings of a study, whose result is the same anywhere."""

SchedulerHost = Annotated[
    str, typer.Option("--host", help="Name or address of this machine at which others reach it.")
]
SchedulerPort = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")]
SchedulerAddress = Annotated[
    str,
    typer.Argument(help="The scheduler: tcp://HOST:PORT, tls://HOST:PORT or a scheduler file."),
]
WorkerFolder = Annotated[
    Path, typer.Option("--folder", help="Where the worker keeps datasets.", parser=folder)
]
WorkerCount = Annotated[
    int, typer.Option("--workers", min=1, max=1024, help="How many trainings run at once here.")
]
CertificatesFolder = Annotated[
    Path, typer.Argument(help="Folder for the certificates; created if need be.", parser=folder)
]
CertificateDays = Annotated[
    int, typer.Option("--days", min=1, max=3650, help="How long the certificates are valid.")
]
WorkerLifetime = Annotated[
    str | None,
    typer.Option(
        "--lifetime", help="Leave after this time, such as 55m: what trains goes on elsewhere."
    ),
]
WorkerName = Annotated[
    str | None, typer.Option("--name", help="Name of the worker in the cluster [its address].")
]
SchedulerTimeout = Annotated[
    str,
    typer.Option("--scheduler-timeout", help="End once no scheduler has answered for this time."),
]
