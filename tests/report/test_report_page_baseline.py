"""The page of a search beside a baseline study, and of a baseline study itself."""

from dataclasses import replace

from search.reference.reported import ReportedRow, reported_note
from search.report.evidence import Evidence, TestedStudy
from search.report.info.report import ReportInfo, report_info
from search.text import points
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes
from tests.report.conftest import PageReader, baseline_info, read_page


def test_the_winner_stands_beside_the_baseline(
    kfold_info: ReportInfo, kfold_page: PageReader
) -> None:
    """Both accuracies with intervals, the difference, McNemar's test, classes and settings."""
    versus = kfold_info.versus
    assert versus is not None
    assert versus.paired is not None
    low, high = versus.baseline.interval
    gain = versus.gains[0]
    for fact in (
        "Beside the hand-tuned baseline",
        f"{versus.baseline.accuracy:.2%}",
        f"{low:.2%} to {high:.2%}",
        f"the mean of their test accuracies is {versus.mean:.2%}",
        f"{points(versus.paired.interval[0])} to {points(versus.paired.interval[1])}",
        f"{versus.paired.only_first} images only the winner gets right",
        "McNemar’s test",
        "p < 0.0001",
        f"{gain.name} {gain.baseline_recall:.1%} {gain.winner_recall:.1%} {points(gain.gain, 1)}",
        "optimizer: learning rate 0.01",
        "Within the search, the hand-tuned network was trial 0",
    ):
        assert fact in kfold_page.text, fact
    assert kfold_page.text.count("What the winner does otherwise") == 1


def test_without_a_baseline_the_page_says_how_to_make_one(hostile_info: ReportInfo) -> None:
    """One line and a command stand where the comparison would."""
    text = read_page(hostile_info).text
    assert "python -m search baseline --space cnn --dataset auto" in text
    assert "Beside the hand-tuned baseline" not in text


def test_lacking_predictions_are_said_plainly(kfold: fakes.Fake) -> None:
    """An older study keeps the comparison by class and names what is missing for the rest."""
    evidence = Evidence(*kfold, baseline=baseline_fakes.reproduction(1))
    text = read_page(report_info(evidence)).text
    assert f"predictions on the test images were not kept for {kfold.record.name}," in text
    assert "McNemar’s test, which asks" not in text
    assert "Where the winner gains" in text


def test_a_baseline_page_is_about_trainings(reproduction_info: ReportInfo) -> None:
    """It shows every training and their spread, and none of a search's sections."""
    page = read_page(reproduction_info)
    record = reproduction_info.record
    for fact in (
        "Baseline report",
        "trained 3 times",
        "mean of 3 trainings, standard deviation",
        "after the last epoch",
        *(f"{one.accuracy:.2%}" for one in record.repeats),
        *(f"{one.loss:.4f}" for one in record.repeats),
        "114,186 parameters, trained for 40 epochs",
        "The test set was opened once.",
    ):
        assert fact in page.text, fact
    for nonsense in (
        "What won",
        "refit",
        "Which parameters matter",
        "The search",
        "E*",
        "unbeaten",
    ):
        assert nonsense not in page.text, nonsense
    charts = {a["id"] for _, a in page.tags if a.get("class") == "chart"}
    assert charts == {"chart-learning-curve", "chart-confusion-matrix"}


def test_links_of_a_baseline_page_lead_somewhere(
    reproduction_info: ReportInfo, kfold_page: PageReader
) -> None:
    """Every link of the navigation names a section that is there."""
    for page in (read_page(reproduction_info), kfold_page):
        known = {a.get("id") for _, a in page.tags}
        links = [str(a["href"]).removeprefix("#") for t, a in page.tags if t == "a"]
        assert links
        assert set(links) <= known


def test_reported_figures_stand_beside_ours(reproduction_info: ReportInfo) -> None:
    """Each figure of the hand-tuned report has a row, and a note says how to read it."""
    row = ReportedRow("validation <loss>", "about 0.56", "0.6463", "+0.0863", "outside its spread")
    text = read_page(replace(reproduction_info, reported=(row,))).text
    assert "Beside the hand-tuned report" in text
    assert "validation <loss> about 0.56 0.6463 +0.0863 outside its spread" in text
    assert reported_note(reproduction_info.record) in text


def test_an_untested_baseline_has_a_page() -> None:
    """Validation figures stand alone until the test set is opened."""
    text = read_page(baseline_info(baseline_fakes.reproduction(2, ended=False))).text
    assert "The baseline has not ended (2 of 2 trials ended): no test result yet." in text
    assert "not evaluated yet" in text


def test_a_baseline_that_has_just_begun_has_a_page() -> None:
    """Nothing complete is no traceback."""
    record = baseline_fakes.baseline_record([fakes.other_trial(0, "running")])
    text = read_page(baseline_info(TestedStudy(record))).text
    assert "No training is complete yet." in text


def test_a_crossvalidated_baseline_keeps_folds_and_refit() -> None:
    """It is an ordinary study of one candidate: folds, E* and a refit, without rivals."""
    text = read_page(baseline_info(baseline_fakes.crossvalidated(2))).text
    assert "test, after the refit" in text
    assert "The best training’s folds" in text
    assert "What won" not in text


def test_diverged_trainings_are_named(reproduction: TestedStudy) -> None:
    """A training that is not in the table is told beside it."""
    diverged = fakes.other_trial(3, "complete", value=0.1, diverged=True, reason="loss is nan")
    record = replace(reproduction.record, trials=(*reproduction.record.trials, diverged))
    text = read_page(baseline_info(TestedStudy(record))).text
    assert "Not among them: trial 3 diverged: loss is nan." in text
