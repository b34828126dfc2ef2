"""How a cluster is reached, as the user says it. Imports no Dask."""

import ipaddress
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, final
from urllib.parse import urlsplit

from search.checks import parse_duration
from search.errors import UserError

WORKER_TIMEOUT = 300.0
"""Seconds that a run waits for a first or another worker, unless told."""

INSECURE = (
    "the cluster is not encrypted: whoever reaches it can read what is sent and run code on its "
    "machines"
)
"""What accepting an unencrypted cluster means."""


@final
@dataclass(frozen=True)
class TlsFiles:
    """The three PEM files that a process needs.

    Attributes:
        ca: The authority's certificate, the same for all processes.
        cert: The process's own certificate.
        key: Its private key.
    """

    ca: Path
    cert: Path
    key: Path

    @classmethod
    def of(cls, folder: Path, name: str) -> "TlsFiles":
        """Return the files of a role, by its name, in a folder of certificates."""
        return cls(folder / "ca.pem", folder / f"{name}.pem", folder / f"{name}-key.pem")


class Launched(Protocol):
    """A cluster that a run has started."""

    @property
    def scheduler_address(self) -> str:
        """Return the address of its scheduler."""

    def close(self) -> object:
        """End its scheduler and its workers."""


class Launcher(Protocol):
    """Starts a cluster for a run."""

    @property
    def workers(self) -> int:
        """Return how many workers it starts."""

    @property
    def certificates(self) -> Path | None:
        """Return a folder of certificates, if messages are encrypted."""

    @property
    def advice(self) -> str:
        """Return what to look at if no worker comes, as a request."""

    def launch(self, threads: int) -> Launched:
        """Start the cluster, with this number of threads for each training.

        Raises UserError if that cannot work with these settings.
        """


@final
@dataclass(frozen=True)
class ClusterSettings:
    """How a cluster is reached.

    Attributes:
        address: `tcp://HOST:PORT` or `tls://HOST:PORT` of a scheduler; "" until it is launched.
        worker_timeout: Seconds that a run waits while there is no worker.
        tls_ca: Certificate of the authority that signed those of scheduler and workers.
        tls_cert: This program's certificate.
        tls_key: Its private key.
        launcher: Starts the cluster; None: it is there.
        accept_mixed_hardware: Whether workers of several kinds are used together.
    """

    address: str
    worker_timeout: float = WORKER_TIMEOUT
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    launcher: Launcher | None = None
    accept_mixed_hardware: bool = False

    def launched(self, cluster: Launched, certificates: Path | None) -> "ClusterSettings":
        """Return how a cluster is reached that has been started with these certificates."""
        here = replace(self, address=cluster.scheduler_address)
        if certificates is None:
            return here
        own = TlsFiles.of(certificates, "client")
        return replace(here, tls_ca=own.ca, tls_cert=own.cert, tls_key=own.key)


def read_settings(
    cluster: str,
    worker_timeout: str | float | None = None,
    *,
    insecure_cluster: bool = False,
    tls_ca: Path | None = None,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    accept_mixed_hardware: bool = False,
) -> ClusterSettings:
    """Return the settings that options or arguments of these names say.

    Raises UserError, which names the setting, its value and what is accepted.
    """
    _check_certificates({"tls_ca": tls_ca, "tls_cert": tls_cert, "tls_key": tls_key})
    address = read_address(cluster, insecure=insecure_cluster)
    seconds = (
        WORKER_TIMEOUT if worker_timeout is None else read_seconds("worker_timeout", worker_timeout)
    )
    return ClusterSettings(
        address,
        seconds,
        tls_ca,
        tls_cert,
        tls_key,
        accept_mixed_hardware=accept_mixed_hardware,
    )


def read_seconds(option: str, given: str | float) -> float:
    """Return the seconds of an option such as "5m"; raises UserError, which names it."""
    try:
        return float(str(parse_duration(given)))
    except ValueError as error:
        raise UserError(f"{option} {error}, got {given!r}") from error


def _check_certificates(files: Mapping[str, Path | None]) -> None:
    """Raise UserError unless the three files are there, or none is given."""
    given = [name for name, path in files.items() if path is not None]
    missing = [name for name in files if name not in given]
    if given and missing:
        raise UserError(
            f"{missing[0]} is missing: give `tls_ca`, `tls_cert` and `tls_key` together, got "
            f"{', '.join(given)}"
        )
    for name, path in files.items():
        if path is not None and not path.is_file():
            raise UserError(f"{name} {str(path)!r} is not a file; accepted: a PEM file")


def read_address(given: str, *, insecure: bool = False) -> str:
    """Return the scheduler's address that `--cluster` names.

    Args:
        given: An address, or a scheduler file, as `dask scheduler --scheduler-file` writes it.
        insecure: Whether an unencrypted connection to another machine is accepted.

    Raises:
        UserError: It is neither, or not encrypted though it leads to another machine.
    """
    is_file = "://" not in given and bool(given.strip())
    address = _from_file(Path(given).expanduser()) if is_file else given
    parts = urlsplit(address)
    try:
        complete = bool(parts.hostname and parts.port)
    except ValueError:  # a port that is no number
        complete = False
    if parts.scheme not in ("tcp", "tls") or not complete:
        raise UserError(
            "cluster must be tcp://HOST:PORT, tls://HOST:PORT, a scheduler file, slurm:FILE.toml "
            f"or ssh:FILE.toml, got {given!r}"
        )
    if parts.scheme == "tcp" and not insecure and not is_loopback(parts.hostname or ""):
        raise UserError(
            f"cluster {given!r} is not encrypted, and whoever reaches it can run code on its "
            "machines: use tls:// with `tls_ca`, `tls_cert` and `tls_key`, or accept that with "
            "`insecure_cluster`"
        )
    return address


def _from_file(path: Path) -> str:
    try:
        address = json.loads(path.read_text(encoding="utf-8"))["address"]
    except FileNotFoundError as error:
        raise UserError(
            f"cluster {str(path)!r} does not exist; accepted: tcp://HOST:PORT, tls://HOST:PORT, "
            "a scheduler file, slurm:FILE.toml or ssh:FILE.toml"
        ) from error
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UserError(f"cluster {str(path)!r} is not a scheduler file of Dask") from error
    return str(address)


def is_loopback(host: str) -> bool:
    """Return whether a name or address is that of this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def needs_dask(what: str) -> Iterator[None]:
    """Raise UserError if a module that is imported in the block is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UserError(
            f"{what} needs the package {error.name!r}: pip install 'cifar-search[cluster]'"
        ) from error
