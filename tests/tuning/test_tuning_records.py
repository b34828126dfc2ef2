"""What is read from a stored study beyond its trials."""

from dataclasses import replace
from typing import Any

import pytest

from search.report.findings.study import RecipeSettings
from search.tuning.attempts import INTERRUPTED
from tests.report import report_fakes as fakes


@pytest.mark.parametrize(
    ("settings", "horizon", "repeats"),
    [
        ({"trials": 9}, None, {"trials": 9, "refit_epochs": None, "budget": None}),
        ({"trials": 9, "refit_epochs": 40}, 40, {"trials": 9, "refit_epochs": 40, "budget": None}),
        # a study of an older version, whose limit of an hour was not stored
        ({"trials": 9}, 33, {"trials": 9, "refit_epochs": 33, "budget": None}),
        (
            {"trials": 9, "budget": 3600.0},
            33,
            {"trials": 2, "refit_epochs": 33, "budget": None},
        ),
        (
            {"trials": 9, "budget": 3600.0},
            None,
            {"trials": 2, "refit_epochs": 10, "budget": None},
        ),
    ],
)
def test_what_is_repeated_is_what_was_done(
    settings: dict[str, Any], horizon: int | None, repeats: dict[str, Any]
) -> None:
    """The trials and the schedule that there was time for, without a limit of time."""
    trials = [fakes.complete_trial(number, [0.5 + number / 10]) for number in (0, 1)]
    record = fakes.study_record(trials, recipe=settings)
    if horizon is not None:
        record = replace(record, horizon={"trial": 1, "epochs": horizon})
    again = record.repeatable_recipe()
    assert {name: getattr(again, name) for name in repeats} == repeats


def test_what_ended_after_a_trial_that_was_cut_off_is_repeated_too() -> None:
    """Trials have fixed places in the plan, so the one between them runs as well."""
    cut_off = fakes.other_trial(1, "failed", reason=INTERRUPTED)
    queued = replace(fakes.other_trial(3, "waiting"), plan=1, attempt=1)
    trials = [fakes.complete_trial(0, [0.5]), cut_off, fakes.complete_trial(2, [0.6]), queued]
    record = fakes.study_record(trials, recipe={"budget": 60.0, "trials": 30})
    assert record.done_indices() == {0, 2}
    assert record.repeatable_recipe().trials == 3
    told = " ".join(RecipeSettings.of(fakes.evidence(record)).sentences())
    assert "repeats the 2 trials" in told
    assert "runs 1 trial that the end of the time cut off" in told
