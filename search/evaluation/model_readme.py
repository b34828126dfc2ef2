"""The model card: what a model is for, how good it is, and what it cannot do, as Markdown. Pure.

Its parts are those of Mitchell et al., "Model Cards for Model Reporting" (2019), and its head is
what model hubs read.
"""

from collections.abc import Iterator
from pathlib import PurePath

from search.evaluation.markdown import bullets
from search.evaluation.readme_results import limits, results
from search.formatting import format_epochs
from search.markdown import escaped
from search.tuning.records import StudyRecord, TrialRecord
from spaces.describe import describe_candidate

HEAD = """---
library_name: pytorch
pipeline_tag: image-classification
tags: [image-classification, hyperparameter-search, cifar-search]
---
"""
_MOST_LISTED = 30  # classes in words; the table has all


def model_readme(record: StudyRecord, baseline: StudyRecord | None) -> str:
    """Return the card of a tested study's model, beside the baseline's figures where there is one.

    It names no path of the machine. Raises ValueError for a study without a test result.
    """
    trial, test = _exported(record), record.test
    if trial is None or trial.candidate is None or test is None:
        raise ValueError(f"study {record.name!r} has no tested model")
    parts = [
        f"# {escaped(record.name)}",
        _purpose(record),
        describe_candidate(trial.candidate),
        "## Use",
        _USE,
        "## Data",
        _data(record),
        "## Results",
        *results(record, trial, test, baseline),
        "## Limits",
        bullets(limits(record, test)),
        "## Training",
        bullets(_training(record, trial)),
    ]
    return "\n\n".join(parts) + "\n"


_USE = """From the command line, on files and folders (the classes and their probabilities):

    python -m search predict path/to/this/folder photo.jpg

From Python:

    from search.final.export import load_model
    model = load_model("path/to/this/folder")
    print(model.classify("photo.jpg").name)

`weights.safetensors` are the weights, `model.json` says how to build the network and to prepare an
image, and `sha256sum -c SHA256SUMS` checks both. This card has no sum: it may be added to."""


def _exported(record: StudyRecord) -> TrialRecord | None:
    """Return the trial whose network was exported; a reproduction has no refit."""
    if record.refit is None:
        return record.winner()
    numbers = {trial.number: trial for trial in record.trials}
    return numbers.get(record.refit.trial)


def _purpose(record: StudyRecord) -> str:
    names = record.dataset.class_names
    shown = ", ".join(escaped(name) for name in names[:_MOST_LISTED])
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return (
        f"Names which of {len(names)} classes an image shows: {shown}{more}. "
        "Meant for images like those it was trained and tested on."
    )


def _data(record: StudyRecord) -> str:
    dataset = record.dataset
    _, height, width = dataset.image_shape
    return (
        f"{escaped(dataset.name)}: {dataset.n_train:,} images to train and validate on, "
        f"{dataset.n_test:,} set aside as the test set, of {height} x {width} pixels. "
        f"Fingerprint (SHA-256 of the content): `{dataset.fingerprint}`."
    )


def _training(record: StudyRecord, trial: TrialRecord) -> Iterator[str]:
    recipe = record.recipe
    kfold = recipe.validation == "kfold"
    validation = f"{recipe.folds}-fold" if kfold else f"holdout {recipe.holdout_fraction:g}"
    yield (
        f"Study {escaped(record.name)}, trial {trial.number}: space "
        f"{escaped(PurePath(recipe.space).name)}, sampler {recipe.sampler}, {validation} "
        f"validation, seed {recipe.seed}, {recipe.precision} on {recipe.device}."
    )
    if record.refit is None:
        yield f"Trained for {format_epochs(len(trial.history.epochs))} on the training part."
    else:
        epochs = format_epochs(record.refit.epochs)
        yield f"Trained anew on all {record.dataset.n_train:,} training images for {epochs}."
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    yield f"Versions: {escaped(versions)}."
