"""A trained network as a classifier of scikit-learn, and as a module of PyTorch."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score, get_scorer
from sklearn.utils.validation import check_is_fitted

from cifar_models import CNNConfig, build_model
from search.data.pixel_values import Scale
from search.errors import UserError
from search.evaluation.description import ModelCard
from search.evaluation.model import ImageClassifier, load_model
from spaces.candidate import AdamConfig, Candidate

CLASSES = ("ant", "bee", "cat")
SIDE = 6


def make_classifier(*, flip: bool = False, classes: tuple[str, ...] = CLASSES) -> ImageClassifier:
    card = ModelCard(
        candidate=Candidate(
            model=CNNConfig(channels=(3,)), optimizer=AdamConfig(), test_time_flip=flip
        ),
        class_names=classes,
        input_shape=(3, SIDE, SIDE),
        mean=(120.0, 110.0, 100.0),
        std=(60.0, 61.0, 62.0),
        study="insects",
        trial=4,
        resize="crop",
    )
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        network = build_model(card.candidate.model, card.input_shape, len(classes))
        for value in network.parameters():  # outputs that differ from image to image
            value.data = torch.randn_like(value)
    return ImageClassifier(card, network)


@pytest.fixture
def classifier() -> ImageClassifier:
    return make_classifier()


@pytest.fixture
def images() -> Any:
    return np.random.default_rng(0).integers(0, 256, (20, SIDE, SIDE, 3), dtype=np.uint8)


def test_tensors_and_columns_of_any_kind_are_images(
    classifier: ImageClassifier, images: Any, tmp_path: Path
) -> None:
    """Tensors with a gradient, in half precision, and the paths in a table."""
    expected = classifier.predict_proba(images)
    floats = torch.tensor(images / 255, requires_grad=True)
    assert np.array_equal(classifier.predict_proba(floats), expected)
    halves = torch.tensor(np.where(images > 127, 1.0, 0.0)).bfloat16()
    black_and_white = np.where(images > 127, 255, 0).astype(np.uint8)
    assert np.array_equal(
        classifier.predict_proba(halves), classifier.predict_proba(black_and_white)
    )
    paths = [tmp_path / f"{index}.png" for index in range(2)]
    for path, image in zip(paths, images, strict=False):
        Image.fromarray(image).save(path)
    column = pd.Series([str(path) for path in paths])
    assert classifier.predict(column).tolist() == classifier.predict(paths).tolist()


def test_a_picture_of_another_mode_is_refused(classifier: ImageClassifier) -> None:
    with pytest.raises(UserError, match="images: a picture of mode 'F': only whole numbers"):
        classifier.predict(Image.fromarray(np.full((SIDE, SIDE), 0.5, np.float32)))


def test_floats_mean_what_they_meant_in_training(images: Any) -> None:
    """One image alone may lie in another range than all of them."""
    floats = images / 127.5 - 1
    card = make_classifier().card.model_copy(update={"scale": Scale.of(floats)})
    classifier = ImageClassifier(card, make_classifier().network)
    together = classifier.predict_proba(floats)
    bright = np.maximum(floats, 0)
    assert np.array_equal(together, classifier.predict_proba(images))
    alone = classifier.predict_proba(bright)
    with_others = classifier.predict_proba(np.concatenate([bright, floats]))[: len(bright)]
    assert np.allclose(alone, with_others)
    with pytest.raises(UserError, match=r"images: must be floats in -1\.\.1, as those"):
        classifier.predict(images.astype(np.float32))


@pytest.mark.parametrize("known", [None, Scale.of(np.array([[[0, 255]]], np.uint8))])
@pytest.mark.parametrize("kind", [np.uint16, np.int64, np.float32])
def test_an_answer_does_not_depend_on_the_other_images(
    known: Scale | None, kind: Any, images: Any
) -> None:
    """A model of files, or of bytes, takes whole numbers as they are, and floats of 0 to 1."""
    card = make_classifier().card.model_copy(update={"scale": known})
    classifier = ImageClassifier(card, make_classifier().network)
    images[:2] //= 100  # nearly black
    given = images / 255 if kind == np.float32 else images
    expected = classifier.predict_proba(images)
    assert classifier.predict_proba(given.astype(kind)) == pytest.approx(expected, abs=1e-5)
    alone = classifier.predict_proba(given[:2].astype(kind))
    assert alone == pytest.approx(expected[:2], abs=1e-5)


def test_what_floats_meant_is_part_of_the_model(images: Any, tmp_path: Path) -> None:
    """A model of files has no such entry, so that earlier versions can read it."""
    plain = make_classifier()
    plain.save(tmp_path / "plain")
    assert "scale" not in (tmp_path / "plain" / "model.json").read_text()
    card = plain.card.model_copy(update={"scale": Scale.of(images / 255)})
    ImageClassifier(card, plain.network).save(tmp_path / "floats")
    assert load_model(tmp_path / "floats").scale == card.scale


def test_it_is_a_trained_classifier(classifier: ImageClassifier, images: Any) -> None:
    """As scikit-learn's own checks and tools see it."""
    assert is_classifier(classifier)
    check_is_fitted(classifier)
    assert list(classifier.classes_) == list(CLASSES)
    with pytest.raises(UserError, match="trained already"):
        classifier.fit(images, ["ant"] * 20)
    again = clone(classifier)
    assert np.array_equal(again.predict_proba(images), classifier.predict_proba(images))
    assert np.array_equal(copy.deepcopy(classifier).predict(images), classifier.predict(images))


def test_classes_that_were_numbers_are_numbers(images: Any) -> None:
    """So that predictions compare with labels as they were given; other names stay texts."""
    numbered = make_classifier(classes=("-1", "0", "12"))
    predicted = numbered.predict(images)
    assert numbered.classes_.tolist() == [-1, 0, 12]
    assert accuracy_score(predicted, numbered.predict(images)) == 1.0
    assert numbered.score(images, predicted) == numbered.score(images, predicted.astype(str)) == 1
    assert make_classifier(classes=("0", "01", "2")).classes_.tolist() == ["0", "01", "2"]


def test_predictions_agree_with_one_another(classifier: ImageClassifier, images: Any) -> None:
    """Probabilities sum to 1, the most probable class is predicted, the score is the accuracy."""
    probabilities, predicted = classifier.predict_proba(images), classifier.predict(images)
    assert probabilities.shape == (20, 3)
    assert probabilities.sum(1) == pytest.approx(np.ones(20), abs=1e-5)
    assert list(predicted) == [CLASSES[i] for i in probabilities.argmax(1)]
    assert len(set(predicted)) > 1
    labels = np.array(CLASSES)[np.arange(20) % 3]
    expected = accuracy_score(labels, predicted)
    assert classifier.score(images, labels) == expected
    assert get_scorer("accuracy")(classifier, images, labels) == expected
    assert get_scorer("neg_log_loss")(classifier, images, labels) < 0
    weights = np.arange(20)
    weighted = accuracy_score(labels, predicted, sample_weight=weights)
    assert classifier.score(images, labels, weights) == weighted


def test_labels_may_be_numbers_where_names_are(images: Any) -> None:
    """As those of datasets without names."""
    classifier = make_classifier(classes=("0", "1", "2"))
    labels = np.arange(20) % 3
    assert classifier.score(images, labels) == classifier.score(images, labels.astype(str))
    for few in ([], [0] * 19):
        with pytest.raises(UserError, match="labels: must be one for each image, got"):
            classifier.score(images, few)
    with pytest.raises(UserError, match="'7' is no class; the classes: 0, 1, 2"):
        classifier.score(images, labels + 7)


def test_every_form_of_an_image_is_the_same_image(
    classifier: ImageClassifier, images: Any, tmp_path: Path
) -> None:
    """Files, pictures, arrays in either order, tensors, lists, and floats."""
    expected = classifier.predict_proba(images)
    paths = [tmp_path / f"{i}.png" for i in range(20)]
    for path, pixels in zip(paths, images, strict=True):
        Image.fromarray(pixels).save(path)
    first = images.transpose(0, 3, 1, 2)
    forms = {
        "paths": paths,
        "texts": [*map(str, paths)],
        "array of paths": np.array([*map(str, paths)]),
        "pictures": [Image.fromarray(one) for one in images],
        "channels first": first,
        "tensor": torch.from_numpy(first.copy()),
        "list of arrays": [*images],
        "fractions": images / 255,
        "float tensor": torch.from_numpy(first / np.float32(255)),
    }
    for name, form in forms.items():
        assert classifier.predict_proba(form) == pytest.approx(expected, abs=1e-5), name
    assert classifier.predict_proba(paths[3]) == pytest.approx(expected[3:4], abs=1e-5)
    assert classifier.predict_proba(forms["pictures"][3]) == pytest.approx(expected[3:4], abs=1e-5)


def test_other_sizes_are_fitted_as_files_are(classifier: ImageClassifier, tmp_path: Path) -> None:
    """A picture, an array and a file of another shape give one answer."""
    pixels = np.random.default_rng(1).integers(0, 256, (9, 14, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    expected = classifier.predict_proba(tmp_path / "a.png")
    assert classifier.predict_proba(Image.fromarray(pixels)) == pytest.approx(expected, abs=1e-6)
    assert classifier.predict_proba(pixels[None]) == pytest.approx(expected, abs=1e-6)
    grey = pixels[None, :, :, 0]
    assert classifier.predict(grey).shape == (1,)


def test_nothing_gives_nothing(classifier: ImageClassifier) -> None:
    assert classifier.predict_proba([]).shape == (0, 3)
    assert classifier.predict([]).shape == (0,)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (["nowhere.png"], "nowhere.png does not exist"),
        (3, "^images: must be paths, PIL images, or an array of numbers, got int$"),
        (None, "^images: .* got None$"),
        (
            np.where(np.arange(4)[:, None, None] < 2, np.nan, np.zeros((4, 6, 6))),
            "^images: .*2 of 4",
        ),
        ([object()], "must be paths, PIL images, or an array of numbers, got a list of object$"),
        (
            [np.zeros((8, 8, 3)), np.zeros((9, 9, 3))],
            "must be all paths, all PIL images, or arrays of one shape, got a list of ndarray$",
        ),
        (np.zeros((2, 6)), "^images: must be .* got an array of"),
        ([np.zeros((2, 2)), np.zeros((3, 3))], "arrays of one shape"),
        (np.full((1, 6, 6, 3), -7.0), "floats of 0 to 1, or whole numbers of 0 to 255, .* -7"),
        (np.full((1, 6, 6, 3), 20.0), "floats of 0 to 1, .* got float64 in 20..20"),
        (np.full((1, 6, 6, 3), 256, np.uint16), "whole numbers of 0 to 255, .* got uint16 in 256"),
    ],
)
def test_other_things_are_refused(images: Any, words: str, classifier: ImageClassifier) -> None:
    """In one line that says what is accepted."""
    with pytest.raises(UserError, match=words):
        classifier.predict(images)


def test_scikit_learns_tools_take_it(classifier: ImageClassifier, images: Any) -> None:
    """Its probabilities can be calibrated without training the network."""
    labels = np.array(CLASSES)[np.arange(20) % 3]
    calibrated = CalibratedClassifierCV(FrozenEstimator(classifier), cv=2).fit(images, labels)
    assert calibrated.predict_proba(images).shape == (20, 3)


@pytest.mark.parametrize("flip", [False, True])
def test_the_module_contains_the_preprocessing(flip: bool, images: Any) -> None:
    """Raw pixels give the classifier's logits; it can be trained, and moved."""
    classifier = make_classifier(flip=flip)
    module = classifier.to_module()
    pixels = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    assert isinstance(module, torch.nn.Module)
    assert not module.training
    expected = classifier.logits(pixels)
    torch.testing.assert_close(module(pixels), expected)
    torch.testing.assert_close(module(pixels.float()), expected)
    module(pixels).sum().backward()
    assert all(one.grad is not None for one in module.parameters())
    moved = module.to(torch.float64)
    assert {one.dtype for one in moved.buffers() if one.is_floating_point()} == {torch.float64}


def test_saved_models_are_loaded(classifier: ImageClassifier, images: Any, tmp_path: Path) -> None:
    """`save` and `load_model` are inverse."""
    folder = classifier.save(tmp_path / "a" / "model")
    again = load_model(folder)
    assert np.array_equal(again.predict_proba(images), classifier.predict_proba(images))
    assert repr(again) == repr(classifier)
    assert "insects" in repr(again)
