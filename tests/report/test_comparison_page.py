"""The page of several studies."""

import json
from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest

from search.report.comparison import Comparison, compare
from search.report.render.side_by_side import comparison_page, comparison_plots
from search.tuning.records import StudyRecord
from tests.report import baseline_fakes
from tests.report import report_fakes as fakes
from tests.report.comparison_fakes import compared, search
from tests.report.conftest import PageReader

COMMAND = "python -m search report a b --runs-dir 'x & y'"


def _info(*records: StudyRecord) -> Comparison:
    return compare([compared(one, baseline_fakes.reproduction(2)) for one in records])


def _two() -> Comparison:
    """Return an ended search beside its baseline, and one that has just begun."""
    return _info(fakes.with_end(search("ended", [0.5, 0.4, 0.75])), search("open", []))


def _read(info: Comparison) -> tuple[PageReader, str]:
    html = comparison_page(info, COMMAND)
    reader = PageReader()
    reader.feed(html)
    return reader, html


def _figures(info: Comparison) -> dict[str, Any]:
    return {
        plot.name: json.loads(plot.page().figure.to_json())
        for plot in comparison_plots(info)
        if plot.page is not None
    }


@pytest.mark.slow
def test_it_answers_in_order() -> None:
    """Winners in words, tests, the course of the searches, what they cost, how to make it again."""
    page, _ = _read(_two())
    ids = [attrs.get("id") for tag, attrs in page.tags if tag == "section"]
    ids = [one for one in ids if one]
    assert ids == ["winner", "test", "course", "cost", "repeat"]
    assert "Three convolutions" in page.text
    assert "75.00%" in page.text
    assert "no trial is complete yet" in page.text
    assert COMMAND in page.text
    links = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    assert [one for one in links if str(one).startswith("#")] == [
        "#main",
        *(f"#{one}" for one in ids),
    ]


@pytest.mark.slow
def test_it_needs_nothing_else() -> None:
    """No address, no file, and a policy that forbids both; small enough to be sent."""
    page, html = _read(_two())
    for tag, attrs in page.tags:
        if tag != "a":
            assert not {"src", "href"} & set(attrs), tag
    assert "default-src 'none'" in html
    assert len(html.encode()) < 8_000_000


@pytest.mark.slow
def test_names_are_escaped() -> None:
    """Whatever the storage holds is text here: in cells, in charts and in the title."""
    name = "</script><script>alert(1)<b>"
    page, html = _read(
        _info(fakes.with_end(replace(search("a", [0.5]), name=name)), search("b", [0.6]))
    )
    assert "<script>alert(1)" not in html
    assert name in page.text
    names = [
        trace["name"]
        for trace in _figures(_info(replace(search("a", [0.5]), name="<b>")))["best-so-far"]["data"]
    ]
    assert names[0] == "&lt;b&gt;"


@pytest.mark.slow
def test_charts_are_those_that_apply() -> None:
    """Without a complete trial there are no steps, without a test no results; words stand there."""
    assert list(_figures(_two())) == ["results", "best-so-far-by-trial", "best-so-far"]
    nothing = compare([compared(search("a", [])), compared(search("b", []))])
    page, html = _read(nothing)
    assert comparison_plots(nothing) == ()
    assert "No study has a test result yet." in page.text
    assert "Plotly" not in html


@pytest.mark.slow
def test_steps_go_over_trials_and_over_time() -> None:
    """The same improvements, once by the plan's order and once by minutes; the level is drawn."""
    figures = _figures(_two())
    by_trial, by_time = figures["best-so-far-by-trial"], figures["best-so-far"]
    assert by_trial["data"][0]["x"] == [1, 3, 3]
    assert by_time["data"][0]["x"] == [10, 30, 30]
    assert by_time["layout"]["xaxis"]["title"]["text"] == "minutes of search"
    assert [trace["name"] for trace in by_trial["data"]] == ["ended", "hand-tuned CNN"]
    assert by_trial["data"][0]["line"]["shape"] == "hv"


@pytest.mark.slow
def test_hovering_tells_the_trial() -> None:
    """Study, number, score and the candidate in words."""
    (first, *_) = _figures(_two())["best-so-far"]["data"][0]["text"]
    assert first.startswith("<b>ended</b>, trial 0: 50.00%<br>Three convolutions")


@pytest.mark.slow
def test_a_race_has_a_thin_line_beside_its_search() -> None:
    """It goes with its search when that is hidden, and takes no room in the legend."""
    info = _two()
    point = info.by_trial[0].points[0]._replace(at=0.5, value=0.4)
    curve = info.by_trial[0]._replace(first_fold=(point,))
    thin, thick, _ = _figures(info._replace(by_trial=(curve,)))["best-so-far-by-trial"]["data"]
    assert thin["line"]["width"] < thick["line"]["width"]
    assert (thin["legendgroup"], thin["showlegend"]) == (thick["legendgroup"], False)


@pytest.mark.slow
def test_a_look_of_whiskers_has_one_meaning() -> None:
    """Intervals are thin and spreads are wide bars; the legend names each of them."""
    record = fakes.with_end(search("a", [0.5]))
    studies = [record, baseline_fakes.reproduction(2).record, replace(record, name="b")]
    figure = _figures(compare([compared(one) for one in studies]))["results"]
    interval, spread, ours, theirs = figure["data"]
    assert record.test is not None
    low, high = record.test.interval
    left, right = figure["layout"]["xaxis"]["range"]
    assert left < low < high < right  # no interval ends at the edge
    assert interval["name"] == "95% interval"
    assert interval["x"] == [low, high, None, low, high, None]
    assert interval["y"] == [0, 0, None, 2, 2, None]
    assert spread["name"] == "spread (SD) of 2 trainings"
    assert fmean(spread["x"][:2]) == pytest.approx(theirs["x"][0])
    assert interval["line"]["width"] < spread["line"]["width"]
    assert ours["y"] == [0, 2]
    assert not [one for one in (interval, spread, ours, theirs) if not one["showlegend"]]
    assert "(SD" in theirs["text"][0]


def test_a_bad_start_does_not_flatten_the_rest() -> None:
    """As in the paper's figure, what is far below the end leaves the picture."""
    low, high = _figures(_info(search("a", [0.1, 0.85])))["best-so-far"]["layout"]["yaxis"]["range"]
    assert 0.5 < low < 0.85 < high


def test_studies_of_different_data_are_warned_of() -> None:
    """The note is one that nobody can miss."""
    one = search("a", [0.5])
    other = replace(search("b", [0.5]), dataset=replace(one.dataset, fingerprint="e2" * 32))
    page, html = _read(compare([compared(one), compared(other)]))
    assert "different data" in page.text
    assert '<p class="notice">The studies use different' in html
