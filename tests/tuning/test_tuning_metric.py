"""Searches that are scored by other metrics than accuracy and loss."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from search.catalog.listing import ListedStudy
from search.errors import UserError
from search.evaluation.refit_length import refit_epochs
from search.executors import InlineExecutor
from search.metric import METRICS, CountMetric
from search.pipeline import run_and_report, run_study
from search.recipe import Recipe
from search.stopping import StopRequest
from search.training.history import History
from search.tuning.opening import open_study
from search.tuning.preparing import prepare
from search.tuning.recorder import TrialRecorder
from search.tuning.records import StudyRecord, TrialCost
from search.tuning.run_events import WinnerTested
from search.user_metric import get_metric

Maker = Callable[..., Recipe]

COST = """
import numpy as np
from search.user_metric import FunctionMetric

def cost(labels, probabilities):
    return float(np.mean((probabilities.argmax(1) != labels) * (1 + labels)))

COST = FunctionMetric(cost, higher_is_better=False, low=0.0)
"""
OTHERS = [metric for metric in METRICS if metric.recorded is None]


@pytest.mark.slow
@pytest.mark.parametrize("metric", OTHERS, ids=str)
def test_a_metric_decides_epoch_winner_and_direction(
    metric: Any, make_recipe: Maker, listener: Any
) -> None:
    """Every epoch of every fold has it; the value is the mean over folds at its best epoch."""
    recipe = make_recipe(
        metric=metric.name, validation="kfold", folds=2, pruner="median", trials=4, epochs=3
    )
    outcome = run_study(recipe, listener, executor="inline")
    record, study = outcome.record, outcome.study
    assert study.direction.name == "MAXIMIZE"
    assert study.metric_names == [f"validation {metric}"]
    for trial in record.complete():
        curve = trial.history.mean_curve(metric)
        assert trial.best_epoch == curve.index(max(curve)) + 1
        assert trial.value == max(curve)
        assert list(trial.fold_scores) == trial.history.fold_scores(trial.best_epoch, metric)
        reported = study.trials[trial.number].intermediate_values
        assert [reported[epoch] for epoch in sorted(reported)] == pytest.approx(curve)
    winner = record.winner()
    assert winner is not None
    assert winner.value == max(trial.value or 0.0 for trial in record.complete())
    assert record.test is not None
    assert {one.metric for one in record.test.measures} == {one.name for one in METRICS}


@pytest.mark.slow
def test_values_are_those_of_the_stored_confusion_matrix(make_recipe: Maker, listener: Any) -> None:
    """With a holdout a trial's score is the metric of its confusion matrix at E*."""
    kappa = get_metric("kappa")
    assert isinstance(kappa, CountMetric)
    recipe = make_recipe(metric="kappa", pruner="none", trials=2, epochs=2)
    record = run_study(recipe, listener, executor="inline").record
    for trial in record.complete():
        assert trial.confusion is not None
        assert trial.value == pytest.approx(kappa.of_counts(np.array(trial.confusion)))
        assert 1 <= refit_epochs(trial, record.recipe, record.dataset) <= 2


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A user's file with a cost."""
    path = tmp_path / "cost.py"
    path.write_text(COST)
    return path


def search(make_recipe: Maker, listener: Any, file: Path, **more: Any) -> Any:
    recipe = make_recipe(metric=f"{file}:COST", pruner="none", trials=2, epochs=2, **more)
    return run_study(recipe, listener, executor="inline")


@pytest.mark.slow
def test_a_users_metric_decides_where_lower_is_better(
    make_recipe: Maker, listener: Any, file: Path
) -> None:
    """Its source is stored; a report can be written, and studies listed, without its file."""
    outcome = search(make_recipe, listener, file)
    record: StudyRecord = outcome.record
    winner = record.winner()
    assert winner is not None
    assert winner.value == min(trial.value or 0.0 for trial in record.complete())
    assert outcome.study.direction.name == "MINIMIZE"
    assert "def cost" in (record.metric_code or "")
    assert record.test is not None
    assert record.test.measures[0].metric == f"{file}:COST"
    file.unlink()
    attrs = outcome.study.user_attrs
    listed = ListedStudy.of(record.name, attrs, outcome.study.get_trials(deepcopy=False))
    assert listed.best == winner.value
    assert str(record.metric) == "cost"


@pytest.mark.slow
def test_a_metric_that_fails_late_is_named_with_the_line(
    make_recipe: Maker, listener: Any, tmp_path: Path
) -> None:
    """As on real labels only, of which there are few."""
    path = tmp_path / "late.py"
    many = "assert len(labels) > 200, 'few'"
    path.write_text(f"def of_many(labels, probabilities):\n    {many}\n    return 1.0\n")
    recipe = make_recipe(metric=f"{path}:of_many", trials=1, epochs=1, with_baseline=False)
    with pytest.raises(UserError) as caught:
        run_study(recipe, listener, executor="inline")
    assert "metric 'of many': AssertionError: few (late.py, line 2)" in str(caught.value)


@pytest.mark.slow
def test_a_users_metric_has_a_report_of_many_images(
    make_recipe: Maker, listener: Any, file: Path
) -> None:
    """What needs the function again, such as a bootstrap, is left out of it."""
    recipe = make_recipe(metric=f"{file}:COST", dataset="digits", pruner="none", trials=2, epochs=1)
    outcome, report = run_and_report(recipe, listener, StopRequest(), executor="inline")
    assert report is not None
    facts = json.loads(outcome.paths.report_facts.read_text("utf-8"))
    assert facts["selection"] is None
    assert facts["winner"]["mean"] == min(one["value"] for one in facts["trials"])


@pytest.mark.slow
def test_a_metric_that_changed_is_another_study(
    make_recipe: Maker, listener: Any, file: Path
) -> None:
    """As with a sampler: refused with the difference, unless the change is accepted."""
    search(make_recipe, listener, file)
    file.write_text(COST.replace("1 + labels", "2 + labels"))
    with pytest.raises(UserError, match=r"other code: metric: .*2 \+ labels"):
        search(make_recipe, listener, file)


def test_a_metric_that_fails_is_refused_before_anything_is_written(
    make_recipe: Maker, listener: Any, file: Path
) -> None:
    """In one line with the place in the user's file."""
    file.write_text(COST.replace("labels) * (1", "labels[::2]) * (1"))
    with pytest.raises(UserError, match=r"^metric '.*cost.py:COST': ValueError: .*\(line 6: .*\)$"):
        search(make_recipe, listener, file)
    recipe = make_recipe()
    assert not recipe.runs_dir.exists() or not list(recipe.runs_dir.glob("*/folds.npz"))


@pytest.mark.slow
def test_a_metric_with_the_name_of_another_is_refused_in_a_new_study_only(
    make_recipe: Maker, listener: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A study that is stored already goes on."""
    path = tmp_path / "mine.py"
    path.write_text("def accuracy(labels, probabilities):\n    return 0.5\n")
    recipe = make_recipe(metric=f"{path}:accuracy", trials=1, epochs=1, pruner="none")
    expected = f"^metric '{path}:accuracy' has the name of a built-in metric; rename the function$"
    with pytest.raises(UserError, match=expected):
        run_study(recipe, listener, executor="inline")
    assert not (recipe.runs_dir / "study").exists()
    with monkeypatch.context() as before:
        before.setattr("search.tuning.preparing.check_metric_name", lambda _: None)
        run_study(recipe, listener, executor="inline")
    longer = recipe.model_copy(update={"trials": 2})
    assert len(run_study(longer, listener, executor="inline").record.complete()) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "chance"), [("accuracy", 1 / 3), ("loss", 1.0986), ("auroc", 0.5), ("kappa", 0.0)]
)
def test_a_diverged_trial_is_worth_chance(
    metric: str, chance: float, make_recipe: Maker, listener: Any
) -> None:
    """Of three classes of equal size."""

    with InlineExecutor() as executor:
        opened = open_study(prepare(make_recipe(metric=metric), executor, listener))
    trial = opened.study.ask()
    TrialRecorder(opened).diverged(trial, History(), TrialCost(0.0, 0), "loss not finite")
    assert opened.study.trials[-1].value == pytest.approx(chance, abs=1e-4)


@pytest.mark.slow
def test_events_tell_every_metric_and_the_largest_class(make_recipe: Maker, listener: Any) -> None:
    """In one JSON object, beside the accuracy."""
    record = run_study(make_recipe(trials=1, epochs=1), listener, executor="inline").record
    assert record.test is not None
    fields = json.loads(json.dumps(WinnerTested(record.test, 1).fields()))
    assert fields["metrics"].keys() == {metric.name for metric in METRICS}
    assert fields["metrics"]["accuracy"] == fields["accuracy"]
    assert fields["largest_class"] == pytest.approx(1 / 3)


@pytest.mark.slow
def test_optuna_can_read_the_study(make_recipe: Maker, listener: Any) -> None:
    """Its best trial is the winner."""
    outcome = run_study(
        make_recipe(metric="macro-f1", trials=3, epochs=2, pruner="none"),
        listener,
        executor="inline",
    )
    winner = outcome.record.winner()
    assert winner is not None
    assert isinstance(outcome.study, optuna.Study)
    assert outcome.study.best_value == winner.value


@pytest.mark.slow
def test_scores_of_two_metrics_are_never_compared(
    make_recipe: Maker, listener: Any, tmp_path: Path
) -> None:
    """A changed metric is refused even where changes are accepted; its comments may change."""
    file = tmp_path / "cost.py"
    file.write_text(COST, encoding="utf-8")
    recipe = make_recipe(metric=f"{file}:COST", trials=2, epochs=1, pruner="none")
    run_study(recipe, listener, executor="inline")
    file.write_text(COST.replace("1 + labels", "2 + labels"), encoding="utf-8")
    more = recipe.model_copy(update={"trials": 3})
    for accept in (False, True):
        with pytest.raises(UserError, match="labels") as caught:
            run_study(more, listener, executor="inline", accept_changes=accept)
    assert "scores of another metric" in str(caught.value)
    file.write_text(f"# as it was\n{COST}", encoding="utf-8")
    assert len(run_study(more, listener, executor="inline").record.trials) == 3
