"""What the study was made of, as (name, value) rows. Pure."""

from search.text import count, duration, percent, times
from search.tuning.records import StudyRecord

Rows = tuple[tuple[str, str], ...]

_SCORED = {True: "after the last epoch", False: "mean over folds at E*"}


def dataset_facts(record: StudyRecord) -> Rows:
    """Return the dataset's name, sizes, classes and fingerprint."""
    dataset = record.dataset
    channels, height, width = dataset.image_shape
    return (
        ("dataset", dataset.name),
        ("training images", count(dataset.n_train)),
        ("test images", count(dataset.n_test)),
        ("image", f"{channels} channels, {height} x {width} pixels"),
        (f"classes ({len(dataset.class_names)})", ", ".join(dataset.class_names)),
        ("fingerprint", dataset.fingerprint[:12]),
    )


def search_facts(record: StudyRecord) -> Rows:
    """Return how the search was done: space, sampler, validation, seed."""
    recipe = record.recipe
    return (
        ("space", recipe.space),
        ("sampler", recipe.sampler),
        ("pruner", recipe.pruner),
        ("validation", validation_words(record)),
        ("score", f"validation {recipe.metric}, {scored_epoch(record)}"),
        ("epochs" if recipe.protocol.scores_last_epoch else "epochs at most", count(recipe.epochs)),
        ("time limit", "none" if recipe.timeout is None else duration(recipe.timeout)),
        ("seed", str(recipe.seed)),
        ("folds", record.folds_hash[:12]),
    )


def machine_facts(record: StudyRecord) -> Rows:
    """Return the versions and the hardware."""
    return (*record.hardware.items(), *record.versions.items())


def device_fact(record: StudyRecord) -> tuple[str, str]:
    """Return what trials were trained on: "cpu (AMD EPYC, 2 cores), bf16"."""
    hardware, recipe = record.hardware, record.recipe
    name = hardware.get("gpu") or f"{hardware.get('processor')}, {hardware.get('cores')} cores"
    return "device", f"{recipe.device} ({name}), {recipe.precision}"


def validation_words(record: StudyRecord) -> str:
    """Return how trials were scored: "5-fold cross-validation" or "holdout of 20%"."""
    recipe = record.recipe
    if recipe.validation == "kfold":
        racing = ", raced from one fold on" if recipe.racing else ""
        return f"{recipe.folds}-fold cross-validation{racing}"
    if recipe.protocol.split is not None:
        return "the hand-tuned report’s holdout of a fifth"
    return f"holdout of {percent(recipe.holdout_fraction, 0)}"


def scored_epoch(record: StudyRecord) -> str:
    """Return which figures are a trial's: "mean over folds at E*" or "after the last epoch"."""
    return _SCORED[record.recipe.protocol.scores_last_epoch]


def page_title(record: StudyRecord) -> str:
    """Return what kind of report it is."""
    return "Best-model report" if record.recipe.protocol.is_search else "Baseline report"


def page_lead(record: StudyRecord) -> str:
    """Return in a sentence what was searched or reproduced, on what, and how it was scored."""
    recipe, dataset = record.recipe, record.dataset.name
    how = f"scored by {validation_words(record)}"
    if recipe.protocol.is_search:
        sampler = "TPE" if recipe.sampler == "tpe" else recipe.sampler.capitalize()
        return f"{sampler} search of the space {recipe.space} on {dataset}, {how}."
    trained = f"trained {times(len(record.complete()))}"
    return f"The hand-tuned network of the space {recipe.space} on {dataset}, {trained}, {how}."
