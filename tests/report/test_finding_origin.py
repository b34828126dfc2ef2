"""Whether the winner was known to be good before the search, or found by it."""

from dataclasses import replace

from search.report.findings.origin import Origin
from search.report.findings.recommendations import forecast
from tests.report import report_fakes as fakes


def words(scores: list[float], n_first: int) -> str | None:
    """Return what is said of complete trials with these scores, in the order of the plan."""
    trials = [fakes.complete_trial(i, [score]) for i, score in enumerate(scores)]
    record = replace(fakes.study_record(trials), n_first=n_first)
    found = Origin.of(fakes.evidence(record))
    return None if found is None else " ".join(found.sentences())


def test_a_winner_that_was_known_is_told_with_the_best_that_was_drawn() -> None:
    told = words([0.5, 0.9, 0.7, 0.8, 0.6], n_first=3)
    assert told is not None
    assert told.startswith("Trial 1 is one of the prepared candidates")
    assert "Of 2 trials drawn at random, the best, trial 3, reached 80.00%" in told


def test_a_single_trial_that_was_drawn_is_not_the_best_of_one() -> None:
    told = words([0.5, 0.9, 0.6], n_first=2)
    assert told is not None
    assert told.endswith("The only trial drawn at random, trial 2, reached 60.00%.")


def test_where_none_was_drawn_no_other_trial_is_denied() -> None:
    """Prepared ones may be complete; a drawn one that failed is told apart from none at all."""
    told = words([0.5, 0.9, 0.7], n_first=8)
    assert told is not None
    assert told.endswith("No trial was drawn at random.")
    trials = [fakes.complete_trial(i, [0.5 + i / 10]) for i in range(3)]
    record = fakes.study_record([*trials, fakes.other_trial(3, "failed")])
    found = Origin.of(fakes.evidence(replace(record, n_first=3)))
    assert found is not None
    assert found.sentences()[0].endswith("No trial drawn at random is complete.")


def test_a_winner_that_was_drawn_is_told_with_the_best_that_was_known() -> None:
    told = words([0.5, 0.7, 0.9, 0.8], n_first=2)
    assert told is not None
    assert told.startswith("Trial 2 was drawn at random")
    assert "the best, trial 1, reached 70.00%" in told


def test_a_study_that_began_with_the_baseline_at_most_has_no_such_sentence() -> None:
    """Nor has one of an older version, which stored nothing."""
    assert words([0.5, 0.9], n_first=0) is None
    assert words([0.5, 0.9], n_first=1) is None
    assert words([], n_first=3) is None


def test_a_forecast_is_of_what_was_sampled() -> None:
    """Candidates known to be good are no random sample, and hide what more trials gain."""
    scores = [0.5, *[0.9] * 7, *(0.6 + 0.01 * i for i in range(8))]
    trials = [fakes.complete_trial(i, [score]) for i, score in enumerate(scores)]
    found = forecast(replace(fakes.study_record(trials), n_first=8))
    assert found is not None
    assert found.sizes[-1] == 8
    assert found.values[-1] == max(scores[8:])
