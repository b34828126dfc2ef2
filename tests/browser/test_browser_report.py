"""The report in a real browser: drawn, quiet, alone, readable everywhere, and on paper."""

import pytest

from tests.browser.tab import Tab

WHITE = "rgb(255, 255, 255)"
PAPER = 680  # CSS pixels between the margins of A4 and Letter
TELEPHONE = (390, 844)
GROUND = "getComputedStyle(document.body).backgroundColor"
CHART_TEXT = "getComputedStyle(document.querySelector('.chart .xtick text')).fill"
WIDEST_CHART = (
    "Math.max(...[...document.querySelectorAll('.chart')]"
    ".map(one => one._fullLayout.width * (one.style.zoom || 1)))"
)


def test_report_has_the_title_of_its_study(report: Tab) -> None:
    """The window's title names the study."""
    assert report.evaluate("document.title") == "cnn-random-photos: best-model report"


def test_every_chart_is_drawn(report: Tab) -> None:
    """Each place for a chart holds a drawing with marks that take up room."""
    drawn = report.evaluate(
        "[...document.querySelectorAll('.chart')].map(chart =>"
        " [...chart.querySelectorAll('.scatterlayer path, .barlayer path, .hm image')]"
        " .some(mark => { const { width, height } = mark.getBoundingClientRect();"
        " return width + height > 0 }))"
    )
    assert len(drawn) >= 6
    assert all(drawn)


def test_report_is_quiet_and_alone(tab: Tab, page: str) -> None:
    """Nothing is complained of, and nothing but the page itself is asked for."""
    tab.open(page)
    assert tab.complaints() == []
    assert tab.requests() == [page]


def test_browser_refuses_requests_of_the_report(tab: Tab, page: str) -> None:
    """Even a script within the page reaches nothing: its policy forbids every way out."""
    tab.open(page)
    for refused, attempt in enumerate(
        (
            "fetch(there).catch(done)",
            "Object.assign(new Image(), { src: there, onerror: done })",
            "document.head.append(Object.assign(document.createElement('script'),"
            " { src: there, onerror: done }))",
        )
    ):
        tab.evaluate(f"new Promise(done => {{ const there = 'http://127.0.0.1:9/'; {attempt} }})")
        told = [one for one in tab.complaints() if "Content Security Policy" in one]
        assert len(told) > refused, attempt


def test_hovering_over_a_trial_tells_its_story(report: Tab) -> None:
    """Number, state, score, epoch, folds and candidate stand beside the mark."""
    x, y = report.evaluate(
        "(chart => { chart.scrollIntoView({ block: 'center', behavior: 'instant' });"
        " const mark = chart.querySelector('.points path').getBoundingClientRect();"
        " return [mark.x + mark.width / 2, mark.y + mark.height / 2] })"
        "(document.querySelector('#chart-optimization-history'))"
    )
    report.hover(x - 2, y)
    report.hover(x, y)
    label = "document.querySelector('#chart-optimization-history .hoverlayer').textContent"
    report.wait_until(f"{label} !== ''")
    story = report.evaluate(label)
    for part in ("trial 0, complete: ", " at E* = ", "folds: ", "convolutions", "parameters"):
        assert part in story


def test_lines_through_parameters_tell_their_trials(report: Tab) -> None:
    """The stories, which are stored once a trial, are where hovering looks for them."""
    told = report.evaluate(
        "document.querySelector('#chart-parallel-coordinates').data"
        ".flatMap(trace => trace.customdata).filter(Boolean)"
    )
    assert told
    assert all(story.startswith("<b>trial ") for story in told)


def test_dark_scheme_changes_page_and_charts(report: Tab) -> None:
    """Ground, texts and marks follow the system, without the page being loaded again."""
    report.prefer("light")
    report.wait_until(f"{GROUND} === '{WHITE}'")
    light = report.evaluate(CHART_TEXT)
    report.prefer("dark")
    report.wait_until(f"{GROUND} !== '{WHITE}'")
    report.wait_until(f"{CHART_TEXT} !== '{light}'")


def test_paper_is_white_whatever_the_screen(report: Tab) -> None:
    """The style for print keeps to light colours where the system is dark."""
    report.prefer("dark", "print")
    assert report.evaluate(GROUND) == WHITE
    assert report.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"


def test_printing_draws_light_charts_as_wide_as_the_paper(report: Tab) -> None:
    """Charts are drawn anew for the paper, and for the screen again after it."""
    report.prefer("dark")
    report.wait_until(f"{GROUND} !== '{WHITE}'")
    before = report.evaluate(f"[{CHART_TEXT}, {WIDEST_CHART}]")
    report.evaluate(
        f"addEventListener('beforeprint', () => {{ window.seen = [{CHART_TEXT}, {WIDEST_CHART}] }})"
    )
    assert report.pdf().startswith(b"%PDF")
    text, width = report.evaluate("window.seen")
    assert text != before[0]
    assert width == pytest.approx(PAPER, abs=1)
    assert report.evaluate(f"[{CHART_TEXT}, {WIDEST_CHART}]") == before


def test_telephone_shows_all_within_its_width(report: Tab) -> None:
    """At 390 pixels nothing is wider than the window but what scrolls by itself."""
    report.resize(*TELEPHONE, mobile=True)
    assert report.evaluate("document.documentElement.scrollWidth") == TELEPHONE[0]
    outside = report.evaluate(
        "[...document.body.querySelectorAll('*')].filter(one => !one.closest('.scroll, pre, .skip')"
        " && one.getBoundingClientRect().right > innerWidth + 0.5).map(one => one.outerHTML)"
    )
    assert outside == []


def test_wide_parts_scroll_by_keyboard_and_show_that_they_do(report: Tab) -> None:
    """What is wider than a telephone takes the focus, answers to arrow keys and has a shadow."""
    report.resize(*TELEPHONE, mobile=True)
    report.evaluate(
        "(window.wide = [...document.querySelectorAll('.scroll')]"
        ".find(one => one.scrollWidth > one.clientWidth)).focus()"
    )
    assert report.evaluate("document.activeElement === window.wide")
    assert "gradient" in report.evaluate("getComputedStyle(window.wide).backgroundImage")
    report.press("ArrowRight")
    report.wait_until("window.wide.scrollLeft > 0")


def test_finger_scrolls_the_page_over_charts(tab: Tab, page: str) -> None:
    """A chart does not take hold of the finger that only passes."""
    tab.resize(*TELEPHONE, mobile=True)
    tab.open(page)
    for chart in ("learning-curve", "optimization-history", "confusion-matrix"):
        tab.evaluate(
            f"document.querySelector('#chart-{chart}')"
            ".scrollIntoView({ block: 'center', behavior: 'instant' })"
        )
        start = tab.evaluate("scrollY")
        tab.swipe((200, 420), (0, -200))
        tab.wait_until(f"scrollY > {start} + 100")


def test_keyboard_skips_to_the_content(tab: Tab, page: str) -> None:
    """The first stop is a link past the header, seen once it has the focus."""
    tab.open(page)
    tab.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    assert tab.evaluate("document.activeElement.getBoundingClientRect().left >= 0")
    tab.press("Enter")
    tab.wait_until("document.activeElement.localName === 'main'")


def test_who_wants_no_motion_gets_none(report: Tab) -> None:
    """Jumps within the page glide only where the system does not ask for stillness."""
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    assert report.evaluate(behaviour) == "smooth"
    report.prefer("light", still=True)
    assert report.evaluate(behaviour) == "auto"
