"""Studies that are stored in one time zone and read in another: times and durations agree."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.tuning.attempts import INTERRUPTED
from search.tuning.store import read_trial

_ZONES = ("Asia/Tokyo", "UTC", "America/Los_Angeles", "Asia/Kathmandu", "Pacific/Chatham")
_RAN = timedelta(minutes=7)


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Return a function that moves this process to a time zone."""

    def move(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


def _store(database: Path, started: datetime, seen: str, found: datetime) -> None:
    """Store a trial that was interrupted, and found to be so at `found`."""
    study = optuna.create_study(study_name="s", storage=f"sqlite:///{database}")
    attrs = {"plan": 0, "reason": INTERRUPTED, "last_seen": seen}
    trial = create_trial(state=TrialState.FAIL, user_attrs=attrs)
    trial.datetime_start, trial.datetime_complete = started, found
    study.add_trial(trial)


def _read(database: Path) -> FrozenTrial:
    return optuna.load_study(study_name="s", storage=f"sqlite:///{database}").trials[0]


@pytest.mark.slow
@pytest.mark.parametrize("here", _ZONES)
@pytest.mark.parametrize("found_after", [timedelta(0), timedelta(days=3)])
@pytest.mark.parametrize("aware", [True, False], ids=["in UTC", "as older studies store it"])
def test_an_interrupted_trial_took_as_long_everywhere(
    here: str, found_after: timedelta, aware: bool, tmp_path: Path, zone: Callable[[str], None]
) -> None:
    """It ran for seven minutes in Tokyo, whenever and wherever that is looked at."""
    zone("Asia/Tokyo")
    started = datetime(2026, 3, 8, 9, 58)
    ended = started + _RAN
    seen = ended.astimezone(UTC).isoformat() if aware else ended.isoformat()
    _store(tmp_path / "s.db", started, seen, ended + found_after)
    zone(here)
    record = read_trial(_read(tmp_path / "s.db"))
    assert record.started is not None
    assert record.finished is not None
    assert record.started.astimezone(UTC) == datetime(2026, 3, 8, 0, 58, tzinfo=UTC)
    took = record.finished - record.started
    if aware or not found_after:
        assert took == _RAN
    else:  # of what is known: some time between its start and the next run
        assert timedelta(0) <= took <= _RAN + found_after


def test_a_time_that_cannot_be_is_bounded(tmp_path: Path) -> None:
    """A clock that was set says nothing: the trial counts from its start only."""
    started = datetime(2026, 3, 8, 9, 58)
    odd = (started + timedelta(days=40)).isoformat()
    _store(tmp_path / "s.db", started, odd, started + timedelta(seconds=3))
    record = read_trial(_read(tmp_path / "s.db"))
    assert record.finished == record.started
