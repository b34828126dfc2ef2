"""Which files a job needs, keeps and leaves, so that it can run where these paths do not exist."""

from collections.abc import Callable
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self, TypeAlias, TypeVar, cast, final, runtime_checkable

from search.data.dataset import DatasetInfo
from search.executors.base import Job

T = TypeVar("T")

Place: TypeAlias = Callable[[Path], Path]
"""Returns where a path of the coordinator is on the machine that runs a job."""


@final
@dataclass(frozen=True)
class JobFiles:
    """The files of a job.

    Attributes:
        dataset: The images that it trains on.
        inputs: Further files that it reads.
        metric: A user's metric, as `FILE.py:NAME`; the file and what it imports are read.
        checkpoints: The folder of its states: what is there is read, what it writes is kept.
        results: Files that it leaves; it may end without them.
    """

    dataset: DatasetInfo | None = None
    inputs: tuple[Path, ...] = ()
    metric: str | None = None
    checkpoints: Path | None = None
    results: tuple[Path, ...] = ()


@runtime_checkable
class JobWithFiles(Protocol):
    """A job that uses more files than the folder of its messages."""

    def files(self) -> JobFiles:
        """Return its files."""

    def moved(self, place: Place) -> Self:
        """Return the same job for a machine where its files are elsewhere."""


def files_of(job: Job[Any]) -> JobFiles:
    """Return the files of a job; there are none but its messages unless it says so."""
    return job.files() if isinstance(job, JobWithFiles) else JobFiles()


def moved(job: Job[T], place: Place) -> Job[T]:
    """Return the same job for a machine where its files are elsewhere."""
    if isinstance(job, JobWithFiles):
        return cast("Job[T]", job.moved(place))
    if job.folder is None:
        return job
    if not is_dataclass(job) or isinstance(job, type):
        raise TypeError(f"a job that reports must be a dataclass to travel, got {type(job)}")
    return cast("Job[T]", replace(cast("Any", job), folder=place(job.folder)))


def moved_dataset(info: DatasetInfo, place: Place) -> DatasetInfo:
    """Return a dataset whose cache is elsewhere."""
    return replace(info, cache_dir=place(info.cache_dir))
