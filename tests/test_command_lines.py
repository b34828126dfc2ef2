"""Settings in messages: named as in Python, and by the command line as its options."""

import inspect
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from search.cli.app import build_app
from search.command_lines import RUN_ARGUMENTS, option_names, run_command, with_options
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

# Of each setting other values than its default, as a recipe has them, and what they need besides.
OTHER_VALUES: dict[str, tuple[object, ...]] = {
    "space": ("cnn", "my spaces.py:SPACE"),
    "set": (("dropout=0.1..0.5",), ("adamw_lr=1e-4..1e-2", "batch_size=32,64", "depth=2")),
    "sampler": ("tpe", "draw.py:make"),
    "batch": (7,),
    "pruner": ("none", "asha"),
    "trials": (12,),
    "epochs": (3,),
    "timeout": (7200.0,),
    "budget": (900.0, 0.5, 1e9, 1e-7),
    "trial_timeout": (600.0, 90.25),
    "validation": ("kfold", "given"),
    "holdout_fraction": (0.25, 1e-5),
    "folds": (4,),
    "racing": (True,),
    "finalists": (3,),
    "repeats": (2,),
    "ensemble": (5,),
    "metric": ("macro-f1", "mine.py:cost"),
    "objective": ("accuracy,parameters", "loss,latency"),
    "choose": ("best accuracy under 200k",),
    "refit": ("horizon",),
    "refit_epochs": (9,),
    "seed": (5,),
    "start": ("none",),
    "start_from": ("other study",),
    "with_baseline": (False,),
    "prior": ("off",),
    "max_parameters": (100_000,),
    "max_multiply_adds": (10**15,),
    "dataset": ("digits", "my photos/it's"),
    "data_dir": (Path("/data sets"),),
    "image_size": (32,),
    "resize": ("pad",),
    "test_fraction": (0.15,),
    "skip_broken": (True,),
    "image_column": ("file name",),
    "label_column": ("-class",),
    "split_column": ("part",),
    "groups": (r"ward \d/(\d+)", "--patient"),
    "duplicates": ("independent",),
    "drop_duplicates": (True,),
    "study_name": ("mine",),
    "storage": ("sqlite:///a b.db",),
    "runs_dir": (Path("my runs"),),
    "checkpoint_every": (0,),
    "workers": (3,),
    "threads": (2,),
    "device": ("cpu",),
    "precision": ("bf16",),
}
NEEDED: dict[str, dict[str, object]] = {
    "racing": {"validation": "kfold"},
    "choose": {"objective": "accuracy,parameters"},
}
NOT_PRINTED = {"trials", "timeout", "batch", "device", "precision"}


def parsed(line: str) -> Recipe:
    """Return the recipe of a command line."""
    *program, command = shlex.split(line)[:4]
    assert (program, command) == (["python", "-m", "search"], "run")
    group = typer.main.get_command(build_app())
    run_it = group.commands["run"]  # type: ignore[attr-defined]
    given = run_it.make_context("run", shlex.split(line)[4:]).params
    flags = {name: given[name] for name in Recipe.model_fields if given[name] not in (None, [], ())}
    return Recipe.from_sources(None, flags)


@pytest.mark.parametrize("setting", Recipe.model_fields)
def test_a_printed_command_is_read_as_the_recipe_that_it_was_made_of(setting: str) -> None:
    """But for what a study remembers, and trials, which are given apart."""
    for value in OTHER_VALUES[setting]:
        settings: dict[str, Any] = {"space": "mlp", setting: value, **NEEDED.get(setting, {})}
        recipe = Recipe(**settings)
        assert getattr(recipe, setting) == value
        assert value != Recipe.model_fields[setting].default
        defaults = {name: Recipe.model_fields[name].default for name in NOT_PRINTED}
        expected = recipe.model_copy(update=defaults)
        assert parsed(run_command(recipe, None)) == expected
        with_trials = expected.model_copy(update={"trials": 8})
        assert parsed(run_command(recipe, 8)) == with_trials


def test_durations_have_a_unit_and_ranges_an_option_each() -> None:
    recipe = Recipe(space="mlp", budget=900.0, set=("a=1..2", "b=3"))
    line = run_command(recipe, None)
    assert line.endswith("--space mlp --set a=1..2 --set b=3 --epochs 40 --budget 900s")


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
