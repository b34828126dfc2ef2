"""The hand-tuned network trained as its report did: split, last epoch, repeats, one opening."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.model_selection import train_test_split

from search.data.cache import load_train_split
from search.errors import UserError
from search.evaluation.model import load_model
from search.evaluation.test_results import load_predictions
from search.evaluation.test_set import open_test_split
from search.executors import InlineExecutor
from search.executors.base import run_job
from search.executors.probes import DeviceProbe
from search.metric import ACCURACY
from search.paths import RunPaths
from search.pipeline import run_study
from search.recipe import Recipe
from search.training.history import FoldEpoch, History
from search.tuning.opening import open_study
from search.tuning.preparing import prepare, resolve_recipe
from search.tuning.recorder import TrialRecorder
from search.tuning.records import TrialCost
from search.tuning.store import read_study
from search.tuning.workload import training_settings

Maker = Callable[..., Recipe]


@pytest.fixture
def make_baseline(make_recipe: Maker) -> Maker:
    """Return a maker of recipes that train the tiny space's baseline twice."""

    def make(**settings: Any) -> Recipe:
        return make_recipe(**({"sampler": "baseline", "trials": 2} | settings))

    return make


@pytest.mark.slow
def test_repeats_are_one_candidate_with_seeds_of_their_own(
    make_baseline: Maker, listener: Any
) -> None:
    """Every trial is the space's baseline; what tells them apart is chance."""
    record = run_study(make_baseline(trials=3), listener, executor="inline").record
    assert [t.params for t in record.trials] == [record.trials[0].params] * 3
    assert record.trials[0].params == {"width": 4, "optimizer": "adam", "adam_lr": 0.01}
    assert len({t.history.epochs[0][0].train_loss for t in record.trials}) == 3


@pytest.mark.slow
@pytest.mark.parametrize(("validation", "epoch"), [("holdout", 3), ("kfold", 2)])
def test_the_score_is_that_of_the_last_epoch(
    validation: str, epoch: int, make_baseline: Maker, listener: Any
) -> None:
    """Not of the best: the report gives what its training ended with. Folds are scored at E*."""
    recipe = make_baseline(validation=validation)
    opened = open_study(prepare(recipe, InlineExecutor(), listener))
    curve = [0.5, 0.7, 0.6]
    history = History(tuple((FoldEpoch(1.0, 0.5, 1.0, value, 0.1, 1.0),) for value in curve))
    TrialRecorder(opened).complete(opened.study.ask(), history, TrialCost(3.0, 3))
    (trial,) = opened.study.trials
    assert trial.value == curve[epoch - 1]
    assert trial.user_attrs["best_epoch"] == epoch


def test_the_split_is_the_reports(make_baseline: Maker, listener: Any) -> None:
    """It is scikit-learn's stratified fifth for random state 37, whatever the study's seed."""
    for seed in (0, 5):
        plan = prepare(make_baseline(seed=seed), InlineExecutor(), listener)
        labels = load_train_split(plan.dataset).labels.numpy()
        indices = np.arange(len(labels))
        train, validation = train_test_split(
            indices, test_size=0.2, random_state=37, stratify=labels
        )
        (fold,) = plan.folds
        assert fold.train.tolist() == sorted(train)
        assert fold.validation.tolist() == sorted(validation)


@pytest.mark.slow
def test_all_networks_are_tested_in_one_opening_without_a_refit(
    make_baseline: Maker, listener: Any
) -> None:
    """Each repeat has its test figures; the study's are those of the best validation score."""
    outcome = run_study(make_baseline(), listener, executor="inline")
    record, winner = outcome.record, outcome.record.winner()
    assert winner is not None
    assert record.test is not None
    assert record.refit is None
    assert len(record.openings) == 1
    assert [repeat.trial for repeat in record.repeats] == [0, 1]
    assert record.repeats[winner.number].accuracy == record.test.accuracy
    assert all(low <= r.accuracy <= high for r in record.repeats for low, high in [r.interval])


@pytest.mark.slow
def test_the_exported_model_is_the_network_that_was_tested(
    make_baseline: Maker, listener: Any
) -> None:
    """Its predictions on the test images are those that were kept, and give the accuracy."""
    outcome = run_study(make_baseline(), listener, executor="inline")
    kept = load_predictions(outcome.paths.test_predictions)
    split = open_test_split(outcome.study, outcome.record.dataset, "a test")
    logits = load_model(outcome.paths.model_dir).logits(split.images)
    assert kept is not None
    assert outcome.record.test is not None
    assert logits.argmax(1).tolist() == kept.predictions.tolist()
    assert float((kept.predictions == kept.labels).mean()) == outcome.record.test.accuracy


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_more_repeats_go_on_with_the_study(
    executor: str, make_baseline: Maker, listener: Any
) -> None:
    """The trainings there are stay; all are tested again, which a second opening records."""
    first = run_study(make_baseline(trials=1), listener, executor="inline").record
    both = run_study(make_baseline(trials=2), listener, executor=executor).record
    assert [t.number for t in both.trials if t.state == "complete"] == [0, 1]
    assert both.repeats[0] == first.repeats[0]
    assert len(both.openings) == 2


@pytest.mark.slow
def test_a_finished_reproduction_is_left_alone(make_baseline: Maker, listener: Any) -> None:
    """The same command again opens nothing, and exports again what was removed."""
    outcome = run_study(make_baseline(), listener, executor="inline")
    weights = outcome.paths.model_dir / "weights.safetensors"
    before = weights.read_bytes()
    for path in outcome.paths.model_dir.iterdir():
        path.unlink()
    again = run_study(make_baseline(), listener, executor="inline")
    assert again.record == outcome.record
    assert weights.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["lost", "cut"])
def test_a_lost_network_is_trained_again(damage: str, make_baseline: Maker, listener: Any) -> None:
    """A repeat whose weights are gone or damaged gets the very same ones, and that is said."""
    outcome = run_study(make_baseline(), listener, executor="inline")
    network = outcome.paths.network(1)
    before = network.read_bytes()
    outcome.study.set_user_attr("repeats", [])
    network.unlink() if damage == "lost" else network.write_bytes(before[:-10])
    again = run_study(make_baseline(), listener, executor="inline")
    assert network.read_bytes() == before
    assert again.record.repeats == outcome.record.repeats
    assert "the network of trial 1 is missing or damaged: retraining it" in listener.notices()


def test_training_is_measured_as_in_the_report(make_baseline: Maker, make_recipe: Maker) -> None:
    """Evaluation in batches of 1,000 and losses over batches, in no other study."""
    reported = training_settings(make_baseline())
    assert (reported.evaluation_batch, reported.mean_over) == (1000, "batches")
    for other in (make_recipe(), make_baseline(validation="kfold")):
        assert training_settings(other).mean_over == "images"


def test_a_baseline_is_in_fp32_unpruned_and_alone(make_baseline: Maker, listener: Any) -> None:
    """What is left open becomes what the hand-tuned network had."""
    plan = prepare(make_baseline(), InlineExecutor(), listener)
    asked = make_baseline(precision="auto", trials=None, study_name="auto")
    recipe = resolve_recipe(asked, plan.dataset, plan.space, run_job(DeviceProbe("cpu")))
    assert (recipe.precision, recipe.pruner, recipe.trials) == ("fp32", "none", 1)
    assert recipe.study_name == "tiny-baseline-colours"


@pytest.mark.slow
def test_cross_validation_makes_it_an_ordinary_study(make_baseline: Maker, listener: Any) -> None:
    """With k folds the candidate is scored at E* on the folds of a search, refitted and tested."""
    recipe = make_baseline(validation="kfold", folds=3, trials=1)
    record = run_study(recipe, listener, executor="inline").record
    winner = record.winner()
    assert winner is not None
    assert len(winner.fold_scores) == 3
    assert winner.mean == max(winner.history.mean_curve(ACCURACY))
    assert record.refit is not None
    assert record.repeats == ()


def test_the_folds_are_those_of_a_search(
    make_baseline: Maker, make_recipe: Maker, listener: Any
) -> None:
    """So a k-fold baseline and a k-fold search of one seed are compared fold by fold."""
    settings = {"validation": "kfold", "folds": 3, "seed": 4}
    ours, theirs = (
        prepare(make(**settings), InlineExecutor(), listener).folds
        for make in (make_baseline, make_recipe)
    )
    for a, b in zip(ours, theirs, strict=True):
        assert np.array_equal(a.validation, b.validation)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pruner": "halving"}, "needs pruner 'none', got 'halving'"),
        ({"validation": "kfold", "racing": True}, "racing needs sampler"),
        ({"holdout_fraction": 0.3}, "holdout_fraction 0.2, got 0.3"),
    ],
)
def test_what_would_not_be_the_baseline_is_refused(
    settings: dict[str, Any], message: str, make_baseline: Maker
) -> None:
    """A setting that contradicts the report is an error that shows its value."""
    with pytest.raises(ValidationError, match=message):
        make_baseline(**settings)


def test_a_space_without_a_baseline_is_refused(
    make_baseline: Maker, tmp_path: Path, listener: Any
) -> None:
    """There is nothing to reproduce in a space that names no hand-tuned candidate."""
    space = tmp_path / "tiny.py"
    text = space.read_text(encoding="utf-8")
    space.write_text(_without_baseline(text), encoding="utf-8")
    with pytest.raises(UserError, match="space tiny has no baseline_params"):
        _ = prepare(make_baseline(), InlineExecutor(), listener).points


def _without_baseline(text: str) -> str:
    return "".join(line for line in text.splitlines(True) if "baseline_params" not in line)


def test_a_diverged_repeat_has_no_test(make_baseline: Maker, tmp_path: Path, listener: Any) -> None:
    """A network whose loss is not finite is counted, not tested."""
    space = tmp_path / "tiny.py"
    text = space.read_text(encoding="utf-8")
    space.write_text(
        text.replace('"adam", "adam_lr": 0.01}', '"sgd", "sgd_lr": 1.0}')
        .replace("1e-3, 1.0, log", "1e-3, 1e30, log")
        .replace('"sgd_lr": 1.0}', '"sgd_lr": 1e30}'),
        encoding="utf-8",
    )
    with pytest.raises(UserError, match="no trial is complete with a finite loss"):
        run_study(make_baseline(), listener, executor="inline")
    stored = RunPaths(tmp_path / "runs", "study")
    assert not stored.test_predictions.exists()


@pytest.mark.slow
def test_losses_over_batches_are_those_of_a_loop(make_baseline: Maker, listener: Any) -> None:
    """The stored validation loss is what a plain loop over batches of 1,000 would give."""
    outcome = run_study(make_baseline(trials=1), listener, executor="inline")
    record = read_study(outcome.study)
    model = load_model(outcome.paths.model_dir)
    plan = prepare(make_baseline(trials=1), InlineExecutor(), listener)
    split, fold = load_train_split(plan.dataset), plan.folds[0]
    chosen = torch.from_numpy(fold.validation)
    loss = torch.nn.functional.cross_entropy(
        model.logits(split.images[chosen]), split.labels[chosen]
    )
    last = record.trials[0].history.epochs[-1][0]
    assert last.validation_loss is not None
    assert math.isclose(last.validation_loss, loss.item(), rel_tol=1e-5)
