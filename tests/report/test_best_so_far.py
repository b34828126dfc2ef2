"""The course of searches over time, and the levels that hand tuning reaches."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from search.metric import ACCURACY, LOSS
from search.report.best_so_far import (
    Point,
    baseline_levels,
    best_over_time,
    best_over_trials,
    shared_metric,
)
from search.tuning.records import StudyRecord, TrialRecord
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes
from tests.report.comparison_fakes import during, scored, search


def _steps(points: Sequence[Point]) -> list[tuple[float, float]]:
    return [(point.at, point.value) for point in points]


def test_only_improvements_are_points() -> None:
    """A worse trial moves nothing, and the search goes on after the last improvement."""
    curve = best_over_time(search("a", [0.5, 0.7, 0.6, 0.7, 0.8, 0.1]), ACCURACY)
    assert _steps(curve.points) == [(600, 0.5), (1200, 0.7), (3000, 0.8)]
    assert [point.trial for point in curve.points] == [0, 1, 4]
    assert (curve.total, curve.first_fold) == (3600, ())


def test_trials_count_when_they_end_not_when_they_were_planned() -> None:
    """With several workers a later trial of the plan may be the first to end."""
    record = fakes.study_record([scored(0, 0.8, 0, 20), scored(1, 0.6, 0, 10)])
    assert _steps(best_over_time(record, ACCURACY).points) == [(600, 0.6), (1200, 0.8)]


def test_only_complete_trials_set_a_best() -> None:
    """A pruned trial's last report is no score, and chance is not the worth of a network."""
    trials = [
        during(fakes.other_trial(0, "pruned", value=0.9), 0, 1),
        during(fakes.other_trial(1, "complete", value=0.9, diverged=True), 0, 2),
        scored(2, 0.5, 0, 3),
    ]
    curve = best_over_time(fakes.study_record(trials), ACCURACY)
    assert _steps(curve.points) == [(180, 0.5)]


def test_losses_fall() -> None:
    """The best loss is the lowest; the made-up losses are 1 - accuracy."""
    curve = best_over_time(search("a", [0.5, 0.4, 0.8], metric="loss"), LOSS)
    assert [point.value for point in curve.points] == pytest.approx([0.5, 0.2])


def test_a_study_scored_by_loss_can_be_drawn_by_accuracy() -> None:
    """The accuracy is that of the epoch at which the trial was scored."""
    curve = best_over_time(search("a", [0.6], metric="loss"), ACCURACY)
    assert _steps(curve.points) == [(600, 0.6)]


def test_nothing_complete_is_an_empty_curve() -> None:
    """A study that has just begun has a time, but no point."""
    record = fakes.study_record([during(fakes.other_trial(0, "failed"), 0, 5)])
    assert best_over_time(record, ACCURACY) == (record.name, (), 300, ())


def _race(*trials: TrialRecord) -> StudyRecord:
    """Return an ended fold race of three epochs."""
    recipe = {"validation": "kfold", "folds": 2, "racing": True}
    record = fakes.study_record(trials, recipe=recipe)
    return replace(record, recipe=record.recipe.model_copy(update={"epochs": 3}))


def test_a_race_shows_its_first_folds_before_its_end() -> None:
    """All scores of a race are told at its end; when each first fold ended is known by its epochs.

    The made-up epochs take half a second; trials that lost the race are pruned, but whole.
    """
    whole = fakes.history([[0.2, 0.6, 0.5]])
    trials = (
        fakes.other_trial(0, "pruned", value=0.6, history=whole),
        fakes.other_trial(1, "pruned", value=0.9, history=whole.truncated(1)),
        fakes.complete_trial(2, [0.3, 0.8, 0.7], [0.3, 0.7, 0.8]),
        fakes.complete_trial(3, [0.3, 0.7, 0.6], [0.3, 0.7, 0.6]),
        fakes.other_trial(
            4, "complete", value=0.1, diverged=True, history=fakes.history([[0.9] * 3])
        ),
    )
    curve = best_over_time(_race(*(during(t, t.number, 60) for t in trials)), ACCURACY)
    assert _steps(curve.first_fold) == [(1.5, 0.6), (121.5, 0.8)]
    assert _steps(curve.points) == [(3600, 0.75)]


def test_over_trials_the_plans_order_counts() -> None:
    """Whatever ended first: the same plan gives the same steps with any number of workers."""
    trials = [
        scored(0, 0.8, 0, 20),
        scored(1, 0.6, 0, 10),
        during(fakes.other_trial(2, "pruned", value=0.9), 0, 1),
        scored(3, 0.9, 0, 5),
        fakes.other_trial(4, "waiting"),
    ]
    curve = best_over_trials(fakes.study_record(trials), ACCURACY)
    assert _steps(curve.points) == [(1, 0.8), (4, 0.9)]
    assert (curve.total, curve.first_fold) == (4, ())


def test_over_trials_a_race_has_its_first_folds_too() -> None:
    """The winner alone is scored; what led there is on the first fold."""
    trials = (
        fakes.other_trial(0, "pruned", value=0.6, history=fakes.history([[0.2, 0.6, 0.5]])),
        fakes.complete_trial(1, [0.3, 0.8, 0.7], [0.3, 0.7, 0.8]),
    )
    curve = best_over_trials(_race(*trials), ACCURACY)
    assert _steps(curve.first_fold) == [(1, 0.6), (2, 0.8)]
    assert _steps(curve.points) == [(2, 0.75)]


def test_an_improvement_names_its_trial() -> None:
    """Number and candidate in words, for who hovers over it."""
    (point,) = best_over_trials(search("a", [0.6]), ACCURACY).points
    assert point.trial == 0
    assert point.words.startswith("Three convolutions")


def test_a_first_fold_ended_no_later_than_its_trial() -> None:
    """An attempt that goes on with an earlier one's epochs took less time than they did."""
    resumed = during(fakes.complete_trial(0, [0.3, 0.8, 0.7]), 0, 0.01)
    other = during(fakes.other_trial(1, "failed"), 0, 1)
    (point,) = best_over_time(_race(resumed, other), ACCURACY).first_fold
    assert point.at == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("metrics", "shared"),
    [
        (("accuracy", "accuracy"), "accuracy"),
        (("accuracy", "loss"), "accuracy"),
        (("loss", "loss"), "loss"),
    ],
)
def test_losses_are_drawn_only_where_all_are_scored_by_them(
    metrics: tuple[str, str], shared: str
) -> None:
    """Every trial has an accuracy, so that is what mixed studies share."""
    assert shared_metric(search("a", [0.5], metric=one) for one in metrics).name == shared


def test_a_level_is_the_mean_of_the_trainings() -> None:
    """Three trainings give one line, named after their network."""
    record = baseline_fakes.reproduction(3).record
    (level,) = baseline_levels([record], ACCURACY)
    means = [trial.mean for trial in record.trials if trial.mean is not None]
    assert (level.study, level.label) == (record.name, "hand-tuned CNN")
    assert level.value == pytest.approx(sum(means) / 3)
    (loss,) = baseline_levels([record], LOSS)
    assert loss.value == pytest.approx(
        sum(trial.history.mean_curve(LOSS)[-1] for trial in record.trials) / 3
    )


def test_levels_of_the_same_network_bear_their_studies_names() -> None:
    """Two labels are never the same."""
    one = baseline_fakes.reproduction(1).record
    labels = [level.label for level in baseline_levels([one, replace(one, name="b")], ACCURACY)]
    assert labels == ["hand-tuned CNN (cnn-baseline-photos)", "hand-tuned CNN (b)"]


def test_levels_name_their_data_where_there_are_several() -> None:
    """A network tuned on one dataset says nothing of another."""
    one = baseline_fakes.reproduction(1).record
    (level,) = baseline_levels([one], ACCURACY, datasets=2)
    assert level.label == f"hand-tuned CNN on {one.dataset.name}"


def test_a_baseline_that_has_not_begun_has_no_level() -> None:
    """There is nothing to draw yet."""
    assert baseline_levels([baseline_fakes.baseline_record([])], ACCURACY) == ()
