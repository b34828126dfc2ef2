"""The short form of `python -m tests.chaos disk`."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.disk import fill_up, small_disk
from tests.chaos.kill import Reference
from tests.chaos.searches import Search
from tests.chaos.unavailable import UnavailableError

pytestmark = [pytest.mark.chaos, pytest.mark.slow]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    try:
        with small_disk(tmp_path / "disk") as folder:
            yield folder
    except UnavailableError as error:
        pytest.skip(str(error))


def test_a_search_goes_on_once_there_is_room(
    disk: Path, reference: Reference, short: Search, tmp_path: Path
) -> None:
    """A full disk ends it with one line and status 1; with room again it ends as if nothing was."""
    search = dataclasses.replace(short, runs_dir=disk / "runs", said=tmp_path)
    assert fill_up(search, reference, seed=0).problems == ()
