"""The options of clusters: where trials run, and those of `worker`, `scheduler`, `certificates`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from search.cli.parsers import folder


def _place_option(name: str, words: str) -> Any:
    return typer.Option(name, help=words, rich_help_panel="Cluster")


_TlsFile: TypeAlias = Path | None

CLUSTER: Mapping[str, Any] = {
    "executor": Annotated[
        str | None,
        _place_option(
            "--executor",
            "Where trials run: processes, inline (this process) or dask "
            "[processes; dask with --cluster].",
        ),
    ],
    "cluster": Annotated[
        str | None,
        _place_option(
            "--cluster",
            "Run the trials on the workers of this Dask scheduler: tcp://HOST:PORT, "
            "tls://HOST:PORT or a scheduler file; or start workers by slurm:FILE.toml or "
            "ssh:FILE.toml.",
        ),
    ],
    "worker_timeout": Annotated[
        str | None,
        _place_option(
            "--worker-timeout",
            "End the run, keeping everything, once there has been no worker for this time [5m].",
        ),
    ],
    "accept_mixed_hardware": Annotated[
        bool | None,
        _place_option(
            "--accept-mixed-hardware",
            "Use workers with other processors or GPUs too, whose results differ in the last bits.",
        ),
    ],
    "insecure_cluster": Annotated[
        bool | None,
        _place_option(
            "--insecure-cluster",
            "Accept a tcp:// scheduler on another machine: nothing is encrypted, and whoever "
            "reaches it can run code.",
        ),
    ],
    "tls_ca": Annotated[
        _TlsFile, _place_option("--tls-ca", "The certificate authority's certificate, for tls://.")
    ],
    "tls_cert": Annotated[
        _TlsFile, _place_option("--tls-cert", "This process's certificate, for tls://.")
    ],
    "tls_key": Annotated[
        _TlsFile, _place_option("--tls-key", "This process's private key, for tls://.")
    ],
}
"""Options that say where trials run; no settings of a study, whose result is the same anywhere."""

SchedulerHost = Annotated[
    str, typer.Option("--host", help="Name or address of this machine at which others reach it.")
]
SchedulerPort = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")]
SchedulerAddress = Annotated[
    str,
    typer.Argument(help="The scheduler: tcp://HOST:PORT, tls://HOST:PORT or a scheduler file."),
]
WorkerFolder = Annotated[
    Path, typer.Option("--folder", help="Where the worker keeps datasets.", parser=folder)
]
WorkerCount = Annotated[
    int, typer.Option("--workers", min=1, max=1024, help="How many trainings run at once here.")
]
CertificatesFolder = Annotated[
    Path, typer.Argument(help="Folder for the certificates; created if need be.", parser=folder)
]
CertificateDays = Annotated[
    int, typer.Option("--days", min=1, max=3650, help="How long the certificates are valid.")
]
WorkerLifetime = Annotated[
    str | None,
    typer.Option(
        "--lifetime", help="Leave after this time, such as 55m: what trains goes on elsewhere."
    ),
]
WorkerName = Annotated[
    str | None, typer.Option("--name", help="Name of the worker in the cluster [its address].")
]
SchedulerTimeout = Annotated[
    str,
    typer.Option("--scheduler-timeout", help="End once no scheduler has answered for this time."),
]
