"""Page, Markdown and JSON of one study: the same findings in each, and a snapshot of each.

After a wanted change of words, write the snapshots again with UPDATE_SNAPSHOTS=1 and read the
difference.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from search.report.blocks import Block, Columns, Details, Plot, Table
from search.report.evidence import Evidence
from search.report.finding import SECTIONS, Finding
from search.report.findings import FINDINGS, find_all
from search.report.findings.margin import Margin
from search.report.render.html import render_page
from search.report.render.json import report_json
from search.report.render.markdown import report_markdown
from search.text import escaped, spread
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes
from tests.report.conftest import PageReader

_SNAPSHOTS = Path(__file__).parent / "snapshots"


def _evidence() -> Evidence:
    """A k-fold search, long enough for importances, next to a baseline of two trainings."""
    fake = fakes.realistic(n_trials=15, n_folds=2, epochs=5)
    return fake.evidence(
        mistakes=fakes.mistake_images(fake.record),
        predictions=fakes.model_predictions(fake.record),
        baseline=baseline_fakes.reproduction(2),
    )


@pytest.fixture(scope="module", params=["search", "baseline"])
def evidence(request: pytest.FixtureRequest) -> Evidence:
    if request.param == "search":
        return _evidence()
    study = baseline_fakes.reproduction(2)
    return fakes.evidence(study.record, predictions=study.predictions)


def _values(part: Any, path: list[str]) -> Any:
    """Follow a finding's key into the report; of a list into each of its items."""
    if not path:
        return part
    if isinstance(part, list):
        return [_values(one, path) for one in part]
    return _values(part[path[0]], path[1:])


def _flat(finding: Finding) -> list[Block]:
    """All blocks of a finding, those within others too."""

    def inside(blocks: Any) -> list[Block]:
        found: list[Block] = []
        for block in blocks:
            found.append(block)
            if isinstance(block, Details | Columns):
                found += inside(block.blocks)
        return found

    return inside(finding.blocks())


def _read(page: str) -> PageReader:
    reader = PageReader()
    reader.feed(page)
    return reader


def test_keys_and_sections_are_in_order() -> None:
    """No two findings have one key; those of a section stand together, in the page's order."""
    keys = [one.key for one in FINDINGS]
    assert len(set(keys)) == len(keys)
    places = [SECTIONS.index(one.section) for one in FINDINGS]
    assert places == sorted(places)


@pytest.mark.slow
def test_nothing_is_in_one_and_missing_in_another(evidence: Evidence) -> None:
    """Each finding is in report.json under its key, on the page, and in report.md."""
    record, findings = evidence.record, find_all(evidence)
    report = json.loads(report_json(findings))
    figures = [name for one in FINDINGS for name in one.figures]
    markdown = report_markdown(record, findings, figures)
    page = _read(render_page(record, findings))
    on_page = [
        attributes["data-finding"] for _, attributes in page.tags if "data-finding" in attributes
    ]
    assert on_page == [one.key for one in findings if one.is_shown()]
    for one in findings:
        assert _values(report, one.key.split(".")) not in (None, []), one.key
        for words in one.sentences():
            assert " ".join(words.split()) in page.text, words
            assert escaped(words.replace("\N{NO-BREAK SPACE}", " ")) in markdown, words
        for block in _flat(one):
            if isinstance(block, Table):
                assert block.caption in page.text
                assert f"| {' | '.join(map(escaped, block.header))} |" in markdown
            if isinstance(block, Plot):
                assert block.name in one.figures
                assert (f"]({block.name}.png)" in markdown) == (block.paper is not None)


@pytest.mark.slow
def test_what_does_not_apply_is_null_or_empty(evidence: Evidence) -> None:
    """Every key is there, whatever the study."""
    findings = find_all(evidence)
    report, known = json.loads(report_json(findings)), {one.key for one in findings}
    for one in FINDINGS:
        if "." not in one.key and one.key not in known:
            assert report[one.key] in (None, []), one.key


@pytest.mark.slow
def test_the_winners_margin_is_everywhere() -> None:
    """It once was on the page and in report.md, but not in report.json."""
    evidence = _evidence()
    record, findings = evidence.record, find_all(evidence)
    margin = evidence.once(Margin.of)
    assert margin is not None
    assert margin.runner_up is not None
    gap = spread(margin.runner_up.gap, margin.metric)
    assert gap in _read(render_page(record, findings)).text
    assert gap in report_markdown(record, findings, ())
    assert json.loads(report_json(findings))["margin"]["runner_up"]["gap"] == margin.runner_up.gap


def _rounded(value: Any) -> Any:
    """Digits beyond the sixth may differ from one machine to another; long lists are cut."""
    match value:
        case float():
            return float(f"{value:.6g}")
        case dict():
            return {key: _rounded(one) for key, one in value.items()}
        case list():
            return [_rounded(one) for one in value[:3]]
    return value


def _compare(name: str, text: str) -> None:
    path = _SNAPSHOTS / name
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.slow
def test_snapshot_of_the_page() -> None:
    """All that a reader sees of it, a line a text."""
    evidence = _evidence()
    page = _read(render_page(evidence.record, find_all(evidence)))
    lines = (" ".join(words.split()) for words in page.words)
    _compare("page.txt", "\n".join(line for line in lines if line) + "\n")


@pytest.mark.slow
def test_snapshot_of_the_markdown() -> None:
    """As it is, with all its pictures."""
    evidence = _evidence()
    figures = [name for one in FINDINGS for name in one.figures]
    _compare("report.md", report_markdown(evidence.record, find_all(evidence), figures))


@pytest.mark.slow
def test_snapshot_of_the_json() -> None:
    """Its keys and values, six digits of each and three items of a list."""
    evidence = _evidence()
    report = _rounded(json.loads(report_json(find_all(evidence))))
    _compare("report.json", json.dumps(report, indent=1, ensure_ascii=False) + "\n")


@pytest.mark.slow
def test_no_archaic_or_elliptical_words() -> None:
    """Every sentence of the report is one that a native engineer would write."""
    evidence = _evidence()
    text = report_markdown(evidence.record, find_all(evidence), ()).lower()
    for word in ("anew", "in vain", "begun", "beside", "dealt", "reckon", "telephone"):
        assert re.search(rf"\b{word}\b", text) is None, word
