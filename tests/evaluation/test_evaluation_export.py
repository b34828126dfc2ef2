"""The exported model: there and back, on image files, and every kind of damage."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn

from cifar_models import CNNConfig, ModelConfig, build_model
from search.errors import UserError
from search.evaluation.description import ModelCard
from search.evaluation.model import ImageClassifier, export_model, load_model
from search.evaluation.test_results import save_images
from search.files import write_checksums
from search.paths import ModelPaths
from spaces.candidate import AdamConfig, Candidate
from tests import families

SHAPE = (3, 8, 10)


def make_card(**changes: Any) -> ModelCard:
    values: dict[str, Any] = {
        "candidate": Candidate(model=CNNConfig(channels=(4, 4)), optimizer=AdamConfig()),
        "class_names": ("ant", "bee", "cat"),
        "input_shape": SHAPE,
        "mean": (120.5, 110.25, 1 / 3),
        "std": (60.0, 61.0, 62.0),
        "study": "insects",
        "trial": 4,
    }
    return ModelCard(**(values | changes))


def make_network(card: ModelCard) -> nn.Module:
    """Return a network with weights and batch-norm buffers unlike fresh ones."""
    with torch.random.fork_rng([]):
        torch.manual_seed(1)
        network = build_model(card.candidate.model, card.input_shape, len(card.class_names))
        network.to(memory_format=torch.channels_last)
        network(torch.randn(16, *card.input_shape) * 3)
    return network


def random_images(n: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, *SHAPE), dtype=torch.uint8, generator=generator)


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    card = make_card()
    export_model(ImageClassifier(card, make_network(card)), tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("model", families.EXAMPLES.values(), ids=families.EXAMPLES)
def test_loaded_model_is_the_exported_one(model: ModelConfig, tmp_path: Path) -> None:
    """Card and weights come back exactly, in evaluation mode, and nothing else is left behind.

    Logits may differ by rounding: weights in a file are not aligned as those in memory.
    """
    card = make_card(candidate=Candidate(model=model, optimizer=AdamConfig()))
    network = make_network(card)
    ImageClassifier(card, network).save(tmp_path / "deep" / "model")
    loaded = load_model(tmp_path / "deep" / "model")
    assert loaded.card == card
    weights = network.state_dict()
    assert all(torch.equal(one, weights[name]) for name, one in loaded.network.state_dict().items())
    expected = ImageClassifier(card, network).logits(random_images())
    torch.testing.assert_close(loaded.logits(random_images()), expected, rtol=0, atol=2e-6)
    assert torch.equal(loaded.logits(random_images()), loaded.logits(random_images()))
    paths = ModelPaths(tmp_path / "deep" / "model")
    sums = paths.model_dir / "SHA256SUMS"
    assert {*paths.model_dir.iterdir()} == {paths.weights, paths.card, sums}


def test_logits_are_of_normalised_images(model_dir: Path) -> None:
    """The classifier normalises by the card's mean and deviation, in 0..255."""
    classifier, images = load_model(str(model_dir)), random_images()
    mean = torch.tensor(classifier.card.mean).view(1, 3, 1, 1)
    std = torch.tensor(classifier.card.std).view(1, 3, 1, 1)
    with torch.no_grad():
        expected = classifier.network((images.float() - mean) / std)
    torch.testing.assert_close(classifier.logits(images), expected, rtol=1e-5, atol=1e-5)


def test_export_replaces_an_older_model(model_dir: Path) -> None:
    """A second export to the same folder is the one that is loaded."""
    card = make_card(study="other", class_names=("one", "two"))
    export_model(ImageClassifier(card, make_network(card)), model_dir)
    assert load_model(model_dir).card == card


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA"])
def test_any_image_is_classified(mode: str, model_dir: Path, tmp_path: Path) -> None:
    """An image of another size and mode gets probabilities of all classes, best one named."""
    pixels = np.random.default_rng(0).integers(0, 256, (31, 17, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(tmp_path / "image.png")
    prediction = load_model(model_dir).classify(tmp_path / "image.png")
    assert tuple(prediction.probabilities) == ("ant", "bee", "cat")
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    assert prediction.probability == max(prediction.probabilities.values())
    assert prediction.probabilities[prediction.name] == prediction.probability


def test_image_of_the_right_size_is_taken_as_it_is(model_dir: Path, tmp_path: Path) -> None:
    """A file gets the probabilities that its pixels get."""
    images = random_images(1)
    Image.fromarray(images[0].permute(1, 2, 0).numpy()).save(tmp_path / "image.png")
    classifier = load_model(model_dir)
    expected = classifier.logits(images).softmax(1)[0].tolist()
    found = classifier.classify(str(tmp_path / "image.png")).probabilities
    assert list(found.values()) == pytest.approx(expected)


@pytest.mark.parametrize("content", [None, b"", b"no image"])
def test_unreadable_image_is_named(content: bytes | None, model_dir: Path, tmp_path: Path) -> None:
    """A missing or broken image is one line with its name."""
    image = tmp_path / "image.png"
    if content is not None:
        image.write_bytes(content)
    with pytest.raises(UserError, match=r"image\.png") as caught:
        load_model(model_dir).classify(image)
    assert "\n" not in str(caught.value)


def edit_card(paths: ModelPaths, **changes: Any) -> None:
    card = json.loads(paths.card.read_text(encoding="utf-8"))
    paths.card.write_text(json.dumps(card | changes), encoding="utf-8")


def wide(*widths: int) -> dict[str, Any]:
    """Return the candidate of a perceptron with the given hidden widths."""
    model = {"kind": "mlp", "hidden_widths": widths, "dropouts": [0.0] * len(widths)}
    return {"model": model, "optimizer": {"name": "adam"}}


def cast_weights(paths: ModelPaths, dtype: torch.dtype) -> None:
    tensors = load_file(paths.weights)
    save_file({name: value.to(dtype) for name, value in tensors.items()}, paths.weights)


def take_over(model_dir: Path) -> None:
    """Write the sums anew, as someone who changed the files on purpose does."""
    paths = ModelPaths(model_dir)
    if paths.card.exists() and paths.weights.exists():
        write_checksums((paths.card, paths.weights))


def other_weights(paths: ModelPaths) -> None:
    save_file({name: value[:1] for name, value in two_dimensional(paths)}, paths.weights)


def two_dimensional(paths: ModelPaths) -> list[tuple[str, torch.Tensor]]:
    tensors = load_file(paths.weights).items()
    return [(name, value.clone()) for name, value in tensors if value.ndim > 0]


def flip_byte(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[ModelPaths], object]] = {
    "no card": lambda paths: paths.card.unlink(),
    "no weights": lambda paths: paths.weights.unlink(),
    "empty card": lambda paths: paths.card.write_bytes(b""),
    "no JSON": lambda paths: paths.card.write_bytes(b"{\n"),
    "no text": lambda paths: paths.card.write_bytes(b"\xff\xfe\n"),
    "unknown field": lambda paths: edit_card(paths, colour="red"),
    "same class twice": lambda paths: edit_card(paths, class_names=["ant", "ant", "bee"]),
    "odd class": lambda paths: edit_card(paths, class_names=["ant", "\x1b[2J", "bee"]),
    "one channel": lambda paths: edit_card(paths, input_shape=[1, 8, 10], mean=[1], std=[1]),
    "huge image": lambda paths: edit_card(paths, input_shape=[3, 60000, 60000]),
    "huge network": lambda paths: edit_card(paths, candidate=wide(10**12)),
    "endless network": lambda paths: edit_card(paths, candidate=wide(10**30)),
    "deep network": lambda paths: edit_card(paths, candidate=wide(*[1] * 100_000)),
    "long card": lambda paths: edit_card(paths, study="x" * (1 << 20)),
    "half weights": lambda paths: cast_weights(paths, torch.float16),
    "wrong type": lambda paths: edit_card(paths, trial="four"),
    "newer format": lambda paths: edit_card(paths, format=2),
    "no network": lambda paths: edit_card(paths, candidate={"model": {"kind": "rnn"}}),
    "image too small": lambda paths: edit_card(paths, input_shape=[3, 2, 2]),
    "one class": lambda paths: edit_card(paths, class_names=["ant"]),
    "other class count": lambda paths: edit_card(paths, class_names=["ant", "bee"]),
    "short mean": lambda paths: edit_card(paths, mean=[1.0]),
    "zero deviation": lambda paths: edit_card(paths, std=[1.0, 0.0, 1.0]),
    "empty weights": lambda paths: paths.weights.write_bytes(b""),
    "cut weights": lambda paths: paths.weights.write_bytes(paths.weights.read_bytes()[:-9]),
    "garbled header": lambda paths: flip_byte(paths.weights, 8),
    "other shapes": other_weights,
}


@pytest.mark.parametrize("taken_over", [False, True])
@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_model_is_one_line(damage: str, taken_over: bool, model_dir: Path) -> None:
    """Whatever is wrong with a model folder, the user reads one line that names it."""
    DAMAGE[damage](ModelPaths(model_dir))
    if taken_over:
        take_over(model_dir)
    with pytest.raises(UserError, match=r"^model: .*model") as caught:
        load_model(model_dir)
    message = str(caught.value)
    assert "\n" not in message
    assert str(model_dir) in message


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("unknown field", r"colour.*'red'"),
        ("wrong type", r"trial.*'four'"),
        ("newer format", r"format.*1.*got 2"),
        ("image too small", "too small for 2 poolings"),
        ("other class count", "size mismatch"),
        ("no card", "it has no model.json"),
        ("no weights", "weights.safetensors is missing"),
        ("huge network", "size mismatch: 0.bias must be absent"),
        ("deep network", "arrays for 100001 layers"),
        ("half weights", "must be torch.float32.*got torch.float16"),
        ("same class twice", "class_names must differ"),
    ],
)
def test_message_says_what_is_wrong(damage: str, words: str, model_dir: Path) -> None:
    """The line says which setting or file is at fault."""
    DAMAGE[damage](ModelPaths(model_dir))
    take_over(model_dir)
    with pytest.raises(UserError, match=words) as caught:
        load_model(model_dir)
    assert len(str(caught.value)) < 2000


def test_a_model_without_sums_is_an_older_one(model_dir: Path) -> None:
    """So the line says, before what to do; after which it is one like any other."""
    (model_dir / "SHA256SUMS").unlink()
    with pytest.raises(UserError) as caught:
        load_model(model_dir)
    assert "older versions" in str(caught.value)
    assert str(caught.value).endswith("run: sha256sum model.json weights.safetensors > SHA256SUMS")
    take_over(model_dir)
    assert load_model(model_dir).card == make_card()


def test_every_flipped_bit_of_the_weights_is_noticed(model_dir: Path) -> None:
    """safetensors loads a flipped weight as it is; the sum beside it tells, and what to do."""
    weights = ModelPaths(model_dir).weights
    whole = weights.read_bytes()
    for position in np.random.default_rng(0).integers(0, len(whole), 50).tolist():
        flip_byte(weights, position)
        with pytest.raises(UserError, match=r"does not match its SHA-256 checksum.*run: sha256sum"):
            load_model(model_dir)
        weights.write_bytes(whole)
    assert load_model(model_dir).card == make_card()


def test_an_answer_that_is_not_finite_is_none(model_dir: Path, tmp_path: Path) -> None:
    """Weights of infinity, however they came there, name no class."""
    paths = ModelPaths(model_dir)
    tensors = load_file(paths.weights)
    save_file(
        {
            name: value / 0 if value.is_floating_point() else value
            for name, value in tensors.items()
        },
        paths.weights,
    )
    take_over(model_dir)
    Image.new("RGB", (4, 4)).save(tmp_path / "image.png")
    with pytest.raises(UserError, match=r"^model: its output for .*image.png is not finite"):
        load_model(model_dir).classify(tmp_path / "image.png")


def test_missing_folder_is_named(tmp_path: Path) -> None:
    """A folder that is not there is a user's mistake."""
    with pytest.raises(UserError, match="nowhere"):
        load_model(tmp_path / "nowhere")


def test_saved_images_come_back(tmp_path: Path) -> None:
    """The array is written as it is, in place of an older one, and nothing stays beside it."""
    for images in (random_images(4).numpy(), random_images(0).numpy()):
        save_images(tmp_path / "mistakes.npy", images)
        found = np.load(tmp_path / "mistakes.npy", allow_pickle=False)
        assert found.dtype == np.uint8
        assert np.array_equal(found, images)
    assert [path.name for path in tmp_path.iterdir()] == ["mistakes.npy"]
