"""Studies whose code changed: refused with the difference, or continued and noted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from search.catalog.studies import open_stored
from search.errors import UserError
from search.executors import InlineExecutor
from search.pipeline import run_study
from search.recipe import Recipe
from search.tuning.attempts import OBSOLETE
from search.tuning.opening import open_study
from search.tuning.preparing import prepare
from search.tuning.records import StudyRecord
from search.tuning.samplers import get_sampler
from search.tuning.store import read_study
from search.tuning.study_code import code_versions
from spaces.parameters import ParamValue

Maker = Callable[..., Recipe]


def _study(recipe: Recipe) -> optuna.Study:
    return open_stored("study", recipe.runs_dir, None)


def _stored(recipe: Recipe) -> tuple[dict[str, Any], list[optuna.trial.FrozenTrial]]:
    study = _study(recipe)
    return study.user_attrs, study.trials


def _edit(recipe: Recipe, old: str, new: str) -> None:
    path = Path(recipe.space.rpartition(":")[0])
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def _go_on(recipe: Recipe, listener: Any, *, accept: bool = False) -> StudyRecord:
    """Open the study as a run does before it trains."""
    return read_study(
        open_study(prepare(recipe, InlineExecutor(), listener), accept_changes=accept).study
    )


def _begin(recipe: Recipe, listener: Any, waiting: int = 0) -> StudyRecord:
    """Make a study of two complete trials and some points of its plan that wait."""
    plan = prepare(recipe.model_copy(update={"trials": 2 + waiting}), InlineExecutor(), listener)
    study = open_study(plan).study
    for index, params in enumerate(plan.points):
        state = TrialState.COMPLETE if index < 2 else TrialState.WAITING
        study.add_trial(
            create_trial(
                state=state,
                value=0.5 if index < 2 else None,
                params=dict(params),
                distributions=plan.space.distributions(params),
                user_attrs={"plan": index, "attempt": 0},
            )
        )
    return read_study(study)


def _refusal(recipe: Recipe, listener: Any, *, accept: bool = False) -> str:
    """Return why the study is not resumed, after checking that nothing in it changed."""
    before = _stored(recipe)
    with pytest.raises(UserError) as caught:
        _go_on(recipe, listener, accept=accept)
    assert _stored(recipe) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.slow
def test_failed_trials_of_changed_code_need_both_options(make_recipe: Maker, listener: Any) -> None:
    """The refusal says so."""
    recipe = make_recipe(trials=1, epochs=1)
    _begin(recipe, listener)
    study = _study(recipe)
    for attempt in range(3):
        study.add_trial(
            create_trial(state=TrialState.FAIL, user_attrs={"plan": 2, "attempt": attempt})
        )
    _edit(recipe, "dropouts=(0.1,)", "dropouts=(0.2,)")
    assert _refusal(recipe, listener).endswith(
        "or `accept_changes` to resume this one, together with `retry_failed` to try its failed "
        "trials again"
    )


def _states(recipe: Recipe) -> dict[int, TrialState]:
    return {trial.user_attrs["plan"]: trial.state for trial in _study(recipe).trials}


@pytest.mark.slow
def test_a_changed_space_is_refused_with_the_difference(make_recipe: Maker, listener: Any) -> None:
    """The changed line is shown before and after, with both ways to continue."""
    recipe = make_recipe()
    _begin(recipe, listener)
    _edit(recipe, "1e-3, 1.0", "1e-2, 1.0")
    message = _refusal(recipe, listener)
    assert message.startswith(f"study 'study' started with other code: space {recipe.space!r}: ")
    assert "'sgd_lr', 0.001, 1.0" in message
    assert "'sgd_lr', 0.01, 1.0" in message
    assert "`accept_changes`" in message


@pytest.mark.slow
def test_what_does_nothing_is_no_change(make_recipe: Maker, listener: Any) -> None:
    """Comments, docstrings and formatting may be edited while a study is under way."""
    recipe = make_recipe(trials=2)
    record = _begin(recipe, listener)
    _edit(recipe, "def suggest(trial):", 'def suggest(trial):  # ask\n    """Return an MLP."""')
    _edit(recipe, "[2, 4, 8]", "[\n        2, 4,\n        8,\n    ]")
    assert _go_on(recipe, listener) == record


@pytest.mark.slow
def test_an_accepted_change_is_noted(make_recipe: Maker, listener: Any) -> None:
    """The study resumes, says what changed, and stores the new source."""
    recipe = make_recipe()
    _begin(recipe, listener)
    _edit(recipe, "1e-3, 1.0", "1e-2, 1.0")
    record = _go_on(recipe, listener, accept=True)
    (change,) = record.changes
    assert change.n_trials == 2
    assert change.time.tzinfo is not None
    assert "'sgd_lr', 0.01, 1.0" in change.changes[0]
    assert _go_on(recipe, listener) == record
    _edit(recipe, "1e-2, 1.0", "5e-3, 1.0")
    assert "0.005" in _refusal(recipe, listener)
    assert len(_go_on(recipe, listener, accept=True).changes) == 2


@pytest.mark.slow
def test_the_flag_alone_notes_nothing(make_recipe: Maker, listener: Any) -> None:
    """Where nothing changed there is nothing to accept."""
    record = _begin(make_recipe(), listener, waiting=3)
    assert _go_on(make_recipe(), listener, accept=True) == record


@pytest.mark.slow
def test_waiting_points_of_the_old_space_are_superseded(make_recipe: Maker, listener: Any) -> None:
    """Indices that were not started get the points of the new space, as a new study would."""
    recipe = make_recipe(trials=4, epochs=1, pruner="none")
    _begin(recipe, listener, waiting=2)
    _edit(recipe, "1e-3, 1.0", "1e-2, 0.1")
    _edit(recipe, "1e-4, 0.1", "1e-3, 0.01")
    record = run_study(recipe, listener, executor="inline", accept_changes=True).record
    points = prepare(recipe, InlineExecutor(), listener).points
    assert [(t.plan, t.state, t.attempt) for t in record.trials] == [
        (plan, "complete", 0) for plan in range(4)
    ]
    assert [t.params for t in record.trials[2:]] == [dict(point) for point in points[2:]]
    closed = [t for t in _study(recipe).trials if t.user_attrs.get("reason") == OBSOLETE]
    assert [(t.user_attrs["plan"], t.state) for t in closed] == [
        (plan, TrialState.FAIL) for plan in (2, 3)
    ]


@pytest.mark.slow
def test_waiting_points_that_are_still_planned_are_kept(make_recipe: Maker, listener: Any) -> None:
    """A change that leaves the plan alone supersedes nothing."""
    recipe = make_recipe()
    before = _begin(recipe, listener, waiting=3)
    _edit(recipe, "dropouts=(0.1,)", "dropouts=(0.2,)")
    record = _go_on(recipe, listener, accept=True)
    assert len(record.changes) == 1
    assert record.trials == before.trials


@pytest.mark.slow
def test_points_beyond_a_shorter_plan_are_superseded(make_recipe: Maker, listener: Any) -> None:
    """Fewer trials than before do not save points of the old space for later."""
    recipe = make_recipe(trials=3)
    _begin(recipe, listener, waiting=3)
    _edit(recipe, "dropouts=(0.1,)", "dropouts=(0.2,)")
    _go_on(recipe, listener, accept=True)
    states = [TrialState.WAITING, TrialState.FAIL, TrialState.FAIL]
    assert _states(recipe) == dict(enumerate([TrialState.COMPLETE] * 2 + states))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "state"),
    [(0.02, TrialState.FAIL), (0.002, TrialState.FAIL), (None, TrialState.WAITING)],
)
def test_a_point_that_tpe_asked_for_waits_while_it_is_of_the_space(
    rate: float | None, state: TrialState, make_recipe: Maker, listener: Any
) -> None:
    """TPE has no plan: its interrupted points stay where their ranges are what they were."""
    recipe = make_recipe(sampler="tpe")
    _begin(recipe, listener)
    params: dict[str, ParamValue] = {"width": 2, "optimizer": "adam", "adam_lr": rate or 0.05}
    study, space = _study(recipe), prepare(recipe, InlineExecutor(), listener).space
    study.add_trial(
        create_trial(
            state=TrialState.WAITING,
            params=params,
            distributions=space.distributions(params),
            user_attrs={"plan": 2, "attempt": 1},
        )
    )
    _edit(recipe, "1e-4, 0.1" if rate else "1e-3, 1.0", "1e-3, 0.01" if rate else "1e-2, 1.0")
    _go_on(recipe, listener, accept=True)
    assert _states(recipe)[2] == state


@pytest.mark.parametrize("low", [1e-3, 1e-5])
def test_tpe_goes_on_in_a_changed_range(low: float) -> None:
    """Points that TPE asks for are of the new space, whatever the old trials were."""
    study = optuna.create_study(sampler=get_sampler("tpe").optuna_sampler(0))
    for first, trials in ((1e-4, 12), (low, 4)):
        for _ in range(trials):
            trial = study.ask()
            study.tell(trial, trial.suggest_float("lr", first, 10 * first, log=True))
    assert all(low <= trial.params["lr"] <= 10 * low for trial in study.trials[12:])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "[2, 4, 8]",
            "[2, 4, 16]",
            "'width' was categorical, one of 2, 4, 8, when study 'study' started and is now "
            "categorical, one of 2, 4, 16, which",
        ),
        ('categorical("width", [2, 4, 8])', 'int("width", 2, 8)', "now int, 2 to 8, which"),
        ("1e-4, 0.1, log=True", "1e-4, 0.1", "float, 0.0001 to 0.1 (log), when"),
    ],
)
def test_what_optuna_refuses_needs_another_name(
    old: str, new: str, words: str, make_recipe: Maker, listener: Any
) -> None:
    """Other choices, kinds and scales are refused in one line, accepted or not."""
    recipe = make_recipe()
    _begin(recipe, listener, waiting=1)
    _edit(recipe, old, new)
    message = _refusal(recipe, listener)
    assert message == _refusal(recipe, listener, accept=True)
    assert words in message
    assert "`study_name`" in message
    assert "even with `accept_changes`; accepted: the parameter as it was" in message


@pytest.mark.slow
def test_other_versions_are_refused_or_accepted(make_recipe: Maker, listener: Any) -> None:
    """Each is named with both versions; once accepted, the new ones are the study's."""
    recipe, versions = make_recipe(), code_versions()
    _begin(recipe, listener)
    older = {"torch": "2.0.0", "cifar-search": "0.0.1"}
    _study(recipe).set_user_attr("versions", versions | older)
    changes = tuple(f"{name} {older[name]} -> {versions[name]}" for name in older)
    assert f"other code: {'; '.join(changes)}; accepted:" in _refusal(recipe, listener)
    record = _go_on(recipe, listener, accept=True)
    assert record.changes[0].changes == changes
    assert record.versions == versions


@pytest.mark.slow
def test_a_study_of_an_earlier_release_goes_on(make_recipe: Maker, listener: Any) -> None:
    """What was not stored then is not compared, but stored from now on."""
    recipe = make_recipe()
    record = _begin(recipe, listener)
    older = {"python": "3.11.0", "torch": record.versions["torch"]}
    for name, value in {"versions": older, "space_source": "ab" * 32, "space_code": None}.items():
        _study(recipe).set_user_attr(name, value)
    again = _go_on(recipe, listener)
    assert (again.changes, again.space_code) == ((), record.space_code)
    assert again.versions == record.versions | older


@pytest.mark.slow
def test_settings_are_refused_though_changes_are_accepted(
    make_recipe: Maker, listener: Any
) -> None:
    """A study of another seed is another study, whatever its code."""
    _begin(make_recipe(), listener)
    _edit(make_recipe(), "1e-3, 1.0", "1e-2, 1.0")
    assert "seed 0 is now 5" in _refusal(make_recipe(seed=5), listener, accept=True)


@pytest.mark.slow
def test_a_changed_helper_is_refused_with_the_difference(make_recipe: Maker, listener: Any) -> None:
    """A module that the space imports decides results like the space itself."""
    recipe = make_recipe(trials=2)
    helper = Path(recipe.space.rpartition(":")[0]).with_name("constants.py")
    helper.write_text("RATE = 0.1\n", encoding="utf-8")
    _edit(recipe, "from spaces import", "from constants import RATE\nfrom spaces import")
    record = _begin(recipe, listener)
    assert record.helper_code == {"space": {"constants.py": "RATE = 0.1"}}
    helper.write_text("# the same\nRATE = 0.10\n", encoding="utf-8")
    assert _go_on(recipe, listener) == record
    helper.write_text("RATE = 0.2\n", encoding="utf-8")
    expected = 'constants.py, which space imports: "- RATE = 0.1" "+ RATE = 0.2"'
    assert expected in _refusal(recipe, listener)
    accepted = _go_on(recipe, listener, accept=True)
    assert accepted.changes[0].changes == (expected,)
    assert _go_on(recipe, listener) == accepted


@pytest.mark.slow
def test_what_a_space_reads_is_part_of_it(make_recipe: Maker, listener: Any) -> None:
    """The same code may do something else: what it does is compared, too."""
    recipe = make_recipe(trials=2)
    settings = Path(recipe.space.rpartition(":")[0]).with_name("width.txt")
    settings.write_text("4", encoding="utf-8")
    _edit(recipe, "dropouts=(0.1,)", f"dropouts=(int(Path({str(settings)!r}).read_text()) / 10,)")
    _edit(recipe, "from spaces import", "from pathlib import Path\nfrom spaces import")
    record = _begin(recipe, listener)
    assert _go_on(recipe, listener) == record
    settings.write_text("5", encoding="utf-8")
    message = _refusal(recipe, listener)
    assert "by what it reads: the same parameters give other candidates" in message
    assert len(_go_on(recipe, listener, accept=True).changes) == 1
