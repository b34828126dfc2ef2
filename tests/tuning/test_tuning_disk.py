"""Disk space for checkpoints: estimated, checked before any training, never exceeded."""

import shutil
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import pytest

from search import text
from search.errors import MachineError
from search.events import Event
from search.executors import InlineExecutor
from search.pipeline import run_study
from search.recipe import Recipe
from search.tuning.opening import OpenStudy, open_study
from search.tuning.plan import check_disk, disk_use
from search.tuning.preparing import prepare
from search.tuning.run_events import EpochEnded, TrialStarted
from search.tuning.store import find_study

pytestmark = pytest.mark.slow

Maker = Callable[..., Recipe]
Usage = namedtuple("Usage", ["total", "used", "free"])


def _open(recipe: Recipe, listener: Any) -> OpenStudy:
    return open_study(prepare(recipe, InlineExecutor(), listener))


@pytest.mark.parametrize("sampler", ["random", "grid", "tpe"])
def test_checkpoints_never_take_more_than_foreseen(
    sampler: str, make_recipe: Maker, listener: Any
) -> None:
    """Whenever a trial ends the files of its folds are within the bound, and then they go."""
    recipe = make_recipe(sampler=sampler, validation="kfold", folds=3, checkpoint_every=1)
    opened = _open(recipe, listener)
    need, taken = check_disk(opened, n_workers=1), list[int]()

    def look(event: Event) -> None:
        if isinstance(event, EpochEnded):
            taken.append(disk_use(opened.paths.checkpoints_dir))

    run_study(recipe, look, executor="inline")
    assert 0 < max(taken) <= need.checkpoints
    assert disk_use(opened.paths.checkpoints_dir) == 0


def test_more_workers_and_folds_need_more(make_recipe: Maker, listener: Any) -> None:
    """The bound grows with what is under way together, and is nothing without checkpoints."""
    opened = _open(make_recipe(), listener)
    folds = _open(make_recipe(study_name="k", validation="kfold", folds=3), listener)
    one, two = (check_disk(opened, n_workers=n).checkpoints for n in (1, 2))
    assert 0 < one < two <= 2 * one
    assert check_disk(folds, n_workers=1).checkpoints == 3 * one
    never = _open(make_recipe(study_name="never", checkpoint_every=0), listener)
    assert check_disk(never, n_workers=2).checkpoints == 0


def _leave_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9 - free, free))


def test_too_little_room_is_said_before_anything_is_trained(
    make_recipe: Maker, listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line names the folder, what is free, what is needed for what, and what would help."""
    _leave_free(monkeypatch, 10**6)
    need = r"for checkpoints and 34 MB for database, model and report: make .* on another disk$"
    with pytest.raises(MachineError, match=rf"study has 1\.0 MB free, .* more, .* {need}"):
        run_study(make_recipe(), listener, executor="inline")
    assert not listener.all(TrialStarted)


def test_smaller_checkpoints_are_advised_where_they_would_help(
    make_recipe: Maker, listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the rest has room, fewer workers or no checkpoints are a way out."""
    _leave_free(monkeypatch, 34 * 10**6)
    with pytest.raises(MachineError, match=r"fewer `workers` or `checkpoint_every` 0$"):
        check_disk(_open(make_recipe(), listener), n_workers=50)


def test_a_refused_start_leaves_no_study(
    make_recipe: Maker, listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A study that never started is not in the database; with space, the same recipe starts."""
    opened = _open(make_recipe(), listener)
    _leave_free(monkeypatch, 10**6)
    with pytest.raises(MachineError):
        check_disk(opened, n_workers=1)
    assert find_study(opened.storage, opened.recipe.study_name) is None
    monkeypatch.undo()
    run_study(make_recipe(), listener, executor="inline")


def test_what_the_study_stores_already_is_not_asked_for_again(
    make_recipe: Maker, listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its checkpoints, its database and its model are room that it has, after a full disk too."""
    run_study(make_recipe(), listener, executor="inline")
    opened = _open(make_recipe(), listener)
    fresh = check_disk(opened, n_workers=1)
    assert fresh.stored_others > 0
    folder = opened.paths.trial_checkpoints(3)
    folder.mkdir(parents=True)
    (folder / "fold-0.ckpt").write_bytes(bytes(fresh.checkpoints))
    need = check_disk(opened, n_workers=1)
    assert (need.more_checkpoints(), need.more_others()) == (0, fresh.more_others())
    _leave_free(monkeypatch, need.more_others())
    assert check_disk(opened, n_workers=1).free == need.more_others()


def test_other_studies_of_the_database_do_not_count(make_recipe: Maker, listener: Any) -> None:
    """A new study next to an old one needs space for all of its trials."""
    run_study(make_recipe(study_name="old"), listener, executor="inline")
    opened = _open(make_recipe(study_name="new"), listener)
    assert check_disk(opened, n_workers=1).stored_others == disk_use(opened.paths.study_dir)


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (3_400_000, "3.4 MB"), (12e9, "12 GB")],
)
def test_sizes_are_in_words(count: int, words: str) -> None:
    """Units of a thousand, as disks are sold."""
    assert text.size(int(count)) == words
