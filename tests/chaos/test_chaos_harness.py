"""The harness itself: what it counts, and that it would notice what it looks for."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.tuning.records import TrialRecord
from tests.chaos import processes
from tests.chaos.disk import Ending
from tests.chaos.effort import EpochWatch, trained_again
from tests.chaos.killing import draw_blows
from tests.chaos.results import wrong_plans


@dataclasses.dataclass(frozen=True)
class _Study:
    trials: tuple[TrialRecord, ...]


def _trial(number: int, plan: int, state: Any) -> TrialRecord:
    return TrialRecord(number, plan, attempt=0, state=state, params={})


def test_epochs_are_seen_though_their_file_is_removed(tmp_path: Path) -> None:
    """Whole lines count, also those written after it was first seen, removed or not."""
    file = tmp_path / "trial-7" / "from-fold-0" / "epochs.jsonl"
    file.parent.mkdir(parents=True)
    with EpochWatch(tmp_path) as watch, file.open("w", encoding="utf-8") as out:
        out.write(json.dumps([{"seconds": 0.5}]) + "\n" + '[{"sec')
        out.flush()
        assert watch.look() == {(7, 1, 0.5)}
        assert watch.under_way() == 1
        out.write('onds": 0.25}]\n')
        out.flush()
        file.unlink()
        assert watch.look() == {(7, 1, 0.5), (7, 2, 0.25)}


def test_no_folder_holds_no_epochs(tmp_path: Path) -> None:
    """Before the search has begun there is nothing to see."""
    with EpochWatch(tmp_path / "work") as watch:
        assert (watch.look(), watch.under_way()) == (frozenset(), 0)


def test_only_other_seconds_make_an_epoch_trained_again() -> None:
    """The same seconds are the same training, told again from its checkpoint."""
    assert trained_again({(0, 1, 0.5), (0, 2, 0.5), (1, 1, 0.5)}) == 0
    assert trained_again({(0, 1, 0.5), (0, 1, 0.75), (1, 1, 0.5)}) == 1


def test_lost_and_repeated_plan_indices_are_noticed() -> None:
    """Each needs exactly one trial that is complete or pruned, however many have failed."""
    states = [(0, "complete"), (1, "failed"), (1, "pruned"), (2, "failed"), (3, "complete")]
    trials = [_trial(i, plan, state) for i, (plan, state) in enumerate(states)]
    study: Any = _Study((*trials, _trial(9, 3, "pruned"), _trial(10, 5, "complete")))
    assert wrong_plans(study, 4) == [2, 3, 5]


def test_blows_fall_in_order_and_within_the_search() -> None:
    """As many as asked for at each target, from before the first epoch to after the last."""
    blows = draw_blows(np.random.default_rng(0), 50, n_workers=20, n_coordinators=30)
    assert [blow.target for blow in blows].count("worker") == 20
    assert len(blows) == 50
    moments = [blow.epochs for blow in blows]
    assert moments == sorted(moments)
    assert 0 <= moments[0] < 5
    assert moments[-1] == 50


def test_grandchildren_are_workers_and_gone_once_killed() -> None:
    """A process started by a child is found, lives, and is seen to have ended."""
    code = "import subprocess; subprocess.run(['sleep', '60'])"
    with subprocess.Popen([sys.executable, "-c", code]) as child:
        parent = processes.children(child.pid)
        while not parent:
            parent = processes.children(child.pid)
        (sleeper,) = parent
        assert sleeper.lives()
        assert processes.await_end([sleeper], patience=0.05) == (float("inf"), [sleeper])
        sleeper.kill()
        waited, last = processes.await_end([sleeper], patience=60)
        assert waited < 60
        assert last == [sleeper]


@pytest.mark.parametrize(
    ("status", "errors"), [(2, ["error: x"]), (1, []), (1, ["error: x", "y"]), (1, ["Traceback"])]
)
def test_only_one_line_and_status_one_are_a_machines_failure(
    status: int, errors: list[str]
) -> None:
    """Another status, no word, a second line and a traceback are not."""
    assert not Ending(status, tuple(errors)).is_one_line()
    assert Ending(1, ("error: no space",)).is_one_line()
