"""Tables that sort, in a real browser: values as they are written, by mouse and by keyboard."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import write_page
from tests.browser.pages import PageLog

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCRIPT = files("search.report.render").joinpath("tables.js.jinja").read_text("utf-8")
# One column a kind of value, written so that it rises with the row.
COLUMNS = {
    "share": ("9.5%", "10.25%", "81.2%", "100%", "–"),
    "count": ("7", "1,000", "20,500", "1,234,567", "–"),
    "time": ("0.4 s", "59.9 s", "1 min 05 s", "2 h 03 min", "–"),
    "points": ("−1.5", "0.0", "+0.5", "+12.0", "-"),
    "rate": ("1e-05", "0.0005", "0.01", "1", ""),
    "interval": ("8.1% to 12.0%", "61.70% to 63.59%", "77% to 78%", "80% to 81%", "–"),
    "name": ("bird", "Cat", "trial 9", "trial 10", "–"),
    "day": ("2025-06-01 12:30", "2025-06-02 09:00", "2025-11-01 08:00", "2026-01-01 00:00", "–"),
    "given": ("few", "some", "many", "most", "–"),
}
SHUFFLED = (3, 4, 0, 2, 1)


def _row(place: int) -> str:
    cells = "".join(
        f'<td data-sort="{place if place < 4 else ""}">{values[place]}</td>'
        if name == "given"
        else f"<td>{values[place]}</td>"
        for name, values in COLUMNS.items()
    )
    return f"<tr>{cells}</tr>"


def _table(places: tuple[int, ...]) -> str:
    heads = "".join(f'<th scope="col" id="{name}">{name}</th>' for name in COLUMNS)
    rows = "".join(map(_row, places))
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _open(page: Page, folder: Path, table: str) -> None:
    page.goto(write_page(folder, f"<!DOCTYPE html>{table}<script>{SCRIPT}</script>"))


def _column(page: Page, name: str) -> list[str]:
    place = list(COLUMNS).index(name)
    cells = f"[...document.querySelectorAll('tbody tr')].map(row => row.cells[{place}].textContent)"
    found: list[str] = page.evaluate(cells)
    return found


@pytest.mark.slow
def test_columns_sort_by_what_their_texts_mean(page: Page, tmp_path: Path) -> None:
    """The first press sorts upwards, the second downwards, and what is missing stays last."""
    log = PageLog(page)
    _open(page, tmp_path, _table(SHUFFLED))
    for name, values in COLUMNS.items():
        *known, missing = values
        page.click(f"#{name} button")
        assert _column(page, name) == [*known, missing], name
        page.click(f"#{name} button")
        assert _column(page, name) == [*reversed(known), missing], name
    assert log.complaints() == []


@pytest.mark.slow
@pytest.mark.parametrize("key", ["Enter", " "])
def test_keyboard_sorts_and_the_order_is_told(page: Page, tmp_path: Path, key: str) -> None:
    """Heads take the focus in turn, and aria-sort names the one column that is sorted."""
    _open(page, tmp_path, _table(SHUFFLED))
    told = "[...document.querySelectorAll('[aria-sort]')].map(head => [head.id, head.ariaSort])"
    assert page.evaluate(told) == []
    page.keyboard.press("Tab")
    page.keyboard.press(key)
    assert page.evaluate(told) == [["share", "ascending"]]
    page.keyboard.press("Tab")
    page.keyboard.press(key)
    page.keyboard.press(key)
    assert page.evaluate(told) == [["count", "descending"]]
    assert _column(page, "count") == [*reversed(COLUMNS["count"][:4]), "–"]


def test_sorting_keeps_the_order_of_equals(page: Page, tmp_path: Path) -> None:
    """Sorted by one column and then by another, rows equal in the second keep the first's order."""
    rows = "".join(f"<tr><td>{a}</td><td>{b}</td></tr>" for a, b in ("2x", "1y", "3y", "1x"))
    heads = '<th id="number">number</th><th id="letter">letter</th>'
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    _open(page, tmp_path, table)
    order = "[...document.querySelectorAll('tbody tr')].map(row => row.textContent).join(' ')"
    page.click("#number button")
    page.click("#letter button")
    assert page.evaluate(order) == "1x 2x 1y 3y"
    page.click("#letter button")
    assert page.evaluate(order) == "1y 3y 1x 2x"


def test_short_and_merged_tables_stay_as_they_are(page: Page, tmp_path: Path) -> None:
    """Two rows need no sorting, and cells over several columns have no place in one."""
    merged = '<tr><td colspan="2">all</td></tr><tr><td>1</td><td>2</td></tr>' * 2
    table = f"<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>{merged}</tbody></table>"
    _open(page, tmp_path, _table(SHUFFLED[:2]) + table)
    assert page.evaluate("document.querySelectorAll('button').length") == 0


def test_table_is_whole_without_scripts(browser: Browser, tmp_path: Path) -> None:
    """Where scripts are off there is a plain table, without buttons that do nothing."""
    with browser.new_context(java_script_enabled=False) as window:
        page = window.new_page()
        _open(page, tmp_path, _table(SHUFFLED))
        assert page.locator("button").count() == 0
        assert _column(page, "share") == [COLUMNS["share"][place] for place in SHUFFLED]


@pytest.mark.slow
def test_every_longer_table_of_a_report_sorts(report: Page) -> None:
    """All tables of three rows or more have buttons for heads, and a press moves the rows."""
    assert report.evaluate(
        "[...document.querySelectorAll('table:not(.explorer *)')]"
        ".filter(one => one.tBodies[0].rows.length >= 3)"
        ".every(one => [...one.tHead.rows[0].cells].every(head => head.querySelector('button')))"
    )
    column = (
        "[...document.querySelector('#failures table').tBodies[0].rows]"
        ".map(row => row.cells[0].textContent)"
    )
    report.click("#failures thead button")
    upwards = report.evaluate(column)
    report.click("#failures thead button")
    assert report.evaluate(column) == upwards[::-1] != upwards
