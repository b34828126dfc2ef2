"""What a command that failed says, by whether anything was begun."""

import errno
from pathlib import Path

import pytest
import typer

from search.cli.terminal import run_to_end
from search.command_lines import run_command
from search.errors import UserError
from search.paths import RunPaths
from search.recipe import Recipe
from search.tuning.locks import study_lock
from search.views.running import best_table
from spaces.cnn import CNN_SPACE
from tests.conftest import Command
from tests.report.report_fakes import complete_trial, study_record
from tests.views.showing_fakes import store

_NAME = "cnn-random-photos"


def ending(failure: BaseException, *arguments: str) -> str:
    """Return the line with which a program ends that fails so."""

    def fail(words: list[str]) -> None:
        raise failure

    app = typer.Typer()
    app.command()(fail)
    return run_to_end(app, list(arguments))[1] or ""


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_what_fails_in_the_middle_can_go_on(code: int) -> None:
    """A full or broken disk is met by what runs, and what it stored is kept."""
    assert "everything stored so far is kept: run the same command" in ending(
        OSError(code, "no"), "x"
    )


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOTDIR, errno.EACCES, errno.ENOENT])
def test_what_fails_at_once_is_not_advised_to_go_on(code: int) -> None:
    """The same command would fail again."""
    assert ending(OSError(code, "no", "f"), "x") == str(OSError(code, "no", "f"))


def test_a_password_that_is_left_out_is_asked_for() -> None:
    """The command that goes on needs it again; one that had none says nothing."""
    line = ending(KeyboardInterrupt(), "postgresql://me:secret@host/x")
    assert "postgresql://me@host/x (with the database password in the URL or in PGPASSWORD)" in line
    assert "secret" not in line
    assert "password" not in ending(KeyboardInterrupt(), "postgresql://me@host/x")


@pytest.mark.parametrize("url", ["postgresql://me:secret@host/x", "postgresql:/me:secret@host/x"])
def test_a_password_in_a_wrong_place_is_not_repeated(url: str) -> None:
    """As in `run -- --storage=URL`, which takes the option for a recipe's path."""
    shown = url.replace(":secret", "")
    assert (
        ending(UserError(f"recipe {url} does not exist"), "x") == f"recipe {shown} does not exist"
    )


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Return a runs folder with a study."""
    store(study_record([complete_trial(0, [0.5], candidate=CNN_SPACE.baseline())]), tmp_path / "r")
    return tmp_path / "r"


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("report",), ("delete", "--yes")])
def test_a_read_only_folder_is_named(
    arguments: tuple[str, ...], runs: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever would write there hears so, before anything is begun; reading goes on."""
    within = (runs, runs / _NAME, runs / "studies.db")
    monkeypatch.setattr("os.access", lambda path, _: Path(path) not in within)
    name, *flags = arguments
    result = command(name, _NAME, *flags, "--runs-dir", runs)
    assert result.status == 1
    assert f"runs_dir: '{runs / _NAME}' is read-only for you, and nothing was changed" in result.err
    assert command("show", _NAME, "--runs-dir", runs).out.startswith("status: ")


def test_a_running_study_is_not_deleted(runs: Path, command: Command) -> None:
    """The way out is to wait or to end it, not another name."""
    with study_lock(RunPaths(runs, _NAME)):
        error = command("delete", _NAME, "--yes", "--runs-dir", runs).error()
    assert error.endswith("; wait for it or stop it before deleting the study")
    assert "--study-name" not in error


@pytest.mark.parametrize("option", ["--runs-dir", "--data-dir"])
def test_an_empty_folder_is_a_mistake(option: str, command: Command, tmp_path: Path) -> None:
    """It is not the present folder."""
    error = command("run", "--space", "mlp", option, "", cwd=tmp_path).error()
    assert "must name a folder, such as . for this one, got ''" in error
    assert list(tmp_path.iterdir()) == []


def test_the_command_that_goes_on_keeps_the_limit_of_a_trial() -> None:
    """Without it those that timed out would be tried again; a whole grid needs no number."""
    recipe = Recipe(
        space="mlp", trial_timeout=90.0, sampler="grid", study_name="s", workers=3, pruner="none"
    )
    line = run_command(recipe, None)
    assert line.startswith(
        "python -m search run --space mlp --sampler grid --pruner none --epochs 40 "
    )
    assert "--workers 3" in line
    assert "--trial-timeout 90s" in line
    assert "--trials" not in line
    assert Recipe(space="mlp", trial_timeout="90s").trial_timeout == 90  # type: ignore[arg-type]


def test_the_best_are_five_candidates() -> None:
    """A trial that has the result of its equal is not listed beside it."""
    candidate = CNN_SPACE.baseline()
    first = complete_trial(0, [0.5], candidate=candidate)
    equals = [complete_trial(i, [0.5], candidate=candidate, same_as=0) for i in (1, 2)]
    worse = complete_trial(3, [0.4], candidate=candidate)
    table = best_table(study_record([first, *equals, worse]))
    assert list(table.columns[0].cells) == ["0", "3"]
