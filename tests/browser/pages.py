"""Pages opened in the browser: their sizes, what they report, and waiting for them to change."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

DESKTOP, PHONE = (1280, 900), (390, 844)  # width and height in CSS pixels
_TIMEOUT = 60.0  # seconds until an expression must have become true
_SWIPE_STEPS = 10


@final
class PageLog:
    """What a page reported since this log was made."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._complaints: list[str] = []
        self._requests: list[str] = []
        page.on("console", lambda message: self._add_message(message.type, message.text))
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        page.on("request", lambda request: self._add_request(request.url))

    def complaints(self) -> list[str]:
        """Return the warnings and errors of the console, and the uncaught exceptions."""
        self._page.evaluate("0")  # whatever was reported before has arrived with the answer
        return list(self._complaints)

    def requests(self) -> list[str]:
        """Return the addresses that were requested, except those within the page itself."""
        self._page.evaluate("0")
        return list(self._requests)

    def _add_message(self, kind: str, text: str) -> None:
        if kind in {"error", "warning", "assert"}:
            self._complaints.append(text)

    def _add_request(self, url: str) -> None:
        if not url.startswith(("data:", "blob:")):
            self._requests.append(url)


def desktop(browser: Browser) -> BrowserContext:
    """Return a new window of a desktop."""
    return browser.new_context(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})


def phone(browser: Browser) -> BrowserContext:
    """Return a new window of a phone, which is operated by touch."""
    return browser.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]}, is_mobile=True, has_touch=True
    )


def wait_until(page: Page, expression: str) -> None:
    """Wait until a JavaScript expression is true; fail if it does not become true in time.

    The page's content security policy can forbid `page.wait_for_function`, but not this.
    """
    deadline = time.monotonic() + _TIMEOUT
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"not within {_TIMEOUT:.0f} s: {expression}"
        page.wait_for_timeout(50)


def open_drawn(page: Page, url: str) -> None:
    """Open a page and wait until its charts are drawn, if it has any."""
    page.goto(url)
    packed = "document.getElementById('packed')"
    wait_until(page, f"!{packed} || document.documentElement.dataset.ready === ''")


def unfold(page: Page) -> None:
    """Open all parts that are folded, and wait until the charts in them are drawn."""
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    undrawn = "[...document.querySelectorAll('.chart')].filter(one => !one._fullLayout).length"
    wait_until(page, f"{undrawn} === 0")


def scroll_to(page: Page, selector: str) -> None:
    """Put the first element that a selector finds into the middle of the window, at once."""
    page.evaluate(
        f"document.querySelector({json.dumps(selector)})"
        ".scrollIntoView({ block: 'center', behavior: 'instant' })"
    )


def swipe(page: Page, start: tuple[int, int], distance: tuple[int, int]) -> None:
    """Move a finger over the window, from `start` by `distance`, both (x, y) in CSS pixels."""
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        touched = [{"x": x, "y": y} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

    touch("touchStart", start)
    for step in range(1, _SWIPE_STEPS + 1):
        x, y = (s + d * step / _SWIPE_STEPS for s, d in zip(start, distance, strict=True))
        touch("touchMove", (x, y))
    touch("touchEnd")
    session.detach()
