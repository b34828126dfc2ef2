"""A trial's network as a Python script that builds and trains it with torch alone."""

from textwrap import fill, indent
from typing import Any

import torch
from jinja2 import Environment, PackageLoader, StrictUndefined

from cifar_models import build_model, count_parameters
from search.data.dataset import DatasetInfo
from search.data.folder import TEST_SEED
from search.data.image_files import EXTENSIONS
from search.errors import UserError
from search.evaluation.code import call, layer_code, literal, long_tuple
from search.evaluation.export_recipe import candidate_of
from search.training.augmentation import CROP_PADDING
from search.tuning.records import StudyRecord, TrialRecord
from spaces import Candidate, PlateauConfig, SGDConfig
from spaces.candidate import OptimizerConfig
from spaces.describe import describe_candidate

_COLUMNS = 88
_TORCH_NAMES = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}


def export_script(record: StudyRecord, trial: TrialRecord) -> str:
    """Return the script of a trial's network.

    It trains on all the training images that it is given for E* epochs (where there is none, for
    the study's), as a refit does. A plateau schedule is replayed from the rates that the folds
    recorded.
    Raises UserError where the trial has no candidate, or a plateau schedule but no epoch.
    """
    candidate = candidate_of(trial)
    rates = trial.history.learning_rates()[: trial.best_epoch]
    if isinstance(candidate.schedule, PlateauConfig) and not rates:
        raise UserError(
            f"trial: {trial.number} trained no epoch, so its schedule, which falls on plateaus, "
            "left no rates to repeat; accepted: a trial that trained"
        )
    return render_script(
        candidate,
        record.dataset,
        title=f"Trial {trial.number} of study {record.name}",
        epochs=trial.best_epoch or record.recipe.epochs,
        horizon=record.recipe.epochs,
        rates=rates,
        bf16=record.recipe.precision == "bf16",
        test_fraction=record.recipe.test_fraction,
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
    test_fraction: float,
) -> str:
    """Return the script that trains a candidate for `epochs` epochs on images as `dataset` has.

    The schedule is made for `horizon` epochs; `rates` are those of a plateau schedule, one an
    epoch. Of a folder without test/ it sets `test_fraction` aside, the images that `FolderSource`
    seals.
    """
    templates = Environment(
        loader=PackageLoader("search.evaluation", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  # what is written is no HTML
    )
    _, height, width = dataset.image_shape
    return templates.get_template("script.py.jinja").render(
        title=title,
        words=fill(describe_candidate(candidate), _COLUMNS, break_long_words=False),
        candidate=candidate,
        network=indent(_network(candidate, dataset), "    ").lstrip(),
        n_parameters=_count(candidate, dataset),
        optimizer=indent(_optimizer(candidate.optimizer), "    ").lstrip(),
        classes=long_tuple(dataset.class_names),
        n_classes=len(dataset.class_names),
        height=height,
        width=width,
        crop_padding=CROP_PADDING,
        epochs=epochs,
        horizon=horizon,
        rates=long_tuple(rates),
        bf16=bf16,
        suffixes=long_tuple(EXTENSIONS),
        test_fraction=test_fraction,
        test_seed=TEST_SEED,
    )


def _network(candidate: Candidate, dataset: DatasetInfo) -> str:
    with torch.device("meta"):  # nothing is drawn, and nothing takes memory
        layers = build_model(candidate.model, dataset.image_shape, len(dataset.class_names))
    return call("nn.Sequential", [layer_code(layer) for layer in layers])


def _count(candidate: Candidate, dataset: DatasetInfo) -> int:
    return count_parameters(candidate.model, dataset.image_shape, len(dataset.class_names))


def _optimizer(config: OptimizerConfig) -> str:
    settings: dict[str, Any] = {"lr": "LEARNING_RATE"}
    if isinstance(config, SGDConfig):
        settings["momentum"] = literal(config.momentum)
        settings |= {"nesterov": "True"} if config.nesterov else {}
    else:
        settings["betas"] = literal(config.betas)
    settings["weight_decay"] = literal(config.weight_decay)
    named = [f"{name}={code}" for name, code in settings.items()]
    return call(f"torch.optim.{_TORCH_NAMES[config.name]}", ["network.parameters()", *named])
