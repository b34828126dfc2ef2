"""The one opening of the test split: finished networks go in, their figures come out."""

from collections.abc import Mapping

from search.final.evaluation import TestResult, evaluate_predictions
from search.final.export import ImageClassifier, save_images
from search.final.predictions import TestPredictions, save_predictions
from search.final.test_set import open_test_split
from search.study.opening import OpenStudy


def measure(
    opened: OpenStudy, classifiers: Mapping[int, ImageClassifier], best: int, purpose: str
) -> dict[int, TestResult]:
    """Return the figures of each network, by its trial, on the test split: opened once for all.

    Keeps what the network of trial `best` made of the images, and those that it got wrong.
    """
    split = open_test_split(opened.study, opened.dataset, purpose)
    labels = split.labels.numpy()
    logits = {number: one.logits(split.images).numpy() for number, one in classifiers.items()}
    results = {
        number: evaluate_predictions(values, labels, opened.dataset.class_names)
        for number, values in logits.items()
    }
    predictions = TestPredictions(labels, logits[best].argmax(axis=1))
    save_predictions(opened.paths.test_predictions, predictions)
    wrong = [mistake.index for mistake in results[best].mistakes]
    save_images(opened.paths.mistakes, split.images[wrong].numpy())
    return results
