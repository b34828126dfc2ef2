"""What is told of a cluster's workers: that there is none, or that one cannot be used."""

from search.errors import MachineError, UserError, first_line
from search.executors.cluster.settings import ClusterSettings
from search.text import duration


def has_not_this_program(address: str, error: ImportError) -> str:
    """Return that a worker cannot import this program."""
    return (
        f"cluster: worker {address} does not have this program ({first_line(error)}); start it "
        "with `python -m search worker` there"
    )


def is_daemon(address: str) -> str:
    """Return that a worker may not have a process for the training, and how it may."""
    return (
        f"cluster: worker {address} has a nanny that lets it have no processes; start it with "
        "`python -m search worker`, or with `dask worker --no-nanny`"
    )


def left_out(reason: UserError | MachineError, address: str, place: str | None) -> str:
    """Return that a worker is used no more, for which reason; `place` is its machine in words."""
    told = str(reason).partition("; everything so far is kept")[0]
    if place is not None and place not in told:
        told = told.replace(f"worker {address}", f"worker {address} ({place})", 1)
    return f"{told}; it is left out until it is started again"


def waiting_for_one(settings: ClusterSettings) -> str:
    """Return that there is no worker, and what to do about it."""
    return (
        f"the cluster at {settings.address} has no worker: waiting up to "
        f"{duration(settings.worker_timeout)} for one; {_advice(settings)}"
    )


def no_worker(settings: ClusterSettings) -> str:
    """Return that there has been no worker for too long."""
    return (
        f"the cluster at {settings.address} has had no worker for "
        f"{duration(settings.worker_timeout)}; everything so far is kept: {_advice(settings)}, "
        "then run it again to resume"
    )


def _advice(settings: ClusterSettings) -> str:
    if settings.launcher is not None:
        return settings.launcher.advice
    return f"start one with `python -m search worker {settings.address}`"
