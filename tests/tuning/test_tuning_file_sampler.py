"""A user's own sampler: `FILE.py:FUNCTION`."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search.errors import UserError
from search.executors import InlineExecutor
from search.pipeline import run_study
from search.recipe import Recipe
from search.tuning.batches import BatchSampler
from search.tuning.preparing import prepare
from search.tuning.samplers import get_sampler
from spaces import load_space

Maker = Callable[..., Recipe]

GOOD = """
import optuna

def make(seed):
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=3)
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    """Return what writes the file and returns the setting."""

    def written(code: str) -> str:
        path = tmp_path / "mine.py"
        path.write_text(code, encoding="utf-8")
        return f"{path}:make"

    return written


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = 1", "has no 'make'"),
        ("make = 3", "must be a function make(seed), got int"),
        ("def make(seed):\n    return seed", "must return a sampler of Optuna, got int"),
        ("def make():\n    return 1", "TypeError: make() takes 0 positional arguments"),
        (
            "def make(seed):\n    return 1 / 0",
            "ZeroDivisionError: division by zero (line 2: return",
        ),
        ("import nothing_like_that", "ModuleNotFoundError"),
        ("def make(", "SyntaxError"),
    ],
)
def test_mistakes_are_one_line(code: str, message: str, write: Callable[[str], str]) -> None:
    """They name the setting and, for code, the line."""
    setting = write(code)
    with pytest.raises(UserError) as caught:
        get_sampler(setting).optuna_sampler(0)
    assert message in str(caught.value)
    assert f"sampler {setting!r}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused_before_anything_is_written(
    make_recipe: Maker, listener: Any, tmp_path: Path
) -> None:
    """A study whose file is gone can still be read: only a search needs it."""
    recipe = make_recipe(sampler="nowhere.py:make")
    with pytest.raises(UserError, match=r"file 'nowhere.py' does not exist"):
        prepare(recipe, InlineExecutor(), listener)
    assert not (tmp_path / "runs").exists()
    assert get_sampler("nowhere.py:make").words == "search with sampler nowhere"


@pytest.mark.slow
def test_any_sampler_of_optuna_searches(
    make_recipe: Maker, listener: Any, tmp_path: Path, write: Callable[[str], str]
) -> None:
    """Its code is stored, and a change of it is refused until it is accepted."""
    recipe = make_recipe(sampler=write(GOOD), trials=6, epochs=2)
    record = run_study(recipe, listener, executor="inline").record
    assert record.sampler_code is not None
    assert (record.recipe.batch, len(record.complete())) == (4, 6)
    write(GOOD.replace("import optuna", "import optuna  # the best"))
    more = recipe.model_copy(update={"trials": 7})
    assert len(run_study(more, listener, executor="inline").record.trials) == 7
    write(GOOD.replace("=3", "=4"))
    with pytest.raises(UserError, match=r"sampler: .*n_startup_trials=3.*n_startup_trials=4"):
        run_study(more, listener, executor="inline")
    run_study(more, listener, executor="inline", accept_changes=True)


OUT_OF_RANGE = """
import optuna

class Far(optuna.samplers.RandomSampler):
    def sample_independent(self, study, trial, name, distribution):
        if isinstance(distribution, optuna.distributions.FloatDistribution):
            return 1e9
        return super().sample_independent(study, trial, name, distribution)

def make(seed):
    return Far(seed=seed)
"""


@pytest.mark.slow
def test_a_sampler_that_leaves_a_range_is_told(
    make_recipe: Maker, listener: Any, write: Callable[[str], str]
) -> None:
    """With the setting, the parameter, the value and the range."""
    setting = write(OUT_OF_RANGE)
    recipe = make_recipe(sampler=setting, trials=6, epochs=1)
    with pytest.raises(UserError) as caught:
        run_study(recipe, listener, executor="inline")
    message = str(caught.value)
    assert f"sampler {setting!r} chose 1000000000.0 for parameter 'adam_lr' at trial 1" in message
    assert "must be 0.0001 to 0.1" in message


FAILING = """
import optuna

class Failing(optuna.samplers.RandomSampler):
    def {method}(self, study, trial, *rest):
        {last}

    def infer_relative_search_space(self, study, trial):
        return {{"shade": optuna.distributions.CategoricalDistribution(("light", "dark"))}}

def make(seed):
    return Failing(seed=seed)
"""


def _shaded(trial: Any) -> Any:
    trial.suggest_categorical("shade", ("light", "dark"))
    raise ValueError("every point is rejected")


def _forgiving(trial: Any) -> None:
    """Go on without a value, where the sampler chooses none."""
    with suppress(ValueError):
        trial.suggest_categorical("shade", ("light", "dark"))


@pytest.mark.parametrize("suggest", [_shaded, _forgiving])
@pytest.mark.parametrize(
    ("method", "last", "told"),
    [
        ("before_trial", "raise ValueError('no')", "failed at trial 3 of the plan: ValueError: no"),
        ("sample_relative", "raise ValueError('no')", "failed at trial 3 of the plan: ValueError"),
        ("sample_relative", "return {'shade': 'red'}", "failed at trial 3 of the plan: ValueError"),
        ("sample_relative", "return {'hue': 1}", "failed at trial 3 of the plan: KeyError: 'hue'"),
        ("sample_independent", "raise ValueError('no')", "failed at trial 3 of the plan"),
        ("sample_independent", "return 'red'", "chose 'red' for parameter 'shade' at trial 3"),
    ],
)
def test_a_sampler_that_fails_is_not_asked_again(
    method: str,
    last: str,
    told: str,
    suggest: Callable[[Any], Any],
    make_recipe: Maker,
    write: Callable[[str], str],
) -> None:
    """A ValueError of its own is none by which the space rejects a point, nor can that hide it."""
    setting = write(FAILING.format(method=method, last=last))
    space = replace(load_space("mlp"), suggest=suggest)
    batches = BatchSampler(make_recipe(sampler=setting, batch=1), space, 0, range(3))
    with pytest.raises(UserError) as caught:
        batches.choose(3, {})
    assert str(caught.value).startswith(f"sampler {setting!r} {told}")


def test_a_point_that_the_space_rejects_is_the_samplers_to_replace(
    make_recipe: Maker, write: Callable[[str], str]
) -> None:
    """It did nothing wrong."""
    space = replace(load_space("mlp"), suggest=_shaded)
    batches = BatchSampler(make_recipe(sampler=write(GOOD), batch=1), space, 0)
    assert batches.choose(0, {})[1] == "every point is rejected"
