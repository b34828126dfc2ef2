"""The command line itself: help, start-up, and what it covers."""

import re
import subprocess
import sys
from inspect import signature
from pathlib import Path

import pytest

from search.cli.cluster_options import CLUSTER
from search.cli.training import run
from search.recipe import Recipe
from search.text import listed
from search.tuning.pruners import PRUNERS
from search.tuning.samplers import SAMPLERS
from spaces import BUILT_IN
from tests.conftest import Command
from tests.spaces.user_files import write_space

_HEAVY = ("torch", "optuna", "matplotlib", "numpy", "sklearn", "plotly", "PIL")
_COMMANDS = (
    "run", "baseline", "spaces", "list", "show", "report", "dashboard", "predict", "analyze",
    "replay", "delete", "ablate", "export",
)  # fmt: skip


@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_no_arguments_and_help_list_the_commands(
    command: Command, arguments: tuple[str, ...]
) -> None:
    """Whoever knows nothing sees what there is; no error is reported."""
    result = command(*arguments)
    assert (result.status, result.err) == (0, "")
    assert all(f" {name} " in result.out for name in _COMMANDS)


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_explains_itself(command: Command, name: str) -> None:
    """Each command has help of its own."""
    result = command(name, "--help")
    assert (result.status, result.err) == (0, "")
    assert "Usage:" in result.out


def test_the_help_of_run_shows_every_default(command: Command) -> None:
    """Square brackets reach the screen instead of being taken for markup."""
    out = re.sub(r"[│\s]+", " ", command("run", "--help").out)
    for default in ("random", "holdout", "accuracy", "auto", "data", "runs", "yes"):
        assert f"[{default}]" in out
    many = "sync-halving for random from 27 trials on"
    few = "none for grid and baseline; otherwise none, or halving if epochs are given"
    assert f"[auto: {many}; {few}]" in out
    trials = "20; 54 for random with pruner sync-halving; all points for grid; 1 for baseline"
    assert f"[{trials}]" in out
    epochs = "27 if trials are compared early, else 15, or as the budget allows"
    assert f"[{epochs}; 40 for grid and baseline]" in out


def test_every_setting_of_a_recipe_has_a_flag() -> None:
    """What a file can say, flags can say; and no flag is unknown to recipes."""
    others = {"recipe", "accept_changes", "retry_failed", "nested", "tracker", "quiet"}
    others |= {"as_json"}
    others |= set(CLUSTER)
    assert set(signature(run).parameters) - others == set(Recipe.model_fields)
    assert all(field.description for field in Recipe.model_fields.values())


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help")])
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    """In a fresh process help comes without torch, optuna or matplotlib."""
    code = "import sys; from search.cli.app import main\ntry: main()\nexcept SystemExit: pass\n"
    code += f"sys.exit(' '.join(set({_HEAVY}) & set(sys.modules)) or 0)"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, check=False, env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_the_module_runs_as_a_program() -> None:
    """`python -m search` with a mistake exits with 2 and one line."""
    done = subprocess.run(
        [sys.executable, "-m", "search", "bogus"],
        capture_output=True, text=True, check=False, env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: No such command 'bogus'.\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["../out", "..", "", "a/b", "x" * 65, "a b", "studies.db"])
def test_names_that_lead_out_of_the_runs_folder_are_refused(command: Command, name: str) -> None:
    """Whatever a database calls its studies, nothing outside runs_dir is written or deleted."""
    for arguments in (
        ("show", name),
        ("report", name),
        ("replay", name),
        ("delete", name, "--yes"),
        ("export", name, "--python"),
    ):
        error = command(*arguments).error()
        assert error.startswith("study: must ")
        assert error.endswith(f", got {name!r}")


@pytest.mark.slow
def test_spaces_lists_parameters_conditions_and_grids(command: Command) -> None:
    """Built-in spaces with ranges, conditions, prior, grid size, baseline and portfolio."""
    out = command("spaces").out
    for words in ("space mlp", "space cnn", "(log)", "points", "baseline: Three conv", "only if"):
        assert words in out
    for words in ("portfolio 1: Three conv", "(factor 2.2)"):
        assert words in " ".join(out.split())
    assert "space mlp" not in command("spaces", "cnn").out


@pytest.mark.slow
def test_a_broken_space_of_a_file_does_not_hide_the_others(
    command: Command, tmp_path: Path
) -> None:
    """They are listed first; then what is wrong with it, and the status of a mistake."""
    file, name = write_space(tmp_path, "return make()").rsplit(":", 1)
    with Path(file).open("a", encoding="utf-8") as code:
        code.write(f"\nWRONG = Space('wrong', lambda trial: 3)\nLAST = {name}\n")
    shown = command("spaces", file)
    assert [f"{file}:{one}" in "".join(shown.out.split()) for one in (name, "LAST")] == [True] * 2
    assert "must return a Candidate" in shown.error()


@pytest.mark.slow
def test_a_huge_grid_is_counted_no_further_than_needed(command: Command, tmp_path: Path) -> None:
    """A grid of billions of points takes no longer than one of thousands."""
    suggest = "for i in range(20):\n    trial.suggest_int(f'x{i}', 0, 9)\nreturn make()"
    out = command("spaces", write_space(tmp_path, suggest)).out
    assert "grid: more than 10,000 points" in out
    suggest = "if trial.suggest_int('x', 1, 3) == 2:\n    raise ValueError('even')\nreturn make()"
    out = command("spaces", write_space(tmp_path, suggest)).out
    assert "grid: 2 points; the space rejects 1 other" in " ".join(out.split())


def _run_python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True, text=True, check=False, cwd=folder,
        env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ["spaces", "cifar_models"])
def test_a_users_file_may_be_called_like_a_package_of_ours(tmp_path: Path, name: str) -> None:
    """It is given by its path, and Python would import it where ours is meant."""
    setting = write_space(tmp_path, "return make(trial.suggest_int('width', 4, 8))")
    Path(setting.rpartition(":")[0]).rename(tmp_path / f"{name}.py")
    done = _run_python(tmp_path, "-m", "search", "spaces", f"{name}.py:SPACE")
    assert (done.returncode, done.stderr) == (0, "")
    assert "width" in done.stdout


@pytest.mark.slow
def test_a_file_that_is_run_instead_of_the_program_is_named(tmp_path: Path) -> None:
    """A user's search.py hides ours; Python's -P finds it."""
    setting = write_space(tmp_path, "return make(trial.suggest_int('width', 4, 8))")
    file = Path(setting.rpartition(":")[0]).rename(tmp_path / "search.py")
    done = _run_python(tmp_path, "-m", "search", "spaces", "search.py:SPACE")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert str(file) in line
    done = _run_python(tmp_path, "-P", "-m", "search", "spaces", "search.py:SPACE")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("option", ["--timeout", "--trial-timeout"])
@pytest.mark.parametrize("number", ["15", "1.5", " 15 "])
def test_a_duration_needs_a_unit(
    option: str, number: str, command: Command, tmp_path: Path
) -> None:
    """Fifteen seconds are not taken for whoever meant minutes."""
    error = command("run", "--space", "mlp", option, number, cwd=tmp_path).error()
    name, said = option.strip("-").replace("-", "_"), number.strip()
    assert error.startswith(f"{name}: must have a unit: {said}s, {said}m (minutes)")


def test_the_help_names_every_choice(command: Command) -> None:
    """Every sampler and pruner that is registered is a choice, the default too."""
    shown = re.sub(r"[│\s]+", " ", command("run", "--help").out)
    samplers = [*(one.name for one in SAMPLERS), "FILE.py:FUNCTION"]
    for choices in (("auto", *(one.name for one in PRUNERS)), samplers):
        assert f": {listed(choices, 'or')} [" in shown


def test_the_help_names_every_built_in_space(command: Command) -> None:
    """Where a space is asked for, those that are registered are listed."""
    for arguments in (("run", "--help"), ("baseline", "--help"), ("spaces", "--help")):
        shown = re.sub(r"[│\s]+", " ", command(*arguments).out)
        assert f"{', '.join(BUILT_IN)} or FILE.py:NAME" in shown
