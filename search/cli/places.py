"""Where trials run: what a run starts for that, and the command of a cluster's worker."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.cli import options
from search.cli.terminal import make_console, print_all
from search.files import check_writable
from search.recipe import Recipe

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


@options.with_settings(places=("insecure_cluster", "tls_ca", "tls_cert", "tls_key"))
def worker(
    address: options.SchedulerAddress,
    folder: options.WorkerFolder = Path("worker"),
    workers: options.WorkerCount = 1,
    **how: Any,
) -> None:
    """Train for searches of other machines, as a worker of a Dask scheduler.

    What a training needs is sent here; datasets are kept in the folder. It ends at Ctrl-C.
    """
    from search.executors.cluster.settings import needs_dask, read_settings
    from search.executors.process_settings import quiet_resource_tracker

    given = {name: value for name, value in how.items() if value is not None}
    settings = read_settings(address, **given)
    _warn(given)
    check_writable(folder, "folder")
    quiet_resource_tracker()
    with needs_dask("worker"):
        from search.executors.cluster.serving import serve
    print_all([f"worker of {settings.address}, files in {folder}; Ctrl-C ends it"], make_console())
    serve(settings, folder, workers)


def _warn(place: Mapping[str, Any]) -> None:
    """Say what an unencrypted connection means where it was accepted."""
    if place.get("insecure_cluster"):
        warning = (
            "warning: the cluster is not encrypted: whoever reaches it can read what is sent and "
            "run code on its machines"
        )
        print_all([warning], make_console(stderr=True))
