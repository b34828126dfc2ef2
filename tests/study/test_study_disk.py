"""Room for checkpoints: foreseen, checked before anything is trained, never exceeded."""

import shutil
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import pytest

from search.errors import MachineError
from search.formatting import format_bytes
from search.pipeline import run_study
from search.recipe import Recipe
from search.study.disk import check_disk, disk_use
from search.study.opening import OpenStudy, open_study
from search.study.preparing import prepare

Maker = Callable[..., Recipe]
Usage = namedtuple("Usage", ["total", "used", "free"])


def _open(recipe: Recipe, observer: Any) -> OpenStudy:
    return open_study(prepare(recipe, observer))


@pytest.mark.parametrize("sampler", ["random", "grid", "tpe"])
def test_checkpoints_never_take_more_than_foreseen(
    sampler: str, make_recipe: Maker, observer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever a trial ends the files of its folds are within the bound, and then they go."""
    recipe = make_recipe(sampler=sampler, validation="kfold", folds=3, checkpoint_every=1)
    opened = _open(recipe, observer)
    need, taken = check_disk(opened, n_workers=1), list[int]()

    def look(*_: Any) -> None:
        taken.append(disk_use(opened.paths.checkpoints_dir))

    monkeypatch.setattr(observer, "epoch_ended", look)
    run_study(recipe, observer, inline=True)
    assert 0 < max(taken) <= need.checkpoints
    assert disk_use(opened.paths.checkpoints_dir) == 0


def test_more_workers_and_folds_need_more(make_recipe: Maker, observer: Any) -> None:
    """The bound grows with what is under way together, and is nothing without checkpoints."""
    opened = _open(make_recipe(), observer)
    folds = _open(make_recipe(study_name="k", validation="kfold", folds=3), observer)
    one, two = (check_disk(opened, n_workers=n).checkpoints for n in (1, 2))
    assert 0 < one < two <= 2 * one
    assert check_disk(folds, n_workers=1).checkpoints == 3 * one
    never = _open(make_recipe(study_name="never", checkpoint_every=0), observer)
    assert check_disk(never, n_workers=2).checkpoints == 0


def test_too_little_room_is_said_before_anything_is_trained(
    make_recipe: Maker, observer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line names the folder, what is free, what is needed and what would help."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9 - 10**6, 10**6))
    with pytest.raises(MachineError, match=r"study has 1\.0 MB free, .* or --checkpoint-every 0$"):
        run_study(make_recipe(), observer, inline=True)
    assert not [event for event in observer.events if event[0] == "started"]


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (3_400_000, "3.4 MB"), (12e9, "12 GB")],
)
def test_sizes_are_in_words(count: int, words: str) -> None:
    """Units of a thousand, as disks are sold."""
    assert format_bytes(int(count)) == words
