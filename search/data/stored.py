"""A decoded dataset, given by its folder in the cache."""

from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Self, TypeVar, final

from search.data.cache import CachePaths, StoredInfo, read_cache, read_info
from search.data.dataset import Content, DatasetRequest, Source
from search.errors import UserError
from search.events import Listener

_T = TypeVar("_T")


@final
class StoredSource(Source):
    """The dataset that a cache's folder holds, such as one that came from Python's arrays.

    It has the fingerprint of the source that the cache was made from, so that within the same
    `data_dir` the folder itself is used, and elsewhere a copy.
    """

    accepts = "the folder of a decoded dataset"
    title = "the decoded dataset"

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    @classmethod
    def find(cls, request: DatasetRequest) -> Self | None:
        with suppress(OSError, ValueError):  # not a valid path
            paths = CachePaths(Path(request.dataset or "/"))
            if paths.info.is_file() and paths.train_images.is_file():
                return cls(paths.cache_dir)
        return None

    @property
    def name(self) -> str:
        return self._info.name

    def fingerprint(self) -> str:
        return self._info.source_fingerprint

    def read(self, listener: Listener) -> Content:  # noqa: ARG002 - nothing takes long
        return self._intact(read_cache)

    @cached_property
    def _info(self) -> StoredInfo:
        return self._intact(read_info)

    def _intact(self, read: Callable[[Path], _T]) -> _T:
        try:
            return read(self._folder)
        except (OSError, ValueError) as error:
            raise UserError(f"dataset: {self._folder} is damaged: {error}") from error
