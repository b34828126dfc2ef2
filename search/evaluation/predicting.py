"""What `predict` does, short of printing: files and folders in, answers out."""

import csv
import difflib
import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, final

from search.data.decoding import EXTENSIONS
from search.data.image_files import FoundImage, find_images
from search.errors import UserError
from search.evaluation.classifier import Prediction, Refusal
from search.evaluation.export import load_model

_MOST_COMPARED = 2000  # names of a folder
_LEAST_CLOSE = 0.7  # of 1: most letters in the same order; a suffix in common is not enough


@final
@dataclass(frozen=True)
class ImagePrediction:
    """A prediction for a file; `true_class` is that of the folder it lies in, where it has one."""

    image: Path
    prediction: Prediction
    true_class: str | None


@final
@dataclass(frozen=True)
class Predictions:
    """Those of all readable files, in order, and a line for each file that has none.

    `study` is the one whose model answered.
    """

    study: str
    class_names: tuple[str, ...]
    answered: tuple[ImagePrediction, ...]
    failures: tuple[str, ...]

    def labelled(self) -> list[ImagePrediction]:
        """Return those whose true class is known."""
        return [one for one in self.answered if one.true_class is not None]


def predict_images(model_dir: Path, paths: Sequence[Path]) -> Predictions:
    """Return what a model says of images and of those in folders.

    Raises UserError where the model cannot be loaded, a folder has no image, or no file at all
    can be read.
    """
    classifier, found = load_model(model_dir), find_images(paths)
    names = classifier.card.class_names
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
    return Predictions(classifier.card.study, names, tuple(answered), tuple(failures))


def _reason(path: Path, refusal: Refusal) -> str:
    """Return why a file has no answer; of one that is not there what is named nearly so."""
    if os.path.lexists(path):
        return refusal.reason
    if not path.parent.is_dir():
        return f"{refusal.reason}, nor does its folder"
    close = _named_nearly(path)
    there = f"; {str(path.parent)!r} has {', '.join(map(repr, close))}" if close else ""
    return f"{refusal.reason}{there}"


def _named_nearly(path: Path) -> list[str]:
    """Return the images and folders beside a path whose names are close to its own."""
    try:
        beside = list(islice(path.parent.glob("[!.]*"), _MOST_COMPARED))
        names = [one.name for one in beside if one.suffix.lower() in EXTENSIONS or one.is_dir()]
    except OSError:  # a folder that may not be read
        return []
    return difflib.get_close_matches(path.name, sorted(names), n=3, cutoff=_LEAST_CLOSE)


def true_class(image: FoundImage, class_names: Sequence[str]) -> str | None:
    """Return the class that the nearest folder is named like, None where none is."""
    named = [folder for folder in image.folders if folder in class_names]
    return named[-1] if named else None


def predictions_json(predictions: Predictions) -> str:
    """Return a JSON object: `images` with all their probabilities, and what could not be read."""
    images = [_row(one) for one in predictions.answered]
    return json.dumps({"images": images, "unreadable": predictions.failures}, indent=2)


def _row(one: ImagePrediction) -> dict[str, Any]:
    known = {} if one.true_class is None else {"true_class": one.true_class}
    return {"image": str(one.image), **known, **vars(one.prediction)}


def predictions_csv(predictions: Predictions) -> str:
    """Return a row an image: its file, true class where known, class, and all probabilities."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["image", "true_class", "class", *predictions.class_names])
    for one in predictions.answered:
        said = one.prediction
        writer.writerow([one.image, one.true_class or "", said.name, *said.probabilities.values()])
    return file.getvalue()
