"""The page of a search beside a baseline study, and of a baseline study itself."""

from dataclasses import replace

import pytest

from search.reference.reported_figures import ReportedRow, reported_note
from search.report.evidence import Evidence, TestedStudy
from search.report.findings.baseline_comparison import BaselineComparison
from search.report.findings.repeats import Reported
from search.report.render.html import render_page
from search.text import points
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes
from tests.report.conftest import PageReader, baseline_evidence, one_spaced, read_page


def test_the_winner_stands_beside_the_baseline(
    kfold_evidence: Evidence, kfold_page: PageReader
) -> None:
    """Both accuracies with intervals, the difference, McNemar's test, classes and settings."""
    versus = kfold_evidence.once(BaselineComparison.of)
    assert versus is not None
    assert versus.paired is not None
    low, high = versus.interval
    gain = versus.gains[0]
    for fact in (
        "Compared with the hand-tuned baseline",
        f"{versus.accuracy:.2%}",
        f"{low:.2%} to {high:.2%}",
        f"The mean test accuracy of all 3 is {versus.mean:.2%}",
        f"{points(versus.paired.interval[0])} to {points(versus.paired.interval[1])}",
        f"only the winner’s is right on {versus.paired.only_first} images",
        "McNemar’s test",
        "p < 0.0001",
        f"{gain.name} {gain.baseline_recall:.1%} {gain.winner_recall:.1%} {points(gain.gain, 1)}",
        "optimizer: learning rate 0.01",
        "In the search, the hand-tuned network was trial 0",
    ):
        assert fact in kfold_page.text, fact
    assert kfold_page.text.count("Settings of the hand-tuned baseline and of the winner") == 1


@pytest.mark.slow
def test_without_a_baseline_the_page_says_how_to_make_one(hostile_evidence: Evidence) -> None:
    """One line and a command stand where the comparison would."""
    text = read_page(hostile_evidence).text
    assert "python -m search baseline --space cnn --dataset auto" in text
    assert "Compared with the hand-tuned baseline" not in text


@pytest.mark.slow
def test_lacking_predictions_are_said_plainly(kfold: fakes.Fake) -> None:
    """An older study keeps the comparison by class and names what is missing for the rest."""
    evidence = Evidence(*kfold, baseline=baseline_fakes.reproduction(1))
    text = read_page(evidence).text
    assert f"Test predictions were not kept for {kfold.record.name}," in text
    assert "McNemar’s test gives" not in text
    assert "Recall of each class on the test images" in text


@pytest.mark.slow
def test_a_baseline_page_is_about_trainings(reproduction_evidence: Evidence) -> None:
    """It shows every training and their spread, and none of a search's sections."""
    page = read_page(reproduction_evidence)
    record = reproduction_evidence.record
    for fact in (
        "Baseline report",
        "trained 3 times",
        "mean of 3 trainings, standard deviation",
        "after the last epoch",
        *(f"{one.accuracy:.2%}" for one in record.repeats),
        *(f"{one.loss:.4f}" for one in record.repeats),
        "114,186 parameters, trained for 40 epochs",
        "This study opened the test set once.",
    ):
        assert fact in page.text, fact
    recipe = one_spaced(reproduction_evidence.record.recipe.toml())
    assert recipe.strip() in page.text
    prose = page.text.replace(recipe.strip(), "")
    for nonsense in (
        "What won",
        "refit",
        "Which parameters matter",
        "The search",
        "E*",
        "unbeaten",
    ):
        assert nonsense not in prose, nonsense
    charts = {a["id"] for _, a in page.tags if a.get("class") == "chart"}
    assert charts == {"chart-cnn-learning-curve", "chart-cnn-confusion-matrix"}


@pytest.mark.slow
def test_links_of_a_baseline_page_lead_somewhere(
    reproduction_evidence: Evidence, kfold_page: PageReader
) -> None:
    """Every link of the navigation names a section that is there."""
    for page in (read_page(reproduction_evidence), kfold_page):
        known = {a.get("id") for _, a in page.tags}
        places = [str(a["href"]) for t, a in page.tags if t == "a"]
        links = [place.removeprefix("#") for place in places if place.startswith("#")]
        assert links
        assert set(links) <= known


def test_reported_figures_stand_beside_ours(reproduction_evidence: Evidence) -> None:
    """Each figure of the hand-tuned report has a row, and a note says how to read it."""
    row = ReportedRow("validation <loss>", "about 0.56", "0.6463", "+0.0863", "outside its spread")
    reported = reproduction_evidence.once(Reported.of)
    assert reported is not None
    shown = reported.model_copy(update={"rows": (row,)})
    reader = PageReader()
    reader.feed(render_page(reproduction_evidence.record, [shown]))
    text = reader.text
    assert "Compared with the hand-tuned report" in text
    assert "validation <loss> about 0.56 0.6463 +0.0863 outside its spread" in text
    assert reported_note(reproduction_evidence.record) in text


@pytest.mark.slow
def test_an_untested_baseline_has_a_page() -> None:
    """Validation figures stand alone until the test set is opened."""
    text = read_page(baseline_evidence(baseline_fakes.reproduction(2, ended=False))).text
    assert "The baseline has not ended (2 of 2 trials ended): no test result yet." in text
    assert "not evaluated yet" in text


def test_a_baseline_that_has_just_begun_has_a_page() -> None:
    """Nothing complete is no traceback."""
    record = baseline_fakes.baseline_record([fakes.other_trial(0, "running")])
    text = read_page(baseline_evidence(TestedStudy(record))).text
    assert "No training is complete yet." in text


@pytest.mark.slow
def test_a_crossvalidated_baseline_keeps_folds_and_refit() -> None:
    """It is an ordinary study of one candidate: folds, E* and a refit, without rivals."""
    text = read_page(baseline_evidence(baseline_fakes.crossvalidated(2))).text
    assert "test, after the refit" in text
    assert "Validation score at E*" in text
    assert "What won" not in text


@pytest.mark.slow
def test_diverged_trainings_are_named(reproduction: TestedStudy) -> None:
    """A training that is not in the table is told beside it."""
    diverged = fakes.other_trial(3, "complete", value=0.1, diverged=True, reason="loss is nan")
    record = replace(reproduction.record, trials=(*reproduction.record.trials, diverged))
    text = read_page(baseline_evidence(TestedStudy(record))).text
    assert "Not in the table: trial 3 diverged: loss is nan." in text
