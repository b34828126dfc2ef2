"""One whole run through the command line, and every command on the study that it leaves."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import final

import pytest

from search.catalog.studies import open_stored
from search.tuning.records import StudyRecord
from search.tuning.store import read_study
from tests.conftest import Command, CommandResult, FolderMaker

_NAME = "cnn-random-pets"
_BUDGET = ("--trials", "3", "--epochs", "2", "--max-parameters", "200000", "--pruner", "none")
_RUN = ("run", "--space", "cnn", "--dataset", "pets", "--workers", "1", *_BUDGET)


@final
@dataclass(frozen=True)
class Study:
    """The folder that was worked in, and what the run wrote."""

    root: Path
    first: CommandResult

    @property
    def model(self) -> Path:
        return self.root / "runs" / _NAME / "model"

    @property
    def page(self) -> Path:
        return self.root / "runs" / _NAME / "report" / "report.html"

    def record(self) -> StudyRecord:
        return read_study(open_stored(_NAME, self.root / "runs", None))


@pytest.fixture(scope="module")
def study(
    tmp_path_factory: pytest.TempPathFactory, command: Command, make_folder: FolderMaker
) -> Study:
    """Run a study of two classes once, with a worker process."""
    root = tmp_path_factory.mktemp("run")
    make_folder(root / "pets", {"cat": 24, "dog [b]": 24})
    return Study(root, command(*_RUN, cwd=root))


@pytest.mark.slow
def test_two_classes_are_enough_for_a_whole_run(study: Study) -> None:
    """Search, refit, one opening of the test set, model and report: exit 0, nothing on stderr."""
    assert (study.first.status, study.first.err) == (0, "")
    record = study.record()
    assert [trial.state for trial in record.trials] == ["complete"] * 3
    assert record.refit is not None
    assert record.test is not None
    assert len(record.openings) == 1
    assert study.page.is_file()
    assert {path.name for path in study.model.iterdir()} == {
        "model.json",
        "weights.safetensors",
        "SHA256SUMS",
        "README.md",
    }


@pytest.mark.slow
def test_a_run_says_its_plan_its_trials_and_its_result(study: Study) -> None:
    """The plan, a line a trial, the best trials, the test result, where model and report lie."""
    lines = study.first.out.splitlines()
    labels = [line.partition(":")[0] for line in lines]
    begin = labels.index("dataset")
    assert labels[begin:][:5] == ["dataset", "study", "evaluation", "resources", "time"]
    assert re.search(
        r"cnn-random-pets: space cnn, random search; 0 of 3 trials done$", lines[begin + 1]
    )
    assert "best trials" in study.first.out
    assert "cnn 32-64-128 relu, sgd 0.01, plateau, batch 64" in study.first.out
    assert (
        sum(
            bool(re.match(r"trial \d complete: .* s left, including the refit$", line))
            for line in lines
        )
        == 3
    )
    assert any(
        re.match(r"test: \d+\.\d+% \(95% interval .* test set opened once$", one) for one in lines
    )
    assert lines[-4:] == [
        f"use it: python -m search predict {_NAME} photo.jpg",
        "trials: python -m search dashboard",
        f"model:  runs/{_NAME}/model",
        f"report: runs/{_NAME}/report/report.html",
    ]


@pytest.mark.slow
def test_list_shows_one_row_a_study(study: Study, command: Command) -> None:
    """Name, space, sampler, dataset, trials, best validation and test."""
    listed = command("list", cwd=study.root)
    (row,) = [line for line in listed.out.splitlines() if _NAME in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells[:6] == [_NAME, "cnn", "random", "holdout 0.2", "pets", "3 of 3"]
    assert all(re.fullmatch(r"\d+\.\d\d%", cell) for cell in cells[6:8])
    assert cells[8] == "ended"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", cells[9])


def test_list_by_storage_is_the_same(study: Study, command: Command) -> None:
    """--storage with the SQLite file's URL finds what --runs-dir finds."""
    by_url = command("list", "--storage", "sqlite:///runs/studies.db", cwd=study.root)
    assert by_url == command("list", cwd=study.root)


def test_a_long_study_name_is_listed_whole_in_a_narrow_terminal(
    study: Study, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are there to be copied."""
    monkeypatch.setattr("search.cli.terminal._PIPE_WIDTH", 60)
    assert _NAME in command("list", cwd=study.root).out


def test_show_gives_recipe_trials_and_result(study: Study, command: Command) -> None:
    """Every setting, each complete trial with its candidate in words, and the test line."""
    shown = command("show", _NAME, cwd=study.root)
    assert (shown.status, shown.err) == (0, "")
    assert "max_parameters = 200000" in shown.out
    assert "\n3 trials: 3 complete\n" in shown.out
    assert "Three convolutions of 32, 64 and 128 channels" in shown.out
    assert "test set opened once" in shown.out


@pytest.mark.parametrize("name", ["show", "report"])
def test_an_unknown_study_is_answered_with_the_known_ones(
    study: Study, command: Command, name: str
) -> None:
    """The user sees which names there are."""
    error = command(name, "nope", cwd=study.root).error()
    assert error == f"study 'nope' does not exist; known studies: {_NAME}"


@pytest.mark.slow
def test_report_is_rebuilt_without_training_or_testing(study: Study, command: Command) -> None:
    """From what is stored alone, even when dataset, cache and model are out of reach."""
    before, weights = study.record(), study.model / "weights.safetensors"
    written = weights.stat().st_mtime_ns
    shutil.rmtree(study.page.parent)
    shutil.move(study.root / "data", study.root / "data-away")
    shutil.move(study.root / "pets", study.root / "pets-away")
    try:
        result = command("report", _NAME, cwd=study.root)
    finally:
        shutil.move(study.root / "data-away", study.root / "data")
        shutil.move(study.root / "pets-away", study.root / "pets")
    assert (result.status, result.err) == (0, "")
    assert result.out == f"report: runs/{_NAME}/report/report.html\n"
    assert study.page.is_file()
    assert study.record() == before
    assert weights.stat().st_mtime_ns == written


@pytest.mark.slow
def test_the_same_command_again_trains_and_tests_nothing(study: Study, command: Command) -> None:
    """A finished study goes on to its end at once."""
    before, weights = study.record(), study.model / "weights.safetensors"
    written = weights.stat().st_mtime_ns
    again = command(*_RUN, cwd=study.root)
    assert (again.status, again.err) == (0, "")
    assert f"{_NAME}: space cnn, random search; 3 of 3 trials done" in again.out
    assert not re.search(r"^trial \d|^refit", again.out, re.MULTILINE)
    assert study.record() == before
    assert weights.stat().st_mtime_ns == written


@pytest.mark.slow
def test_a_quiet_run_prints_the_result_alone(study: Study, command: Command) -> None:
    """Best trials, test, model and report; nothing of the way there."""
    quiet = command(*_RUN, "--quiet", cwd=study.root)
    assert (quiet.status, quiet.err) == (0, "")
    lines = [line.strip() for line in quiet.out.splitlines()]
    assert lines[0] == "best trials"
    assert lines[-1] == f"report: runs/{_NAME}/report/report.html"
    assert not any(re.match("dataset:|study:|trial |search ended|writing", line) for line in lines)


@pytest.mark.slow
def test_a_run_in_json_prints_events_alone(study: Study, command: Command) -> None:
    """Each line is an object that says what it is; the first says the version."""
    shutil.copytree(study.root / "pets", study.root / "json" / "pets")
    told = command(*_RUN, "--json", cwd=study.root / "json")
    assert (told.status, told.err) == (0, "")
    events = [json.loads(line) for line in told.out.splitlines()]
    assert [one["version"] for one in events if "version" in one] == [1]
    assert events[0]["version"] == 1
    by_kind = {one["event"]: one for one in events}
    assert by_kind["plan"]["dataset"] == "pets"
    assert 0 < by_kind["plan"]["seconds_low"] <= by_kind["plan"]["seconds_high"]
    kinds = [one["event"] for one in events]
    assert (kinds.count("trial_started"), kinds.count("trial_ended")) == (3, 3)
    assert kinds.count("epoch") == 6
    assert kinds[-4:] == ["refit", "test", "report", "ended"]
    record = study.record()
    assert record.test is not None
    assert by_kind["test"]["accuracy"] == record.test.accuracy
    assert by_kind["ended"] == {
        "event": "ended", "reason": "done", "done": 3, "failed": 0, "trials": 3,
        "winner": getattr(record.winner(), "number", None),
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (("--seed", "1"), "seed 0 is now 1"),
        (("--validation", "kfold"), "validation 'holdout' is now 'kfold'"),
        (("--space", "mlp"), "space 'cnn' is now 'mlp'"),
        (("--no-baseline",), "with_baseline true is now false"),
        (("--dataset", "other"), r"dataset 'pets \(.*\)' is now 'other \(.*\)'"),
        (("--dataset", "other", "--resize", "pad"), "resize 'crop' is now 'pad'"),
    ],
)
def test_a_study_reopened_with_other_settings_is_refused(
    study: Study,
    command: Command,
    make_folder: FolderMaker,
    changed: tuple[str, ...],
    words: str,
) -> None:
    """The difference is shown, and the study stays as it was."""
    if "other" in changed and not (study.root / "other").exists():
        make_folder(study.root / "other", {"ant": 10, "bee": 10})
    before = study.record()
    error = command(*_RUN, "--study-name", _NAME, *changed, cwd=study.root).error()
    assert re.search(f"study '{_NAME}' exists with other settings: .*{words}", error)
    assert study.record() == before


def test_predict_takes_the_name_of_the_study(study: Study, command: Command) -> None:
    """Its model is used; names are printed as they are, brackets too."""
    images = [f"pets/train/{name}/0.png" for name in ("cat", "dog [b]")]
    result = command("predict", _NAME, *images, cwd=study.root)
    assert result.status == 0
    told = "where this model was trained on 43 images and tested on 5, so expect it "
    assert re.fullmatch(f"warning: 2 of 2 images are in .*pets/train', {told}.*\n", result.err)
    rows = [line for line in result.out.splitlines() if "pets/train" in line]
    assert [image in row for image, row in zip(images, rows, strict=True)] == [True, True]
    assert all(re.search(r"│ (cat|dog \[b\]) +│ +\d+\.\d% │", row) for row in rows)


def test_the_model_has_a_card_of_its_study(study: Study) -> None:
    """The run leaves it beside the weights, with the test result."""
    card = (study.model / "README.md").read_text(encoding="utf-8")
    record = study.record()
    assert record.test is not None
    assert f"| this model | {record.test.accuracy:.2%} |" in card
    assert "dog \\[b\\]" in card


def test_a_damaged_model_is_named(study: Study, command: Command, tmp_path: Path) -> None:
    """Truncated weights and a garbled description are no traceback."""
    for name, content in (("weights.safetensors", b"\x10"), ("model.json", b"{}")):
        damaged = tmp_path / name
        shutil.copytree(study.model, damaged)
        (damaged / name).write_bytes(content)
        error = command("predict", damaged, "pets/train/cat/0.png", cwd=study.root).error()
        assert error.startswith("model: ")
        assert str(damaged) in error


@pytest.mark.slow
def test_list_needs_no_torch(study: Study) -> None:
    """Listing studies in a fresh process imports neither torch nor matplotlib."""
    code = "import sys; from search.cli.app import main\ntry: main()\nexcept SystemExit: pass\n"
    code += "sys.exit('heavy' if {'torch', 'matplotlib', 'sklearn'} & set(sys.modules) else 0)"
    runs = str(study.root / "runs")
    done = subprocess.run(
        [sys.executable, "-c", code, "list", "--runs-dir", runs],
        capture_output=True, text=True, check=False, env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert _NAME in done.stdout


def test_a_study_is_deleted_only_when_it_is_meant(study: Study, command: Command) -> None:
    """Without --yes nothing happens; with it study, folder and artifacts go."""
    root = study.root / "copy"
    shutil.copytree(study.root / "runs", root / "runs")
    refused = command("delete", _NAME, cwd=root)
    assert (refused.status, refused.error()) == (
        2,
        f"study {_NAME!r}, its model and its report would be deleted: add --yes",
    )
    assert list((root / "runs" / "artifacts").iterdir())
    deleted = command("delete", _NAME, "--yes", cwd=root)
    assert (deleted.status, deleted.out) == (
        0,
        f"deleted study {_NAME} and its folder {Path('runs') / _NAME}\n",
    )
    assert not (root / "runs" / _NAME).exists()
    assert list((root / "runs" / "artifacts").iterdir()) == []
    assert command("delete", _NAME, "--yes", cwd=root).status == 2
