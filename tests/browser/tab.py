"""A page opened in the browser: what it shows, what it says, and how it answers."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any, Literal, final

from tests.browser.pipe import Event, Pipe

Scheme = Literal["light", "dark"]
_PATIENCE = 60.0  # seconds that a page gets to come true to an expression
_DOMAINS = ("Page", "Runtime", "Log", "Network")
_KEYS = {"Enter": 13, "Tab": 9, " ": 32, "ArrowRight": 39}
_TEXTS = {"Enter": "\r", " ": " "}
_SWIPE_STEPS = 10


@final
class Tab:
    """One tab, of 1280 x 900 CSS pixels at first; raises ProtocolError where it cannot go on."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._since = len(pipe.events)
        target = pipe.call("Target.createTarget", url="about:blank")["targetId"]
        answer = pipe.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session: str = answer["sessionId"]
        for domain in _DOMAINS:
            self.call(f"{domain}.enable")
        self.resize(1280, 900)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the answer to a command of the DevTools protocol."""
        return self._pipe.call(method, self._session, **params)

    def open(self, url: str) -> None:
        """Go to a page and wait until it and its scripts are loaded."""
        since = len(self._pipe.events)
        self.call("Page.navigate", url=url)
        self._pipe.await_event("Page.loadEventFired", self._session, since)

    def close(self) -> None:
        self.call("Page.close")

    def resize(self, width: int, height: int, *, mobile: bool = False) -> None:
        """Give the window a size in CSS pixels; a mobile one answers to fingers."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=mobile,
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=mobile)

    def prefer(
        self, scheme: Scheme, media: Literal["", "print"] = "", *, still: bool = False
    ) -> None:
        """Set what the system asks for: a colour scheme, paper, and no motion."""
        features = {"color-scheme": scheme, "reduced-motion": "reduce" if still else ""}
        asked = [{"name": f"prefers-{name}", "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", media=media, features=asked)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; raises AssertionError where it throws."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_until(self, expression: str) -> None:
        """Wait until a JavaScript expression is true; raises AssertionError if it never is."""
        end = time.monotonic() + _PATIENCE
        while not self.evaluate(expression):
            assert time.monotonic() < end, f"not within {_PATIENCE:.0f} s: {expression}"
            time.sleep(0.05)

    def click(self, selector: str) -> None:
        """Click with the mouse into the middle of the first element that a selector finds."""
        x, y = self._middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def hover(self, x: float, y: float) -> None:
        """Move the mouse to a place of the window, in CSS pixels."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def press(self, key: str) -> None:
        """Press a key where the focus is."""
        common = {"key": key, "code": key.strip() or "Space", "windowsVirtualKeyCode": _KEYS[key]}
        text = {"text": _TEXTS[key]} if key in _TEXTS else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def swipe(self, start: tuple[int, int], by: tuple[int, int]) -> None:
        """Draw a finger over the window from a place by a distance, both in CSS pixels."""
        self._touch("touchStart", start)
        for step in range(1, _SWIPE_STEPS + 1):
            x, y = (s + d * step / _SWIPE_STEPS for s, d in zip(start, by, strict=True))
            self._touch("touchMove", (x, y))
        self._touch("touchEnd")

    def _touch(self, kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y} for x, y in places]
        self.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)

    def screenshot(self) -> bytes:
        """Return the whole page, what lies below the window too, as PNG."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def pdf(self) -> bytes:
        """Return the page as it is printed, on A4."""
        answer = self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        return base64.b64decode(answer["data"])

    def complaints(self) -> list[str]:
        """Return what the console was told as a warning or an error, and what was thrown."""
        return [text for event in self._told() for text in _complaint(event)]

    def requests(self) -> list[str]:
        """Return the addresses asked for, but for those within the page itself."""
        sent = [e for e in self._told() if e.method == "Network.requestWillBeSent"]
        urls = [str(event.params["request"]["url"]) for event in sent]
        return [url for url in urls if not url.startswith(("data:", "blob:"))]

    def _told(self) -> Iterator[Event]:
        self.evaluate("0")  # so that everything told before has come
        yield from (e for e in self._pipe.events[self._since :] if e.session == self._session)

    def _middle(self, selector: str) -> tuple[float, float]:
        found = f"document.querySelector({json.dumps(selector)})"
        self.evaluate(f"{found}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        x, y = self.evaluate(
            f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])"
            f"({found}.getBoundingClientRect())"
        )
        return x, y


def _complaint(event: Event) -> Iterator[str]:
    match event.method:
        case "Runtime.exceptionThrown":
            yield str(event.params["exceptionDetails"])
        case "Runtime.consoleAPICalled" if event.params["type"] in {"error", "warning", "assert"}:
            yield str(event.params["args"])
        case "Log.entryAdded" if event.params["entry"]["level"] in {"error", "warning"}:
            yield str(event.params["entry"]["text"])
