"""A user's space is tried out once, and guarded from then on."""

import io
import math
import sys
import warnings
from contextlib import redirect_stdout
from enum import IntEnum, StrEnum
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
    json_to_distribution,
)

from spaces import Space, load_space
from spaces.parameters import ParamValue
from spaces.storable import StorableTrial, storable
from spaces.user_object import UserCodeError
from spaces.user_output import FirstPrints
from tests.spaces.user_files import write_space

NARROWING = """\
first = trial.suggest_int("first", 16, 64)
second = trial.suggest_int("second", 16, 64)
if second > first:
    raise {}
return make(width=first + second)
"""


class Size(IntEnum):
    SMALL = 4
    LARGE = 8


class Shape(StrEnum):
    FLAT = "flat"


def refused(setting: str) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        load_space(setting)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Choices


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (None, None),
        (True, True),
        (3, 3),
        ("a", "a"),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (Size.SMALL, 4),
        (Shape.FLAT, "flat"),
        ((32, 64), "(32, 64)"),
        ([np.int64(3), (None, "x")], "[3, (None, 'x')]"),
        ((), "()"),
    ],
)
def test_choices_are_stored_as_plain_values(value: object, stored: ParamValue) -> None:
    """As exactly Python's types, which JSON keeps."""
    assert storable(value) == stored
    assert type(storable(value)) is type(stored)


@pytest.mark.parametrize(
    "value", [object(), {"a": 1}, {1}, np.zeros(2), np.datetime64("2020-01-01"), 1j, (1, object())]
)
def test_other_choices_are_refused_with_their_type(value: object) -> None:
    """Nothing is stored as the text of an object."""
    with pytest.raises(TypeError, match="of type"):
        storable(value)


@given(
    st.lists(
        st.none() | st.booleans() | st.integers() | st.text() | st.tuples(st.integers(), st.text()),
        min_size=1,
        unique_by=lambda value: (type(value), value),
    )
)
def test_a_space_gets_what_it_gave_for_what_is_stored(choices: list[Any]) -> None:
    """Each stored choice leads back to the one that was meant, in any trial and through JSON."""
    stored = [storable(choice) for choice in choices]
    for choice, value in zip(choices, stored, strict=True):
        trial = optuna.trial.FixedTrial({"x": value})
        chosen = StorableTrial(trial).suggest_categorical("x", choices)
        assert chosen == choice
        (distribution,) = trial.distributions.values()
        again = json_to_distribution(distribution_to_json(distribution))
        assert isinstance(again, CategoricalDistribution)
        assert again.choices == tuple(stored)


def test_tuples_and_numpy_numbers_make_a_space(tmp_path: Path) -> None:
    """In choices, bounds, the baseline, the portfolio and grid levels."""
    suggest = (
        'sizes = trial.suggest_categorical("sizes", [(4, 8), (8, 8)])\n'
        'rate = trial.suggest_float("rate", np.float32(0.25), np.float64(0.5))\n'
        'more = trial.suggest_int("more", np.int64(1), np.int64(3))\n'
        'batch = trial.suggest_categorical("batch", np.array([16, 32]))\n'
        "assert type(batch) is int and type(sizes) is tuple\n"
        "return make(width=sum(sizes) + more, rate=rate)"
    )
    points = (
        'baseline_params={"sizes": (8, 8), "rate": 0.5, "more": np.int64(2), "batch": 16}, '
        'grid_levels={"sizes": [(4, 8)], "rate": [0.5], "more": [1]}'
    )
    space = load_space(write_space(tmp_path, suggest, "import numpy as np", points))
    baseline = space.baseline()
    assert baseline is not None
    assert getattr(baseline.model, "hidden_widths", ()) == (18,)
    assert list(space.grid()) == [
        {"sizes": "(4, 8)", "rate": 0.5, "more": 1, "batch": batch} for batch in (16, 32)
    ]
    for distribution in space.distributions(next(space.grid())).values():
        assert json_to_distribution(distribution_to_json(distribution)) == distribution


def test_a_choice_that_cannot_be_stored_is_named(tmp_path: Path) -> None:
    """With the parameter and what is accepted; even where only some points ask for it."""
    suggest = (
        'if trial.suggest_categorical("odd", [True, False]):\n'
        '    trial.suggest_categorical("layer", [make, None])\nreturn make()'
    )
    message = refused(write_space(tmp_path, suggest))
    assert "parameter 'layer' has a choice that cannot be stored" in message
    assert "of type function" in message
    assert "tuples" in message


# Repeatability


@pytest.mark.parametrize(
    "suggest",
    [
        "trial.suggest_int('x', 1, 9)\nreturn make(width=random.randint(1, 1000))",
        "if random.random() < 0.5:\n    raise ValueError('bad luck')\nreturn make()",
        "return make(width=next(count))",
    ],
)
def test_a_space_with_dice_is_refused(tmp_path: Path, suggest: str) -> None:
    """A point must stand for one candidate: a study is repeated from its points."""
    head = "import itertools\nimport random\ncount = itertools.count(1)"
    message = refused(write_space(tmp_path, suggest, head))
    assert "suggest of space 'mine' makes of the same values" in message
    assert "must depend on nothing but the trial" in message


# Rejection


@pytest.mark.parametrize(
    "raised", ["ValueError('narrowing')", "optuna.TrialPruned('narrowing')", "optuna.TrialPruned()"]
)
def test_a_space_may_reject_points(tmp_path: Path, raised: str) -> None:
    """It loads, its parameters are known, and its grid is without them."""
    space = load_space(write_space(tmp_path, NARROWING.format(raised)))
    assert [one.name for one in space.parameters()] == ["first", "second"]
    grid = list(space.grid())
    assert {(one["first"], one["second"]) for one in grid} == {
        (first, second) for first in (16, 40, 64) for second in (16, 40, 64) if second <= first
    }
    reasons = [one.rejected for one in space.visit_grid() if one.rejected is not None]
    assert len(reasons) == 3
    assert all("(line " in reason for reason in reasons)
    with pytest.raises(ValueError, match="line "):
        space.candidate({"first": 16, "second": 17})


def test_points_between_the_ends_may_be_all_there_are(tmp_path: Path) -> None:
    """Where no low, middle or high value is accepted, others are tried."""
    suggest = 'x = trial.suggest_int("x", 0, 99)\nif x in (0, 49, 50, 99):\n    raise ValueError\n'
    space = load_space(write_space(tmp_path, f"{suggest}return make(width=x)"))
    assert [one.name for one in space.parameters()] == ["x"]
    assert list(space.grid()) == []


def test_a_space_that_rejects_all_is_refused(tmp_path: Path) -> None:
    """With its reason and the line."""
    setting = write_space(tmp_path, "x = trial.suggest_int('x', 1, 2)\nraise ValueError('never')")
    assert refused(setting) == f"space {setting!r}: every point is rejected: never (line 11)"


def test_only_errors_of_the_code_itself_have_a_type(tmp_path: Path) -> None:
    """What this program refuses is told in words."""
    setting = write_space(tmp_path, "return 3")
    assert refused(setting) == (
        f"space {setting!r}: suggest of space 'mine' must return a Candidate, got int"
    )
    assert ": NameError: " in refused(write_space(tmp_path, "return nothing"))


def test_a_space_that_must_be_awaited_is_refused(tmp_path: Path) -> None:
    """It is not called, so that Python warns of nothing."""
    setting = write_space(tmp_path, "return make()")
    file = Path(setting.rpartition(":")[0])
    file.write_text(file.read_text().replace("def suggest", "async def suggest"))
    assert "suggest is `async def`; accepted: a plain function" in refused(setting)


def test_a_rejected_baseline_is_refused(tmp_path: Path) -> None:
    """It is what every search starts with."""
    setting = write_space(
        tmp_path,
        NARROWING.format("ValueError('narrowing')"),
        space="baseline_params={'first': 16, 'second': 20}",
    )
    assert "baseline_params: narrowing (line " in refused(setting)


def test_a_misused_parameter_is_no_rejection(tmp_path: Path) -> None:
    """One range upside down in one branch, or one name for two things, is a mistake."""
    for odd, expected in (
        ("trial.suggest_float('y', 2.0, 1.0)", "'y'"),
        ("trial.suggest_int('x', 1, 5)", "'x' is suggested twice"),
        ("trial.suggest_categorical('z', [])", "'z'"),
    ):
        suggest = f"if trial.suggest_int('x', 1, 2) == 2:\n    {odd}\nreturn make()"
        assert expected in refused(write_space(tmp_path, suggest))


def test_the_number_of_a_trial_is_not_to_be_used(tmp_path: Path) -> None:
    """A candidate depends on what is suggested."""
    told = refused(write_space(tmp_path, "return make(width=trial.number + 1)"))
    assert "must not use trial.number" in told


def test_a_setting_that_there_is_not_is_told(tmp_path: Path) -> None:
    told = refused(
        write_space(
            tmp_path,
            "return make().__class__(model=make().model, optimizer=make().optimizer, optimzer=3)",
        )
    )
    assert "Candidate.optimzer: there is no such setting" in told


def test_a_bug_that_shows_late_is_one_line(tmp_path: Path) -> None:
    """Other errors than rejections are the user's to mend, not a point to leave out."""
    suggest = "x = trial.suggest_float('x', 0.0, 1.0)\nreturn make() if x != 0.3 else 1 / 0"
    space = load_space(write_space(tmp_path, suggest))
    with pytest.raises(UserCodeError, match=r"division by zero \(line 11: return make\(\) if"):
        space.candidate({"x": 0.3})


def test_prints_go_to_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """While the file is run, and whenever the space is asked."""
    setting = write_space(tmp_path, "print('asked')\nreturn make()", "print('run')")
    load_space(setting).candidate({})
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "run" in printed.err
    assert "asked" in printed.err


def test_a_line_that_a_space_prints_is_shown_once_and_few_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is asked hundreds of times before a search; an error does not lose what it printed."""
    setting = write_space(
        tmp_path, "x = trial.suggest_int('x', 1, 30)\nprint('asked')\nprint(x)\nreturn make()"
    )
    load_space(setting)
    lines = capsys.readouterr().err.splitlines()
    assert lines.count("asked") == 1
    assert len(lines) == len(set(lines)) == 21
    assert lines[-1] == "(further prints of suggest are not shown)"
    refused(write_space(tmp_path, "print('before')\nreturn 1 / 0"))
    assert "before" in capsys.readouterr().err.splitlines()


def test_what_other_threads_print_is_not_taken() -> None:
    """A display refreshes in a thread of its own, while a space is asked."""
    screen = io.StringIO()
    with redirect_stdout(screen), FirstPrints("suggest").shown():
        thread = Thread(target=print, args=["of the display"])
        thread.start()
        thread.join()
        print("of the space")  # noqa: T201
        assert not sys.stdout.isatty()
    assert screen.getvalue() == "of the display\n"


def test_a_loaded_space_is_asked_by_optuna_itself(tmp_path: Path) -> None:
    """Whose trials have more than ours, such as a number."""
    suggest = "assert trial.params == {}\nx = trial.suggest_int('x', 1, 9)\nreturn make(width=x)"
    space: Space = load_space(write_space(tmp_path, suggest))
    trial = optuna.create_study().ask()
    assert getattr(space.suggest(trial).model, "hidden_widths", ()) == (trial.params["x"],)


def test_a_setting_that_is_stored_as_another_is_named(tmp_path: Path) -> None:
    """pydantic checks nothing in a copy: the setting is to blame, not the network's family."""
    (tmp_path / "copied.py").write_text(
        "from spaces import BUILT_IN, Space\n"
        "def suggest(trial):\n"
        "    candidate = BUILT_IN['mlp'].suggest(trial)\n"
        "    return candidate.model_copy(update={'augmentation': ('flip',)})\n"
        "SPACE = Space('copied', suggest)\n"
    )
    with pytest.raises(ValueError, match=r"augmentation \('flip',\)"):
        load_space(f"{tmp_path / 'copied.py'}:SPACE")


_NUMBERS = st.decimals(0, 100, places=3).map(float)


@given(_NUMBERS, _NUMBERS, st.decimals("0.001", 30, places=3).map(float))
def test_a_range_ends_where_optuna_ends_it(low: float, high: float, step: float) -> None:
    """At its last step, without Optuna's warning of it."""
    low, high = sorted((low, high))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = FloatDistribution(low, high, step=step)
        whole = IntDistribution(int(low), int(high), step=max(int(step), 1))
    trial = optuna.trial.FixedTrial({"x": low, "n": int(low)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        StorableTrial(trial).suggest_float("x", low, high, step=step)
        StorableTrial(trial).suggest_int("n", int(low), int(high), step=max(int(step), 1))
    assert trial.distributions == {"x": expected, "n": whole}


@pytest.mark.parametrize(("low", "high", "step"), [(1, 0, 1), (0, 1, -1), (0.0, math.inf, 0.1)])
def test_a_range_without_sense_is_optunas_to_refuse(low: float, high: float, step: float) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        StorableTrial(optuna.trial.FixedTrial({"x": 0})).suggest_float("x", low, high, step=step)
