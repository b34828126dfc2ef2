"""What `predict` does, short of printing: files and folders in, answers out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from rich.table import Table

from search.data.image_files import FoundImage, find_images
from search.errors import UserError
from search.final.classifier import Prediction, Refusal
from search.final.export import load_model
from search.formatting import printable


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
    """Those of all readable files, in order, and a line for each file that has none."""

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
            failures.append(answer.reason)
        else:
            answered.append(ImagePrediction(image.path, answer, true_class(image, names)))
    if not answered:
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        raise UserError(failures[0] + more)
    return Predictions(names, tuple(answered), tuple(failures))


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


def predictions_table(predictions: Predictions, top: int) -> Table:
    """Return one row an image: its `top` most probable classes, and the true one where known."""
    labelled = bool(predictions.labelled())
    table = Table()
    table.add_column("image")
    if labelled:
        table.add_column("true class")
    table.add_column("class")
    table.add_column("probability", justify="right")
    if top > 1:
        table.add_column("then")
    for one in predictions.answered:
        true = [one.true_class or "-"] if labelled else []
        table.add_row(printable(str(one.image)), *true, *_cells(one.prediction, top))
    return table


def _cells(prediction: Prediction, top: int) -> list[str]:
    others = prediction.ranked()[1:top]
    rest = ", ".join(f"{name} {probability:.1%}" for name, probability in others)
    return [prediction.name, f"{prediction.probability:.1%}", *([rest] if top > 1 else [])]
