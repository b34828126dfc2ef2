"""A SLURM cluster of one node, this machine, in a temporary folder for as long as a block lasts."""

import os
import platform
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.chaos.unavailable import UnavailableError

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scancel", "squeue", "sinfo")
_INSTALL = ["apt-get", "install", "--yes", "--no-install-recommends", "slurm-wlm", "munge"]
_CPUS = 2
_START_SECONDS = 60.0
_CONFIGURATION = """
ClusterName=chaos
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ReturnToService=2
KillWait=10
MpiDefault=none
SchedulerParameters=sched_interval=1
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={megabytes} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def running_slurm() -> Iterator[None]:
    """Start a cluster; the block's commands of SLURM are for it.

    Raises UnavailableError, saying why, where there is none to start.
    """
    if os.geteuid() != 0:
        raise UnavailableError("it needs root")
    _install()
    with tempfile.TemporaryDirectory(prefix="slurm", dir="/tmp") as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "key").write_bytes(os.urandom(1024))
        (folder / "key").chmod(0o600)
        megabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 21  # half of it
        names = {"host": platform.node(), "folder": folder, "cpus": _CPUS, "megabytes": megabytes}
        ports = {"controller": free_port(), "daemon": free_port()}
        configuration = folder / "slurm.conf"
        configuration.write_text(_CONFIGURATION.format(**names, **ports), encoding="utf-8")
        before = os.environ.get("SLURM_CONF")
        os.environ["SLURM_CONF"] = str(configuration)
        stack.callback(_restore, before)
        _start(stack, folder, "munged", "--foreground", "--force", *_munge_files(folder))
        _await((folder / "munge.socket").exists, folder, "munged")
        _start(stack, folder, "slurmctld", "-D", "-i")
        _start(stack, folder, "slurmd", "-D", "-N", platform.node())
        _await(lambda: "idle" in _said("sinfo", "--noheader", "--format=%T"), folder, "slurmd")
        yield


def jobs() -> list[str]:
    """Return the numbers of the jobs that run."""
    return _said("squeue", "--noheader", "--states=RUNNING", "--format=%i").split()


def all_jobs() -> list[str]:
    """Return the numbers of the jobs that run or wait."""
    return _said("squeue", "--noheader", "--format=%i").split()


def cancel(job: str) -> None:
    """End a job as `scancel` does."""
    _said("scancel", job)


def _install() -> None:
    if not all(map(shutil.which, _PROGRAMS)) and shutil.which("apt-get"):
        subprocess.run(_INSTALL, check=False, stdin=subprocess.DEVNULL)
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        raise UnavailableError(f"{', '.join(missing)} cannot be installed")


def _munge_files(folder: Path) -> list[str]:
    files = {"socket": "munge.socket", "key-file": "key", "pid-file": "munged.pid"}
    files |= {"log-file": "munged.log", "seed-file": "munged.seed"}
    return [f"--{option}={folder / name}" for option, name in files.items()]


def _start(stack: ExitStack, folder: Path, *command: str) -> None:
    """Start a program, which ends with the stack."""
    log = stack.enter_context((folder / f"{command[0]}.out").open("wb"))
    process = subprocess.Popen(command, stdout=log, stderr=log)
    stack.callback(_end, process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _await(happened: Callable[[], bool], folder: Path, program: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            said = (folder / f"{program}.out").read_text("utf-8", "replace").splitlines()
            raise UnavailableError(f"{program} does not start: {said[-1] if said else 'no word'}")
        time.sleep(0.2)


def _said(*command: str) -> str:
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _restore(before: str | None) -> None:
    if before is None:
        del os.environ["SLURM_CONF"]
    else:
        os.environ["SLURM_CONF"] = before
