"""The report in a real browser: drawn, quiet, alone, readable everywhere, and on paper."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.pages import PHONE, PageLog, open_drawn, scroll_to, swipe, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

WHITE = "rgb(255, 255, 255)"
PAPER = 680  # CSS pixels between the margins of A4 and Letter
GROUND = "getComputedStyle(document.body).backgroundColor"
CHART_TEXT = "getComputedStyle(document.querySelector('.chart .xtick text')).fill"
WIDEST_CHART = (
    "Math.max(...[...document.querySelectorAll('.chart')]"
    ".map(one => one._fullLayout.width * (one.style.zoom || 1)))"
)


def test_report_has_the_title_of_its_study(report: Page) -> None:
    """The window's title names the study."""
    assert report.evaluate("document.title") == "cnn-random-photos: best-model report"


def test_every_chart_is_drawn(report: Page) -> None:
    """Each place for a chart holds a drawing with marks that take up room."""
    drawn = report.evaluate(
        "[...document.querySelectorAll('.chart')].map(chart =>"
        " [...chart.querySelectorAll('.scatterlayer path, .barlayer path, .hm image')]"
        " .some(mark => { const { width, height } = mark.getBoundingClientRect();"
        " return width + height > 0 }))"
    )
    assert len(drawn) >= 5
    assert all(drawn)


def test_report_is_quiet_and_alone(page: Page, report_url: str) -> None:
    """Nothing is complained of, and nothing but the page itself is asked for."""
    log = PageLog(page)
    open_drawn(page, report_url)
    assert log.complaints() == []
    assert log.requests() == [report_url]


def test_browser_refuses_requests_of_the_report(page: Page, report_url: str) -> None:
    """Even a script within the page reaches nothing: its policy forbids every way out."""
    log = PageLog(page)
    page.goto(report_url)
    for refused, attempt in enumerate(
        (
            "fetch(there).catch(done)",
            "Object.assign(new Image(), { src: there, onerror: done })",
            "document.head.append(Object.assign(document.createElement('script'),"
            " { src: there, onerror: done }))",
        )
    ):
        page.evaluate(f"new Promise(done => {{ const there = 'http://127.0.0.1:9/'; {attempt} }})")
        told = [one for one in log.complaints() if "Content Security Policy" in one]
        assert len(told) > refused, attempt


def test_hovering_over_a_trial_tells_its_story(report: Page) -> None:
    """Number, state, score, epoch, folds and candidate stand beside the mark."""
    scroll_to(report, "#chart-optimization-history")
    x, y = report.evaluate(
        "(chart => { const mark = chart.querySelector('.points path').getBoundingClientRect();"
        " return [mark.x + mark.width / 2, mark.y + mark.height / 2] })"
        "(document.querySelector('#chart-optimization-history'))"
    )
    report.mouse.move(x - 2, y)
    report.mouse.move(x, y)
    label = "document.querySelector('#chart-optimization-history .hoverlayer').textContent"
    wait_until(report, f"{label} !== ''")
    story = report.evaluate(label)
    for part in ("trial 0, complete: ", " at E* = ", "folds: ", "convolutions", "parameters"):
        assert part in story


def test_marks_tell_their_trials(report: Page) -> None:
    """The stories, which are stored once a trial, are where hovering looks for them."""
    told = report.evaluate(
        "document.querySelector('#chart-slices').data"
        ".flatMap(trace => trace.customdata).filter(Boolean)"
    )
    assert told
    assert all(story.startswith("<b>trial ") for story in told)


def test_dark_scheme_changes_page_and_charts(report: Page) -> None:
    """Ground, texts and marks follow the system, without the page being loaded again."""
    report.emulate_media(color_scheme="light")
    wait_until(report, f"{GROUND} === '{WHITE}'")
    light = report.evaluate(CHART_TEXT)
    report.emulate_media(color_scheme="dark")
    wait_until(report, f"{GROUND} !== '{WHITE}'")
    wait_until(report, f"{CHART_TEXT} !== '{light}'")


def test_paper_is_white_whatever_the_screen(report: Page) -> None:
    """The style for print keeps to light colours where the system is dark."""
    report.emulate_media(color_scheme="dark", media="print")
    assert report.evaluate(GROUND) == WHITE
    assert report.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"


def test_printing_draws_light_charts_as_wide_as_the_paper(report: Page) -> None:
    """Charts are drawn anew for the paper, and for the screen again after it."""
    report.emulate_media(color_scheme="dark")
    wait_until(report, f"{GROUND} !== '{WHITE}'")
    before = report.evaluate(f"[{CHART_TEXT}, {WIDEST_CHART}]")
    report.evaluate(
        f"addEventListener('beforeprint', () => {{ window.seen = [{CHART_TEXT}, {WIDEST_CHART}] }})"
    )
    pdf = report.pdf(print_background=True, prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")
    text, width = report.evaluate("window.seen")
    assert text != before[0]
    assert width == pytest.approx(PAPER, abs=1)
    assert report.evaluate(f"[{CHART_TEXT}, {WIDEST_CHART}]") == before


def test_it_takes_at_most_six_printed_pages(page: Page, report_url: str) -> None:
    """As it is opened: what is folded stays folded on paper."""
    open_drawn(page, report_url)
    pdf = page.pdf(print_background=True, prefer_css_page_size=True, format="A4")
    assert 1 < len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 6


def test_phone_shows_all_within_its_width(phone_report: Page) -> None:
    """At 390 pixels nothing is wider than the window but what scrolls by itself."""
    assert phone_report.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    outside = phone_report.evaluate(
        "[...document.body.querySelectorAll('*')]"
        ".filter(one => !one.closest('.scroll, nav, pre, .skip')"
        " && one.getBoundingClientRect().right > innerWidth + 0.5).map(one => one.outerHTML)"
    )
    assert outside == []


def test_no_label_of_a_chart_is_cut_off(phone_report: Page) -> None:
    """At 390 pixels every text lies within its chart."""
    cut = phone_report.evaluate(
        "[...document.querySelectorAll('.chart')].flatMap(chart => {"
        " const { left, right } = chart.getBoundingClientRect();"
        " return [...chart.querySelectorAll('text')].filter(text => {"
        "  const box = text.getBoundingClientRect();"
        "  return box.width && (box.left < left - 1 || box.right > right + 1) })"
        " .map(text => `${chart.id}: ${text.textContent}`) })"
    )
    assert cut == []


def test_wide_parts_scroll_by_keyboard_and_show_that_they_do(phone_report: Page) -> None:
    """What is wider than a phone takes the focus, answers to arrow keys and has a shadow."""
    phone_report.evaluate(
        "(window.wide = [...document.querySelectorAll('.scroll')]"
        ".find(one => one.scrollWidth > one.clientWidth)).focus()"
    )
    assert phone_report.evaluate("document.activeElement === window.wide")
    assert "gradient" in phone_report.evaluate("getComputedStyle(window.wide).backgroundImage")
    phone_report.keyboard.press("ArrowRight")
    wait_until(phone_report, "window.wide.scrollLeft > 0")


def test_finger_scrolls_the_page_over_charts(phone_report: Page) -> None:
    """A chart does not take hold of the finger that only passes."""
    for chart in ("cnn-learning-curve", "optimization-history", "cnn-confusion-matrix"):
        scroll_to(phone_report, f"#chart-{chart}")
        start = phone_report.evaluate("scrollY")
        swipe(phone_report, (200, 420), (0, -200))
        wait_until(phone_report, f"scrollY > {start} + 100")


def test_folded_parts_draw_their_charts_once_opened(page: Page, report_url: str) -> None:
    """Within a folded part a chart would have no width."""
    open_drawn(page, report_url)
    chart = "document.querySelector('#chart-slices')"
    assert page.evaluate(f"{chart}._fullLayout === undefined")
    page.click("summary:text('Score by parameter')")
    wait_until(page, f"{chart}._fullLayout !== undefined")
    assert page.evaluate(f"{chart}._fullLayout.width === {chart}.clientWidth")


def test_code_is_copied_by_its_button(page: Page, report_url: str) -> None:
    """The whole command, and the button says so."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_drawn(page, report_url)
    page.click("#use .code button >> nth=0")
    wait_until(page, "document.querySelector('#use .code button').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == (
        "python -m search predict ../model photo.jpg"
    )


def test_print_takes_six_pages_at_most(page: Page, report_url: str) -> None:
    """Without what is folded, and without the table of all trials."""
    open_drawn(page, report_url)
    pdf = page.pdf(print_background=True, prefer_css_page_size=True)
    assert 1 < len(re.findall(rb"/Type\s*/Page[^s]", pdf)) <= 6


def test_navigation_stays_in_sight(page: Page, report_url: str) -> None:
    """Far down the page it is at the top of the window."""
    open_drawn(page, report_url)
    page.evaluate("scrollTo({ top: 4000, behavior: 'instant' })")
    assert page.evaluate("document.querySelector('nav').getBoundingClientRect().top") == 0


def test_keyboard_skips_to_the_content(page: Page, report_url: str) -> None:
    """The first stop is a link past the header, seen once it has the focus."""
    page.goto(report_url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left >= 0")
    page.keyboard.press("Enter")
    wait_until(page, "document.activeElement.localName === 'main'")


def test_who_wants_no_motion_gets_none(report: Page) -> None:
    """Jumps within the page glide only where the system does not ask for stillness."""
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    assert report.evaluate(behaviour) == "smooth"
    report.emulate_media(reduced_motion="reduce")
    assert report.evaluate(behaviour) == "auto"
