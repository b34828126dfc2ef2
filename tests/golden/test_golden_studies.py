"""Nothing that decides a result may change: tiny studies must come to what was recorded."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.golden.book import Book, all_results, differences, read_book
from tests.golden.environment import environment_name
from tests.golden.found import Found, find_all

pytestmark = pytest.mark.slow


def test_studies_come_to_what_was_recorded(tmp_path: Path) -> None:
    """One test, so that no two processes run the studies: they take a minute."""
    found, book = find_all(tmp_path / "studies"), read_book()
    parts = [
        *differences(book["statuses"], found.statuses),
        *differences(book["names"], found.names),
        *differences(book["fixed"], {name: one.fixed for name, one in found.studies.items()}),
        *_changed_results(found, book),
        *_changed_by_two_workers(found),
        *_changed_by_a_kill(found),
    ]
    if parts:
        head = "not as recorded (its trials: `python -m tests.golden show`):"
        pytest.fail("\n".join([head, *parts]), pytrace=False)


def _changed_results(found: Found, book: Book) -> Iterator[str]:
    """Yield what differs of curves, scores, weights, predictions, reports and events.

    They are compared bit for bit where this environment's were recorded. What no machine changes
    is compared everywhere, and so are the repeated and the killed study with their originals.
    """
    recorded = book["environments"].get(environment_name())
    if recorded is not None:
        now = {name: all_results(study) for name, study in found.studies.items()}
        yield from differences(recorded["results"], now)


def _changed_by_two_workers(found: Found) -> Iterator[str]:
    once = found.studies["random-holdout"]
    differ = differences(once.fixed | once.results, found.twin.fixed | found.twin.results)
    yield from (f"two workers: {part}" for part in differ)


def _changed_by_a_kill(found: Found) -> Iterator[str]:
    undisturbed, resumed = found.studies["steady"], found.resumed
    assert (found.statuses["killed"], found.statuses["resumed"]) == (-signal.SIGKILL, 0)
    expected = undisturbed.fixed | undisturbed.results
    differ = differences(expected, resumed.fixed | resumed.results)
    yield from (f"killed and resumed: {part}" for part in differ)
