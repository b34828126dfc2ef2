"""Settings in messages: named as in Python, and by the command line as its options."""

import inspect

import pytest
import typer

from search.cli.app import build_app
from search.command_lines import RUN_ARGUMENTS, option_names, with_options
from search.recipe import Recipe
from search.study.running import CLUSTER_SETTINGS, run

# Options of `run` that Python has in another form, and which.
_OTHERWISE = {
    "recipe": "the arguments of the call are the recipe",
    "dataset": "data",
    "quiet": "progress",
    "as_json": "callbacks",
    "nested": "Study.nested",
    "tracker": "callbacks",
}


def run_options() -> dict[str, tuple[str, ...]]:
    group = typer.main.get_command(build_app())
    command = group.commands["run"]  # type: ignore[attr-defined]
    return {one.name: (*one.opts, *one.secondary_opts) for one in command.params}


@pytest.mark.parametrize("setting", [*Recipe.model_fields, *RUN_ARGUMENTS])
def test_settings_become_options(setting: str) -> None:
    """Each becomes one that the command `run` has."""
    told = with_options(f"give another `{setting}`, or none")
    option = told.removeprefix("give another ").removesuffix(", or none")
    assert option in run_options()[setting]


@pytest.mark.parametrize(
    "message", ["`torch.nn`", "`__init__`", "`no_setting`", "study_name", "``"]
)
def test_other_words_stay(message: str) -> None:
    assert with_options(message) == message


def test_python_has_every_option_of_run() -> None:
    """What the command line can say of a run, a call can, under the same name."""
    signature = inspect.signature(run).parameters
    settings = {*Recipe.model_fields, *CLUSTER_SETTINGS}  # other keyword arguments
    missing = [
        name
        for name in run_options()
        if name not in signature and name not in settings and name not in _OTHERWISE
    ]
    assert missing == []
    assert {"executor", "cluster", "accept_changes", "retry_failed"} <= {*signature}
    assert {*_OTHERWISE} <= {*run_options()}
    assert {*RUN_ARGUMENTS} == {*run_options()} - {*Recipe.model_fields} - {*_OTHERWISE}


def test_boolean_settings_have_two_options() -> None:
    assert option_names("with_baseline") == ("--with-baseline", "--no-baseline")
