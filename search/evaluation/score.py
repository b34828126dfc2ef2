"""How often predictions agree with the folders that the images lie in."""

from collections.abc import Sequence

import numpy as np
from rich.table import Table

from search.evaluation.predicting import ImagePrediction, Predictions
from search.training.metrics import TestResult, evaluate_predictions


def score_predictions(predictions: Predictions) -> TestResult:
    """Return the figures of the predictions whose true class is known; there must be one."""
    known, names = predictions.labelled(), predictions.class_names
    labels = [names.index(one.true_class) for one in known if one.true_class is not None]
    return evaluate_predictions(_logits(known), np.array(labels, dtype=np.int64), names)


def _logits(known: Sequence[ImagePrediction]) -> np.ndarray:
    rows = [list(one.prediction.probabilities.values()) for one in known]
    return np.log(np.maximum(rows, np.finfo(np.float32).tiny)).astype(np.float32)


def score_line(score: TestResult, n_predicted: int) -> str:
    """Return how many are named rightly, with an interval, and how many do not count."""
    low, high = score.interval
    right = sum(row[index] for index, row in enumerate(score.confusion))
    line = (
        f"{right:,} of {score.n_images:,} right: {score.accuracy:.1%} "
        f"(95% interval {low:.1%} to {high:.1%})"
    )
    others = n_predicted - score.n_images
    return f"{line}; not counted: {others:,} in no folder named like a class" if others else line


def score_table(score: TestResult) -> Table:
    """Return one row a class that has images: how many were named rightly, of how many."""
    table = Table(title="images in folders of a class")
    table.add_column("class")
    for column in ("images", "right", "share"):
        table.add_column(column, justify="right")
    for index, one in enumerate(score.classes):
        if one.support:
            rightly = f"{score.confusion[index][index]:,}"
            table.add_row(one.name, f"{one.support:,}", rightly, f"{one.recall:.1%}")
    return table
