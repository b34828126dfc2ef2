"""The DevTools protocol over a pair of pipes: commands out, answers and events back.

Source: https://chromedevtools.github.io/devtools-protocol; with --remote-debugging-pipe Chromium
reads from descriptor 3 and writes to 4, a zero byte after each message. No port, no websocket, and
a browser that ends with whoever drives it.
"""

import json
import os
import select
from typing import Any, NamedTuple, final

_PATIENCE = 240.0  # seconds of silence after which the browser is given up
_CHUNK = 1 << 20


class Event(NamedTuple):
    """What the browser told unasked; `session` is that of the tab, "" for the browser's own."""

    session: str
    method: str
    params: dict[str, Any]


@final
class ProtocolError(Exception):
    """The browser refused a command, fell silent or ended."""


@final
class Pipe:
    """One conversation with a browser; `events` are all those told since its start."""

    def __init__(self, reads: int, writes: int) -> None:
        self.events: list[Event] = []
        self._reads, self._writes = reads, writes
        self._unread = b""
        self._asked = 0

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Return the answer to a command; raises ProtocolError."""
        self._asked += 1
        message = {"id": self._asked, "method": method, "params": params}
        self._send(message | ({"sessionId": session} if session else {}))
        while (answer := self._receive()).get("id") != self._asked:
            pass
        if "error" in answer:
            raise ProtocolError(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def await_event(self, method: str, session: str, since: int) -> Event:
        """Return the first such event from the place `since` of `events` on."""
        while True:
            for event in self.events[since:]:
                if (event.session, event.method) == (session, method):
                    return event
            since = len(self.events)
            self._receive()

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._writes, data) :]

    def _receive(self) -> dict[str, Any]:
        """Return the next message; events are kept as well."""
        while b"\0" not in self._unread:
            if not select.select([self._reads], [], [], _PATIENCE)[0]:
                raise ProtocolError(f"no word from the browser for {_PATIENCE:.0f} s")
            read = os.read(self._reads, _CHUNK)
            if not read:
                raise ProtocolError("the browser ended")
            self._unread += read
        data, self._unread = self._unread.split(b"\0", 1)
        message: dict[str, Any] = json.loads(data)
        if "method" in message:
            session = message.get("sessionId", "")
            self.events.append(Event(session, message["method"], message["params"]))
        return message
