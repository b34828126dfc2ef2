"""What a run is about to do: the plan that the user sees first, and the disk space it needs."""

import heapq
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from search import text
from search.data.dataset import DatasetInfo
from search.data.quality import DataQuality
from search.errors import MachineError
from search.executors.base import Executor
from search.recipe import Recipe
from search.tuning.budget import Budget
from search.tuning.drawn_points import Params
from search.tuning.estimate import Estimate, estimate_time, preview_points
from search.tuning.feasibility import network_size
from search.tuning.opening import OpenStudy, discard_unstarted
from search.tuning.samplers import get_sampler
from search.tuning.store import read_study
from spaces import Candidate

_FILES = 3  # the newest, the one before it, and the one that is being written
_OVERHEAD = 1 << 16  # a file's history and the names of its tensors
_RESERVE = 32 << 20  # the database, the model and the report
_LOOKED_AT = 200  # candidates, of which the largest count


@final
@dataclass(frozen=True)
class DiskNeed:
    """The disk space that a study needs, in bytes.

    Attributes:
        checkpoints: The most that its checkpoints take.
        free: Free space on their disk.
        stored_checkpoints: Existing checkpoints, which will be replaced.
        stored_others: What its database, model and report already take.
    """

    checkpoints: int
    free: int
    stored_checkpoints: int = 0
    stored_others: int = 0

    def more_checkpoints(self) -> int:
        """Return the most bytes that checkpoints will take in addition."""
        return max(self.checkpoints - self.stored_checkpoints, 0)

    def more_others(self) -> int:
        """Return the bytes to keep free for database, model and report."""
        return max(_RESERVE - self.stored_others, 0)


def check_disk(opened: OpenStudy, n_workers: int) -> DiskNeed:
    """Return what the study needs; raises MachineError if there is less space.

    The need is estimated from points of the plan. A study that is refused before its first trial
    leaves nothing in the database.
    """
    need = _need(opened, n_workers)
    if need.free < need.more_checkpoints() + need.more_others():
        discard_unstarted(opened.study, opened.storage, opened.paths)
        raise MachineError(_refusal(opened.paths.study_dir, need))
    return need


def disk_use(directory: Path) -> int:
    """Return the bytes of all files under a folder, 0 if there is none."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def _need(opened: OpenStudy, n_workers: int) -> DiskNeed:
    folder, checkpoints = opened.paths.study_dir, disk_use(opened.paths.checkpoints_dir)
    return DiskNeed(
        _most_bytes(opened, n_workers),
        shutil.disk_usage(folder).free,
        checkpoints,
        disk_use(folder) - checkpoints + _database_share(opened),
    )


def _database_share(opened: OpenStudy) -> int:
    """Return the bytes of the study's trials in the SQLite file that all studies share."""
    database = opened.paths.database
    if opened.recipe.storage is not None or not database.exists():  # the database is elsewhere
        return 0
    storage = opened.storage
    studies = storage.get_all_studies()
    counts = {one.study_name: storage.get_n_trials(one._study_id) for one in studies}
    share = counts[opened.study.study_name] / max(sum(counts.values()), 1)
    return round(share * database.stat().st_size)


def _refusal(folder: Path, need: DiskNeed) -> str:
    checkpoints, others = need.more_checkpoints(), need.more_others()
    wanted = " and ".join(
        f"{text.size(size)} for {what}"
        for size, what in ((checkpoints, "checkpoints"), (others, "database, model and report"))
        if size
    )
    hint = "make room there, or give `runs_dir` on another disk"
    if others <= need.free:
        hint = f"{hint}, fewer `workers` or `checkpoint_every` 0"
    return (
        f"{folder} has {text.size(need.free)} free, and the study needs up to "
        f"{text.size(checkpoints + others)} more, {wanted}: {hint}"
    )


def checkpoint_bytes(candidate: Candidate, parameters: int) -> int:
    """Return the size of one fold's checkpoint: weights and the optimizer's state, as float32."""
    return 4 * parameters * (1 + candidate.optimizer.state_size()) + _OVERHEAD


def _most_bytes(opened: OpenStudy, n_workers: int) -> int:
    """Return the bytes of the largest trials that can train at the same time."""
    if not opened.recipe.checkpoint_every:
        return 0
    sizes = [_size(opened, point) for point in preview_points(opened, _LOOKED_AT)]
    return _FILES * len(opened.statistics) * sum(heapq.nlargest(n_workers, sizes))


def _size(opened: OpenStudy, point: Params) -> int:
    """Return the bytes of a point's checkpoint, 0 for one that cannot be trained."""
    try:
        candidate = opened.space.candidate(point)
        parameters = network_size(candidate, opened.dataset)
    except ValueError:  # the search will find out, and say so
        return 0
    return checkpoint_bytes(candidate, parameters)


@final
@dataclass(frozen=True)
class PlanInfo:
    """What a run will do: a resolved recipe with its dataset, and what of it is done.

    Attributes:
        quality: What is known of the images.
        n_grid: The number of grid points; None if the sampler visits no grid.
        rejections: Why the space rejected points when they were planned, one reason for each.
        estimate: How long it takes; None if nothing is left to train, or it is unknown.
        unknown: Why there is no estimate, if it could not be made.
        budget: How a limited time is spent.
    """

    recipe: Recipe
    dataset: DatasetInfo
    n_planned: int
    n_done: int
    n_grid: int | None
    n_workers: int
    disk: DiskNeed
    quality: DataQuality = field(default_factory=DataQuality)
    estimate: Estimate | None = None
    unknown: str | None = None
    budget: Budget | None = None
    rejections: tuple[str, ...] = ()


def make_plan_info(
    opened: OpenStudy, disk: DiskNeed, executor: Executor, budget: Budget | None = None
) -> PlanInfo:
    """Return the plan; trains for a moment to estimate the time, which changes no result."""
    recipe, record = opened.recipe, read_study(opened.study)
    sampler = get_sampler(recipe.sampler)
    planned = sampler.n_planned(opened.points, recipe.trials)
    done = record.done_indices() & set(range(planned))
    ended = [trial for trial in record.trials if trial.plan in done]
    estimate, unknown = None, None
    try:
        estimate = estimate_time(opened, ended, planned - len(done), executor, budget)
    except (MemoryError, RuntimeError) as error:  # a trial that fails so will say so
        unknown = f"{type(error).__name__}: {error}"
    return PlanInfo(
        recipe=recipe,
        dataset=opened.dataset,
        n_planned=planned,
        n_done=len(done),
        n_grid=sampler.n_grid(opened.space),
        n_workers=executor.slots,
        disk=disk,
        quality=record.quality,
        estimate=estimate,
        unknown=unknown,
        budget=budget,
        rejections=opened.rejections,
    )
