"""ONNX: the file answers as torch does, says how to use it, and tells nothing of its maker."""

import json
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cifar_models import CNNConfig, ModelConfig, build_model
from search.errors import MachineError, UserError
from search.evaluation import onnx as exporting
from search.evaluation.description import ModelCard
from search.evaluation.model import ImageClassifier, export_model, load_model
from search.evaluation.onnx import OnnxCheck, compare, export_onnx
from search.evaluation.test_results import save_images
from search.evaluation.test_set import sample_evenly
from search.paths import RunPaths
from spaces.candidate import AdamConfig, Candidate
from tests import families

SHAPE = (3, 8, 6)
needs_onnx = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")),
    reason="the packages of the extra onnx are not installed",
)
CNN = CNNConfig(channels=(4,), activation="gelu", pooling="overlapping_max", pool_first=True)


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    return RunPaths(tmp_path / "runs", "insects")


def export(paths: RunPaths, model: ModelConfig = CNN) -> None:
    """Export a network with weights and buffers unlike fresh ones."""
    candidate = Candidate(model=model, optimizer=AdamConfig(), test_time_flip=True)
    card = ModelCard(
        candidate=candidate,
        class_names=("ant", "bée"),
        input_shape=SHAPE,
        mean=(120.5, 110.25, 1 / 3),
        std=(60.0, 61.0, 62.0),
        study="insects",
        trial=4,
    )
    with torch.random.fork_rng([]):
        torch.manual_seed(1)
        network = build_model(model, SHAPE, 2)
        network(torch.randn(16, *SHAPE) * 3)
    paths.model_dir.parent.mkdir(parents=True, exist_ok=True)
    export_model(ImageClassifier(card, network), paths.model_dir)


def random_images(n: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (n, *SHAPE), dtype=np.uint8)


@pytest.mark.slow
@needs_onnx
def test_the_file_answers_as_torch_does(paths: RunPaths, tmp_path: Path) -> None:
    """Normalisation, mirror image and softmax are inside, for any number of images."""
    onnxruntime = import_module("onnxruntime")
    export(paths)
    save_images(paths.test_sample, random_images(70))
    check = export_onnx(paths.model_dir, tmp_path / "new" / "model.onnx")
    assert (check.images, check.n_images, check.n_agreeing) == ("test images", 70, 70)
    assert check.largest_difference < 1e-5
    content = (tmp_path / "new" / "model.onnx").read_bytes()
    runtime = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for n_images in (1, 3):
        images = random_images(n_images)
        (answer,) = runtime.run(["probabilities"], {"images": images})
        expected = load_model(paths.model_dir).probabilities(torch.from_numpy(images)).numpy()
        np.testing.assert_allclose(answer, expected, atol=1e-5)
    assert_describes_itself(runtime.get_modelmeta().custom_metadata_map)
    assert_tells_nothing(content)


@pytest.mark.slow
@needs_onnx
@pytest.mark.parametrize("model", families.EXAMPLES.values(), ids=families.EXAMPLES)
def test_every_family_can_be_exported(model: ModelConfig, paths: RunPaths, tmp_path: Path) -> None:
    """The file's probabilities are torch's."""
    export(paths, model)
    check = export_onnx(paths.model_dir, tmp_path / "model.onnx")
    assert check.n_agreeing == check.n_images
    assert check.largest_difference < 1e-5


def assert_describes_itself(metadata: dict[str, str]) -> None:
    assert json.loads(metadata["class_names"]) == ["ant", "bée"]
    assert (metadata["study"], metadata["trial"]) == ("insects", "4")
    assert "images: uint8 (N, 3, 8, 6)" in metadata["input"]
    assert "probabilities: float32 (N, 2)" in metadata["output"]


def assert_tells_nothing(content: bytes) -> None:
    root = str(Path(exporting.__file__).parents[2]).encode()
    assert root not in content
    assert b"onnx_graph.py" not in content


def fake(monkeypatch: pytest.MonkeyPatch, answer: Any = None) -> None:
    """Replace both exporter and runtime, which take seconds; the answer defaults to torch's."""
    monkeypatch.setattr(exporting, "_PACKAGES", ())
    monkeypatch.setattr(exporting, "to_onnx", lambda classifier: b"onnx")

    def run(content: bytes, images: np.ndarray) -> np.ndarray:
        return np.full((len(images), 2), 0.5, np.float32) if answer is None else answer(images)

    monkeypatch.setattr(exporting, "_run", run)


def ours(paths: RunPaths) -> Any:
    """Return what answers as torch does."""
    classifier = load_model(paths.model_dir)
    return lambda images: classifier.probabilities(torch.from_numpy(images)).numpy()


def test_without_kept_images_it_is_checked_on_random_ones(
    paths: RunPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is where what lies beside the model is of another shape, or empty."""
    export(paths)
    fake(monkeypatch, ours(paths))
    save_images(paths.test_sample, random_images(3)[..., :-1])
    save_images(paths.mistakes, random_images(0))
    check = export_onnx(paths.model_dir, tmp_path / "model.onnx")
    assert check == OnnxCheck("random images", 64, 0.0, 64)


def test_an_older_study_is_checked_on_its_mistakes(
    paths: RunPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are test images too, kept for the report."""
    export(paths)
    fake(monkeypatch, ours(paths))
    save_images(paths.mistakes, random_images(5))
    assert export_onnx(paths.model_dir, tmp_path / "model.onnx").n_images == 5


def test_a_file_that_answers_otherwise_is_not_written(
    paths: RunPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line says by how much, and an older file stays."""
    export(paths)
    fake(monkeypatch)
    (tmp_path / "model.onnx").write_bytes(b"older")
    with pytest.raises(MachineError, match=r"nothing was written: checked .* differ by at most \d"):
        export_onnx(paths.model_dir, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_bytes() == b"older"


def test_missing_packages_are_named(
    paths: RunPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line says which, and the extra that brings them."""
    monkeypatch.setattr(exporting, "_PACKAGES", ("torch", "no_such_package"))
    with pytest.raises(UserError, match=r"^onnx: no_such_package missing: .*cifar-search\[onnx\]"):
        export_onnx(paths.model_dir, tmp_path / "model.onnx")


def test_a_wrong_place_is_one_line(
    paths: RunPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder is no file, nor can one lie within a file."""
    export(paths)
    fake(monkeypatch, ours(paths))
    with pytest.raises(UserError, match="is a folder"):
        export_onnx(paths.model_dir, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(MachineError, match=r"^cannot write "):
        export_onnx(paths.model_dir, tmp_path / "file" / "model.onnx")


def test_answers_are_compared() -> None:
    """By the largest difference of a probability, and by the class that comes first."""
    left = np.array([[0.9, 0.1], [0.4, 0.6]], np.float32)
    right = np.array([[0.8, 0.2], [0.55, 0.45]], np.float32)
    check = compare("test images", left, right)
    assert (check.n_images, check.n_agreeing) == (2, 1)
    assert check.largest_difference == pytest.approx(0.15)
    assert "2 test images" in check.line()


def test_an_answer_that_is_no_number_differs_by_infinity() -> None:
    """NaN would compare as equal otherwise."""
    one = np.array([[0.9, 0.1]], np.float32)
    assert compare("test images", one, one * np.nan).largest_difference == np.inf


@pytest.mark.parametrize(
    ("n_images", "image_bytes", "n_kept"),
    [(10, 100, 10), (10_000, 3072, 1000), (10_000, 1 << 20, 4), (3, 1 << 24, 1)],
)
def test_kept_images_are_spread_and_few(n_images: int, image_bytes: int, n_kept: int) -> None:
    """At most a thousand, of a few megabytes, from all of the split, each once."""
    indices = sample_evenly(n_images, image_bytes).tolist()
    assert len(indices) == len(set(indices)) == n_kept
    assert indices == sorted(indices)
    assert indices[-1] >= n_images - n_images / n_kept - 1
    assert indices[-1] < n_images
