"""The script that trains a candidate with torch alone does what this program does."""

import ast
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image
from torch.optim import Optimizer

from cifar_models import (
    ModelConfig,
    build_model,
    count_parameters,
)
from search.data.dataset import DatasetRequest, channel_statistics
from search.data.decoding import decode_image
from search.data.file_source import TEST_SEED
from search.data.folder import FolderSource
from search.data.splits import holdout
from search.errors import UserError
from search.evaluation.code import network_code
from search.evaluation.exporting import export_script
from search.training.evaluation import Normalizer, normalization_of, with_test_time_augmentation
from spaces import BUILT_IN, Candidate, PlateauConfig
from spaces.augmentation import (
    ColorJitter,
    CutMix,
    Cutout,
    MixUp,
    Rotate,
    Translate,
    find_augmentation,
)
from spaces.losses import FocalLoss, TrainingLoss, balanced_weights
from tests.evaluation.export_fakes import (
    CLASSES,
    EPOCHS,
    HORIZON,
    RATES,
    SHAPE,
    module,
    sampled,
    script,
)
from tests.families import NARROW
from tests.report.report_fakes import complete_trial, other_trial, study_record
from tests.spaces.augmentation_examples import EXAMPLES
from tests.study_fixtures import EventRecorder

_NUMBERS = range(12)
_SAMPLES = list(product(BUILT_IN, _NUMBERS))
_BATCHES = 3
# What the project itself is held to, but for prints, which a script may have.
_RULES = "A,ANN,ARG,B,C4,D1,E,F,FBT,I,N,PERF,PIE,PL,PTH,RET,RUF,SIM,UP,W"
_RUFF = [sys.executable, "-m", "ruff"]


def images(n: int, seed: int = 0) -> torch.Tensor:
    """Return n images of noise, the channels of unlike brightness."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randint(0, 150, (n, *SHAPE), generator=generator)
    return (noise + torch.tensor([0, 50, 100]).view(3, 1, 1)).to(torch.uint8)


def twin(candidate: Candidate, made: ModuleType) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Return our network and the script's, with the same weights, ready to be asked."""
    ours = build_model(candidate.model, SHAPE, len(CLASSES))
    theirs: torch.nn.Module = made.build_network()
    theirs.load_state_dict(ours.state_dict())
    return ours.eval(), theirs.eval()


@pytest.mark.slow
@pytest.mark.parametrize(("space", "number"), _SAMPLES)
def test_networks_are_the_same(space: str, number: int, tmp_path: Path) -> None:
    """As many parameters and, given the same weights, the same answers, mirrored where asked."""
    candidate = sampled(space, number)
    made = module(script(candidate), tmp_path / "made.py")
    ours, theirs = twin(candidate, made)
    count = sum(one.numel() for one in theirs.parameters())
    assert count == count_parameters(candidate.model, SHAPE, len(CLASSES))
    assert f"{count:,} parameters" in (made.build_network.__doc__ or "")
    assert repr(ours) == repr(theirs)
    data = images(7)
    statistics = normalization_of(candidate.model, channel_statistics(data, torch.arange(7)))
    with torch.inference_mode():
        expected = with_test_time_augmentation(ours, candidate)(Normalizer(statistics, "cpu")(data))
    answered = made.predict(theirs, data, made.channel_statistics(data))
    torch.testing.assert_close(answered, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("space", "number"), _SAMPLES)
def test_training_takes_our_steps(
    space: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every step of the optimizer, which is set as ours is, has the rate that ours would have."""
    candidate = sampled(space, number)
    made = module(script(small(candidate)), tmp_path / "made.py")
    network, rates = made.build_network(), []
    theirs: Optimizer = made.build_optimizer(network)
    ours = candidate.optimizer.build(network.parameters())
    assert type(theirs) is type(ours)
    assert theirs.defaults | {"fused": True} == ours.defaults
    theirs.register_step_post_hook(lambda one, *_: rates.append(one.param_groups[0]["lr"]))
    monkeypatch.setattr(made, "build_optimizer", lambda network: theirs)
    data, labels = images(13), torch.arange(13) % 3  # a last batch of one is left out
    before = [one.clone() for one in network.parameters()]
    made.train(network, data, labels, made.channel_statistics(data))
    schedule = candidate.schedule.refit(candidate.optimizer.learning_rate, HORIZON, RATES)
    expected = [rate for epoch in (1, 2) for rate in schedule.rates(epoch, _BATCHES)]
    assert rates == expected
    after = network.parameters()
    assert any(not torch.equal(old, new) for old, new in zip(before, after, strict=True))


def small(candidate: Candidate) -> Candidate:
    """Return the candidate with narrow layers and batches of four."""
    model = candidate.model
    narrow: ModelConfig = replace(cast("Any", model), **NARROW[type(model)])
    return candidate.model_copy(update={"model": narrow, "batch_size": 4})


def test_the_samples_take_every_choice() -> None:
    """Whatever can be chosen in a built-in space is chosen by one of the samples at least."""
    for space in BUILT_IN:
        seen = [sampled(space, number).model_dump() for number in _NUMBERS]
        assert {one["optimizer"]["name"] for one in seen} == {"sgd", "adam", "adamw"}
        assert {one["schedule"]["name"] for one in seen} == {
            "constant", "cosine", "one_cycle", "plateau"
        }  # fmt: skip
        assert {one["augmentation"] for one in seen} == {"none", "flip", "flip_crop"}
        assert {one["test_time_flip"] for one in seen} == {True, False}
        activations = {one["model"].get("activation") for one in seen}
        assert activations in ({None}, {"relu", "leaky_relu", "gelu", "silu", "elu"})
    pretrained = [sampled("pretrained", number).model_dump()["model"] for number in _NUMBERS]
    assert {one["frozen"] for one in pretrained} == {True, False}
    resnets = [sampled("resnet", number).model_dump()["model"] for number in _NUMBERS]
    assert {one["blocks"] for one in resnets} == {1, 2, 3}
    assert {one["stem"] for one in resnets} == {"full", "strided", "patch"}
    mlps = [sampled("mlp", number).model_dump()["model"] for number in _NUMBERS]
    assert {one["batch_norm"] for one in mlps} == {True, False}
    cnns = [sampled("cnn", number).model_dump()["model"] for number in _NUMBERS]
    assert {one["pooling"] for one in cnns} == {"max", "overlapping_max", "average"}
    assert {one["head"] for one in cnns} == {"flatten", "global_average", "global_max"}
    assert {one["pool_first"] for one in cnns} == {True, False}


@pytest.mark.parametrize("name", ["flip", "flip_crop"])
def test_augmented_images_are_ones_that_we_would_make(name: str, tmp_path: Path) -> None:
    """Each is its image mirrored or not, at one of the places of the window; and they differ."""
    candidate = sampled("mlp", 0).model_copy(update={"augmentation": name})
    made = module(script(candidate), tmp_path / "made.py")
    torch.manual_seed(0)
    data, places = images(16), 9 if name == "flip_crop" else 1
    every = [
        find_augmentation(name).change_pixels(
            data, (torch.tensor([[m], [t], [left]]).expand(3, 16),)
        )
        for m, t, left in product(range(2), range(places), range(places))
    ]
    found = made.augment(data)
    assert found.dtype == torch.uint8
    choices = [
        next(i for i, one in enumerate(every) if torch.equal(one[image], found[image]))
        for image in range(16)
    ]
    assert len(set(choices)) > min(places, 4)


LOSS = {"loss": FocalLoss(gamma=1.5), "class_weights": "balanced", "label_smoothing": 0.1}
RICH: dict[str, dict[str, object]] = {
    **{name: {"augmentation": (one,)} for name, one in EXAMPLES.items()},
    "every": {"augmentation": tuple(EXAMPLES.values()), **LOSS},
    "focal": {"augmentation": "flip", **LOSS},
    "weighted": {"augmentation": "none", "class_weights": "balanced", "label_smoothing": 0.0},
    "long": {
        "augmentation": (
            ColorJitter(brightness=1 / 3, contrast=1 / 7, saturation=1 / 9, hue=1 / 11),
            Translate(fraction=0.12345678901234567),
            Rotate(degrees=12.345678901234567),
            Cutout(size=0.12345678901234567, probability=0.12345678901234567),
            MixUp(alpha=0.12345678901234567, probability=0.12345678901234567),
            CutMix(alpha=0.12345678901234567, probability=0.12345678901234567),
        ),
        "loss": FocalLoss(gamma=1.2345678901234567),
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("case", RICH)
def test_scripts_train_with_every_augmentation_and_loss(case: str, tmp_path: Path) -> None:
    """Losses are finite, weights change, and repeat with torch's seed."""
    candidate = small(sampled("cnn", 0)).model_copy(update=RICH[case])
    made = module(script(candidate), tmp_path / "made.py")
    data, labels = images(13), torch.arange(13) % 3
    statistics, trained = made.channel_statistics(data), []
    for _ in range(2):
        torch.manual_seed(0)
        network = made.build_network()
        before = [one.clone() for one in network.parameters()]
        made.train(network, data, labels, statistics)
        trained.append(network.state_dict())
        pairs = zip(before, network.parameters(), strict=True)
        assert any(not torch.equal(old, new) for old, new in pairs)
    assert all(value.isfinite().all() for value in trained[0].values())
    torch.testing.assert_close(trained[0], trained[1], rtol=0, atol=0)


def test_a_script_mixes_labels_as_images(tmp_path: Path) -> None:
    """Images of one value each: the mean of a mixture is that of the values, by its label."""
    steps = (MixUp(alpha=1.0), CutMix(probability=0.7))
    candidate = sampled("mlp", 0).model_copy(update={"augmentation": steps})
    made = module(script(candidate), tmp_path / "made.py")
    values = torch.tensor([10, 120, 250], dtype=torch.uint8)
    data = values.view(3, 1, 1, 1).expand(3, *SHAPE)
    statistics = (torch.full((3, 1, 1), 100.0), torch.ones(3, 1, 1))
    for _ in range(20):
        found, targets = made.augment(data, torch.arange(3), statistics)
        means = found.mean((1, 2, 3))
        torch.testing.assert_close(means, targets @ values.float(), rtol=1e-4, atol=1e-3)


def check_parts(made: Any, root: Path) -> None:
    """Assert that a script reads the training and the test images that the search reads."""
    content = FolderSource(root, DatasetRequest("", root)).read(EventRecorder())
    for part, ours in (("train", content.train), ("test", content.test)):
        images, labels = made.load(root, part, "cpu")
        expected = np.concatenate(list(ours.batches))
        assert sorted(images[:, 0, 0, 0].tolist()) == sorted(expected[:, 0, 0, 0].tolist())
        assert sorted(labels.tolist()) == sorted(ours.labels.tolist())


def test_a_script_cuts_out_to_the_mean(tmp_path: Path) -> None:
    """Squares of the size have the mean colour of the training images; the rest is as it was."""
    candidate = sampled("mlp", 0).model_copy(update={"augmentation": (Cutout(size=0.5),)})
    made = module(script(candidate), tmp_path / "made.py")
    data = images(9) + 3
    mean = torch.tensor([0.25, 0.5, 0.75]).view(3, 1, 1)
    found = made.augment(data, (mean, torch.ones(3, 1, 1)))
    blank = (found == mean).all(1)
    assert blank.sum((1, 2)).tolist() == [16] * 9
    kept = ~blank[:, None].expand_as(found)
    torch.testing.assert_close(found[kept], data.float()[kept])


def test_a_script_has_our_losses(tmp_path: Path) -> None:
    """Focal loss and weights of the training labels, of smoothed targets."""
    candidate = sampled("mlp", 0).model_copy(update=LOSS)
    made = module(script(candidate), tmp_path / "made.py")
    labels, logits = torch.tensor([0, 0, 0, 1, 2]), torch.randn(5, 3)
    weights = made.balanced_weights(labels, 3)
    assert torch.equal(weights, balanced_weights(labels, 3))
    ours = TrainingLoss(FocalLoss(gamma=1.5), weights, 0.1)(logits, labels)
    theirs = made.focal_loss(logits, torch.eye(3)[labels], weights, 0.1, 1.5)
    torch.testing.assert_close(theirs, ours)


def test_statistics_are_ours_even_of_a_constant_channel(tmp_path: Path) -> None:
    """Mean and population deviation; a channel of one value is not divided by zero."""
    made = module(script(sampled("mlp", 0)), tmp_path / "made.py")
    data = images(9)
    data[:, 1] = 7
    ours = channel_statistics(data, torch.arange(9))
    mean, std = made.channel_statistics(data)
    assert mean.flatten().tolist() == pytest.approx(ours.mean)
    assert std.flatten().tolist() == pytest.approx(ours.safe_std)


@pytest.mark.parametrize("kind", ["npz", "folder"])
def test_the_script_trains_tests_and_keeps_the_weights(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On arrays and on an image folder; names of classes with quotes and newlines stay whole."""
    made = module(script(sampled("cnn", 0)), tmp_path / "made.py")
    assert made.CLASSES == CLASSES
    source = write_npz(tmp_path) if kind == "npz" else write_folder(tmp_path)
    output = tmp_path / "network.pt"
    monkeypatch.setattr("sys.argv", ["made.py", str(source), "--output", str(output)])
    made.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == EPOCHS + 3
    assert lines[0] in ("9 images to train on, 6 to test", "6 images to train on, 6 to test")
    assert lines[-2].startswith("test: accuracy ")
    assert lines[-1] == f"wrote the weights to {output}"
    assert torch.load(output, weights_only=True).keys() == made.build_network().state_dict().keys()


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"images": np.zeros((4, 3, 8, 8), np.uint8)}, "has no array train_images, only"),
        (
            {"train_images": np.zeros((4, 8, 8)), "train_labels": np.arange(4)},
            r"must be uint8 \(N, 3, 8, 8\), got float64 \(4, 3, 8, 8\)",
        ),
        (
            {"train_images": np.zeros((4, 9, 9), np.uint8), "train_labels": np.arange(4)},
            r"must be uint8 \(N, 3, 8, 8\), got uint8 \(4, 3, 9, 9\)",
        ),
    ],
)
def test_other_arrays_end_the_script_in_one_line(
    arrays: dict[str, np.ndarray], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = module(script(sampled("mlp", 0)), tmp_path / "made.py")
    np.savez(tmp_path / "odd.npz", allow_pickle=False, **arrays)
    monkeypatch.setattr("sys.argv", ["made.py", str(tmp_path / "odd.npz")])
    with pytest.raises(SystemExit, match=words):
        made.main()


def test_arrays_may_be_laid_out_as_the_search_takes_them(tmp_path: Path) -> None:
    """Channels last, one for grey, or none; labels in a column."""
    made = module(script(sampled("mlp", 0)), tmp_path / "made.py")
    grey = np.arange(2 * 8 * 8, dtype=np.uint8).reshape(2, 8, 8)
    color = np.stack([grey, grey, grey], axis=1)
    layouts = (color, color.transpose(0, 2, 3, 1), grey, grey[:, None], grey[..., None])
    for number, layout in enumerate(layouts):
        file = tmp_path / f"{number}.npz"
        np.savez(file, train_images=layout, train_labels=np.array([[1], [0]]))
        found, labels = made.load(file, "train", "cpu")
        assert found.tolist() == color.tolist()
        assert labels.tolist() == [1, 0]


def test_the_help_of_the_script_has_words_and_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of each of its options."""
    made = module(script(sampled("mlp", 0)), tmp_path / "made.py")
    monkeypatch.setattr("sys.argv", ["made.py", "--help"])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        made.main()
    out = capsys.readouterr().out
    for words in (
        "file to write the weights to (default: network.pt)",
        f"how many to train, at least 1 (default: {EPOCHS})",
        "seed of the random numbers (default: 0)",
    ):
        assert words in out


def write_npz(root: Path) -> Path:
    """Write both parts as arrays."""
    parts = {"train": images(9), "test": images(6, seed=1)}
    arrays = {f"{part}_images": data.numpy() for part, data in parts.items()}
    arrays |= {f"{part}_labels": np.arange(len(data)) % 3 for part, data in parts.items()}
    np.savez(root / "images.npz", allow_pickle=False, **arrays)
    return root / "images.npz"


def write_folder(root: Path) -> Path:
    """Write both parts as image files, of another size than the network's."""
    for part, name, number in product(("train", "test"), CLASSES, range(2)):
        folder = root / "images" / part / name
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (11, 9), (number, 50, 200)).save(folder / f"{number}.png")
    return root / "images"


@pytest.mark.parametrize("layout", ["train", "flat", "numbered"])
def test_without_test_the_same_images_are_set_aside(layout: str, tmp_path: Path) -> None:
    """Those that this program seals, whether the classes lie in train/ or in the folder itself."""
    made = module(script(sampled("cnn", 0)), tmp_path / "made.py")
    made.__dict__["CLASSES"] = names = ("cat", "dog", "eel")
    root = tmp_path / "images"
    pixels = iter(range(1000))
    for name, size in zip(names, (13, 29, 8), strict=True):
        folder = root / name if layout == "flat" else root / "train" / name
        folder.mkdir(parents=True)
        for number in range(size):
            value = next(pixels)
            stem = str(value) if layout == "numbered" else f"photo-{number}"
            Image.new("L", SHAPE[1:], value).save(folder / f"{stem}.png")
        (folder / ".hidden").touch()
    check_parts(made, root)


@pytest.mark.parametrize("resize", ["crop", "stretch", "pad"])
@pytest.mark.parametrize("kind", ["turned", "deep", "clear", "ink", "grey", "palette"])
def test_images_are_read_as_the_search_reads_them(kind: str, resize: str, tmp_path: Path) -> None:
    """Byte for byte, whatever the file holds."""
    made = module(script(sampled("cnn", 0), resize=resize), tmp_path / "made.py")
    values = np.random.default_rng(0).integers(0, 256, (17, 23, 3), dtype=np.uint8)
    image, exif, path = Image.fromarray(values), Image.Exif(), tmp_path / f"{kind}.png"
    exif[0x0112] = 6
    if kind == "turned":
        image.save(path, exif=exif)
    elif kind == "deep":
        Image.fromarray(values[..., 0].astype(np.uint16) * 9).save(path)
    elif kind == "clear":
        image.putalpha(Image.fromarray(values[..., 1]))
        image.save(path)
    else:
        path = tmp_path / f"{kind}.tif"
        image.convert({"ink": "CMYK", "grey": "L", "palette": "P"}[kind]).save(path)
    assert np.array_equal(made.read_image(path), decode_image(path, SHAPE[1:], resize))


def test_the_script_finds_the_images_that_the_search_finds(tmp_path: Path) -> None:
    """In folders within a class, in val/, whatever the capitals; no junk, nothing hidden."""
    made = module(script(sampled("cnn", 0)), tmp_path / "made.py")
    made.__dict__["CLASSES"] = ("cat", "dog")
    root, pixels = tmp_path / "images", iter(range(1000))
    for place in ("Train/{}", "Train/{}/deep/er", "VALID/{}", "test/{}/x", "test/{}/@eaDir"):
        for name in ("cat", "dog"):
            folder = root / place.format(name)
            folder.mkdir(parents=True, exist_ok=True)
            for stem in ("b", "a", ".c"):
                Image.new("L", SHAPE[1:], next(pixels)).save(folder / f"{stem}.png")
    content = FolderSource(root, DatasetRequest("", root)).read(EventRecorder())
    for part, ours in (("train", content.train), ("test", content.test)):
        images, labels = made.load(root, part, "cpu")
        expected = np.concatenate(list(ours.batches))
        assert images[:, 0, 0, 0].tolist() == expected[:, 0, 0, 0].tolist()
        assert labels.tolist() == ours.labels.tolist()


@pytest.mark.parametrize("names", [("Training/{}", "Testing/{}"), ("{}",)])
@pytest.mark.parametrize("classes", [("cat", "dog"), ("testing", "training")])
def test_the_script_knows_the_long_names_of_parts(
    names: tuple[str, ...], classes: tuple[str, ...], tmp_path: Path
) -> None:
    """And classes that are called so."""
    made = module(script(sampled("cnn", 0)), tmp_path / "made.py")
    made.__dict__["CLASSES"] = classes
    root, pixels = tmp_path / "images", iter(range(1000))
    for place in names:
        for name in classes:
            (root / place.format(name)).mkdir(parents=True)
            for number in range(12):
                path = root / place.format(name) / f"{name}{number}.png"
                Image.new("L", SHAPE[1:], next(pixels)).save(path)
    check_parts(made, root)


def test_the_split_is_ours_for_any_sizes_of_classes(tmp_path: Path) -> None:
    """Proportions that leave a rest, and ties between classes, come out by the same lot."""
    rng = np.random.default_rng(0)
    for fraction in (0.1, 0.25, 0.37):
        made = module(script(sampled("cnn", 0), test_fraction=fraction), tmp_path / "made.py")
        for _ in range(20):
            labels = rng.permutation(np.repeat(range(3), rng.integers(9, 60, 3)))
            (fold,) = holdout(labels, fraction, TEST_SEED)
            assert np.flatnonzero(made.set_aside(labels)).tolist() == fold.validation.tolist()


@pytest.mark.slow
def test_a_folder_of_other_classes_is_answered_in_a_sentence(tmp_path: Path) -> None:
    """No traceback for whoever names the wrong folder, nor for one that is not there."""
    path = tmp_path / "made.py"
    module(script(sampled("mlp", 0)), path)
    for images, words in ((tmp_path, "must hold images of each class"), (path / "x", "must exist")):
        command = [sys.executable, str(path), str(images)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert words in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", range(6))
def test_more_epochs_stretch_the_schedule(number: int, tmp_path: Path) -> None:
    """Asked for more than it was made for, rates never rise again at the end."""
    candidate = small(sampled("mlp", number))
    made, rates = module(script(candidate), tmp_path / "made.py"), []
    network = made.build_network()
    optimizer = made.build_optimizer(network)
    optimizer.register_step_post_hook(lambda one, *_: rates.append(one.param_groups[0]["lr"]))
    made.__dict__["build_optimizer"] = lambda network: optimizer
    data, labels = images(8), torch.arange(8) % 3
    made.train(network, data, labels, made.channel_statistics(data), 3 * HORIZON)
    assert len(rates) == 3 * HORIZON * 2
    assert rates[-1] <= rates[-2]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ruff") is None, reason="ruff is not installed")
def test_scripts_are_clean(tmp_path: Path) -> None:
    """Ruff finds nothing in them and would lay them out as they are, short rates or long."""
    for space, number in _SAMPLES:
        text = script(sampled(space, number), bf16=number % 2 == 0, rates=RATES * (1 + 9 * number))
        (tmp_path / f"{space}{number}.py").write_text(text, encoding="utf-8")
    for case in set(RICH) - {"custom", "every"}:  # which contain a user's own code
        text = script(sampled("cnn", 0).model_copy(update=RICH[case]))
        (tmp_path / f"{case}.py").write_text(text, encoding="utf-8")
    allowed = ["--ignore", "PLR2004,RUF001,RUF002,RUF003", "--target-version", "py311"]
    check = [*_RUFF, "check", "--no-cache", "--isolated", "--select", _RULES, *allowed, "."]
    layout = [*_RUFF, "format", "--no-cache", "--isolated", "--diff", "."]
    for command in (check, layout):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_scripts_import_nothing_of_this_program() -> None:
    """They run where torch, NumPy and Pillow are; torchvision if its network is used.

    HEIC photos need pillow-heif there, too.
    """
    known = {"PIL", "argparse", "math", "numpy", "pathlib", "pillow_heif", "torch", "unicodedata"}
    for space, number in _SAMPLES:
        allowed = known
        if space == "pretrained":
            allowed = known | {"collections", "re", "torchvision", "typing"}
        nodes = ast.walk(ast.parse(script(sampled(space, number))))
        names = {
            alias.name if isinstance(node, ast.Import) else node.module or ""
            for node in nodes
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        assert {name.partition(".")[0] for name in names} <= allowed


def test_a_trial_gives_epochs_and_rates() -> None:
    """E* epochs of the study's horizon, and the rates that the folds recorded up to then."""
    plateau = sampled("mlp", 0).model_copy(update={"schedule": PlateauConfig()})
    trial = complete_trial(3, [0.3, 0.6, 0.5], candidate=plateau)
    text = export_script(study_record([trial]), trial)
    assert "EPOCHS = 2  # after which it was best" in text
    assert "RATES = (0.1, 0.1)\n" in text
    assert text.startswith('"""Trial 3 of study cnn-random-photos, with only torch.')


def test_what_cannot_be_told_is_refused() -> None:
    """A trial without a candidate, and a plateau schedule that left no rates."""
    waiting = other_trial(1, "waiting")
    with pytest.raises(UserError, match=r"^trial: 1 has no candidate yet, it is waiting"):
        export_script(study_record([waiting]), waiting)
    plateau = sampled("mlp", 0).model_copy(update={"schedule": PlateauConfig()})
    failed = other_trial(2, "failed", candidate=plateau)
    with pytest.raises(UserError, match=r"^trial: 2 trained no epoch"):
        export_script(study_record([failed]), failed)


class Residual(torch.nn.Module):
    """A network of no Sequential: a skip connection around a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = torch.nn.Sequential(
            torch.nn.Conv2d(channels, channels, 3, padding=1), torch.nn.BatchNorm2d(channels)
        )
        self.head = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(channels * 16, 2))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        return self.head(torch.relu(images + self.inner(images)))  # type: ignore[no-any-return]


@pytest.mark.parametrize("wrap", [lambda one: one, torch.nn.Sequential], ids=["bare", "within"])
def test_a_network_of_any_shape_is_written_as_a_class(
    wrap: Callable[[torch.nn.Module], torch.nn.Module],
) -> None:
    """The class computes the same, given the same weights in the same order."""
    network, made = wrap(Residual(3)).eval(), {"nn": torch.nn, "torch": torch}
    code = network_code(network)
    exec(f"from torch import Tensor\n{code.definition}\nnetwork = {code.call}", made)  # noqa: S102
    theirs = cast("torch.nn.Module", made["network"]).eval()
    weights = zip(theirs.state_dict(), network.state_dict().values(), strict=True)
    theirs.load_state_dict(dict(weights))
    images = torch.randn(5, 3, 4, 4)
    assert torch.equal(theirs(images), network(images))


class Branching(torch.nn.Module):
    """What torch.fx cannot trace: its layers depend on the images."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the images."""
        return images if images.sum() > 0 else -images


class Scaled(torch.nn.Module):
    """Weights that belong to no layer of torch."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the images, scaled."""
        return images * self.scale


@pytest.mark.parametrize("network", [Branching(), Scaled()], ids=lambda one: type(one).__name__)
def test_what_cannot_be_written_is_refused(network: torch.nn.Module) -> None:
    """Nothing is left out silently: the error names the network."""
    with pytest.raises(TypeError, match=type(network).__name__):
        network_code(network)
