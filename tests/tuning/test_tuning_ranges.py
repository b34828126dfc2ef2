"""`--set`: a recipe's ranges are part of its study."""

from collections.abc import Callable
from typing import Any

import pytest

from search.errors import UserError
from search.executors import InlineExecutor
from search.pipeline import run_study
from search.recipe import Recipe
from search.tuning.preparing import prepare
from tests.conftest import Command

Maker = Callable[..., Recipe]


def test_points_are_drawn_within_the_ranges(make_recipe: Maker, listener: Any) -> None:
    """And the plan starts with what is within; what is not is told."""
    recipe = make_recipe(set=["sgd_lr=0.3..3", "optimizer=sgd"], trials=20)
    plan = prepare(recipe, InlineExecutor(), listener)
    assert len(plan.points) == 20
    assert {point["optimizer"] for point in plan.points} == {"sgd"}
    rates = [float(str(point["sgd_lr"])) for point in plan.points]
    assert 0.3 <= min(rates) < 1.0 < max(rates) <= 3.0
    assert not plan.recipe.with_baseline
    assert any(
        "the baseline, whose optimizer is adam, is left out" in one for one in listener.notices()
    )


@pytest.mark.slow
def test_a_study_keeps_its_ranges(make_recipe: Maker, listener: Any) -> None:
    """They are stored; the same ones in another order resume it, others do not."""
    settings = {"trials": 2, "epochs": 1}
    first = make_recipe(set=["width=2,4", "sgd_lr=0.1..0.2"], **settings)
    record = run_study(first, listener, executor="inline").record
    assert record.recipe.set == ("sgd_lr=0.1..0.2", "width=2,4")
    assert Recipe.model_validate(record.recipe.model_dump(mode="json")) == record.recipe
    same = make_recipe(set=["sgd_lr=0.1..0.2", "width=2,4"], **settings)
    assert run_study(same, listener, executor="inline").record.trials == record.trials
    for other in (None, ["width=2,4"]):
        with pytest.raises(UserError, match=r"set .*sgd_lr=0.1..0.2.* is now "):
            run_study(make_recipe(set=other, **settings), listener, executor="inline")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["sgd_rl=1..2"], "has no parameter 'sgd_rl': did you mean sgd_lr?"),
        (["sgd_lr=a"], "accepted: LOW..HIGH, or one number"),
        (["width=3.5"], "accepted: different choices of the same kind"),
    ],
)
def test_mistakes_are_one_line(
    make_recipe: Maker, listener: Any, given: list[str], expected: str
) -> None:
    """Before anything is prepared."""
    with pytest.raises(UserError) as caught:
        prepare(make_recipe(set=given), InlineExecutor(), listener)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_option_is_repeated_and_the_spaces_command_shows_it(command: Command) -> None:
    """Each --set is one parameter's; without a space there is nothing to change."""
    shown = command("spaces", "cnn", "--set", "sgd_lr=1e-4..1", "--set", "batch_size=32,1024")
    assert shown.status == 0
    assert "0.0001 to 1 (log)" in shown.out
    assert "one of 32, 1024" in shown.out
    assert "space and" not in shown.err
    assert "set: " in command("spaces", "--set", "sgd_lr=1e-4..1").error()
    assert "several" in command("spaces", "cnn", "--set", "a=1", "--set", "a=2").error()
