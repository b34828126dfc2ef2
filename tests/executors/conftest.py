"""A cluster of two workers on this machine, each with a folder of its own."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

import pytest

from search.executors.cluster.certificates import make_certificates
from search.executors.cluster.serving import leave_file_in
from search.executors.cluster.session import Session
from search.executors.cluster.settings import ClusterSettings, TlsFiles

_ROOT = Path(__file__).parents[2]
_SECONDS = 120  # far more than it takes to start


@final
@dataclass(frozen=True)
class LocalCluster:
    """A scheduler with two workers.

    Attributes:
        settings: How it is reached.
        folders: Those of its workers.
        certificates: The folder of its certificates.
        leave_files: The files whose presence has a worker leave, in the order of `folders`.
    """

    settings: ClusterSettings
    folders: tuple[Path, Path]
    certificates: Path
    leave_files: tuple[Path, Path]


@pytest.fixture(autouse=True)
def no_running_loop() -> Iterator[None]:
    """Hide the event loop that Playwright keeps where browser tests ran in the same process."""
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(running)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    root = tmp_path_factory.mktemp("cluster")
    certificates = root / "tls"
    make_certificates(certificates, days=1)
    files = {role: TlsFiles.of(certificates, role) for role in ("scheduler", "worker", "client")}
    port, folders = str(_free_port()), (root / "one", root / "two")
    own = files["client"]
    settings = ClusterSettings(f"tls://127.0.0.1:{port}", _SECONDS, own.ca, own.cert, own.key)
    pids = list[int]()
    with ExitStack() as stack:
        scheduler = ("search", "scheduler", "--port", port, *_options(files["scheduler"]))
        worker = ("search", "worker", settings.address, *_options(files["worker"]))
        commands: list[tuple[str, ...]] = [scheduler]
        commands += [(*worker, "--folder", ".") for _ in folders]
        for folder, command in zip((root, *folders), commands, strict=True):
            folder.mkdir(exist_ok=True)
            pids.append(stack.enter_context(_running(command, folder)))
        _await_workers(settings, len(folders))
        leave_files = [leave_file_in(one, pid) for one, pid in zip(folders, pids[1:], strict=True)]
        yield LocalCluster(settings, folders, certificates, (leave_files[0], leave_files[1]))


def _options(files: TlsFiles) -> tuple[str, ...]:
    return ("--tls-ca", str(files.ca), "--tls-cert", str(files.cert), "--tls-key", str(files.key))


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def _running(command: tuple[str, ...], folder: Path) -> Iterator[int]:
    """Run a module in a folder while the block runs; yield its process."""
    environment = os.environ | {"PYTHONPATH": str(_ROOT)}
    call = [sys.executable, "-m", *command]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(call, cwd=folder, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _await_workers(settings: ClusterSettings, count: int) -> None:
    deadline = time.monotonic() + _SECONDS
    session = Session(settings, threads=1)
    while session.n_workers() < count:
        assert time.monotonic() < deadline, "the workers did not start"
        time.sleep(0.1)
    session.close()
