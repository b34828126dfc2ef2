"""Accesses to a dataset's test set, over all studies that are known."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
import pytest

from search.catalog.openings import earlier_accesses
from search.paths import RunPaths
from search.tuning.after_search import TestSetAccess
from search.tuning.records import StudyRecord
from search.tuning.store import to_plain
from tests.report import report_fakes as fakes

RECORD = fakes.study_record([], name="mine")


def at(minute: int, purpose: str = "final evaluation") -> TestSetAccess:
    return TestSetAccess(datetime(2026, 6, 1, 12, minute, tzinfo=UTC), purpose)


def opened(*minutes: int) -> StudyRecord:
    """Return the study with its own accesses."""
    return replace(RECORD, openings=tuple(map(at, minutes)))


def store(
    storage: optuna.storages.InMemoryStorage, name: str, *minutes: int, fingerprint: str = ""
) -> optuna.Study:
    """Store a study of the dataset with its accesses."""
    study = optuna.create_study(storage=storage, study_name=name)
    study.set_user_attr("dataset", {"fingerprint": fingerprint or RECORD.dataset.fingerprint})
    study.set_user_attr("test_openings", to_plain(tuple(map(at, minutes))))
    return study


@pytest.fixture
def storage() -> optuna.storages.InMemoryStorage:
    return optuna.storages.InMemoryStorage()


def found(study: optuna.Study, record: StudyRecord, runs: Path) -> list[tuple[str, int]]:
    return [(one.study, one.time.minute) for one in earlier_accesses(study, record, runs)]


def test_other_studies_of_the_same_data_count_in_order_of_time(
    storage: optuna.storages.InMemoryStorage, tmp_path: Path
) -> None:
    """Those after the study's own last access, of other data and its own do not."""
    store(storage, "b", 5, 20)
    store(storage, "a", 7)
    store(storage, "elsewhere", 6, fingerprint="e2" * 32)
    mine = store(storage, "mine", 10)
    assert found(mine, opened(10), tmp_path) == [("b", 5), ("a", 7)]
    assert found(mine, opened(10, 30), tmp_path) == [("b", 5), ("a", 7), ("b", 20)]


def test_before_its_own_access_all_until_now_count(
    storage: optuna.storages.InMemoryStorage, tmp_path: Path
) -> None:
    mine = store(storage, "mine")
    store(storage, "a", 7)
    assert found(mine, RECORD, tmp_path / "nothing") == ([("a", 7)] if _past(at(7)) else [])


def _past(access: TestSetAccess) -> bool:
    return access.time < datetime.now(UTC)


def report(runs: Path, name: str, text: str | dict[str, Any]) -> None:
    path = RunPaths(runs, name).report_facts
    path.parent.mkdir(parents=True)
    path.write_text(text if isinstance(text, str) else json.dumps(text), "utf-8")


def test_reports_of_another_storage_count(
    storage: optuna.storages.InMemoryStorage, tmp_path: Path
) -> None:
    """A stored study is not counted again by its report; damaged and foreign files are none."""
    known = {"fingerprint": RECORD.dataset.fingerprint}
    openings = [{"time": "2026-06-01T12:03:00Z", "purpose": "final evaluation"}]
    store(storage, "a", 7)
    mine = store(storage, "mine", 10)
    for name in ("a", "mine", "other"):
        report(tmp_path, name, {"dataset": known, "openings": openings})
    report(tmp_path, "damaged", "{")
    report(tmp_path, "foreign", "[]")
    report(tmp_path, "older", {"dataset": known})
    report(tmp_path, "strange", {"dataset": known, "openings": "never"})
    report(tmp_path, "unlike", {"dataset": {"fingerprint": "e2"}, "openings": openings})
    (tmp_path / "a file").write_text("", "utf-8")
    assert found(mine, opened(10), tmp_path) == [("other", 3), ("a", 7)]


def test_a_study_of_another_program_has_no_accesses(
    storage: optuna.storages.InMemoryStorage, tmp_path: Path
) -> None:
    optuna.create_study(storage=storage, study_name="theirs").set_user_attr("dataset", "iris")
    assert found(store(storage, "mine", 10), opened(10), tmp_path) == []
