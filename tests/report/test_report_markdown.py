"""report.md."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from search.report.evidence import Evidence
from search.report.finding import GOOD, WINNER
from search.report.findings import FIGURE_NAMES, find_all
from search.report.findings.study import study_status
from search.report.render.markdown import Figures, bullets, report_markdown, table
from tests.report import report_fakes as fakes

ORDER = [
    "How to use it",
    "What won",
    "How good it is",
    "How certain it is",
    "How it learned",
    "Why it won",
    "Where it still fails",
    "What it confuses",
    "All trials",
    "What it cost",
    "What to try next",
    "How to reproduce it",
]
_STUDIES = [
    "kfold_evidence",
    "unfinished_evidence",
    "hostile_evidence",
    "many_classes_evidence",
    "reproduction_evidence",
]


@pytest.fixture(params=_STUDIES)
def evidence(request: pytest.FixtureRequest) -> Evidence:
    found: Evidence = request.getfixturevalue(request.param)
    return found


def _markdown(evidence: Evidence, figures: Figures) -> str:
    return report_markdown(evidence.record, find_all(evidence), figures)


def _titles(text: str) -> list[str]:
    return re.findall(r"^## (.*)$", text, re.MULTILINE)


def test_sections_come_in_the_pages_order(kfold_evidence: Evidence) -> None:
    """From how to use it to how to repeat it."""
    assert _titles(_markdown(kfold_evidence, FIGURE_NAMES)) == ORDER


def test_a_baseline_has_neither_why_nor_next(reproduction_evidence: Evidence) -> None:
    """Nothing was searched; its trainings and the report's figures stand instead."""
    text = _markdown(reproduction_evidence, FIGURE_NAMES)
    searched = ("What won", "Why it won", "All trials", "What to try next")
    others = [title for title in ORDER if title not in searched]
    assert _titles(text) == [others[0], "The hand-tuned network", *others[1:]]
    assert "| trial 2 |" in text
    assert "| Figure | Report | Ours |" in text


@pytest.mark.slow
def test_every_table_is_whole(evidence: Evidence) -> None:
    """Each row has as many cells as its head, whatever the names hold."""
    lines = _markdown(evidence, FIGURE_NAMES).splitlines()
    for line, following in pairwise(lines):
        if line.startswith("|") and following.startswith("|"):
            assert _cells(line) == _cells(following)


def _cells(line: str) -> int:
    return len(re.findall(r"(?<!\\)\|", line))


@pytest.mark.slow
def test_names_cannot_act(hostile_evidence: Evidence) -> None:
    """No name ends a cell, opens an element or a formula, or makes text bold."""
    text = _markdown(hostile_evidence, FIGURE_NAMES)
    assert re.search(r"(?<!\\)<script", text) is None
    assert "\\</script\\>\\<script\\>alert" in text
    assert re.search(r"(?<!\\)\$", text) is None
    assert bullets(["a*b|c: `d` [e](f) <g>"]).count("\\") >= 8
    assert table(("a",), [("x|y\nz",)], "l").splitlines()[-1] == "| x\\|y\\\\nz |"


def test_pictures_are_those_that_lie_beside_it(kfold_evidence: Evidence) -> None:
    """Each is linked once by its file's name; one that was not drawn is not linked."""
    drawn = fakes.CNN_FIGURES
    text = _markdown(kfold_evidence, drawn)
    assert sorted(re.findall(r"!\[[^]]+\]\(([^)]+)\.png\)", text)) == sorted(drawn)
    assert "![" not in _markdown(kfold_evidence, ())


def test_it_gives_the_figures_that_matter(kfold_evidence: Evidence) -> None:
    """The test accuracy with its interval, the baseline's, the paired test and the recipe."""
    text = _markdown(kfold_evidence, ())
    test = kfold_evidence.record.test
    assert test is not None
    assert f"{100 * test.accuracy:.2f}% of 2,000 images are correct" in text
    assert "95% Wilson interval" in text
    assert "McNemar’s test gives p" in text
    assert kfold_evidence.record.recipe.toml().rstrip() in text
    assert "This study opened the test set once." in text


def test_an_unfinished_study_says_so(unfinished_evidence: Evidence) -> None:
    """Whatever is missing has a sentence instead of an empty table."""
    text = _markdown(unfinished_evidence, ())
    assert str(study_status(unfinished_evidence.record)).split("(", maxsplit=1)[0].strip() in text
    assert "the hand-tuned network was trial 0: pruned after 2 epochs" in text
    assert text.count("There is no test result yet.") == 1
    assert "This study has not opened the test set." in text


def test_many_classes_are_cut_to_the_worst(many_classes_evidence: Evidence) -> None:
    """Thirty rows, and a word on the others."""
    text = _markdown(many_classes_evidence, ())
    assert "These are the first 30 of 37 rows." in text


@pytest.mark.slow
def test_without_a_baseline_the_command_stands_there(kfold_evidence: Evidence) -> None:
    """As on the page."""
    lacking = replace(kfold_evidence, baseline=None)
    assert "```sh\npython -m search baseline --space cnn" in _markdown(lacking, ())


def test_a_study_that_has_just_begun_says_so() -> None:
    """Each section that cannot be left out has a sentence in place of its findings."""
    record = fakes.study_record([], recipe={"with_baseline": False})
    text = _markdown(fakes.evidence(record), ())
    assert f"## {WINNER.title}\n\n{WINNER.empty}\n" in text
    assert f"## {GOOD.title}\n\n{GOOD.empty}\n" in text
