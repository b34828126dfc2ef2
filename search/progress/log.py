"""The log of `--json`: every event as a line, with the running totals of the search."""

from typing import final

from search.events import Event, JsonWriter
from search.progress.state import SearchProgress
from search.tuning.run_events import StudyOpened


@final
class JsonLog:
    """A listener that writes every event."""

    def __init__(self, writer: JsonWriter) -> None:
        self._writer = writer
        self._search: SearchProgress | None = None

    def __call__(self, event: Event) -> None:
        """Write the event with the totals that it names."""
        if isinstance(event, StudyOpened):
            self._search = SearchProgress(event.recipe, event.n_planned)
        if self._search is not None:
            self._search.take(event)
        self._writer.write(event, {name: self._total(name) for name in event.totals})

    def _total(self, name: str) -> int | None:
        search = self._search
        if search is None:
            return None
        best = None if search.best is None else search.best.number
        return {"done": search.done(), "trials": search.n_planned, "best": best}[name]
