"""Which studies opened a dataset's test set: each counts its own accesses, readers want all."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, final

import optuna

from search.paths import RunPaths
from search.tuning.after_search import TestSetAccess
from search.tuning.records import StudyRecord
from search.tuning.store import from_plain


class DatasetAccess(NamedTuple):
    """An access to a dataset's test set by a study."""

    study: str
    time: datetime
    purpose: str


def earlier_accesses(
    study: optuna.Study, record: StudyRecord, runs_dir: Path
) -> tuple[DatasetAccess, ...]:
    """Return other studies' accesses to the test set of a study's dataset, oldest first.

    Datasets are the same if their fingerprints are. These are the accesses before the study's own
    last one, or all until now if it has none. Studies are looked for in the study's storage, and by
    their reports in the runs folder, where those of another storage are; a removed study and a
    report that cannot be read are not known.
    """
    last = max((one.time for one in record.openings), default=datetime.now(UTC))
    known = {record.name}
    found: list[DatasetAccess] = []
    for name, facts, openings in _studies(study, runs_dir):
        if name not in known:
            known.add(name)
            found += _accesses(name, facts, openings, record.dataset.fingerprint)
    return tuple(sorted((one for one in found if one.time < last), key=lambda one: one.time))


def _studies(study: optuna.Study, runs_dir: Path) -> Iterator[tuple[str, Any, str]]:
    """Yield each study's name, what is known of it, and where its accesses stand in that."""
    for stored in study._storage.get_all_studies():
        yield stored.study_name, stored.user_attrs, "test_openings"
    for folder in sorted(runs_dir.iterdir()) if runs_dir.is_dir() else ():
        report = RunPaths(runs_dir, folder.name).report_facts
        if report.is_file():
            yield folder.name, _Report(report), "openings"


@final
class _Report:
    """A report.json that is read when it is asked for something: most studies are stored too."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getitem__(self, name: str) -> Any:
        return self._facts[name]

    @cached_property
    def _facts(self) -> Any:
        return json.loads(self._path.read_bytes())


def _accesses(name: str, facts: Any, openings: str, fingerprint: str) -> list[DatasetAccess]:
    """Return a study's accesses; none if it has other data, is another program's or damaged."""
    try:
        if facts["dataset"]["fingerprint"] != fingerprint:
            return []
        accesses = from_plain(tuple[TestSetAccess, ...], facts[openings])
    except (OSError, KeyError, TypeError, ValueError):
        return []
    return [DatasetAccess(name, one.time, one.purpose) for one in accesses]
