"""Nested cross-validation: a whole search, repeated on parts of the training images.

A search's validation score is too good, as the best of many was chosen by it. What the whole
search, with its choice and its refit, reaches on images that it never saw is not; each repetition
leaves out others of the training images (Varma and Simon, "Bias in error estimation when using
cross-validation for model selection", BMC Bioinformatics 7, 2006). The test set stays closed. A
repetition is a study of its own, so that it can be resumed, shown and reported. It starts from no
other study: the best of that were chosen by the images that a repetition leaves out.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from search.catalog.studies import open_stored
from search.checks import derived_name
from search.data.cache import load_origins, load_train_split, open_or_build
from search.data.dataset import DatasetInfo, DatasetRequest
from search.data.sources import prepare_dataset
from search.data.splits import Fold, holdout, kfold
from search.data.subset import SubsetSource
from search.errors import UserError
from search.events import Listener, Notice
from search.executors import ExecutorChoice
from search.paths import RunPaths
from search.pipeline import open_run
from search.recipe import IMAGE_SETTINGS, Recipe
from search.stopping import StopRequest
from search.tuning.endings import why_no_winner
from search.tuning.folds import make_folds
from search.tuning.locks import study_lock
from search.tuning.records import StudyRecord
from search.tuning.samplers import get_sampler
from search.tuning.storage import open_storage, stored_url
from search.tuning.store import find_study, read_study

Listening = AbstractContextManager[Listener]

_OWN = ("epochs", "seed", "start_from")  # by which a repetition is known to be of this search
# A part of a dataset has how its images are read behind it; the others are the search's alone.
_LEFT_OUT = {*IMAGE_SETTINGS, "ensemble", "start_from"}


def repeat_search(
    name: str,
    runs_dir: Path,
    storage: str | None,
    stop: StopRequest,
    listening: Callable[[], Listening],
    *,
    folds: int,
    workers: int | None = None,
    executor: ExecutorChoice | None = None,
) -> bool:
    """Repeat a stored search on `folds` parts of its training images, and store which studies did.

    Repetitions that ended are not run again; one that was interrupted is resumed.

    Args:
        name: The study's name.
        runs_dir: Folder of the studies.
        storage: The database's URL; None: in that folder.
        stop: Ends it early; what is finished is kept.
        listening: Returns a context with a listener of one repetition's events.
        folds: How many repetitions, at least 2.
        workers: Trainings at once; None: as many as the study had.
        executor: Where trainings run.

    Returns:
        False if it was stopped.

    Raises:
        UserError: There is no such study, it is no search or has no winner, or has too few images.
        MachineError: Something failed; what is finished is kept.
    """
    record = read_study(open_stored(name, runs_dir, storage))
    _check(record, folds)
    done: list[str] = []
    for number in range(1, folds + 1):
        with listening() as listener:
            listener(Notice(f"repetition {number} of {folds} of the search {name}"))
            if number == 1 and record.recipe.start_from is not None:
                listener(Notice(_without_start(record.recipe.start_from)))
            data = _part(record, number, folds, listener)
            place = {"runs_dir": runs_dir, "storage": storage, "workers": workers}
            recipe = repetition(record, data, number, folds, place)
            _check_own(recipe, record, runs_dir, storage)
            if not _run(recipe, name, listener, stop, executor or ExecutorChoice()):
                return False
        done.append(recipe.study_name)
    with study_lock(RunPaths(runs_dir, name), storage):
        open_stored(name, runs_dir, storage).set_user_attr("nested", done)
    return True


def _check(record: StudyRecord, folds: int) -> None:
    check_folds(folds)
    if not record.recipe.protocol.is_search:
        raise UserError(
            f"study {record.name!r} replicates the hand-tuned networks; only a search is repeated"
        )
    if record.winner() is None:
        raise UserError(f"study {record.name!r} has no winner: {why_no_winner(record)}")


def _without_start(study: str) -> str:
    return (
        f"the repetitions are without start_from {study!r}, whose best candidates were chosen by "
        "all the images, and thus by those that a repetition must not see"
    )


def check_folds(folds: int, recipe: Recipe | None = None) -> None:
    """Raise UserError for a number of repetitions that is none, or more than the images allow.

    Args:
        folds: How many repetitions.
        recipe: The search; its dataset is decoded, if it was not before.
    """
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
        raise UserError(f"folds must be a whole number of at least 2, got {folds!r}")
    if recipe is not None:
        dataset = prepare_dataset(DatasetRequest.of(recipe), lambda _: None)
        parts = make_folds(recipe.model_copy(update=_as_folds(folds)), dataset)
        if not load_origins(dataset)[0].groups:
            _check_inner_folds(folds, recipe, dataset, parts)


def _check_inner_folds(
    folds: int, recipe: Recipe, dataset: DatasetInfo, parts: Sequence[Fold]
) -> None:
    """Raise UserError unless what each repetition trains on can be split as the search does."""
    labels, names = load_train_split(dataset).labels.numpy(), dataset.class_names
    for part in parts:
        try:
            if recipe.validation == "kfold":
                kfold(labels[part.train], recipe.folds, 0, names)
            elif recipe.validation == "holdout":
                holdout(labels[part.train], recipe.holdout_fraction, 0, class_names=names)
        except UserError as error:
            raise UserError(f"nested {folds}: a repetition has too few images: {error}") from error


def _as_folds(folds: int) -> dict[str, Any]:
    return {"validation": "kfold", "folds": folds, "racing": False}


def _part(record: StudyRecord, number: int, folds: int, listener: Listener) -> DatasetInfo:
    """Return the training images without one part, which is the test set."""
    parts = make_folds(record.recipe.model_copy(update=_as_folds(folds)), record.dataset)
    source = SubsetSource(record.dataset, parts[number - 1], number, folds)
    return open_or_build(source, record.recipe.data_dir, listener)


def repetition(
    record: StudyRecord, data: DatasetInfo, number: int, folds: int, place: Mapping[str, Any]
) -> Recipe:
    """Return the recipe of a repetition: the study's, on other images and with another seed.

    It has as many trials, epochs and networks as large as the study's time budget allowed, and
    starts from no other study.
    """
    suffix = f"-nested-{number}-of-{folds}"
    stored = record.repeatable_recipe()
    settings = stored.model_dump(exclude_none=True, exclude=_LEFT_OUT)
    changes = {
        "dataset": str(data.cache_dir),
        "study_name": derived_name(record.name, suffix),
        "seed": (stored.seed + number) % 2**32,
    }
    given = {name: value for name, value in place.items() if value is not None}
    return Recipe.from_sources(None, {**settings, **changes, **given})


def _check_own(recipe: Recipe, record: StudyRecord, runs_dir: Path, storage: str | None) -> None:
    """Raise UserError if there is another study of a repetition's name, as of an earlier search."""
    found = find_study(open_storage(stored_url(runs_dir, storage)), recipe.study_name)
    if found is None:
        return
    stored = read_study(found)
    same = all(getattr(stored.recipe, one) == getattr(recipe, one) for one in _OWN)
    if not (same and _has_as_many_trials(stored, recipe, record)):
        raise UserError(
            f"study {recipe.study_name!r} repeats an earlier search {record.name!r} with other "
            "settings: delete it first"
        )


def _has_as_many_trials(stored: StudyRecord, recipe: Recipe, record: StudyRecord) -> bool:
    """Return whether a repetition has the trials that it should have.

    It may have fewer if it is a grid, or if the search has had more time since.
    """
    if get_sampler(recipe.sampler).enumerates or record.recipe.budget is not None:
        return stored.n_planned() <= (recipe.trials or math.inf)
    return stored.recipe.trials == recipe.trials


def _run(
    recipe: Recipe, name: str, listener: Listener, stop: StopRequest, executor: ExecutorChoice
) -> bool:
    """Search, refit and test; returns False if it was stopped."""
    with open_run(recipe, listener, stop, executor=executor, estimate=True) as run:
        run.opened.study.set_user_attr("repeats_study", name)
        if run.search():
            run.finish()
        run.workers.close()
        return not run.outcome().stopped
