"""Nothing that decides a result may change: tiny studies must come to what was recorded."""

import signal
from collections.abc import Mapping
from typing import Any

import pytest

from tests.golden.book import all_results, differences, read_book
from tests.golden.environment import environment_name
from tests.golden.found import Found, find_all

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Return what all golden studies come to now."""
    return find_all(tmp_path_factory.mktemp("golden") / "studies")


def test_candidates_folds_and_settings_are_those_recorded(found: Found) -> None:
    """No machine changes them."""
    now = {name: study.fixed for name, study in found.studies.items()}
    _assert_same(read_book()["fixed"], now)


def test_names_that_other_programs_read_are_those_recorded(found: Found) -> None:
    _assert_same(read_book()["names"], found.names)


def test_exit_statuses_are_those_recorded(found: Found) -> None:
    _assert_same(read_book()["statuses"], found.statuses)


def test_results_are_those_recorded(found: Found) -> None:
    """Curves, scores, weights, predictions, reports and events, bit for bit."""
    environment = environment_name()
    recorded = read_book()["environments"].get(environment)
    if recorded is None:
        pytest.skip(f"nothing is recorded for {environment}: `python -m tests.golden record`")
    now = {name: all_results(study) for name, study in found.studies.items()}
    _assert_same(recorded["results"], now)


def test_two_workers_come_to_the_same_in_a_fresh_folder(found: Found) -> None:
    once = found.studies["random-holdout"]
    _assert_same(once.fixed | once.results, found.twin.fixed | found.twin.results)


def test_a_killed_and_resumed_search_comes_to_the_same(found: Found) -> None:
    undisturbed, resumed = found.studies["steady"], found.resumed
    assert (found.statuses["killed"], found.statuses["resumed"]) == (-signal.SIGKILL, 0)
    expected = undisturbed.fixed | undisturbed.results
    _assert_same(expected, resumed.fixed | resumed.results)


def _assert_same(recorded: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Fail with every part that differs, a line each."""
    parts = list(differences(recorded, found))
    if parts:
        head = "not as recorded (its trials: `python -m tests.golden show`):"
        pytest.fail("\n".join([head, *parts]), pytrace=False)
