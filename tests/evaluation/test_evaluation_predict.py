"""`predict`: which model, which images, and what is said of those that cannot be read."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cifar_models import MLPConfig, build_model
from search.errors import UserError
from search.evaluation.description import ModelCard
from search.evaluation.model import ImageClassifier, export_model
from search.evaluation.predict import find_model
from search.paths import RunPaths
from spaces.candidate import AdamConfig, Candidate
from tests.conftest import Command

NAMES = ("cat", "dog [b]", "owl")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with a study's model and with photos, some in folders of a class."""
    card = ModelCard(
        candidate=Candidate(
            model=MLPConfig(hidden_widths=(4,), dropouts=(0.0,)), optimizer=AdamConfig()
        ),
        class_names=NAMES,
        input_shape=(3, 5, 4),
        mean=(120.0, 120.0, 120.0),
        std=(60.0, 60.0, 60.0),
        study="pets",
        trial=1,
    )
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        network = build_model(card.candidate.model, card.input_shape, len(NAMES))
    model_dir = RunPaths(tmp_path / "runs", "pets").model_dir
    model_dir.parent.mkdir(parents=True)
    export_model(ImageClassifier(card, network), model_dir)
    rng = np.random.default_rng(0)
    for name in ("photos/a.png", "sorted/cat/1.png", "sorted/cat/2.png", "sorted/dog [b]/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (7, 6, 3), dtype=np.uint8)).save(tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("model", ["pets", "runs/pets/model", "runs/pets"])
def test_a_model_is_named_by_study_or_folder(model: str, root: Path, command: Command) -> None:
    """All three names answer alike."""
    result = command("predict", model, "photos/a.png", cwd=root)
    assert (result.status, result.err) == (0, "")
    assert result.out == command("predict", "pets", "photos/a.png", cwd=root).out
    assert re.search(r"photos/a\.png +│ (cat|dog \[b\]|owl) +│ +\d+\.\d% │", result.out)


def test_studies_are_looked_for_in_their_folder(root: Path, command: Command) -> None:
    """--runs-dir says where; without it the name is none."""
    (root / "runs").rename(root / "elsewhere")
    error = command("predict", "pets", "photos/a.png", cwd=root).error()
    assert error.startswith("model: 'pets' is not a model folder: it has no model.json; 'runs' has")
    assert error.endswith("studies with one: none")
    given = ("--runs-dir", "elsewhere")
    assert command("predict", "pets", "photos/a.png", *given, cwd=root).status == 0


def test_a_wrong_name_is_answered_with_those_there_are(root: Path, command: Command) -> None:
    """Whoever mistyped a study reads which have a model."""
    error = command("predict", "pest", "photos/a.png", cwd=root).error()
    assert error.endswith("studies with one: pets")


def test_a_name_of_two_models_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are shown, in a way that can be given."""
    export = RunPaths(root / "runs", "pets").model_dir
    (root / "pets").mkdir()
    for file in export.iterdir():
        (root / "pets" / file.name).write_bytes(file.read_bytes())
    monkeypatch.chdir(root)
    with pytest.raises(UserError, match="model: 'pets' could be ") as caught:
        find_model(Path("pets"), Path("runs"))
    for shown in re.findall("'(/.*?)'", str(caught.value)):
        assert find_model(Path(shown), Path("runs")) == Path(shown)


def test_an_overlong_name_is_no_model(root: Path, command: Command) -> None:
    """What the operating system refuses is a user's mistake here."""
    error = command("predict", "x" * 300, "photos/a.png", cwd=root).error()
    assert error.endswith("is not a model folder: File name too long")


def test_top_says_how_many_classes_are_shown(root: Path, command: Command) -> None:
    """The first in a column of its own, the others after it."""
    shown = {top: command("predict", "pets", "photos/a.png", "--top", top, cwd=root).out
             for top in ("1", "2", "9")}  # fmt: skip
    assert {top: text.count("%") for top, text in shown.items()} == {"1": 1, "2": 2, "9": 3}
    assert "'--top'" in command("predict", "pets", "photos/a.png", "--top", "0", cwd=root).error()


def test_folders_are_searched_and_classes_counted(root: Path, command: Command) -> None:
    """Folders named like classes tell the true class: how many are right, with an interval."""
    result = command("predict", "pets", "sorted", "photos", cwd=root)
    assert (result.status, result.err) == (0, "")
    shown = re.findall(r"│ (\S+/.*?\.png) +│ (.*?) +│", result.out)
    assert shown == [
        ("sorted/cat/1.png", "cat"), ("sorted/cat/2.png", "cat"),
        ("sorted/dog [b]/1.png", "dog [b]"), ("photos/a.png", "-"),
    ]  # fmt: skip
    counts = re.findall(r"│ (cat|dog \[b\]|owl) +│ +(\d) │ +(\d) │", result.out)
    assert [(name, images) for name, images, _ in counts] == [("cat", "2"), ("dog [b]", "1")]
    right = sum(int(one) for *_, one in counts)
    assert f"{right} of 3 correct: {right / 3:.1%} (95%" in result.out
    assert "not counted: 1 in no folder" in result.out


def test_json_has_every_probability(root: Path, command: Command) -> None:
    """One object: the images, their true class where a folder says it, and what was unreadable."""
    (root / "text.png").write_text("no image")
    images = ("photos/a.png", "sorted/cat", "sorted", "text.png")
    result = command("predict", "--json", "pets", *images, cwd=root)
    content = json.loads(result.out)
    first, second, third, *_ = content["images"]
    assert first["image"] == "photos/a.png"
    assert set(first["probabilities"]) == set(NAMES)
    assert sum(first["probabilities"].values()) == pytest.approx(1)
    assert first["probability"] == first["probabilities"][first["name"]]
    assert "true_class" not in first | second
    assert {one["image"]: one["true_class"] for one in content["images"][3:]}[third["image"]] == (
        "cat"
    )
    assert result.status == 1
    assert [line.partition(" cannot")[0] for line in content["unreadable"]] == ["image text.png"]


def test_readable_images_are_answered_beside_others(root: Path, command: Command) -> None:
    """Each of the others is a line on stderr, and the exit status is 1."""
    (root / "photos" / "text.png").write_text("no image")
    os.mkfifo(root / "photos" / "pipe.png")
    (root / "photos" / "loop.png").symlink_to("loop.png")
    (root / "photos" / "again").symlink_to(root / "photos")
    Image.new("RGB", (3, 3)).save(root / "photos" / os.fsdecode(b"\xff\n.png"))
    result = command("predict", "pets", "photos", "none.png", cwd=root)
    assert result.status == 1
    assert "photos/a.png" in result.out
    assert r"photos/\udcff\n.png" in result.out
    lines = result.err.splitlines()
    named = [re.search(r"(\w+)\.png", line) for line in lines[:-1]]
    assert [one and one[1] for one in named] == ["loop", "pipe", "text", "none"]
    assert lines[-1] == "error: 4 of 6 images could not be read (see above)"


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (["none.png"], r"image none.png does not exist$"),
        (["sortd"], r"image sortd does not exist; '.' has 'sorted'$"),
        (["notes.png"], r"image notes.png does not exist$"),
        (["photos/b.png"], r"image photos/b.png does not exist; 'photos' has 'a.png'$"),
        (["phots/b.png"], r"image phots/b.png does not exist, nor does its folder$"),
        (["runs/pets/model/model.json", "none.png"], r"image .*model.json .* \(and 1 more\)$"),
        (["runs"], "images: folder 'runs' holds none; images are "),
    ],
)
def test_without_any_image_it_is_a_mistake(
    images: list[str], message: str, root: Path, command: Command
) -> None:
    """One line is printed; names are offered where they are near, of images and folders."""
    (root / "notes.txt").touch()
    result = command("predict", "pets", *images, cwd=root)
    assert re.search(message, result.error())
    assert result.out == ""
