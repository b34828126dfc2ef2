"""A PostgreSQL server of one's own, in a temporary folder, for as long as a block lasts."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import final

import sqlalchemy

from tests.chaos.unavailable import UnavailableError

PASSWORD = "s3c/r{é}t%@:x"  # noqa: S105 - of a server that lives for a test
_USER = "searcher"
_UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root
_INSTALL = ["apt-get", "install", "--yes", "--no-install-recommends", "postgresql"]


@final
@dataclass(frozen=True)
class Server:
    """A server that runs, unless it is stopped for a while."""

    binaries: Path
    folder: Path

    @property
    def url(self) -> sqlalchemy.URL:
        """Return the URL of its first database, password included."""
        query = {"host": str(self.folder)}
        return sqlalchemy.URL.create(
            "postgresql", _USER, PASSWORD, database="postgres", query=query
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        _call(self.binaries / "pg_ctl", *_data(self.folder), *_start_settings(self.folder))

    def stop(self) -> None:
        """End it without a word to its clients, as a crash does."""
        _call(self.binaries / "pg_ctl", *_data(self.folder), "--mode=immediate", "stop")


@contextmanager
def running_server() -> Iterator[Server]:
    """Start a server that asks for a password, on a socket of its own.

    Raises UnavailableError, saying why, where there is none to start.
    """
    binaries = find_binaries()
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as name:  # sockets have short names
        folder = Path(name)
        password = folder / "password"
        password.write_text(PASSWORD, encoding="utf-8")
        if os.geteuid() == 0:
            shutil.chown(folder, _UNPRIVILEGED)
            shutil.chown(password, _UNPRIVILEGED)
        _call(binaries / "initdb", *_data(folder), *_first_settings(password))
        server = Server(binaries, folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def find_binaries() -> Path:
    """Return the folder of the newest server there is; raises UnavailableError where none is."""
    if find_spec("psycopg") is None:
        raise UnavailableError("psycopg is not installed: it is in the extra postgresql")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name))
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else debian[-1:]
    if not folders:
        raise UnavailableError("PostgreSQL is not installed")
    return folders[0]


def install_server() -> None:
    """Install PostgreSQL with apt-get, where that is allowed and needed; otherwise do nothing."""
    try:
        find_binaries()
    except UnavailableError:
        if shutil.which("apt-get") and os.geteuid() == 0:
            subprocess.run(_INSTALL, check=False, stdin=subprocess.DEVNULL)


def _data(folder: Path) -> tuple[str, str]:
    return "--pgdata", str(folder / "data")


def _first_settings(password: Path) -> list[str]:
    login = ["--auth=scram-sha-256", f"--pwfile={password}", f"--username={_USER}"]
    return [*login, "--encoding=UTF8", "--locale=C", "--no-sync"]


def _start_settings(folder: Path) -> list[str]:
    options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
    return [f"--options={options}", f"--log={folder / 'log'}", "--wait", "start"]


def _call(*command: str | Path) -> None:
    """Run one of the server's programs as whom it accepts; raises UnavailableError if it fails."""
    user = _UNPRIVILEGED if os.geteuid() == 0 else None
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, user=user, cwd="/", timeout=120
    )
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
        raise UnavailableError(f"{Path(command[0]).name} failed: {last}")
