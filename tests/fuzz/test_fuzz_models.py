"""Model folders for `predict`: damaged, or made up by someone who knows how."""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from PIL import Image

from cifar_models import CNNConfig, build_model
from search.evaluation.description import ModelCard
from search.evaluation.model import ImageClassifier, export_model, load_model
from search.files import write_checksums
from search.paths import ModelPaths
from spaces.candidate import AdamConfig, Candidate
from tests.fuzz.fuzzing import Edit, damaged, edits, fuzz, refusal

pytestmark = pytest.mark.slow

FILES = ["model.json", "weights.safetensors", "SHA256SUMS"]
CARD = ModelCard(
    candidate=Candidate(
        model=CNNConfig(channels=(2,), head="global_average"), optimizer=AdamConfig()
    ),
    class_names=("ant", "bee"),
    input_shape=(3, 4, 5),
    mean=(100.0, 110.0, 120.0),
    std=(50.0, 60.0, 70.0),
    study="insects",
    trial=1,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a whole model, and beside it an image."""
    folder = tmp_path_factory.mktemp("models") / "whole"
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        network = build_model(CARD.candidate.model, CARD.input_shape, len(CARD.class_names))
    export_model(ImageClassifier(CARD, network), folder)
    Image.new("RGB", (7, 6), (10, 200, 30)).save(folder.parent / "image.png")
    return folder


def changed(whole: Path, name: str, change: Callable[[bytes], bytes]) -> ModelPaths:
    """Return a copy of the folder with one file changed."""
    folder = whole.parent / "changed"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    (folder / name).write_bytes(change((folder / name).read_bytes()))
    return ModelPaths(folder)


def use(paths: ModelPaths) -> None:
    """Do what `predict` does."""
    prediction = load_model(paths.model_dir).classify(paths.model_dir.parent / "image.png")
    assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-4)


@fuzz(200, name=st.sampled_from(FILES), changes=edits(2))
def test_a_damaged_model_is_refused_or_the_same(
    name: str, changes: list[Edit], whole: Path
) -> None:
    """No flipped weight, class name or mean is ever used."""
    paths = changed(whole, name, lambda content: damaged(content, changes))
    words = refusal(lambda: use(paths))
    same = all((paths.model_dir / one).read_bytes() == (whole / one).read_bytes() for one in FILES)
    if words is None:
        assert same or name == "SHA256SUMS"  # there a byte may be of no consequence
    else:
        assert words.startswith(f"model: {str(paths.model_dir)!r} is not a model folder: ")


@fuzz(150, changes=edits())
def test_weights_that_someone_changed_are_used_or_refused(changes: list[Edit], whole: Path) -> None:
    """With the sums written anew, whatever safetensors reads must still fit the network."""
    paths = changed(whole, "weights.safetensors", lambda content: damaged(content, changes))
    write_checksums((paths.card, paths.weights))
    refusal(lambda: use(paths))


odd = st.sampled_from(
    [None, True, -1, 0, 1, 2, 10**12, 10**30, 10**400, 0.5, -0.0, 1e308, 1e-308, "", "x", "ant",
     "../../weights", "/etc/passwd", "\x1b[2J", "\ud800", [], {}, [1], [3, 60000, 60000],
     [10**12, 10**12], [1] * 60, [1e308, 1e-320, 1], {"kind": "mlp"}, {"name": "sgd"}]
)  # fmt: skip
PLACES = [
    *([name] for name in ModelCard.model_fields),
    *(["candidate", name] for name in Candidate.model_fields),
    *(["candidate", "model", name] for name in ("kind", "channels", "kernel_size", "head", "x")),
    ["candidate", "optimizer", "betas"],
    ["weights"],
    ["input_shape", 1],
    ["class_names", 0],
    ["mean", 2],
    ["std", 0],
]


@fuzz(200, changes=st.lists(st.tuples(st.sampled_from(PLACES), odd), min_size=1, max_size=3))
def test_a_card_of_any_values_is_used_or_refused(
    changes: list[tuple[list[Any], Any]], whole: Path
) -> None:
    """Wrong types, networks of a million million weights, paths, names that control a screen."""
    card = json.loads((whole / "model.json").read_text())
    for place, value in changes:
        put(card, place, copy.deepcopy(value))  # drawn twice, it may be put into itself
    paths = changed(whole, "model.json", lambda _: json.dumps(card).encode())
    write_checksums((paths.card, paths.weights))
    words = refusal(lambda: use(paths))
    if words is not None:
        assert "\x1b" not in words
        assert len(words) < 5000


def put(card: Any, place: list[Any], value: object) -> None:
    """Set a value at a place inside JSON, as far as the place is there."""
    for step in place[:-1]:
        card = card.get(step) if isinstance(card, dict) else None
    in_list = isinstance(card, list) and place[-1] in range(len(card))
    if in_list or isinstance(card, dict):
        card[place[-1]] = value


@fuzz(100, content=st.binary(max_size=50) | st.text(max_size=50).map(str.encode))
def test_any_bytes_as_a_card_are_refused(content: bytes, whole: Path) -> None:
    """Texts, numbers and brackets are no description of a model."""
    paths = changed(whole, "model.json", lambda _: content)
    write_checksums((paths.card, paths.weights))
    words = refusal(lambda: use(paths))
    assert words is not None
    assert words.startswith("model: ")


def test_a_model_of_nested_brackets_is_refused(whole: Path) -> None:
    """JSON has no depth that would end in a traceback."""
    paths = changed(whole, "model.json", lambda _: b"[" * 100_000)
    write_checksums((paths.card, paths.weights))
    assert refusal(lambda: use(paths)) is not None


def test_the_whole_model_is_used(whole: Path) -> None:
    """What is damaged above works when it is not."""
    loaded = load_model(whole)
    assert loaded.card == CARD
    assert np.isfinite(loaded.classify(whole.parent / "image.png").probability)
