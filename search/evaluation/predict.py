"""Predictions for image files and folders with an exported model, and their accuracy."""

import csv
import difflib
import io
import json
import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, final

import numpy as np
from rich.table import Table

from search import text
from search.catalog.studies import open_stored
from search.data.folder import FolderParts, find_parts
from search.data.image_files import EXTENSIONS, FoundImage, find_images
from search.data.sources import dataset_folder
from search.errors import MachineError, UserError
from search.evaluation.classifier import Prediction, Refusal
from search.evaluation.ensemble import is_model_folder, load_classifier
from search.metric import ACCURACY
from search.paths import ModelPaths, RunPaths
from search.text import printable
from search.training.metrics import TestResult, evaluate_predictions
from search.tuning.endings import end_info, model_command
from search.tuning.records import StudyRecord
from search.tuning.storage import storage_failures
from search.tuning.store import read_study

_MAX_NAMED = 10  # studies
_MAX_COMPARED = 2000  # names in a folder
_MIN_SIMILARITY = 0.7  # a common suffix is not enough
_MAX_SHOWN = 20  # images
_MIN_NAME = 24  # characters of a file name, even if other columns leave less
_FRAME = 3  # columns that a border and its padding take


def find_model(name: Path, runs_dir: Path) -> Path:
    """Return the model folder of that path, or of the study of that name.

    Raises UserError if there is none, or if a folder and a study both have that name.
    """
    study = RunPaths(runs_dir, str(name)).model_dir
    folders = [name, name / study.name] + ([study] if len(name.parts) == 1 else [])
    try:
        models = [folder for folder in folders if is_model_folder(folder)]
    except OSError as error:  # no permission, or the name is too long
        raise UserError(f"model: {str(name)!r} is not a model folder: {error.strerror}") from error
    if not models:
        raise UserError(_why_none(name, runs_dir))
    if len({folder.resolve() for folder in models}) > 1:
        found = " or ".join(repr(str(folder.absolute())) for folder in models)
        raise UserError(f"model: {str(name)!r} could be {found}: give one of these")
    return models[0]


def _why_none(name: Path, runs_dir: Path) -> str:
    record = stored_record(str(name), runs_dir)
    if record is not None:
        return _unfinished(record)
    named = _studies_with_models(runs_dir)
    return (
        f"model: {str(name)!r} is not a model folder: it has no {ModelPaths(name).card.name}; "
        f"{str(runs_dir)!r} has no study of that name with a model either; studies with one: "
        f"{', '.join(named) or 'none'}"
    )


def stored_record(name: str, runs_dir: Path) -> StudyRecord | None:
    """Return the study of that name in the folder's own database, or None if it cannot be read."""
    with suppress(UserError, MachineError), storage_failures(name):  # a model needs no database
        return read_study(open_stored(name, runs_dir, None))
    return None


def _unfinished(record: StudyRecord) -> str:
    end, command = end_info(record, stopped=True), model_command(record)
    state = f"model: study {record.name!r} has none yet, {end.done} of {end.planned} trials done"
    if command is None:
        return f"{state}, none of them complete: wait for its run to end, or run its command again"
    return f"{state}; to get one of what is finished: {command}"


def _studies_with_models(runs_dir: Path) -> list[str]:
    names = sorted(path.name for path in runs_dir.glob("*"))
    models = [ModelPaths(RunPaths(runs_dir, name).model_dir) for name in names]
    found = [name for name, model in zip(names, models, strict=True) if model.card.is_file()]
    more = [f"and {len(found) - _MAX_NAMED} more"] if len(found) > _MAX_NAMED else []
    return [*map(printable, found[:_MAX_NAMED]), *more]


def seen_warning(images: Sequence[Path], record: StudyRecord) -> str | None:
    """Return a one-line warning if images are in the folder that the study was trained on.

    Images are recognized by their paths. If the folder has no test/, some were its test set.
    """
    named = dataset_folder(record.recipe.dataset)
    if named is None:
        return None
    parts = _dataset_parts(named.resolve())
    n_seen = sum(
        any(image.resolve().is_relative_to(one) for one in parts.train) for image in images
    )
    if not n_seen:
        return None
    folder, data = parts.train[0], record.dataset
    use = "which this model was trained on"
    if parts.test is None:
        use = (
            f"where this model was trained on {data.n_train:,} images and tested on {data.n_test:,}"
        )
    line = (
        f"{n_seen:,} of {len(images):,} images are in {printable(repr(str(folder)))}, {use}, "
        "so expect it to do worse on new images"
    )
    if record.test is None:
        return line
    accuracy = text.score(record.test.accuracy, ACCURACY)
    return f"{line}; on test images its accuracy was {accuracy}"


def _dataset_parts(dataset: Path) -> FolderParts:
    """Return where a dataset's images are: anywhere in it, if it is no longer what it was."""
    try:
        return find_parts(dataset)
    except (OSError, UserError):
        return FolderParts((dataset,), None)


@final
@dataclass(frozen=True)
class ImagePrediction:
    """A prediction for a file; `true_class` is the class that its folder is named after, if any."""

    image: Path
    prediction: Prediction
    true_class: str | None


@final
@dataclass(frozen=True)
class Predictions:
    """The predictions of all readable files, in order, and a line for each unreadable one.

    `study` is the study whose model was used.
    """

    study: str
    class_names: tuple[str, ...]
    answered: tuple[ImagePrediction, ...]
    failures: tuple[str, ...]

    def labelled(self) -> list[ImagePrediction]:
        """Return the predictions whose true class is known."""
        return [one for one in self.answered if one.true_class is not None]


def predict_with(
    model: Path, images: Sequence[Path], runs_dir: Path, *, trust_code: bool = False
) -> tuple[Path, Predictions]:
    """Return the folder of a model, given by it or by its study's name, and its predictions.

    A model that is found by its study's name may run its own code; see `load_model` for others.
    """
    model_dir = find_model(model, runs_dir)
    of_study = len(model.parts) == 1 and model_dir == RunPaths(runs_dir, str(model)).model_dir
    return model_dir, predict_images(model_dir, images, trust_code=trust_code or of_study)


def predict_images(
    model_dir: Path, paths: Sequence[Path], *, trust_code: bool = False
) -> Predictions:
    """Classify image files and the images in folders; `trust_code` is that of `load_model`.

    Raises UserError if the model cannot be loaded, a folder has no image, or no file can be read.
    """
    classifier, found = load_classifier(model_dir, trust_code=trust_code), find_images(paths)
    names = classifier.class_names
    answers = classifier.classify_files([one.path for one in found.images])
    answered, failures = [], list(found.failures)
    for image, answer in zip(found.images, answers, strict=True):
        if isinstance(answer, Refusal):
            failures.append(_reason(image.path, answer))
        else:
            answered.append(ImagePrediction(image.path, answer, true_class(image, names)))
    if not answered:
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        raise UserError(failures[0] + more)
    return Predictions(classifier.origin()["study"], names, tuple(answered), tuple(failures))


def _reason(path: Path, refusal: Refusal) -> str:
    """Return why a file has no prediction; for a missing file, also name similar ones."""
    if os.path.lexists(path):
        return refusal.reason
    if not path.parent.is_dir():
        return f"{refusal.reason}, nor does its folder"
    close = _similar_names(path)
    there = f"; {str(path.parent)!r} has {', '.join(map(repr, close))}" if close else ""
    return f"{refusal.reason}{there}"


def _similar_names(path: Path) -> list[str]:
    """Return images and folders next to a path that have similar names."""
    try:
        siblings = list(islice(path.parent.glob("[!.]*"), _MAX_COMPARED))
        names = [one.name for one in siblings if one.suffix.lower() in EXTENSIONS or one.is_dir()]
    except OSError:  # no permission
        return []
    return difflib.get_close_matches(path.name, sorted(names), n=3, cutoff=_MIN_SIMILARITY)


def true_class(image: FoundImage, class_names: Sequence[str]) -> str | None:
    """Return the class that the nearest parent folder is named after, or None."""
    folders = [unicodedata.normalize("NFC", folder) for folder in image.folders]
    named = [folder for folder in folders if folder in class_names]
    return named[-1] if named else None


def predictions_json(predictions: Predictions) -> str:
    """Return a JSON object: `images` with all probabilities, and `unreadable` files."""
    images = [_row(one) for one in predictions.answered]
    return json.dumps({"images": images, "unreadable": predictions.failures}, indent=2)


def _row(one: ImagePrediction) -> dict[str, Any]:
    known = {} if one.true_class is None else {"true_class": one.true_class}
    return {"image": str(one.image), **known, **vars(one.prediction)}


def predictions_csv(predictions: Predictions) -> str:
    """Return one row per image: file, true class if known, class, and all probabilities."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["image", "true_class", "class", *predictions.class_names])
    for one in predictions.answered:
        answer = one.prediction
        probabilities = answer.probabilities.values()
        writer.writerow([one.image, one.true_class or "", answer.name, *probabilities])
    return file.getvalue()


def score_predictions(predictions: Predictions) -> TestResult:
    """Score the predictions whose true class is known; there must be at least one."""
    known, names = predictions.labelled(), predictions.class_names
    labels = [names.index(one.true_class) for one in known if one.true_class is not None]
    return evaluate_predictions(_logits(known), np.array(labels, dtype=np.int64), names)


def _logits(known: Sequence[ImagePrediction]) -> np.ndarray:
    rows = [list(one.prediction.probabilities.values()) for one in known]
    return np.log(np.maximum(rows, np.finfo(np.float32).tiny)).astype(np.float32)


def score_line(score: TestResult, n_predicted: int) -> str:
    """Return the accuracy with its interval, and how many images have no known class."""
    low, high = score.interval
    right = sum(row[index] for index, row in enumerate(score.confusion))
    line = (
        f"{right:,} of {score.n_images:,} correct: {score.accuracy:.1%} "
        f"(95% interval {low:.1%} to {high:.1%})"
    )
    others = n_predicted - score.n_images
    return f"{line}; not counted: {others:,} in no folder named after a class" if others else line


def score_table(score: TestResult) -> Table:
    """Return one row per class that has images: how many, and how many are correct."""
    table = Table(title="images in folders named after a class")
    table.add_column("class")
    for column in ("images", "correct", "recall"):
        table.add_column(column, justify="right")
    for index, one in enumerate(score.classes):
        if one.support:
            correct = f"{score.confusion[index][index]:,}"
            table.add_row(one.name, f"{one.support:,}", correct, f"{one.recall:.1%}")
    return table


def shown_rows(predictions: Predictions, *, cut: bool) -> Sequence[ImagePrediction]:
    """Return the predictions to list: all, or the first twenty if `cut`."""
    return predictions.answered[:_MAX_SHOWN] if cut else predictions.answered


def cut_line(predictions: Predictions, n_shown: int) -> str | None:
    """Return how many are not listed and how often each class was predicted; None if all are."""
    n_all = len(predictions.answered)
    if n_shown == n_all:
        return None
    named = Counter(one.prediction.name for one in predictions.answered)
    counts = ", ".join(f"{name} {count:,}" for name, count in named.most_common())
    return f"and {n_all - n_shown:,} more (--all lists them); of all {n_all:,}: {counts}"


def predictions_table(
    rows: Sequence[ImagePrediction], top: int, *, width: int | None = None
) -> Table:
    """Return one row per image: its `top` most probable classes, and the true class if known.

    File names are shortened in the middle so that the table fits into `width` columns.
    """
    labelled = any(one.true_class is not None for one in rows)
    heads = [*(["true class"] if labelled else []), "class", "probability"]
    heads += ["then"] if top > 1 else []
    cells = [_cells(one, top, labelled=labelled) for one in rows]
    room = None if width is None else _room(heads, cells, width)
    table = Table()
    table.add_column("image", no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right" if head == "probability" else "left")
    for one, others in zip(rows, cells, strict=True):
        table.add_row(shortened(printable(str(one.image)), room), *others)
    return table


def shortened(name: str, room: int | None) -> str:
    """Return a file's name in at most `room` characters; the middle is left out if necessary."""
    if room is None or len(name) <= room:
        return name
    kept = max(room - 3, 2)
    return f"{name[: kept // 3]}...{name[-(kept - kept // 3) :]}"


def _room(heads: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> int:
    """Return how many characters the other columns leave for file names."""
    others = sum(max(map(len, column)) for column in zip(heads, *cells, strict=True))
    return max(width - others - _FRAME * (len(heads) + 1) - 1, _MIN_NAME)


def _cells(one: ImagePrediction, top: int, *, labelled: bool) -> list[str]:
    answer = one.prediction
    cells = [one.true_class or "-"] if labelled else []
    cells += [answer.name, f"{answer.probability:.1%}"]
    if top > 1:
        others = answer.ranked()[1:top]
        cells.append(", ".join(f"{name} {probability:.1%}" for name, probability in others))
    return cells
