"""`report` with several studies, from the storage to the files."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from search.command_lines import report_command
from search.evaluation.test_results import save_predictions
from search.paths import RunPaths
from search.report.evidence import TestedStudy
from tests.conftest import Command
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes
from tests.report.comparison_fakes import search
from tests.views.showing_fakes import store


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an ended search, an open one, and a baseline in storage."""
    root = tmp_path_factory.mktemp("comparison")
    ended = fakes.with_end(search("ended", [0.5, 0.8]))
    _store(TestedStudy(ended, fakes.model_predictions(ended)), root / "runs")
    _store(TestedStudy(search("open", [0.6])), root / "runs")
    baseline = baseline_fakes.reproduction(2)
    timed = search("times", [0.5, 0.5]).trials
    trials = tuple(
        replace(trial, started=time.started, finished=time.finished)
        for trial, time in zip(baseline.record.trials, timed, strict=True)
    )
    _store(replace(baseline, record=replace(baseline.record, trials=trials)), root / "runs")
    return root


def _store(tested: TestedStudy, runs_dir: Path) -> None:
    """Write a study, and what its model made of the test images."""
    store(tested.record, runs_dir)
    if tested.predictions is not None:
        paths = RunPaths(runs_dir, tested.record.name)
        save_predictions(paths.test_predictions, tested.predictions)


@pytest.mark.slow
def test_several_studies_are_compared(command: Command, root: Path) -> None:
    """The table is printed, and page, tables and figures lie in the folder of comparisons."""
    result = command("report", "ended", "open", cwd=root)
    assert (result.status, result.err) == (0, "")
    assert "2 studies compared" in result.out
    assert "same data: photos." in result.out
    written = [Path(line.removeprefix("written: ")) for line in result.out.splitlines()[-7:]]
    assert {path.parent for path in written} == {Path("runs/comparison")}
    assert all((root / path).is_file() for path in written)


@pytest.mark.slow
def test_the_baseline_in_the_storage_is_found(command: Command, root: Path) -> None:
    """Its mean of two trainings and the paired difference stand beside the search."""
    result = command("report", "ended", "cnn-baseline-photos", "--output", "there", cwd=root)
    assert (result.status, result.err) == (0, "")
    with (root / "there" / "results.csv").open(encoding="utf-8") as file:
        ended, baseline = csv.DictReader(file)
    assert ended["baseline"] == baseline["study"] == "cnn-baseline-photos"
    assert ended["baseline_test"] == baseline["test"]
    assert float(ended["difference_low"]) < float(ended["difference"])
    assert float(ended["hours"]) == 1 / 3


@pytest.mark.slow
def test_no_figure_is_cut_in_a_narrow_terminal(
    command: Command, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """80 columns have room for every figure of every study."""
    monkeypatch.setattr("search.cli.terminal._PIPE_WIDTH", 80)
    out = command("report", "ended", "cnn-baseline-photos", cwd=root).out
    assert "…" not in out
    assert "80.00%" in out
    assert "2 trainings)" in out


@pytest.mark.slow
def test_the_table_names_the_command_that_made_it(command: Command, root: Path) -> None:
    """Folders are named where they are not the defaults, a database without its password."""
    arguments = ("report", "ended", "open", "--runs-dir", "runs/", "--output", "a folder")
    assert command(*arguments, cwd=root).status == 0
    last = (root / "a folder" / "results.md").read_text(encoding="utf-8").splitlines()[-1]
    assert last == "Made by `python -m search report ended open --output 'a folder'`."
    told = report_command(["a"], Path("x"), "postgresql://me:secret@host/db", None)
    assert told == "python -m search report a --runs-dir x --storage postgresql://me@host/db"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("ended", "nope"),
            "study 'nope' does not exist; known studies: cnn-baseline-photos, ended, open",
        ),
        (("ended", "open", "ended"), "study 'ended' is named twice; name each study once"),
        (
            ("ended", "--output", "x"),
            "output 'x' is only for comparisons: name two or more studies, or leave it out, got "
            "one study, 'ended'",
        ),
        (("ended", "open", "--output", "a"), "output must be a folder, got the file 'a'"),
    ],
)
def test_mistakes_are_one_line(
    command: Command, root: Path, arguments: tuple[str, ...], message: str
) -> None:
    """Nothing is written or printed."""
    (root / "a").write_text("mine")
    result = command("report", *arguments, cwd=root)
    assert (result.error(), result.out) == (message, "")
    assert not (root / "x").exists()
    assert (root / "a").read_text() == "mine"
