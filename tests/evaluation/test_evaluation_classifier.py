"""Many files at once: the answers of one by one, and what cannot be read beside them."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cifar_models import CNNConfig, build_model
from search.errors import UserError
from search.evaluation.description import ModelCard
from search.evaluation.model import ImageClassifier, Prediction, Refusal
from search.text import printable
from spaces.candidate import AdamConfig, Candidate

CARD = ModelCard(
    candidate=Candidate(model=CNNConfig(channels=(3,)), optimizer=AdamConfig()),
    class_names=("ant", "bee", "cat"),
    input_shape=(3, 6, 5),
    mean=(120.0, 110.0, 100.0),
    std=(60.0, 61.0, 62.0),
    study="insects",
    trial=4,
)


@pytest.fixture
def classifier() -> ImageClassifier:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        network = build_model(CARD.candidate.model, CARD.input_shape, len(CARD.class_names))
    return ImageClassifier(CARD, network)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Return five images of unlike sizes."""
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        pixels = rng.integers(0, 256, (6 + number, 9 - number, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return paths


def assert_same(answer: object, expected: Prediction) -> None:
    assert isinstance(answer, Prediction)
    assert answer.name == expected.name
    assert answer.probabilities == pytest.approx(expected.probabilities, abs=1e-6)


@pytest.mark.parametrize("batch", [1, 2, 5, 500])
def test_batches_answer_like_one_by_one(
    batch: int, classifier: ImageClassifier, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Order and probabilities do not depend on how the files are batched."""
    monkeypatch.setattr("search.evaluation.classifier._BATCH", batch)
    answers = list(classifier.classify_files(photos))
    for path, answer in zip(photos, answers, strict=True):
        assert_same(answer, classifier.classify(path))


def test_no_files_have_no_answers(classifier: ImageClassifier) -> None:
    """Nothing in, nothing out."""
    assert list(classifier.classify_files([])) == []


def test_what_cannot_be_read_stands_in_its_place(
    classifier: ImageClassifier, photos: list[Path], tmp_path: Path
) -> None:
    """Text, a missing file, a pipe, an overlong and an odd name are refused; others answered."""
    (tmp_path / "text.png").write_text("no image")
    os.mkfifo(tmp_path / "pipe.png")
    bad = [tmp_path / name for name in ("text.png", "none.png", "pipe.png", "x" * 300, "\udcff")]
    answers = list(classifier.classify_files([photos[0], *bad, photos[1]]))
    refusals = [answer for answer in answers[1:-1] if isinstance(answer, Refusal)]
    for path, refusal in zip(bad, refusals, strict=True):
        assert printable(path.name) in printable(refusal.reason)
    assert_same(answers[0], classifier.classify(photos[0]))
    assert_same(answers[-1], classifier.classify(photos[1]))


def test_refusals_are_in_plain_words(
    classifier: ImageClassifier, photos: list[Path], tmp_path: Path
) -> None:
    """Of a file that was cut off, one that is not there, and a link to such a one; alone too."""
    photos[0].write_bytes(photos[0].read_bytes()[:-60])
    link, missing = tmp_path / "link.png", tmp_path / "none.png"
    link.symlink_to(missing)
    expected = [
        f"image {photos[0]} cannot be decoded: it is cut off",
        f"image {missing} does not exist",
        f"image {link} does not exist: it is a broken link",
    ]
    paths = [photos[0], missing, link]
    assert list(classifier.classify_files(paths)) == [Refusal(words) for words in expected]
    for path, words in zip(paths, expected, strict=True):
        with pytest.raises(UserError, match=f"^{re.escape(words)}$"):
            classifier.classify(path)


def test_nothing_readable_is_no_failure(classifier: ImageClassifier, tmp_path: Path) -> None:
    """A batch of refusals alone asks the network nothing."""
    (answer,) = classifier.classify_files([tmp_path / "none.png"])
    assert isinstance(answer, Refusal)


def test_an_answer_that_is_not_finite_is_refused(
    classifier: ImageClassifier, photos: list[Path]
) -> None:
    """It names the image, as `classify` does."""
    with torch.no_grad():
        for weights in classifier.network.parameters():
            weights.fill_(float("nan"))
    with pytest.raises(UserError) as caught:
        classifier.classify(photos[0])
    answers = list(classifier.classify_files(photos[:1]))
    assert answers == [Refusal(str(caught.value))]


def test_classes_are_ranked() -> None:
    """The most probable class comes first."""
    prediction = Prediction("b", 0.7, {"a": 0.1, "b": 0.7, "c": 0.2})
    assert prediction.ranked() == [("b", 0.7), ("c", 0.2), ("a", 0.1)]
