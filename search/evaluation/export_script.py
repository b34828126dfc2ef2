"""A trial's network as a Python script that builds and trains it with torch alone."""

from textwrap import fill, indent

import torch
from jinja2 import Environment, PackageLoader, StrictUndefined

from cifar_models import build_model, count_parameters
from search.data.dataset import DatasetInfo
from search.data.folder import TEST_SEED
from search.data.image_files import EXTENSIONS
from search.errors import UserError
from search.evaluation.code import NetworkCode, call, literal, long_tuple, network_code
from search.evaluation.export_recipe import candidate_of
from search.tuning.records import StudyRecord, TrialRecord
from spaces import Candidate
from spaces.augmentation import find_augmentation
from spaces.describe import describe_candidate
from spaces.optimizers import OptimizerConfig

_COLUMNS = 88


def export_script(record: StudyRecord, trial: TrialRecord) -> str:
    """Return the script of a trial's network.

    It trains on all the training images that it is given for E* epochs (where there is none, for
    the study's), as a refit does. A plateau schedule is replayed from the rates that the folds
    recorded.
    Raises UserError where the trial has no candidate, or a plateau schedule but no epoch.
    """
    candidate = candidate_of(trial)
    rates = trial.history.learning_rates()[: trial.best_epoch]
    if candidate.schedule.changes == "each epoch" and not rates:
        raise UserError(
            f"trial: {trial.number} trained no epoch, so its schedule "
            f"({candidate.schedule.words}) recorded no rates to repeat; accepted: a trial that "
            "trained"
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

    The schedule is made for `horizon` epochs; `rates` are those that the search recorded, one an
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
        network=_network(candidate, dataset),
        n_parameters=_count(candidate, dataset),
        optimizer=indent(optimizer_code(candidate.optimizer), "    ").lstrip(),
        classes=long_tuple(dataset.class_names),
        n_classes=len(dataset.class_names),
        height=height,
        width=width,
        schedule=candidate.schedule,
        schedule_code=candidate.schedule.script(),
        augmentation_code=find_augmentation(candidate.augmentation).script(),
        epochs=epochs,
        horizon=horizon,
        rates=long_tuple(rates),
        bf16=bf16,
        suffixes=long_tuple(EXTENSIONS),
        test_fraction=test_fraction,
        test_seed=TEST_SEED,
    )


def _network(candidate: Candidate, dataset: DatasetInfo) -> NetworkCode:
    with torch.device("meta"):  # nothing is drawn, and nothing takes memory
        network = build_model(candidate.model, dataset.image_shape, len(dataset.class_names))
    try:
        return network_code(network)
    except TypeError as error:
        raise UserError(
            f"trial: no script can be written for a network of kind {candidate.model.kind}: "
            f"{error}; accepted: export its recipe"
        ) from error


def _count(candidate: Candidate, dataset: DatasetInfo) -> int:
    return count_parameters(candidate.model, dataset.image_shape, len(dataset.class_names))


def optimizer_code(config: OptimizerConfig) -> str:
    """Return the call that makes torch's optimizer of LEARNING_RATE and a network's weights."""
    settings = {"lr": "LEARNING_RATE"}
    settings |= {name: literal(value) for name, value in config.arguments().items()}
    named = [f"{name}={code}" for name, code in settings.items()]
    name = config.torch_class.__name__
    return call(f"torch.optim.{name}", ["network.parameters()", *named])
