"""What a study is and how far it is, in words."""

from dataclasses import replace

import pytest

from search.command_lines import run_command
from search.report.blocks import Code, Rows
from search.report.evidence import Evidence, TestedStudy
from search.report.findings.study import (
    HowTrialsWereMade,
    Study,
    page_lead,
    page_title,
    study_status,
    validation_words,
)
from search.tuning.records import StudyRecord
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes


def test_status_tells_how_far_the_search_is(kfold: fakes.Fake, unfinished: fakes.Fake) -> None:
    """An ended study needs no word; others say what is missing."""
    assert study_status(kfold.record) is None
    assert "2 of 4 trials ended" in str(study_status(unfinished.record))
    open_study: StudyRecord = replace(kfold.record, refit=None, test=None)
    assert "24 of 24 trials ended" in str(study_status(open_study))
    again = replace(open_study.trials[3], number=24, attempt=1)
    assert "24 of 24" in str(study_status(replace(open_study, trials=(*open_study.trials, again))))


def test_the_way_on_is_told_where_something_is_missing(
    kfold_evidence: Evidence, unfinished_evidence: Evidence
) -> None:
    """By the command that `show` gives, too."""
    record = unfinished_evidence.record
    (code,) = (one for one in Study.of(unfinished_evidence).blocks() if isinstance(one, Code))
    assert code.text == run_command(record.recipe, record.recipe.trials)
    assert not any(isinstance(one, Code) for one in Study.of(kfold_evidence).blocks())


@pytest.mark.slow
def test_status_of_a_baseline_waits_for_no_refit() -> None:
    """Untested, it lacks the test alone; tested, it lacks nothing."""
    untested = baseline_fakes.reproduction(2, ended=False).record
    assert study_status(untested) == (
        "The baseline has not ended (2 of 2 trials ended): no test result yet."
    )
    assert study_status(baseline_fakes.reproduction(2).record) is None
    folds = replace(baseline_fakes.crossvalidated(1).record, refit=None, test=None)
    assert "no refit and no test result" in str(study_status(folds))


def test_words_of_a_baseline(reproduction: TestedStudy) -> None:
    """Title, lead and facts speak of a reproduction, not of a search."""
    record = reproduction.record
    assert page_title(record) == "Baseline report"
    assert page_lead(record) == (
        "The hand-tuned network of the space cnn on photos, trained 3 times, "
        "scored by the hand-tuned report’s 20% holdout."
    )
    found = HowTrialsWereMade.of(fakes.evidence(record))
    (rows,) = found.blocks()
    assert isinstance(rows, Rows)
    facts = dict(rows.pairs)
    assert facts["score"] == "validation accuracy, after the last epoch"
    assert facts["epochs"] == "40"


def test_candidates_that_a_search_began_with_are_those_it_tried() -> None:
    """A plan of more prepared candidates than trials began with as many as there are."""
    trials = [fakes.complete_trial(i, [0.5]) for i in range(6)]
    record = fakes.study_record(trials, n_first=8, recipe={"start": "portfolio"})
    assert record.n_prepared == 6
    assert "the hand-tuned network and 5 candidates" in page_lead(record)


@pytest.mark.parametrize(
    ("recipe", "words"),
    [({}, "holdout of 20%"), ({"validation": "kfold", "folds": 3}, "3-fold cross-validation")],
)
def test_validation_in_words(recipe: dict[str, object], words: str) -> None:
    """The way of scoring is said in the field's words."""
    assert validation_words(fakes.study_record([], recipe=recipe)) == words
