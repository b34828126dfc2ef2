"""Who holds a lock."""

import os
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import final


@final
class HeldError(Exception):
    """A lock is held; the message says by whom."""


@final
@dataclass(frozen=True)
class Holder:
    """A process that holds a lock, this one by default; `since` is in UTC, ISO 8601."""

    process: int = field(default_factory=os.getpid)
    host: str = field(default_factory=socket.gethostname)
    since: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def __str__(self) -> str:
        return f"process {self.process} on {self.host} since {self.since}"
