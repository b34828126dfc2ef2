"""A trial exported: as a recipe with a space of one point, as a script for torch, as ONNX."""

import inspect
from pathlib import Path
from textwrap import fill, indent
from typing import Any

import tomli_w
import torch

import spaces
from cifar_models import FAMILIES, build_model, count_parameters
from cifar_models.family import ModelScript
from search.catalog.studies import find_trial, open_stored
from search.checks import derived_name
from search.data import pixels
from search.data.dataset import DatasetInfo, Resize
from search.data.file_source import TEST_SEED
from search.data.image_files import EXTENSIONS, JUNK
from search.errors import UserError
from search.evaluation.augmentation_code import augmentation_code, loss_code
from search.evaluation.code import (
    NetworkCode,
    call,
    constructor,
    literal,
    long_tuple,
    network_code,
    text_templates,
)
from search.evaluation.exported_recipe import ExportedRecipe, one_folder, own_metric_files
from search.evaluation.own_network import own_network_code, own_space_files, with_own_network
from search.evaluation.refit_length import refit_epochs, stretched
from search.tuning.endings import why_no_winner
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.store import read_study
from spaces import Candidate
from spaces.candidate import describe_candidate
from spaces.families import StoredNetwork
from spaces.optimizers import OptimizerConfig
from spaces.user_output import prints_to_stderr

_SPACE = '''\
"""{title}, as a space of one point."""

{imports}

CANDIDATE = {candidate}

SPACE = Space({name}, lambda _: CANDIDATE, baseline_params={{}})
'''
# Settings that decide how one candidate is trained and scored, and where the study is stored. The
# others only matter to a search with several candidates.
_KEPT = (
    "epochs", "validation", "metric", "seed", "dataset", "data_dir", "image_size", "resize",
    "test_fraction", "skip_broken", "image_column", "label_column",
    "split_column", "groups", "duplicates", "drop_duplicates",
    "storage", "runs_dir", "checkpoint_every", "threads", "device", "precision", "refit",
)  # fmt: skip
_PLAIN_MODEL = ModelScript()
_RECIPE_COLUMNS = 100
_SCRIPT_COLUMNS = 88


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


def _candidate(trial: TrialRecord) -> Candidate:
    """Return the trial's candidate; raises UserError if it has none yet."""
    if trial.candidate is None:
        raise UserError(
            f"trial: {trial.number} has no candidate yet, it is {trial.kind}; accepted: a trial "
            "that was started"
        )
    return trial.candidate


def _title(record: StudyRecord, trial: TrialRecord) -> str:
    return f"Trial {trial.number} of study {record.name}"


def export_name(record: StudyRecord, trial: TrialRecord) -> str:
    """Return the name of the study that trains only this trial."""
    return derived_name(record.name, f"-trial-{trial.number}")


def export_recipe(record: StudyRecord, trial: TrialRecord, path: Path | None) -> ExportedRecipe:
    """Return the recipe that trains a trial's candidate again, with the same validation.

    Args:
        record: The study.
        trial: The trial to export.
        path: The recipe's future file; space and metric go into the same folder. None: not known
            yet.

    Raises:
        UserError: The trial has no candidate, or one folder cannot hold the files.
    """
    candidate, name, title = _candidate(trial), export_name(record, trial), _title(record, trial)
    file = Path(f"{name}.toml") if path is None else path
    space_path = file.with_name(f"{file.stem}-space.py")  # a script may have the recipe's name
    settings = _settings(record, trial) | {"space": f"{space_path.name}:SPACE", "study_name": name}
    if isinstance(candidate.model, StoredNetwork):
        files = own_space_files(candidate, record, space_path, name, title)
    else:
        files = {space_path: space_file(candidate, name, title)}
    metric_path = file.with_name(f"{file.stem}-metric.py")
    metric = own_metric_files(record, metric_path)
    if metric:
        settings["metric"] = f"{metric_path.name}:{record.recipe.metric.rpartition(':')[2]}"
    comments = (
        f"{title} only: python -m search run {file}",
        describe_candidate(candidate),
        _how_similar(record, trial),
    )
    return ExportedRecipe(
        toml="\n".join([*map(_comment, comments), tomli_w.dumps(settings)]),
        space_code=files.pop(space_path),
        space_path=space_path,
        metric_path=metric_path,
        metric_code=metric.pop(metric_path, None),
        helpers=one_folder(files, metric),
    )


def write_recipe(
    record: StudyRecord, trial: TrialRecord, output: Path, *, force: bool
) -> tuple[Path, ...]:
    """Write the trial's recipe and, beside it, its space and its user's metric; return all files.

    Raises:
        UserError: A file is in the way (see `ExportedRecipe.write`), or cannot be written.
    """
    if output.suffix != ".toml":
        raise UserError(
            f"output: {str(output)!r} must end with .toml; its space goes into the same folder, "
            "in a file that ends with -space.py"
        )
    return export_recipe(record, trial, output).write(output, force=force)


def space_file(candidate: Candidate, name: str, title: str) -> str:
    """Return Python code that defines SPACE, with that name and only this candidate."""
    return _SPACE.format(
        title=title,
        imports=_imports(candidate),
        candidate=constructor(candidate),
        name=literal(name),
    )


def _imports(candidate: Candidate) -> str:
    """Return the imports of Space and the candidate's parts, from `spaces` where it has them."""
    names: dict[str, set[str]] = {"spaces": {"Space"}}
    steps = () if isinstance(candidate.augmentation, str) else candidate.augmentation
    parts = (candidate.model, candidate.optimizer, candidate.schedule, candidate.loss)
    code = constructor(candidate)  # which leaves out some defaults
    for one in map(type, (candidate, *parts, *steps)):
        if f"{one.__name__}(" not in code:
            continue
        exported = getattr(spaces, one.__name__, None) is one
        names.setdefault("spaces" if exported else one.__module__, set()).add(one.__name__)
    return "\n".join(_import(module, some) for module, some in sorted(names.items()))


def _import(module: str, names: set[str]) -> str:
    ordered = sorted(names, key=str.lower)
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= _SCRIPT_COLUMNS:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in ordered), ")"])


def _settings(record: StudyRecord, trial: TrialRecord) -> dict[str, Any]:
    """Return all settings but the names; the protocol and the refit's length stay the same."""
    recipe = record.recipe
    stored = recipe.model_dump(mode="json", exclude_none=True)
    split = "folds" if recipe.validation == "kfold" else "holdout_fraction"
    kept = {name: stored[name] for name in (*_KEPT, split) if name in stored}
    sampler = recipe.protocol.export_sampler
    schedule = record.refit_schedule(trial)
    longer = {} if schedule == recipe.epochs else {"refit_epochs": schedule}
    return {"space": "", "sampler": sampler, "trials": 1, "with_baseline": False} | kept | longer


def _how_similar(record: StudyRecord, trial: TrialRecord) -> str:
    split = "folds" if record.recipe.validation == "kfold" else "split"
    if trial.plan == 0:
        return (
            f"Same {split} and same seeds: with the same machine and code, the score is the same, "
            "bit for bit."
        )
    return (
        f"Same {split}, but other seeds, because seeds depend on a trial's index: {trial.plan} in "
        "the study, 0 here. Initial weights, image order, augmentation and dropout differ, so "
        "expect a similar score, not the same."
    )


def _comment(text: str) -> str:
    return fill(text, _RECIPE_COLUMNS, initial_indent="# ", subsequent_indent="# ",
                break_long_words=False, break_on_hyphens=False)  # fmt: skip


def export_script(record: StudyRecord, trial: TrialRecord) -> str:
    """Return a Python script that builds and trains a trial's network that only needs torch.

    It trains on all the training images that it is given for as long as a refit does (the study's
    epochs for an incomplete trial). A plateau schedule is replayed from the recorded rates.

    Raises:
        UserError: The trial has no candidate, or a plateau schedule but no epoch.
    """
    candidate = with_own_network(_candidate(trial), record)
    horizon = record.refit_schedule(trial)
    epochs, rates = horizon, trial.history.learning_rates()
    if trial.best_epoch is not None:
        epochs = refit_epochs(trial, record.recipe, record.dataset, horizon)
        rates = list(stretched(rates, record.recipe.epochs, horizon))[:epochs]
    if candidate.schedule.changes == "each epoch" and not rates:
        raise UserError(
            f"trial: {trial.number} trained no epoch, so its schedule "
            f"({candidate.schedule.words}) recorded no rates to repeat; accepted: a trial that "
            "trained"
        )
    with prints_to_stderr():  # the script may go to standard output
        return render_script(
            candidate,
            record.dataset,
            network=_network(candidate, record.dataset, record),
            title=_title(record, trial),
            epochs=epochs,
            horizon=horizon,
            rates=rates,
            bf16=record.recipe.precision == "bf16",
            test_fraction=None if record.quality.n_groups else record.recipe.test_fraction,
            resize=record.recipe.resize,
        )


def render_script(
    candidate: Candidate,
    dataset: DatasetInfo,
    *,
    title: str,
    epochs: int,
    horizon: int,
    rates: list[float],
    bf16: bool,
    test_fraction: float | None,
    resize: Resize = "stretch",
    network: NetworkCode | None = None,
) -> str:
    """Return the script that trains a candidate.

    Args:
        candidate: What to train.
        dataset: The shape and classes of the images.
        title: The script's first words.
        epochs: How long to train.
        horizon: How many epochs the schedule is made for.
        rates: The learning rates that the search recorded, one per epoch.
        bf16: Whether to use autocast.
        test_fraction: What to set aside of a folder without test/, as `FolderSource` does; None:
            nothing, as the search kept groups together.
        resize: How images of another shape are fitted.
        network: The candidate's network as code; None: it is one of this program's.
    """
    _, height, width = dataset.image_shape
    n_classes = len(dataset.class_names)
    augmentation = augmentation_code(candidate, n_classes)
    loss = loss_code(candidate, n_classes, mixed=augmentation.mixes_labels)
    schedule_code = candidate.schedule.script()
    functions = [schedule_code, *augmentation.functions, *loss.functions]
    return (
        text_templates()
        .get_template("script.py.jinja")
        .render(
            title=title,
            words=fill(describe_candidate(candidate), _SCRIPT_COLUMNS, break_long_words=False),
            candidate=candidate,
            network=network or _network(candidate, dataset),
            model=candidate.model.model_script(),
            normalization=candidate.model.input_normalization,
            n_parameters=count_parameters(candidate.model, dataset.image_shape, n_classes),
            optimizer=indent(
                optimizer_code(candidate.optimizer, candidate.model.model_script()), "    "
            ).lstrip(),
            classes=long_tuple(dataset.class_names),
            n_classes=n_classes,
            height=height,
            width=width,
            schedule=candidate.schedule,
            functions=[code for code in functions if code],
            augmentation=augmentation,
            loss=loss,
            epochs=epochs,
            horizon=horizon,
            rates=long_tuple(rates),
            bf16=bf16,
            reading_code=_reading_code(),
            suffixes=long_tuple(EXTENSIONS),
            junk=long_tuple(sorted(JUNK)),
            resize=resize,
            test_fraction=test_fraction,
            test_seed=TEST_SEED,
        )
    )


def _reading_code() -> str:
    """Return the code by which the search reads image files."""
    _, _, code = inspect.getsource(pixels).partition("from PIL import Image, ImageOps\n")
    return code.strip()


def _network(
    candidate: Candidate, dataset: DatasetInfo, record: StudyRecord | None = None
) -> NetworkCode:
    """Return the network's code; where it cannot be told apart, the record's that makes it."""
    shape, n_classes = dataset.image_shape, len(dataset.class_names)
    try:
        with torch.device("meta"):  # draws nothing and takes no memory
            network = build_model(candidate.model, shape, n_classes)
        return network_code(network)
    except (TypeError, RuntimeError) as error:
        if record is not None and type(candidate.model) not in FAMILIES:
            return own_network_code(candidate, record, shape, n_classes)
        raise UserError(
            f"trial: no script can be written for a network of kind {candidate.model.kind}: "
            f"{error}; accepted: export its recipe"
        ) from error


def optimizer_code(config: OptimizerConfig, model: ModelScript = _PLAIN_MODEL) -> str:
    """Return the call that makes torch's optimizer of LEARNING_RATE and a network's weights."""
    settings = {"lr": "LEARNING_RATE"}
    settings |= {name: literal(value) for name, value in config.arguments().items()}
    arguments = [f"{name}={code}" for name, code in settings.items()]
    name = config.torch_class.__name__
    return call(f"torch.optim.{name}", [model.parameters, *arguments])
