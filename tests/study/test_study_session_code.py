"""Functions and spaces of a session as files: what they need comes along, or is refused."""

import functools
import linecache
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import BaseTrial

import search
from search.study.session_code import write_object
from spaces import BUILT_IN, AdamConfig, Candidate, MLPConfig, Space, load_space, space_identity
from spaces.parameters import OfflineTrial
from spaces.user_object import UserObject

Session = Callable[[str], dict[str, Any]]


@pytest.fixture
def session() -> Iterator[Session]:
    """Return what runs a cell as a notebook does: in `__main__`, whose code has no file."""
    main = ModuleType("__main__")
    before, cells = sys.modules["__main__"], list[str]()

    def run(cell: str) -> dict[str, Any]:
        name = f"<cell-{len(cells)}>"
        cells.append(name)
        linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
        exec(compile(cell, name, "exec"), vars(main))  # noqa: S102
        return vars(main)

    sys.modules["__main__"] = main
    yield run
    sys.modules["__main__"] = before
    for name in cells:
        linecache.cache.pop(name, None)


def write(value: object, folder: Path, setting: str = "space") -> str:
    return write_object(setting, "SPACE", value, lambda digest: folder / digest / "object.py")


def run_again(value: object, folder: Path) -> Any:
    """Return the object that the written file makes."""
    user = UserObject.parse("space", write(value, folder))
    assert user is not None
    return vars(user.run())["SPACE"]


_CELL = """
import math
from math import exp
from dataclasses import dataclass
import numpy as np
from search import AdamConfig, Candidate, MLPConfig

WIDTHS = [2, 4]
SCALE = np.float64(2.0)

@dataclass(frozen=True)
class Shape:
    depth: int = 1

    def widths(self, width):
        return (width,) * self.depth

SHAPE = Shape(depth=2)

def halved(width: int) -> int:
    return max(int(width / SCALE), int(math.log(3)))

def suggest(trial, shape=SHAPE):
    "Suggest a candidate."
    width = halved(trial.suggest_categorical("width", WIDTHS))
    rate = exp(trial.suggest_float("log_rate", -6, -3))
    model = MLPConfig(hidden_widths=shape.widths(width), dropouts=(0.1,) * shape.depth)
    return Candidate(model=model, optimizer=AdamConfig(learning_rate=rate))
"""


def test_what_a_function_uses_comes_along(session: Session, tmp_path: Path) -> None:
    """Constants, imports, other functions, classes and values of them, from a notebook's cell."""
    suggest = session(_CELL)["suggest"]
    space = load_space(write(Space("mine", suggest), tmp_path))
    point = {"width": 4, "log_rate": -4.0}
    assert space.name == "mine"
    assert space.candidate(point) == Space("mine", suggest).candidate(point)
    assert space.candidate(point).model == MLPConfig(hidden_widths=(2, 2), dropouts=(0.1, 0.1))


def test_identity_is_the_code_and_what_it_uses(session: Session, tmp_path: Path) -> None:
    """Comments change nothing; a changed constant or a changed helper does."""

    def identity(cell: str) -> str:
        return space_identity(write(Space("mine", session(cell)["suggest"]), tmp_path))

    first = identity(_CELL)
    assert identity(_CELL.replace("def suggest", "# a comment\ndef suggest")) == first
    assert identity(_CELL.replace("[2, 4]", "[2, 8]")) != first
    assert identity(_CELL.replace("max(int(width", "max(round(width")) != first
    assert identity(_CELL.replace("depth=2", "depth=1")) != first
    assert identity(_CELL) == first


def test_closures_come_along(tmp_path: Path) -> None:
    """What a function captured is a constant of its file."""

    def make(width: int) -> Callable[[Any], Candidate]:
        def suggest(trial: Any) -> Candidate:
            rate = trial.suggest_float("rate", 0.001, 0.1)
            model = MLPConfig(hidden_widths=(width,), dropouts=(0.0,))
            return Candidate(model=model, optimizer=AdamConfig(learning_rate=rate))

        return suggest

    space = load_space(write(Space("closure", make(5)), tmp_path))
    assert space.candidate({"rate": 0.01}).model == MLPConfig(hidden_widths=(5,), dropouts=(0.0,))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_spaces_with_priors_and_portfolios_come_along(name: str, tmp_path: Path) -> None:
    """A space is the same after it was written: points, baseline, grid and beliefs."""
    built_in = BUILT_IN[name]
    again = load_space(write(built_in, tmp_path))
    assert again.parameters() == built_in.parameters()
    assert (again.baseline(), again.prior) == (built_in.baseline(), built_in.prior)
    assert [dict(one) for one in again.portfolio] == [dict(one) for one in built_in.portfolio]
    assert (again.grid_levels, again.widths) == (built_in.grid_levels, built_in.widths)


@pytest.mark.slow
def test_spaces_with_other_ranges_come_along(tmp_path: Path) -> None:
    """What `with_ranges` made has its ranges, and the rest of the built-in space."""
    space = BUILT_IN["mlp"].with_ranges(sgd_lr=(1e-4, 1.0), batch_size=(32, 64))
    again = load_space(write(space, tmp_path))
    assert again.parameters() == space.parameters()
    assert again.parameters() != BUILT_IN["mlp"].parameters()
    assert [dict(one) for one in again.portfolio] == [dict(one) for one in space.portfolio]


@dataclass(frozen=True)
class Suggestion:
    """A callable value, as some people prefer to closures."""

    width: int

    def __call__(self, trial: OfflineTrial) -> Candidate:
        return suggest_of_width(trial, self.width)

    def of(self, trial: OfflineTrial) -> Candidate:
        return self(trial)


def suggest_of_width(trial: OfflineTrial, width: int) -> Candidate:
    rate = trial.suggest_float("rate", 1e-3, 1e-1)
    model = MLPConfig(hidden_widths=(width,), dropouts=(0.0,))
    return Candidate(model=model, optimizer=AdamConfig(learning_rate=rate))


@pytest.mark.slow
@pytest.mark.parametrize(
    "suggest",
    [
        Suggestion(3),
        Suggestion(3).of,
        functools.partial(suggest_of_width, width=3),
        lambda trial: suggest_of_width(trial, 3),
    ],
)
def test_every_kind_of_callable_comes_along(suggest: Any, tmp_path: Path) -> None:
    """Objects, methods, partial functions and functions without a name."""
    space = load_space(write(Space("callable", suggest), tmp_path))
    assert space.candidate({"rate": 0.01}).model == MLPConfig(hidden_widths=(3,), dropouts=(0.0,))


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.sampled_from([np.int64(3), np.float32(0.5), Path("a/b"), math.pi]),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner)
        | st.frozensets(st.integers() | st.text())
    ),
)


@pytest.mark.slow
@given(value=_VALUES)
def test_plain_values_come_along(value: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Values of Python and NumPy scalars are equal after they were written."""
    assert run_again(value, tmp_path_factory.mktemp("value")) == value


@pytest.mark.parametrize(
    ("value", "words"),
    [(np.zeros(3), "'thing', of type ndarray"), (object(), "'thing', of type object")],
)
def test_what_cannot_be_stored_is_named(
    value: object, words: str, session: Session, tmp_path: Path
) -> None:
    """One line says which name of the function it is, and what to do."""
    cell = "def suggest(trial):\n    return thing\n"
    names = session(cell) | {"thing": value}
    names["suggest"].__globals__["thing"] = value
    with pytest.raises(search.UserError, match=f"space: it uses {words}") as error:
        write(Space("mine", names["suggest"]), tmp_path)
    assert "FILE.py:NAME" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_function_of_an_unregistered_module_comes_along(tmp_path: Path) -> None:
    """As of a file that was run by `exec`, whose module Python does not know."""
    names: dict[str, Any] = {"__name__": "elsewhere"}
    file = tmp_path / "elsewhere.py"
    file.write_text(_CELL)
    exec(compile(_CELL, str(file), "exec"), names)  # noqa: S102
    assert run_again(names["halved"], tmp_path / "again")(6) == 3


def test_code_that_is_not_known_is_refused(tmp_path: Path) -> None:
    """As of a function made by `exec`."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec("def suggest(trial): pass", names)  # noqa: S102
    with pytest.raises(search.UserError, match="the code of 'suggest' is not known"):
        write(Space("mine", names["suggest"]), tmp_path)


def test_sets_are_written_in_one_order(tmp_path: Path) -> None:
    """Their own order differs between processes; identities must not."""
    words = {"b", "a", "d", "c"}
    file, _, _ = write(words, tmp_path).rpartition(":")
    text = Path(file).read_text()
    assert "['a', 'b', 'c', 'd']" in text


@pytest.mark.slow
def test_a_function_may_use_a_space_of_other_ranges(tmp_path: Path) -> None:
    """Also if both are functions called suggest: the space's own is known by its fields."""
    narrowed = BUILT_IN["mlp"].with_ranges(batch_size=(64,))

    def suggest(trial: BaseTrial) -> Candidate:
        return narrowed.suggest(trial)

    where = write_object(
        "space", "SPACE", Space("mine", suggest), lambda digest: tmp_path / digest / "space.py"
    )
    stored = load_space(where)
    params = {**BUILT_IN["mlp"].portfolio[0], "batch_size": 64}
    assert stored.candidate(params) == narrowed.candidate(params)
    with pytest.raises(ValueError, match="batch_size"):
        stored.candidate({**params, "batch_size": 32})
