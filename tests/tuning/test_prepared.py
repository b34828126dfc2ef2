"""How many trials of a study were prepared, also where an older version did not store that."""

from typing import Any

import pytest

from search.tuning.records import StudyRecord
from spaces.cnn import CNN_SPACE
from tests.report import report_fakes as fakes

BASELINE = dict(CNN_SPACE.baseline_params or {})
KNOWN = [dict(one) for one in CNN_SPACE.portfolio]
DRAWN = {**KNOWN[0], "conv_dropout": 0.1234, "label_smoothing": 0.0321}


def record_of(*points: dict[str, Any], n_first: int = 0, **recipe: Any) -> StudyRecord:
    trials = [fakes.complete_trial(i, [0.5], params=point) for i, point in enumerate(points)]
    settings = {"start": "portfolio"} | recipe
    return fakes.study_record(trials, recipe=settings, n_first=n_first)


def test_the_stored_number_counts_up_to_the_trials_there_are() -> None:
    assert record_of(BASELINE, *KNOWN, DRAWN, n_first=9).n_prepared == 9
    assert record_of(BASELINE, KNOWN[0], n_first=9).n_prepared == 2
    assert record_of(n_first=9).n_prepared == 0


def test_an_older_study_is_known_by_its_points() -> None:
    """The hand-tuned network, then points of the portfolio as they suit the data."""
    fitted = {**KNOWN[1], "batch_size": 16, "base_width": 8}
    assert record_of(BASELINE, KNOWN[0], fitted, DRAWN, DRAWN).n_prepared == 3
    assert record_of(KNOWN[0], fitted, DRAWN, with_baseline=False).n_prepared == 2
    assert record_of(DRAWN, DRAWN, with_baseline=False).n_prepared == 0
    assert record_of(BASELINE, DRAWN).n_prepared == 1


def test_values_within_the_users_own_ranges_are_not_compared() -> None:
    moved = {**KNOWN[0], "label_smoothing": 0.1}
    ranges = ["label_smoothing=0.1..0.2"]
    assert record_of(BASELINE, moved, DRAWN, set=ranges).n_prepared == 2
    assert record_of(BASELINE, moved, DRAWN).n_prepared == 1


@pytest.mark.parametrize("recipe", [{"start": "baseline"}, {"space": "mine.py:SPACE"}])
def test_without_a_known_portfolio_only_the_baseline_counts(recipe: dict[str, Any]) -> None:
    record = record_of(BASELINE, KNOWN[0], DRAWN)
    stored = record.recipe.model_copy(update=recipe)
    found = StudyRecord(**{**vars(record), "recipe": stored})
    assert found.n_prepared == 1


def test_an_attempt_that_has_no_parameters_yet_hides_none() -> None:
    record = record_of(BASELINE, KNOWN[0], DRAWN)
    again = fakes.other_trial(3, "waiting", plan=1, attempt=1)
    assert StudyRecord(**{**vars(record), "trials": (*record.trials, again)}).n_prepared == 2
