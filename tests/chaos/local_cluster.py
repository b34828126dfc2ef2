"""A cluster of this machine, as a user starts it, with a worker that a fault can strike alone."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from search.executors.cluster.certificates import make_certificates
from search.executors.cluster.settings import TlsFiles
from tests.chaos.disk import fill, small_disk
from tests.chaos.processes import descendants
from tests.chaos.searches import Running
from tests.chaos.slurm_node import free_port
from tests.chaos.unavailable import run_as_root

LIFE_SIGN_SECONDS = 15
"""After which the scheduler gives up a worker that does not answer."""

FIRST_WORKER = "worker-0"
_NETWORK = "10.231.7"
_DISK_MEGABYTES = 64


@final
@dataclass(frozen=True)
class Place:
    """Where a cluster runs.

    Attributes:
        host: The address of the scheduler.
        certificates: A folder of them, where messages are encrypted.
        inside: What the command of the first worker begins with, as it runs somewhere else.
        folder: Of the first worker; None: beside those of the others.
        link: The network interface that leads to it.
    """

    host: str = "127.0.0.1"
    certificates: Path | None = None
    inside: tuple[str, ...] = ()
    folder: Path | None = None
    link: str | None = None

    def tls_options(self, role: str) -> tuple[str, ...]:
        """Return the options that name the certificates of a role."""
        if self.certificates is None:
            return ()
        files = TlsFiles.of(self.certificates, role)
        return (
            *("--tls-ca", str(files.ca)),
            *("--tls-cert", str(files.cert)),
            *("--tls-key", str(files.key)),
        )

    def cut_network(self, seconds: float) -> None:
        """Cut the network of the first worker for so long."""
        if self.link is None:
            raise ValueError("no network leads to the first worker")
        run_as_root("ip", "link", "set", self.link, "down")
        time.sleep(seconds)
        run_as_root("ip", "link", "set", self.link, "up")

    def fill_disk(self) -> None:
        """Leave the first worker no room for a file."""
        if self.folder is None:
            raise ValueError("the first worker has no disk of its own")
        fill(self.folder / "filler")


@contextmanager
def here(folder: Path) -> Iterator[Place]:
    """Yield this machine."""
    del folder
    yield Place()


@contextmanager
def on_a_small_disk(folder: Path) -> Iterator[Place]:
    """Yield this machine with a small disk for the first worker; needs root."""
    with small_disk(folder / "disk", _DISK_MEGABYTES) as disk:
        yield Place(folder=disk)


@contextmanager
def behind_a_network(folder: Path) -> Iterator[Place]:
    """Yield two machines, as it seems: the first worker is reached by a network; needs root.

    It runs in a network namespace, which a pair of virtual interfaces joins to this one.
    """
    space, near, far = (f"chaos{os.getpid()}{end}" for end in ("", "a", "b"))
    certificates = folder / "certificates"
    make_certificates(certificates, days=1)
    run_as_root("ip", "netns", "add", space)
    inside = ("ip", "netns", "exec", space)
    try:
        run_as_root("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", space)
        run_as_root("ip", "address", "add", f"{_NETWORK}.1/30", "dev", near)
        run_as_root("ip", "link", "set", near, "up")
        run_as_root(*inside, "ip", "address", "add", f"{_NETWORK}.2/30", "dev", far)
        for interface in ("lo", far):
            run_as_root(*inside, "ip", "link", "set", interface, "up")
        yield Place(f"{_NETWORK}.1", certificates, inside, link=near)
    finally:
        run_as_root("ip", "netns", "delete", space)  # and the pair with it


@final
@dataclass
class Cluster:
    """A scheduler and workers, as a user starts them."""

    folder: Path
    place: Place = field(default_factory=Place)
    port: int = field(default_factory=free_port)
    scheduler: Running | None = None
    workers: dict[str, Running] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Return the scheduler's address."""
        scheme = "tcp" if self.place.certificates is None else "tls"
        return f"{scheme}://{self.place.host}:{self.port}"

    @property
    def options(self) -> tuple[str, ...]:
        """Return the options by which a search runs on it."""
        return ("--cluster", self.address, *self.place.tls_options("client"))

    def start_scheduler(self) -> None:
        """Start the scheduler, at the same address each time."""
        settings = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": f"{LIFE_SIGN_SECONDS}s"}
        where = ("--host", self.place.host, "--port", str(self.port))
        command = ("scheduler", *where, *self.place.tls_options("scheduler"))
        self.scheduler = self._start("scheduler", command, settings)

    def start_worker(self, name: str) -> None:
        """Start a worker in a folder of its own."""
        first = name == FIRST_WORKER
        command = ("worker", self.address, "--folder", ".", *self.place.tls_options("worker"))
        self.workers[name] = self._start(
            name,
            command,
            folder=self.place.folder if first else None,
            inside=self.place.inside if first else (),
        )

    def _start(
        self,
        name: str,
        command: tuple[str, ...],
        settings: dict[str, str] | None = None,
        folder: Path | None = None,
        inside: tuple[str, ...] = (),
    ) -> Running:
        folder = folder or self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        root = str(Path(__file__).parents[2])
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*inside, sys.executable, "-m", "search", *command],
                cwd=folder,
                env=os.environ | (settings or {}) | {"PYTHONPATH": root},
                stdout=log,
                stderr=log,
            )

    def close(self) -> None:
        """End all of it."""
        for process in (*self.workers.values(), self.scheduler):
            if process is None:
                continue
            left = descendants(process.pid)
            process.kill()
            process.wait()
            for one in left:
                one.kill()


@contextmanager
def running_cluster(folder: Path, place: Place, n_workers: int) -> Iterator[Cluster]:
    """Yield a cluster with so many workers, which end with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(folder, place)
    try:
        cluster.start_scheduler()
        for number in range(n_workers):
            cluster.start_worker(f"worker-{number}")
        yield cluster
    finally:
        cluster.close()
