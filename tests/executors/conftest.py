"""A cluster of two workers on this machine, each with a folder of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import pytest

from search.executors.cluster.settings import ClusterSettings

_ROOT = Path(__file__).parents[2]
_SECONDS = 120  # far more than it takes to start


@final
@dataclass(frozen=True)
class LocalCluster:
    """A scheduler with two workers.

    Attributes:
        settings: How it is reached.
        folders: Those of its workers.
    """

    settings: ClusterSettings
    folders: tuple[Path, Path]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    client = pytest.importorskip("distributed").Client
    root = tmp_path_factory.mktemp("cluster")
    address = f"tcp://127.0.0.1:{_free_port()}"
    scheduler = ("distributed.cli.dask_scheduler", "--port", address.rpartition(":")[2])
    folders = (root / "one", root / "two")
    with ExitStack() as stack:
        commands: list[tuple[str, ...]] = [(*scheduler, "--host", "127.0.0.1", "--no-dashboard")]
        commands += [("search", "worker", address, "--folder", ".") for _ in folders]
        for folder, command in zip((root, *folders), commands, strict=True):
            folder.mkdir(exist_ok=True)
            stack.enter_context(_running(command, folder))
        _await_workers(client, address, len(folders))
        yield LocalCluster(ClusterSettings(address, worker_timeout=_SECONDS), folders)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def _running(command: tuple[str, ...], folder: Path) -> Iterator[None]:
    """Run a module in a folder while the block runs."""
    environment = os.environ | {"PYTHONPATH": str(_ROOT)}
    call = [sys.executable, "-m", *command]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(call, cwd=folder, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _await_workers(client_class: Any, address: str, count: int) -> None:
    deadline = time.monotonic() + _SECONDS
    with client_class(address, timeout=_SECONDS, set_as_default=False) as client:
        while len(client.scheduler_info()["workers"]) < count:
            assert time.monotonic() < deadline, "the workers did not start"
            time.sleep(0.1)
