"""A network of the user's own, from its file through search, refit, export and use."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import final

import pytest
import torch

from search.catalog.studies import open_stored
from search.errors import UserError
from search.evaluation.exporting import export_script, write_recipe
from search.evaluation.model import load_model
from search.pipeline import run_study
from search.recipe import Recipe
from search.tuning.records import StudyRecord
from search.tuning.store import read_study
from tests.conftest import Command, CommandResult
from tests.study_fixtures import recipe_maker

BLOCKS = """\
from torch import nn

class Block(nn.Module):
    def __init__(self, width, gate):
        super().__init__()
        self.convolution = nn.Conv2d(width, width, 3, padding=1)
        self.norm, self.gate = nn.BatchNorm2d(width), gate

    def forward(self, images):
        changed = self.norm(self.convolution(images)).relu()
        if self.gate and images.mean() > 1e6:  # which no tracer can follow
            return images
        return images + changed
"""

SPACE = """\
from dataclasses import dataclass
from typing import Literal

from torch import nn

from blocks import Block
from spaces import Candidate, CosineConfig, ModelConfig, SGDConfig, Space

@dataclass(frozen=True)
class ResNet(ModelConfig):
    kind: Literal["my-resnet"] = "my-resnet"
    width: int = 4
    gate: bool = False

    def build(self, input_shape, num_classes):
        print("building a network")
        return Net(nn.Conv2d(3, self.width, 1), Block(self.width, self.gate), num_classes)

class Net(nn.Module):
    def __init__(self, stem, block, num_classes):
        super().__init__()
        self.stem, self.block = stem, block
        self.head = nn.Linear(stem.out_channels, num_classes)

    def forward(self, images):
        return self.head(self.block(self.stem(images)).mean((2, 3)))

def suggest(trial):
    return Candidate(
        model=ResNet(width=trial.suggest_int("width", 2, 6), gate=GATE),
        optimizer=SGDConfig(learning_rate=0.1),
        schedule=CosineConfig(),
        batch_size=16,
    )

MINE = Space("own", suggest, families=(ResNet,))
"""


def write_files(folder: Path, *, gate: bool = False) -> str:
    """Write the space and what it imports; return the setting that names it."""
    (folder / "blocks.py").write_text(BLOCKS, encoding="utf-8")
    (folder / "nets.py").write_text(f"GATE = {gate}\n{SPACE}", encoding="utf-8")
    return f"{folder / 'nets.py'}:MINE"


@final
@dataclass(frozen=True)
class Study:
    root: Path
    ran: CommandResult

    @property
    def model(self) -> Path:
        return self.root / "runs" / "own" / "model"

    def record(self) -> StudyRecord:
        return read_study(open_stored("own", self.root / "runs", None))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, command: Command, image_folder: Path) -> Study:
    """A study that a worker process trained; its files are gone afterwards."""
    root = tmp_path_factory.mktemp("own")
    ran = command(
        "run", "--space", write_files(root), "--dataset", str(image_folder), "--trials", "2",
        "--epochs", "2", "--workers", "1", "--study-name", "own", "--json",
        cwd=root,
    )  # fmt: skip
    (root / "nets.py").unlink()
    (root / "blocks.py").unlink()
    return Study(root, ran)


@pytest.mark.slow
def test_a_search_trains_tests_and_reports_it(study: Study) -> None:
    """What it prints is kept out of the events; its parameters and words are known."""
    assert study.ran.status == 0, study.ran.err
    events = [json.loads(line) for line in study.ran.out.splitlines()]
    assert events[-1]["event"] == "ended"
    assert "building a network" in study.ran.err
    record = study.record()
    assert [trial.state for trial in record.trials] == ["complete"] * 2
    assert record.test is not None
    for trial in record.trials:
        width = trial.params["width"]
        assert isinstance(width, int)
        expected = 4 * width + width * width * 9 + width + 2 * width + 3 * width + 3
        assert trial.n_parameters == expected
    page = (study.root / "runs" / "own" / "report" / "report.md").read_text("utf-8")
    assert "the layers of my-resnet (width " in page.lower()


@pytest.mark.slow
def test_stored_studies_are_shown_without_running_its_code(study: Study, command: Command) -> None:
    """The file is gone, and nothing that is only shown may run what is stored."""
    for arguments in (
        ("show", "own"),
        ("list",),
        ("report", "own"),
        ("show", "own", "--trial", "0"),
    ):
        result = command(*arguments, cwd=study.root)
        assert (result.status, result.err) == (0, "")


@pytest.mark.slow
def test_a_model_folder_runs_its_code_only_if_it_is_trusted(study: Study, tmp_path: Path) -> None:
    """Whoever loads a folder from elsewhere must say so; then it needs nothing but the folder."""
    folder = tmp_path / "model"
    shutil.copytree(study.model, folder)
    with pytest.raises(UserError, match=r"trust_code=True") as caught:
        load_model(folder)
    assert "'my-resnet'" in str(caught.value)
    images = torch.randint(0, 256, (3, 3, 8, 8), dtype=torch.uint8)
    probabilities = load_model(folder, trust_code=True).probabilities(images)
    assert probabilities.shape == (3, 3)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(3))


@pytest.mark.slow
def test_code_of_a_model_that_fails_is_one_line(study: Study, tmp_path: Path) -> None:
    """Whatever is wrong with it."""
    folder = tmp_path / "model"
    shutil.copytree(study.model, folder)
    card = json.loads((folder / "model.json").read_text("utf-8"))
    for text, expected in (("1 / 0", "ZeroDivisionError"), ("x = 1", "AttributeError")):
        files = [["nets.py", text]]
        changed = card | {"families": card["families"] | {"files": files}}
        (folder / "model.json").write_text(json.dumps(changed), encoding="utf-8")
        sums = subprocess.run(
            ["sha256sum", "model.json", "weights.safetensors"],  # noqa: S607
            cwd=folder, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        next(folder.glob("*SUMS*")).write_text(sums, encoding="utf-8")
        with pytest.raises(UserError, match=rf"its network's code fails: {expected}"):
            load_model(folder, trust_code=True)


def test_predict_trusts_a_study_by_its_name(
    study: Study, command: Command, image_folder: Path
) -> None:
    """It is the user's own; a folder needs --trust-code."""
    image = str(next(image_folder.rglob("*.png")))
    assert command("predict", "own", image, cwd=study.root).status == 0
    refused = command("predict", str(study.model), image, cwd=study.root)
    assert refused.status == 2
    assert "--trust-code" in refused.error()
    assert command("predict", str(study.model), image, "--trust-code", cwd=study.root).status == 0


@pytest.mark.slow
def test_its_onnx_file_agrees_with_it(study: Study, command: Command) -> None:
    """The file needs neither the code nor torch."""
    result = command("export", "own", "--onnx", "--output", "own.onnx", cwd=study.root)
    assert result.status == 0, result.err
    assert "same class for 30" in result.out


@pytest.mark.slow
def test_its_exported_recipe_trains_it_again(study: Study, tmp_path: Path) -> None:
    """With the stored code beside it, and the same result for the first index."""
    record = study.record()
    written = write_recipe(record, record.trials[0], tmp_path / "again.toml", force=False)
    assert {path.name for path in written} == {"again.toml", "again-space.py", "blocks.py"}
    recipe = Recipe.from_sources(written[0], {"runs_dir": tmp_path / "runs", "workers": 1})
    again = run_study(recipe, lambda _: None, executor="inline").record
    assert [t.value for t in again.trials] == [record.trials[0].value]


def test_an_export_leaves_the_users_modules_alone(
    study: Study, command: Command, tmp_path: Path
) -> None:
    """One with the study's code is used as it is; a newer one is never replaced."""
    blocks, output = tmp_path / "blocks.py", tmp_path / "again.toml"
    export = ("export", "own", "--recipe", "--output", output)
    blocks.write_text(BLOCKS, encoding="utf-8")
    space = tmp_path / "again-space.py"
    assert command(*export, cwd=study.root).out == f"wrote {output}\nwrote {space}\n"
    assert blocks.read_text("utf-8") == BLOCKS
    newer = BLOCKS.replace("1e6", "1e7")
    blocks.write_text(newer, encoding="utf-8")
    error = command(*export, "--force", cwd=study.root).error()
    assert error.startswith(f"output: {str(blocks)!r} exists and is not the study's version of it")
    assert error.endswith("accepted: an --output in another folder")
    assert blocks.read_text("utf-8") == newer


def test_the_printed_script_is_nothing_but_a_script(study: Study, command: Command) -> None:
    """Though the user's code prints while it is made."""
    result = command("export", "own", "--python", cwd=study.root)
    assert result.status == 0
    compile(result.out, "train.py", "exec")


def exported(record: StudyRecord, folder: Path) -> str:
    script = export_script(record, record.trials[0])
    (folder / "train.py").write_text(script, encoding="utf-8")
    return script


def run_script(folder: Path, images: Path) -> str:
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "train.py", str(images), "--epochs", "1"],
        cwd=folder, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_its_script_needs_only_torch_where_it_can_be_traced(
    study: Study, tmp_path: Path, image_folder: Path
) -> None:
    """Layers and connections are written out, whatever the user's classes are."""
    script = exported(study.record(), tmp_path)
    assert "class Network(nn.Module)" in script
    assert "from spaces" not in script
    assert "with only torch." in script
    assert "test: accuracy" in run_script(tmp_path, image_folder)


@pytest.mark.slow
def test_its_script_has_the_users_source_where_it_cannot(
    tmp_path: Path, image_folder: Path
) -> None:
    """A network whose path depends on its values is made by its own code."""
    maker = recipe_maker(tmp_path, image_folder, tmp_path / "data")
    recipe = maker(space=write_files(tmp_path, gate=True), trials=1, epochs=1)
    record = run_study(recipe, lambda _: None, executor="inline").record
    folder = tmp_path / "exported"
    folder.mkdir()
    script = exported(record, folder)
    assert "class Block(nn.Module)" in script
    assert "with only torch and cifar-search." in script
    assert re.search(r"load_candidate\(CANDIDATE, SOURCE\)\.model\.build\(\(3, 8, 8\), 3\)", script)
    assert "test: accuracy" in run_script(folder, image_folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("num_classes)\n\n    def forward", "7)\n\n    def forward", "must return logits (2, 3)"),
        ("self.width, 1)", "self.depths, 1)", "AttributeError: 'ResNet' object has no attribute"),
        (".mean((2, 3))", ".mean(3)", "RuntimeError: "),
    ],
)
def test_a_network_that_fails_is_one_line_before_the_first_trial(
    tmp_path: Path, image_folder: Path, old: str, new: str, expected: str
) -> None:
    """With the family, and the line of the user's file where there is one; no study is made."""
    maker = recipe_maker(tmp_path, image_folder, tmp_path / "data")
    recipe = maker(space=write_files(tmp_path))
    path = tmp_path / "nets.py"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        run_study(recipe, lambda _: None, executor="inline")
    message = str(caught.value)
    assert message.startswith("network family 'my-resnet': ")
    assert expected in message
    assert "\n" not in message
    assert ("(nets.py, line " in message) == ("logits" not in expected)
    assert not (tmp_path / "runs" / "study").exists()


FORWARD = "        return self.head("
TRAINING_MISTAKES = {
    "frozen": (
        "self.gate), num_classes)", "self.gate), num_classes).requires_grad_(False)",
        "it has no parameters that are not frozen",
    ),
    "detached": (".mean((2, 3)))", ".mean((2, 3))).detach()", "its logits are detached"),
    "tuple": (
        FORWARD, f"        if self.training:\n            return images, images\n{FORWARD}",
        "it must return logits (4, 3) of images (4, 3, 8, 8), got tuple",
    ),
    "error": (
        FORWARD, f"        assert not self.training, 'not yet'\n{FORWARD}",
        "AssertionError: not yet (nets.py, line ",
    ),
    "value": (
        FORWARD, f"        if self.training:\n            raise ValueError('no')\n{FORWARD}",
        "ValueError: no (nets.py, line ",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"sampler": "random"}, {"sampler": "tpe"}, {"budget": "60s"}])
@pytest.mark.parametrize("mistake", TRAINING_MISTAKES)
def test_a_network_that_cannot_be_trained_is_one_line_before_the_first_trial(
    tmp_path: Path, image_folder: Path, mistake: str, settings: dict[str, str]
) -> None:
    """What only a training step shows, whatever is planned first; no study is made."""
    maker = recipe_maker(tmp_path, image_folder, tmp_path / "data")
    recipe = maker(space=write_files(tmp_path), **settings)
    path, (old, new, expected) = tmp_path / "nets.py", TRAINING_MISTAKES[mistake]
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    before = torch.get_rng_state()
    with pytest.raises(UserError) as caught:
        run_study(recipe, lambda _: None, executor="inline")
    message = str(caught.value)
    assert message.startswith(f"network family 'my-resnet': in training mode: {expected}")
    assert "\n" not in message
    assert torch.equal(torch.get_rng_state(), before)
    assert not (tmp_path / "runs" / "study").exists()


@pytest.mark.slow
def test_lazy_layers_are_refused(tmp_path: Path, image_folder: Path) -> None:
    """At once, instead of after a thousand candidates that cannot be counted."""
    maker = recipe_maker(tmp_path, image_folder, tmp_path / "data")
    recipe = maker(space=write_files(tmp_path))
    path = tmp_path / "nets.py"
    lazy = path.read_text("utf-8").replace("nn.Linear(stem.out_channels, ", "nn.LazyLinear(")
    path.write_text(lazy, encoding="utf-8")
    expected = (
        r"^network family 'my-resnet': lazy layers have no size before their first batch; give "
        "them one$"
    )
    with pytest.raises(UserError, match=expected):
        run_study(recipe, lambda _: None, executor="inline")


@pytest.mark.slow
def test_a_network_that_does_not_fit_is_infeasible(tmp_path: Path, image_folder: Path) -> None:
    """A ValueError of build leaves the point out."""
    maker = recipe_maker(tmp_path, image_folder, tmp_path / "data")
    recipe = maker(space=write_files(tmp_path), trials=4, epochs=1, sampler="grid", pruner="none")
    path = tmp_path / "nets.py"
    check = '        if self.width > 4:\n            raise ValueError("too wide")\n        print('
    path.write_text(path.read_text("utf-8").replace("        print(", check), encoding="utf-8")
    record = run_study(recipe, lambda _: None, executor="inline").record
    found = {trial.params["width"]: (trial.kind, trial.reason) for trial in record.trials}
    assert found == {
        2: ("complete", None), 4: ("complete", None), 6: ("infeasible", "too wide")
    }  # fmt: skip
