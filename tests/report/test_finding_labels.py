"""Labels to check: found where they were made wrong, nowhere else, and shown."""

from typing import Any

import numpy as np
import pytest
import torch

from search.data.predictions import TrialPredictions
from search.data.training_images import TrainingImages
from search.report.blocks import Pictures, Plot
from search.report.evidence import Evidence
from search.report.findings.labels import MOST_SHOWN, DoubtfulLabels, doubtful_labels
from tests.report import report_fakes as fakes

CLASSES = 4


def predictions(
    labels: np.ndarray, truth: np.ndarray, seed: int, confidence: float = 0.9
) -> TrialPredictions:
    """Return what a network says that mostly knows the truth."""
    rng, n = np.random.default_rng(seed), len(labels)
    said = np.where(rng.random(n) < 0.97, truth, rng.integers(0, CLASSES, n))
    probabilities = np.full((n, CLASSES), (1 - confidence) / (CLASSES - 1))
    probabilities[np.arange(n), said] = confidence
    images = np.arange(n) + 1_000
    return TrialPredictions(images, labels, probabilities.astype(np.float16), said[None])


@pytest.mark.parametrize("n_wrong", [10, 20, 30])
def test_wrong_labels_are_found_and_right_ones_are_not(n_wrong: int) -> None:
    """Six networks are hardly ever wrong together, unless the label is; in these draws never."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, CLASSES, 400)
        labels, wrong = truth.copy(), rng.choice(400, n_wrong, replace=False)
        labels[wrong] = (labels[wrong] + rng.integers(1, CLASSES, n_wrong)) % CLASSES
        found = doubtful_labels([predictions(labels, truth, seed + i) for i in range(6)])
        named = {one.image - 1_000 for one in found}
        assert named <= set(wrong.tolist())
        assert len(named) >= 0.5 * n_wrong
        for one in found:
            assert one.label == labels[one.image - 1_000]
            assert one.predicted_probability > one.label_probability


def test_the_most_doubtful_stands_first() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    probabilities = np.array(
        [[0.9, 0.1], [0.4, 0.6], [0.0, 1.0], [0.2, 0.8], [0.3, 0.7], [0.5, 0.5]], dtype=np.float16
    )
    one = TrialPredictions(np.arange(6), labels, probabilities, probabilities.argmax(1)[None])
    found = doubtful_labels([one])
    assert [doubt.image for doubt in found] == [2]
    assert (found[0].label, found[0].predicted) == (0, 1)
    agreeing = np.eye(2, dtype=np.float16)[labels]
    other = TrialPredictions(np.arange(6), labels, agreeing, labels[None])
    assert doubtful_labels([one, other]) == []


def test_a_class_without_images_is_never_suggested() -> None:
    labels = np.zeros(4, dtype=np.int64)
    probabilities = np.array([[0.1, 0.9]] * 4, dtype=np.float16)
    one = TrialPredictions(np.arange(4), labels, probabilities, labels[None])
    assert doubtful_labels([one]) == []


def evidence(n_wrong: int = 30, **others: Any) -> Evidence:
    truth = np.random.default_rng(0).integers(0, CLASSES, 300)
    labels = truth.copy()
    labels[:n_wrong] = (labels[:n_wrong] + 1) % CLASSES
    made = {i: predictions(labels, truth, i) for i in range(3)}
    record = fakes.study_record([fakes.complete_trial(i, [0.5]) for i in range(3)])
    return Evidence(record, **{"validation": made, **others})


def test_the_report_lists_files_and_shows_the_first() -> None:
    pixels = torch.arange(1_300)[:, None, None, None].expand(-1, 3, 4, 4).to(torch.uint8)
    images = TrainingImages(pixels, tuple(f"cats/{i}.png" for i in range(1_300)))
    found = DoubtfulLabels.of(evidence(training_images=images))
    assert found is not None
    first = found.labels[0]
    assert first.file == f"cats/{first.image}.png"
    assert found.images is not None
    assert found.images[0, 0, 0, 0] == first.image % 256
    assert len(found.images) == min(MOST_SHOWN, found.n_found)
    kinds = [type(block) for block in found.blocks()]
    assert kinds[1:] == [Pictures, Plot]
    text = found.file_texts()["labels-to-check.csv"].splitlines()
    assert len(text) == 1 + found.n_found
    assert text[1].split(",")[:2] == [str(first.image), first.file]


def test_without_the_cache_they_are_listed_by_number() -> None:
    found = DoubtfulLabels.of(evidence())
    assert found is not None
    assert found.images is None
    assert found.labels[0].file == f"image {found.labels[0].image}"
    assert len(list(found.blocks())) == 1


def test_there_is_nothing_to_say_without_doubt_or_predictions() -> None:
    assert DoubtfulLabels.of(evidence(n_wrong=0)) is None
    assert DoubtfulLabels.of(evidence(validation={})) is None


def test_the_figure_has_a_picture_for_each() -> None:
    images = TrainingImages(torch.zeros((1_300, 3, 4, 4), dtype=torch.uint8))
    found = DoubtfulLabels.of(evidence(training_images=images))
    assert found is not None
    assert len(found.draw().axes) == len(found.images if found.images is not None else ())
    with pytest.raises(ValueError, match="not known"):
        found.model_copy(update={"images": None}).draw()
