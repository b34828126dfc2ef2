"""How much of the disk a study's checkpoints take, and whether that is there."""

import heapq
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from cifar_models import count_parameters
from search.errors import MachineError
from search.formatting import format_bytes
from search.study.feasibility import Feasibility
from search.study.opening import OpenStudy
from search.study.plan import Params, random_point
from spaces import Candidate, SGDConfig

_FILES = 3  # the newest, the one before it, and the one that is being written
_OVERHEAD = 1 << 16  # a file's history and the names of its tensors
_RESERVE = 32 << 20  # the database, the model and the report
_LOOKED_AT = 200  # candidates, of which the largest count


@final
@dataclass(frozen=True)
class DiskNeed:
    """Bytes that the checkpoints take at most, and bytes that are free where they go."""

    checkpoints: int
    free: int


def check_disk(opened: OpenStudy, n_workers: int) -> DiskNeed:
    """Return what the study needs; raises MachineError where there is less.

    It is judged by the plan's first points; for TPE, which asks as it goes, by random ones.
    """
    free = shutil.disk_usage(opened.paths.study_dir).free
    need = DiskNeed(_most_bytes(opened, n_workers), free)
    if need.free < need.checkpoints + _RESERVE:
        wanted = format_bytes(need.checkpoints + _RESERVE)
        raise MachineError(
            f"{opened.paths.study_dir} has {format_bytes(need.free)} free, and the study needs up "
            f"to {wanted}, most of it for checkpoints: make room there, or give --runs-dir on "
            "another disk, fewer --workers or --checkpoint-every 0"
        )
    return need


def disk_use(directory: Path) -> int:
    """Return the bytes of all files under a folder, 0 where there is none."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def checkpoint_bytes(candidate: Candidate, parameters: int) -> int:
    """Return the size of one fold's checkpoint: weights and the optimizer's state, as float32."""
    optimizer = candidate.optimizer
    moments = 1 if isinstance(optimizer, SGDConfig) else 2
    return 4 * parameters * (1 + moments) + _OVERHEAD


def _most_bytes(opened: OpenStudy, n_workers: int) -> int:
    """Return the bytes of the largest trials that can be under way together."""
    if not opened.recipe.checkpoint_every:
        return 0
    sizes = [_size(opened, point) for point in _points(opened)]
    return _FILES * len(opened.statistics) * sum(heapq.nlargest(n_workers, sizes))


def _points(opened: OpenStudy) -> Iterator[Params]:
    yield from opened.points[:_LOOKED_AT]
    recipe, objection = opened.recipe, Feasibility(opened.dataset, opened.recipe.max_parameters)
    for plan in range(_LOOKED_AT if recipe.sampler == "tpe" else 0):
        yield random_point(opened.space, recipe.seed, plan, objection)


def _size(opened: OpenStudy, point: Params) -> int:
    """Return the bytes of a point's checkpoint, 0 for one that cannot be trained."""
    classes = len(opened.dataset.class_names)
    try:
        candidate = opened.space.candidate(point)
        parameters = count_parameters(candidate.model, opened.dataset.image_shape, classes)
    except ValueError:  # as the search will find, and say
        return 0
    return checkpoint_bytes(candidate, parameters)
