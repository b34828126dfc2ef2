"""report.md."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from search.report.figures.report import FIGURE_NAMES
from search.report.findings.base import GOOD, WINNER
from search.report.info.report import ReportInfo, report_info
from search.report.markdown.blocks import facts, table
from search.report.markdown.report import report_markdown
from search.report.study_words import study_status
from tests.report import report_fakes as fakes

ORDER = [
    "What won",
    "How good it is",
    "How certain that is",
    "Why it won",
    "Where it still fails",
    "What it cost",
    "What to try next",
    "How to reproduce it",
]
_INFOS = ["kfold_info", "unfinished_info", "hostile_info", "many_classes_info", "reproduction_info"]


@pytest.fixture(params=_INFOS)
def info(request: pytest.FixtureRequest) -> ReportInfo:
    found: ReportInfo = request.getfixturevalue(request.param)
    return found


def _titles(text: str) -> list[str]:
    return re.findall(r"^## (.*)$", text, re.MULTILINE)


def test_sections_come_in_the_pages_order(kfold_info: ReportInfo) -> None:
    """What won, how good, how sure, why, where it fails, what it cost, what next, how again."""
    assert _titles(report_markdown(kfold_info, FIGURE_NAMES)) == ORDER


def test_a_baseline_has_neither_why_nor_next(reproduction_info: ReportInfo) -> None:
    """Nothing was searched; its trainings and the report's figures stand instead."""
    text = report_markdown(reproduction_info, FIGURE_NAMES)
    assert _titles(text) == [
        "The hand-tuned network", *ORDER[1:3], *ORDER[4:6], ORDER[7],
    ]  # fmt: skip
    assert "| trial 2 |" in text
    assert "| Figure | Report | Ours |" in text


def test_every_table_is_whole(info: ReportInfo) -> None:
    """Each row has as many cells as its head, whatever the names hold."""
    lines = report_markdown(info, FIGURE_NAMES).splitlines()
    for line, following in pairwise(lines):
        if line.startswith("|") and following.startswith("|"):
            assert _cells(line) == _cells(following)


def _cells(line: str) -> int:
    return len(re.findall(r"(?<!\\)\|", line))


def test_names_cannot_act(hostile_info: ReportInfo) -> None:
    """No name ends a cell, opens an element or a formula, or makes text bold."""
    text = report_markdown(hostile_info, FIGURE_NAMES)
    assert re.search(r"(?<!\\)<script", text) is None
    assert "\\</script\\>\\<script\\>alert" in text
    assert re.search(r"(?<!\\)\$", text) is None
    assert facts([("a*b|c", "`d` [e](f) <g>")]).count("\\") >= 8
    assert table(("a",), [("x|y\nz",)], "l").splitlines()[-1] == "| x\\|y\\\\nz |"


def test_pictures_are_those_that_lie_beside_it(kfold_info: ReportInfo) -> None:
    """Each is linked once by its file's name; one that was not drawn is not linked."""
    drawn = [name for name in FIGURE_NAMES if not name.startswith("mlp-")]
    text = report_markdown(kfold_info, drawn)
    assert sorted(re.findall(r"!\[[^]]+\]\(([^)]+)\.png\)", text)) == sorted(drawn)
    assert "](" not in report_markdown(kfold_info, ())


def test_it_gives_the_figures_that_matter(kfold_info: ReportInfo) -> None:
    """The test accuracy with its interval, the baseline's, the paired test and the recipe."""
    text = report_markdown(kfold_info, ())
    test = kfold_info.record.test
    assert test is not None
    assert f"**{100 * test.accuracy:.2f}%**" in text
    assert "95% Wilson interval" in text
    assert "McNemar’s exact test gives p" in text
    assert kfold_info.record.recipe.toml().rstrip() in text
    assert "The test set was opened once." in text


def test_an_unfinished_study_says_so(unfinished_info: ReportInfo) -> None:
    """Whatever is missing has a sentence instead of an empty table."""
    text = report_markdown(unfinished_info, ())
    assert str(study_status(unfinished_info.record)).split("(", maxsplit=1)[0].strip() in text
    assert "the hand-tuned network was trial 0: pruned after 2 epochs" in text
    assert text.count("There is no test result yet.") == 1
    assert "The test set was never opened." in text


def test_many_classes_are_cut_to_the_worst(many_classes_info: ReportInfo) -> None:
    """Thirty rows, and a word on the others."""
    text = report_markdown(many_classes_info, ())
    assert "These are the worst 30 of 37 classes." in text


def test_without_a_baseline_the_command_stands_there(kfold_info: ReportInfo) -> None:
    """As on the page."""
    lacking = replace(kfold_info, versus=None, baseline_command="python -m search baseline")
    assert "```sh\npython -m search baseline\n```" in report_markdown(lacking, ())


def test_a_study_that_has_just_begun_says_so() -> None:
    """Each section that cannot be left out has a sentence in place of its findings."""
    record = fakes.study_record([], recipe={"with_baseline": False})
    text = report_markdown(report_info(fakes.evidence(record)), ())
    assert f"## {WINNER.title}\n\n{WINNER.empty}\n" in text
    assert f"## {GOOD.title}\n\n{GOOD.empty}\n" in text
