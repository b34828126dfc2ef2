"""The page: whole in itself, safe against names, and complete."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from search.catalog.openings import DatasetAccess
from search.report.blocks import Paragraph
from search.report.evidence import Evidence
from search.report.findings import find_all
from search.report.findings.mistakes import Mistakes
from search.report.render.html import Chapter, Group, Passage, chapter, render_chapters
from search.tuning.records import AcceptedChange
from tests.report import report_fakes as fakes
from tests.report.conftest import HOSTILE, PageReader, one_spaced, read_page


def test_page_needs_nothing_from_outside(kfold_page: PageReader) -> None:
    """No element loads anything; links stay within the page and the folders next to it."""
    for tag, attributes in kfold_page.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
        for name in ("src", "href", "srcset", "action", "poster"):
            value = attributes.get(name) or "#"
            if (tag, name) == ("a", "href"):
                assert not re.match(r"[\w+.-]+:|//", value), value
            else:
                assert value.startswith(("#", "data:image/webp;base64,")), (tag, name, value[:80])


def test_page_forbids_requests(kfold_page: PageReader) -> None:
    """A content security policy lets the browser itself refuse any request."""
    policies = [a["content"] for t, a in kfold_page.tags if "http-equiv" in a]
    assert len(policies) == 1
    assert str(policies[0]).startswith("default-src 'none';")
    assert "http" not in str(policies[0])


def test_plotly_is_embedded_once(kfold_page: PageReader) -> None:
    """The library is by far the largest part of the page, so that once is enough."""
    assert sum(len(script) > 1_000_000 for script in kfold_page.scripts) == 1


def test_headings_are_in_order(kfold_page: PageReader) -> None:
    """One h1 comes first, and no level is skipped on the way down."""
    levels = [int(tag[1]) for tag, _ in kfold_page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_page_can_be_read_by_everyone(kfold_page: PageReader) -> None:
    """Language, viewport and colour schemes are given, and every image has a text."""
    attributes = dict(kfold_page.tags)
    assert attributes["html"]["lang"] == "en"
    metas = {a["name"]: a["content"] for t, a in kfold_page.tags if t == "meta" and "name" in a}
    assert "width=device-width" in str(metas["viewport"])
    assert metas["color-scheme"] == "light dark"
    images = [a for t, a in kfold_page.tags if t == "img"]
    assert len(images) == 24
    assert all(image.get("alt") for image in images)
    charts = [a for t, a in kfold_page.tags if a.get("class") == "chart"]
    assert len(charts) == 5
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)


@pytest.mark.slow
def test_every_chart_finds_its_figure(kfold_page: PageReader) -> None:
    """Each chart names its data, and there are none that no chart draws."""
    wanted = [str(a["data-figure"]) for _, a in kfold_page.tags if "data-figure" in a]
    assert sorted(wanted) == sorted(kfold_page.packed()["figures"])


@pytest.mark.slow
def test_page_answers_in_order(kfold_page: PageReader, reproduction_evidence: Evidence) -> None:
    """From how to use it to how to repeat it; the navigation follows."""
    answers = [
        "use", "winner", "good", "sure", "curves", "why", "failures", "confused", "trials", "cost",
        "next", "repeat",
    ]  # fmt: skip
    unlisted = ("curves", "confused")  # beside another, which the navigation names
    reproduced = [one for one in answers if one not in ("why", "trials", "next")]
    for page, wanted in ((kfold_page, answers), (read_page(reproduction_evidence), reproduced)):
        sections = [a["id"] for tag, a in page.tags if tag == "section" and "id" in a]
        links = [str(a["href"]) for tag, a in page.tags if tag == "a"]
        assert sections == wanted
        named = [one.removeprefix("#") for one in links]
        assert [one for one in named if one in answers] == [
            one for one in wanted if one not in unlisted
        ]


def test_page_tells_in_sentences(kfold_evidence: Evidence, kfold_page: PageReader) -> None:
    """The winner, its optimism, what the best share, chance, weak classes and advice are told."""
    for words in (words for one in find_all(kfold_evidence) for words in one.sentences()):
        assert words
        assert one_spaced(words) in kfold_page.text


def test_page_says_what_it_must(kfold: fakes.Fake, kfold_page: PageReader) -> None:
    """The facts by which a reader can trust and repeat the result are all there."""
    record = kfold.record
    winner, test, refit = record.winner(), record.test, record.refit
    assert winner is not None
    assert test is not None
    assert refit is not None
    low, high = test.interval
    for fact in (
        f"{test.accuracy:.2%}",
        f"95% interval {low:.2%} to {high:.2%}",
        f"{test.loss:.4f}",
        f"{winner.mean:.2%}",
        *(f"{score:.2%}" for score in winner.fold_scores),
        f"{100 * (winner.std or 0):.2f} points",
        f"after epoch {winner.best_epoch} of at most",
        "2 min 03 s",
        "This study opened the test set once.",
        "2025-06-01 12:30:00 UTC",
        "final evaluation",
        "the winner is",
        "5-fold cross-validation",
        "photos",
        "50,000",
        record.dataset.fingerprint[:12],
        record.folds_hash[:12],
        "2.11.0",
        "16 cores",
        "python -m search run recipe.toml",
        "epochs trained (of a possible",
        f"diverged {sum(trial.kind == 'diverged' for trial in record.trials)}",
        *record.dataset.class_names,
    ):
        assert fact in kfold_page.text, fact
    for line in record.recipe.toml().splitlines():
        assert line in kfold_page.text


@pytest.mark.slow
def test_changes_of_the_code_are_told(kfold_evidence: Evidence, kfold_page: PageReader) -> None:
    """When, after how many trials and what: on top that there are any, and where to repeat it."""
    assert "The code changed" not in kfold_page.text
    noted = tuple(
        AcceptedChange(datetime(2026, 11, day, 23, tzinfo=UTC), n_trials, changes)
        for day, n_trials, changes in (
            (21, 1, ("torch 2.11.0 -> 2.12.0", "numpy 2.4.0 -> 2.5.0")),
            (22, 12, ('space \'my.py:SPACE\': "- <b>" "+ b"',)),
        )
    )
    record = replace(kfold_evidence.record, changes=noted)
    page = read_page(replace(kfold_evidence, record=record))
    for fact in (
        "The code changed while the study ran",
        "Changed on 2026-11-21, after 1 trial: torch 2.11.0 -> 2.12.0; numpy 2.4.0 -> 2.5.0",
        'Changed on 2026-11-22, after 12 trials: space \'my.py:SPACE\': "- <b>" "+ b"',
    ):
        assert fact in page.text, fact


@pytest.mark.slow
def test_names_are_text_and_never_markup(hostile_evidence: Evidence) -> None:
    """Class names with markup show as they are, and can neither style nor run anything."""
    page = read_page(hostile_evidence)
    for name in HOSTILE:
        assert name in page.text
    scripts = [tag for tag, _ in page.tags if tag == "script"]
    assert len(scripts) == 3
    assert not any(script.startswith("alert") for script in page.scripts)
    mistakes = hostile_evidence.once(Mistakes.of)
    assert mistakes is not None
    bold = [tag for tag, _ in page.tags if tag == "b"]
    assert len(bold) == len(mistakes.images)


@pytest.mark.slow
def test_unfinished_study_says_so(unfinished_evidence: Evidence) -> None:
    """Without a complete trial the page tells what is missing instead of showing figures."""
    text = read_page(unfinished_evidence).text
    assert "No trial is complete yet (2 of 4 trials ended)." in text
    assert "There is no test result yet." in text
    assert "This study has not opened the test set." in text
    assert "pruned after 2 epochs" in text
    assert "importances need at least five trials" in text


@pytest.mark.slow
def test_repeated_openings_are_pointed_out(kfold_evidence: Evidence) -> None:
    """A test set that was opened twice deserves a warning."""
    record = replace(kfold_evidence.record, openings=kfold_evidence.record.openings * 2)
    text = read_page(replace(kfold_evidence, record=record)).text
    assert "This study opened the test set twice." in text
    assert "Only the first test result is unbiased." in text


def test_a_finding_that_a_sentence_names_is_linked(kfold_evidence: Evidence) -> None:
    """The link leads to an element of the page; names from outside stay text."""
    elsewhere = DatasetAccess("other", datetime(2026, 6, 1, tzinfo=UTC), "final evaluation")
    reader = read_page(replace(kfold_evidence, earlier=(elsewhere,)))
    targets = {attributes.get("id") for _, attributes in reader.tags}
    links = [attributes["href"] for tag, attributes in reader.tags if tag == "a"]
    assert "#finding-trust" in links
    assert {str(link)[1:] for link in links if str(link).startswith("#")} <= targets


def test_links_escape_what_they_stand_in() -> None:
    hostile = "<script> “A & B”"
    chapters = [
        chapter("one", "", "", Paragraph(hostile)),
        Chapter("two", "", "Two", (Group((Passage((), "key", "A & B"),)),)),
    ]
    page = render_chapters("kind", "title", "lead", chapters)
    assert '&lt;script&gt; <a href="#finding-key">“A &amp; B”</a>' in page


@pytest.mark.slow
def test_sections_stand_side_by_side_where_their_plots_fit(
    kfold_page: PageReader, many_classes_evidence: Evidence
) -> None:
    """A confusion matrix of ten classes fits half the page, one of 37 does not."""

    def halves(page: PageReader) -> set[str | None]:
        return {attrs["id"] for tag, attrs in page.tags if tag == "section" and attrs.get("class")}

    few, many = halves(kfold_page), halves(read_page(many_classes_evidence))
    assert {"use", "winner", "sure", "curves", "failures", "confused"} <= few
    assert few - many == {"confused"}
    assert "trials" not in few
