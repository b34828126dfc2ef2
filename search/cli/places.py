"""Where trials run: what a run starts for that, and the command of a cluster's worker."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.cli import cluster_options
from search.cli.setting_options import with_settings
from search.cli.terminal import make_console, print_all
from search.errors import UserError
from search.executors.cluster.settings import INSECURE, TlsFiles
from search.files import check_writable
from search.recipe import Recipe
from search.text import plural

if TYPE_CHECKING:
    from search.executors import ExecutorChoice


def start_run(
    recipe: Path | None, settings: dict[str, Any], place: dict[str, Any]
) -> tuple[Recipe, "ExecutorChoice"]:
    """Return the requested recipe and where it runs, after starting what starts workers."""
    from search.executors.process_settings import (
        quiet_resource_tracker,
        start_server,
        wait_passively,
    )

    requested = Recipe.from_sources(recipe, settings)
    wait_passively()  # before torch is imported
    quiet_resource_tracker()
    from search.executors import choose_executor

    executor = choose_executor(**place)
    _warn(place)
    if executor.is_local:
        start_server(requested.threads)  # it needs as long as this process to import torch
    return requested, executor


@with_settings(places=("insecure_cluster", "tls_ca", "tls_cert", "tls_key"))
def worker(
    address: cluster_options.SchedulerAddress,
    folder: cluster_options.WorkerFolder = Path("worker"),
    workers: cluster_options.WorkerCount = 1,
    lifetime: cluster_options.WorkerLifetime = None,
    scheduler_timeout: cluster_options.SchedulerTimeout = "5m",
    name: cluster_options.WorkerName = None,
    **how: Any,
) -> None:
    """Train for searches of other machines, as a worker of a Dask scheduler.

    What a training needs is sent here; datasets are kept in the folder. At Ctrl-C, and at the end
    of its lifetime, it finishes the current epoch; another worker goes on from there.
    """
    from search.executors.cluster.settings import needs_dask, read_seconds, read_settings
    from search.executors.process_settings import quiet_resource_tracker

    given = {name: value for name, value in how.items() if value is not None}
    if address.startswith(("slurm:", "ssh:")):
        raise UserError(
            f"address must be tcp://HOST:PORT, tls://HOST:PORT or a scheduler file, got {address!r}"
        )
    settings = read_settings(address, **given)
    patience = read_seconds("scheduler_timeout", scheduler_timeout)
    seconds = None if lifetime is None else read_seconds("lifetime", lifetime)
    _warn(given)
    check_writable(folder, "folder")
    quiet_resource_tracker()
    with needs_dask("worker"):
        from search.executors.cluster.serving import Workers, serve
    console = make_console()
    served = Workers(settings, folder, workers, patience, seconds, name)
    serve(served, lambda line: print_all([line], console))


@with_settings(places=("insecure_cluster", "tls_ca", "tls_cert", "tls_key"))
def scheduler(
    host: cluster_options.SchedulerHost = "127.0.0.1",
    port: cluster_options.SchedulerPort = 8786,
    **how: Any,
) -> None:
    """Pass messages between searches and workers of several machines, until Ctrl-C.

    It is a Dask scheduler; it trains nothing and needs no GPU.
    """
    from search.executors.cluster.settings import needs_dask, read_settings

    given = {name: value for name, value in how.items() if value is not None}
    name = f"[{host}]" if ":" in host else host
    scheme = "tls" if given.get("tls_ca") else "tcp"
    settings = read_settings(f"{scheme}://{name}:{port}", **given)
    _warn(given)
    with needs_dask("scheduler"):
        from search.executors.cluster.serving import serve_scheduler
    console = make_console()
    serve_scheduler(settings, lambda line: print_all([line], console))


def certificates(
    folder: cluster_options.CertificatesFolder, days: cluster_options.CertificateDays = 365
) -> None:
    """Make certificates for a cluster: an authority, and those of scheduler, workers and client.

    Each process gets ca.pem and its own two files, and accepts only others of this authority.
    """
    from search.executors.cluster.settings import needs_dask

    with needs_dask("certificates"):
        from search.executors.cluster.certificates import ROLES, make_certificates
    make_certificates(folder, days)
    scheduler, worker, client = (TlsFiles.of(folder, role.name) for role in ROLES)
    lines = [
        f"certificates in {folder}, valid for {plural(days, 'day')}; copy ca.pem and a process's "
        "own two files to its machine, and keep the keys to yourself:",
        f"python -m search scheduler --host HOST {_tls_options(scheduler)}",
        f"python -m search worker tls://HOST:8786 {_tls_options(worker)}",
        f"python -m search run --cluster tls://HOST:8786 {_tls_options(client)}",
    ]
    print_all(lines, make_console())


def _tls_options(files: TlsFiles) -> str:
    options = {"--tls-ca": files.ca, "--tls-cert": files.cert, "--tls-key": files.key}
    return " ".join(f"{name} {shlex.quote(str(path))}" for name, path in options.items())


def _warn(place: Mapping[str, Any]) -> None:
    """Say what an unencrypted connection means where it was accepted."""
    if place.get("insecure_cluster"):
        print_all([f"warning: {INSECURE}"], make_console(stderr=True))
