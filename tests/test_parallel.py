"""Work spread over forks of this process."""

import os
import signal
import sys
from collections.abc import Callable
from functools import partial

import pytest

from search.parallel import parallel_map

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="forks are for Linux only")


@pytest.fixture(params=["1", "2", "3"])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", request.param)
    return min(int(request.param), len(os.sched_getaffinity(0)))


def _square(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


@pytest.mark.parametrize("n_items", [0, 1, 2, 7])
def test_results_are_in_order(cores: int, n_items: int) -> None:
    found = parallel_map(_square, range(n_items))
    assert [one for one, _ in found] == [number * number for number in range(n_items)]


def test_only_results_are_pickled(cores: int) -> None:
    numbers: list[Callable[[], int]] = [lambda: 1, lambda: 2, lambda: 3]
    factor = 10

    def work(number: Callable[[], int]) -> int:
        return factor * number()

    assert parallel_map(work, numbers) == [10, 20, 30]


@linux_only
def test_forks_are_only_for_several_cores_and_items(cores: int) -> None:
    for n_items in (1, 6):
        places = {place for _, place in parallel_map(_square, range(n_items))}
        if cores == 1 or n_items == 1:
            assert places == {os.getpid()}
        else:
            assert os.getpid() not in places
            assert len(places) <= cores


def _refuse(number: int) -> int:
    if number == 3:
        raise OSError(28, "no space left")
    return number


def test_an_error_is_raised_here(cores: int) -> None:
    with pytest.raises(OSError, match="no space left") as caught:
        parallel_map(_refuse, range(6))
    assert caught.value.errno == 28


def _die_elsewhere(here: int, number: int) -> int:
    if os.getpid() != here:
        os.kill(os.getpid(), signal.SIGKILL)
    return -number


def test_what_a_killed_fork_had_is_done_here(cores: int) -> None:
    assert parallel_map(partial(_die_elsewhere, os.getpid()), range(4)) == [0, -1, -2, -3]
