"""The table of all trials with its parallel coordinates, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.pages import PageLog, open_drawn, scroll_to, unfold

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

COUNT = "document.querySelector('[data-part=count]').textContent"
ROWS = (
    "[...document.querySelectorAll('[data-part=table] tbody tr')]"
    ".map(row => [...row.cells].map(cell => cell.textContent))"
)


@pytest.fixture
def explorer(page: Page, report_url: str) -> Iterator[Page]:
    open_drawn(page, report_url)
    unfold(page)
    scroll_to(page, "[data-part=canvas]")
    log = PageLog(page)
    yield page
    assert log.complaints() == []


def rows(page: Page) -> list[list[str]]:
    found: list[list[str]] = page.evaluate(ROWS)
    return found


def find(page: Page, text: str) -> None:
    page.fill("[data-part=find]", text)


def test_all_trials_are_there_the_best_first(explorer: Page) -> None:
    """The count says how many; pages lead to the others."""
    assert explorer.evaluate(COUNT) == "24 of 24 trials"
    first = rows(explorer)
    assert len(first) == 10
    scores = [float(row[3].rstrip("%")) for row in first if row[3] != "–"]
    assert scores == sorted(scores, reverse=True)
    pages = [first]
    for _ in range(2):
        explorer.click("[data-part=on]")
        pages.append(rows(explorer))
    assert [len(page) for page in pages] == [10, 10, 4]
    assert {row[1] for page in pages for row in page} == set(map(str, range(24)))
    assert explorer.is_disabled("[data-part=on]")


@pytest.mark.parametrize(
    ("text", "which"),
    [
        ("state=pruned", lambda row: row[2] == "pruned"),
        ("accuracy>=70%", lambda row: row[3] != "–" and float(row[3].rstrip("%")) >= 70),
        ("score>=0.7", lambda row: row[3] != "–" and float(row[3].rstrip("%")) >= 70),
        ("trial>=1,0", lambda row: int(row[1]) >= 10),  # as thousands are written
        ("Accuracy >= 70", lambda row: row[3] != "–" and float(row[3].rstrip("%")) >= 70),
        ("trial<5 complete", lambda row: int(row[1]) < 5 and row[2] == "complete"),
    ],
)
def test_conditions_and_words_filter(explorer: Page, text: str, which: object) -> None:
    """All words must hold; the empty box shows all again."""
    find(explorer, text)
    found = rows(explorer)
    assert found
    assert all(which(row) for row in found)  # type: ignore[operator]
    find(explorer, "no such word")
    assert explorer.evaluate(COUNT) == "0 of 24 trials"
    explorer.click("[data-part=reset]")
    assert explorer.evaluate(COUNT) == "24 of 24 trials"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nothing<3", "24 of 24 trials; no column “nothing”"),
        ("accuracy<", "24 of 24 trials"),
        ("accuracy<many", "24 of 24 trials; “many” is no number"),
    ],
)
def test_a_condition_that_means_nothing_hides_no_trial(
    explorer: Page, text: str, told: str
) -> None:
    """It is told; what is still being typed is not."""
    find(explorer, text)
    assert explorer.evaluate(COUNT) == told


def test_an_empty_table_says_so(explorer: Page) -> None:
    find(explorer, "no such word")
    assert rows(explorer) == [["No trial fits."]]


def test_a_range_drawn_on_an_axis_filters_and_a_click_ends_it(explorer: Page) -> None:
    """The table follows the chart."""
    before = [float(row[3].rstrip("%")) for row in rows(explorer)]
    box = explorer.locator("[data-part=strips] > div").first.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"]
    explorer.mouse.move(x, y + 1)
    explorer.mouse.down()
    explorer.mouse.move(x, y + box["height"] / 4, steps=4)
    explorer.mouse.up()
    assert 0 < int(explorer.evaluate(COUNT).split()[0]) < 24
    scores = [float(row[3].rstrip("%")) for row in rows(explorer)]
    assert max(scores) == max(before)
    assert min(scores) > 50
    explorer.mouse.click(x, y + 5)
    assert explorer.evaluate(COUNT) == "24 of 24 trials"


def test_two_ticked_trials_are_compared(explorer: Page) -> None:
    """Only what differs is listed, with folds and both curves; a third replaces the first."""
    boxes = explorer.locator("[data-part=table] tbody input")
    for place in (0, 1):
        boxes.nth(place).check()
    first, second = (row[1] for row in rows(explorer)[:2])
    panel = "document.querySelector('[data-part=difference]')"
    assert explorer.evaluate(f"{panel}.querySelector('h3').textContent") == (
        f"trial {first} and trial {second}"
    )
    listed = explorer.evaluate(
        f"[...{panel}.querySelectorAll('tbody tr')]"
        ".map(row => [...row.cells].map(cell => cell.textContent))"
    )
    assert all(one != other for _, one, other in listed)
    assert {"Accuracy", "fold 1"} <= {name for name, *_ in listed}
    assert explorer.evaluate(f"{panel}.querySelectorAll('.scatterlayer .js-line').length") == 2
    boxes.nth(2).check()
    third = rows(explorer)[2][1]
    assert explorer.evaluate(f"{panel}.querySelector('h3').textContent") == (
        f"trial {second} and trial {third}"
    )


def test_keyboard_sorts_and_keeps_its_place(explorer: Page) -> None:
    """The head that was pressed has the focus in the table that was made again."""
    explorer.focus("[data-part=table] thead button")
    explorer.keyboard.press("Enter")
    assert [row[1] for row in rows(explorer)][:3] == ["0", "1", "2"]
    explorer.keyboard.press("Enter")
    assert [row[1] for row in rows(explorer)][:3] == ["23", "22", "21"]
    assert explorer.evaluate("document.activeElement.closest('[aria-sort]').ariaSort") == (
        "descending"
    )


def test_keyboard_ticks_and_keeps_its_place(explorer: Page) -> None:
    """The box that was ticked has the focus in the table that was made again."""
    explorer.focus("[data-part=table] tbody tr:nth-child(3) input")
    explorer.keyboard.press("Space")
    number = rows(explorer)[2][1]
    assert explorer.evaluate("document.activeElement.ariaLabel") == f"Compare trial {number}"
    assert explorer.evaluate("document.activeElement.checked")


def test_axes_are_eight_at_most(explorer: Page) -> None:
    """One more can be chosen only in the place of another."""
    boxes = "[...document.querySelectorAll('[data-part=axes] input')]"
    strips = "document.querySelectorAll('[data-part=strips] > div').length"
    assert explorer.evaluate(strips) == 8
    assert explorer.evaluate(f"{boxes}.filter(box => !box.checked).every(box => box.disabled)")
    explorer.locator("[data-part=axes] input:checked").first.uncheck()
    assert explorer.evaluate(strips) == 7
    explorer.locator("[data-part=axes] input:not(:checked)").last.check()
    assert explorer.evaluate(strips) == 8
