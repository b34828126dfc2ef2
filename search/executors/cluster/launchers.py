"""Clusters that a run starts itself and that end with it: jobs of SLURM, machines reached by SSH.

The scheduler runs in the run's own process. To add a launcher: write its class here and list it in
`LAUNCHERS`. Dask is imported once a cluster is started: it is an extra.
"""

import platform
import re
import shlex
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from search.checks import describe_errors, expand_home, nearest_hint, parse_duration
from search.errors import UserError, first_line
from search.executors.cluster.settings import (
    Launched,
    TlsFiles,
    is_loopback,
    needs_dask,
)
from search.toml_file import read_toml

_START_SECONDS = 30.0  # of a job's walltime before its worker counts its lifetime
_SCHEDULER_TIMEOUT = "60s"  # a run that is started again has another scheduler

Duration = Annotated[float, BeforeValidator(parse_duration), Field(gt=0)]
Folder = Annotated[Path, BeforeValidator(lambda given: expand_home(str(given)))]
Line = Annotated[str, Field(pattern=r"^[^\r\n]+$")]
Words = Annotated[str, Field(pattern=r'^[^\r\n"`\\]+$')]


def _check_memory(given: str) -> str:
    if re.fullmatch(r"\d+(\.\d+)? ?[KMGT]i?B", given) is None:
        raise ValueError("must be a size such as 4GB or 500MB")
    return given


Memory = Annotated[str, AfterValidator(_check_memory)]


class LauncherFile(BaseModel, ABC):
    """What the file of any launcher says."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[str]

    workers: int = Field(1, ge=1, le=10_000)
    """How many workers to start; each runs one training at a time."""
    folder: Words = "worker"
    """Where workers keep datasets; $VARIABLES are those of their machine."""
    python: Line = sys.executable
    """Python on the workers' machines, with this program installed."""
    host: Line = Field(default_factory=platform.node)
    """The name or address at which workers reach the machine of the run."""
    certificates: Folder | None = None
    """A folder that `python -m search certificates` made, at the same path everywhere."""
    insecure: bool = False
    """Accept that messages to other machines are not encrypted."""

    @property
    @abstractmethod
    def advice(self) -> str:
        """Return what to look at if no worker comes, as a request."""

    def launch(self, threads: int) -> Launched:
        """Start the cluster, see `Launcher`."""
        if self.certificates is None and not self.insecure and not is_loopback(self.host):
            raise UserError(
                f"cluster: host {self.host!r} is reached by other machines, whoever reaches it can "
                "run code on them: give `certificates`, a folder that `python -m search "
                "certificates` makes, or accept that with `insecure = true`"
            )
        for path in [] if self.certificates is None else self._tls("scheduler").values():
            if not path.is_file():
                raise UserError(
                    f"certificates: {str(path)!r} is not there; accepted: a folder that `python -m "
                    "search certificates` made"
                )
        with needs_dask(f"--cluster {self.kind}:FILE"):
            import dask
            import distributed  # noqa: F401  # whose settings there are then

            with dask.config.set({"distributed.scheduler.http.routes": []}):  # open to anyone
                return self._launch(threads)

    @abstractmethod
    def _launch(self, threads: int) -> Launched:
        """Start the cluster."""

    def worker_command(self, address: str, name: str, *further: str) -> str:
        """Return the shell command that starts one worker, with further options."""
        words = [self.python, "-m", "search", "worker", address, "--name", name]
        words += ["--scheduler-timeout", _SCHEDULER_TIMEOUT, *further]
        if self.certificates is not None:
            words += [word for pair in self._tls("worker").items() for word in map(str, pair)]
        elif self.insecure:
            words += ["--insecure-cluster"]
        return f'{shlex.join(words)} --folder "{self.folder}"'

    def _tls(self, role: str) -> dict[str, Path]:
        """Return the files of a role by the option that gives them."""
        files = TlsFiles.of(self.certificates or Path(), role)
        return {"--tls-ca": files.ca, "--tls-cert": files.cert, "--tls-key": files.key}

    def _security(self) -> Any:
        """Return Dask's settings of the scheduler, which runs here; None: nothing is encrypted."""
        from distributed import Security

        if self.certificates is None:
            return None
        own = {role: TlsFiles.of(self.certificates, role) for role in ("scheduler", "client")}
        return Security(
            require_encryption=True,
            tls_ca_file=str(own["client"].ca),
            **{f"tls_{role}_cert": str(files.cert) for role, files in own.items()},
            **{f"tls_{role}_key": str(files.key) for role, files in own.items()},
        )

    def _scheduler_options(self) -> dict[str, Any]:
        protocol = "tcp" if self.certificates is None else "tls"
        return {
            "host": f"{protocol}://{self.host}",
            "dashboard_address": "127.0.0.1:0",
        }


@final
class SlurmJobs(LauncherFile):
    """Workers as jobs of SLURM, one each; a job that ends is replaced by another."""

    kind = "slurm"

    cores: int | None = Field(None, ge=1)
    """Cores of a job; by default the threads of a training."""
    memory: Memory = "4GB"
    """Memory of a job."""
    walltime: Duration = 3600.0
    """After which SLURM ends a job; a worker leaves before."""
    leave_before: Duration | None = None
    """How long before that: an epoch and some. By default a tenth of the walltime."""
    partition: Line | None = None
    account: Line | None = None
    directives: tuple[Line, ...] = ()
    """Further options of sbatch, such as "--gres=gpu:1"."""
    prologue: tuple[Line, ...] = ()
    """Lines of shell that a job starts with, such as "module load cuda"."""
    log_folder: Folder | None = None
    """Where jobs write their logs."""

    @model_validator(mode="after")
    def _check_margin(self) -> Self:
        if self.leave_before is not None and self.leave_before >= self.walltime:
            raise ValueError(
                f"leave_before must be shorter than walltime, {self.walltime:g} s, got "
                f"{self.leave_before:g} s"
            )
        return self

    @property
    def advice(self) -> str:
        logs = "their logs, slurm-*.out" if self.log_folder is None else str(self.log_folder)
        return f"look whether jobs wait (`squeue --me`), or ended at once: see {logs}"

    def lifetime(self) -> float:
        """Return after how many seconds a worker leaves."""
        margin = self.walltime / 10 if self.leave_before is None else self.leave_before
        return max(self.walltime - margin - min(_START_SECONDS, self.walltime / 5), 1.0)

    def job_class(self) -> Any:
        """Return dask-jobqueue's class of a job, with a worker of this program."""
        from dask_jobqueue.slurm import SLURMJob

        launcher = self

        @final
        class WorkerJob(SLURMJob):  # type: ignore[misc]
            """A job that runs one worker."""

            config_name = "slurm"

            def __init__(self, scheduler: str, name: object = None, **options: Any) -> None:
                super().__init__(scheduler, name, **options)
                lifetime = f"{launcher.lifetime():g}s"
                command = launcher.worker_command(scheduler, str(name), "--lifetime", lifetime)
                self._command_template = f"exec {command}"

        return WorkerJob

    def job_options(self, threads: int) -> dict[str, Any]:
        """Return the arguments of that class."""
        minutes, seconds = divmod(round(self.walltime), 60)
        logs = None if self.log_folder is None else str(self.log_folder)
        return {
            "cores": self.cores or threads,
            "processes": 1,
            "memory": self.memory,
            "walltime": f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}",
            "queue": self.partition,
            "account": self.account,
            "job_extra_directives": list(self.directives),
            "job_script_prologue": list(self.prologue),
            "log_directory": logs,
            "job_name": "cifar-search",
            "python": self.python,
        }

    def _launch(self, threads: int) -> Launched:
        from dask_jobqueue.slurm import SLURMCluster

        job = self.job_class()("tcp://localhost:1", **self.job_options(threads))
        _check_accepted(job.job_script())
        try:
            cluster: Launched = SLURMCluster(
                job_cls=self.job_class(),
                security=self._security(),
                scheduler_options=self._scheduler_options(),
                **self.job_options(threads),
            )
            cluster.adapt(  # type: ignore[attr-defined]
                minimum=self.workers, maximum=self.workers, interval="2s"
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise UserError(
                f"cluster: SLURM's jobs cannot be started: {first_line(error)}"
            ) from error
        return cluster


def _check_accepted(script: str) -> None:
    """Raise UserError unless SLURM would accept this job."""
    program = shutil.which("sbatch")
    if program is None:
        raise UserError("cluster: slurm needs the command sbatch, which is not found here")
    done = subprocess.run(  # noqa: S603 - SLURM's own
        [program, "--test-only"], input=script, check=False, capture_output=True, text=True
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["no word"]
        raise UserError(f"cluster: SLURM does not accept such jobs: {said[-1]}")


@final
class SshMachines(LauncherFile):
    """Workers on machines that are reached by SSH, `workers` on each of them."""

    kind = "ssh"

    hosts: tuple[Line, ...] = Field(min_length=1)
    """The machines, as `ssh` knows them."""

    @field_validator("hosts", mode="before")
    @classmethod
    def _check_hosts(cls, hosts: Any) -> Any:
        if not isinstance(hosts, list | tuple) or not hosts:
            raise ValueError('must be a list of machines such as ["node1", "node2"]')
        return hosts

    user: Line | None = None
    port: int | None = Field(None, ge=1, le=65_535)

    @property
    def advice(self) -> str:
        return f"look whether `ssh {self.hosts[0]} {self.python} -m search worker --help` works"

    def _launch(self, threads: int) -> Launched:
        del threads
        from search.executors.cluster.ssh import start_cluster

        options = {"username": self.user, "port": self.port}
        given = {name: value for name, value in options.items() if value is not None}
        machines = [
            {"host": host, "connection": given, "command": self._command} for host in self.hosts
        ]
        return start_cluster(machines, self._scheduler_options(), self._security())

    def _command(self, address: str, host: str) -> str:
        return self.worker_command(address, host, "--workers", str(self.workers))


LAUNCHERS: tuple[type[LauncherFile], ...] = (SlurmJobs, SshMachines)


def read_launcher(given: str) -> LauncherFile | None:
    """Return the launcher that `KIND:FILE.toml` names; None if it names none.

    Raises UserError, which names the setting, its value and what is accepted.
    """
    kind, _, file = given.partition(":")
    for launcher in LAUNCHERS:
        if launcher.kind == kind:
            if not file.strip():
                raise UserError(f"cluster must name a file, {kind}:FILE.toml, got {given!r}")
            path = Path(expand_home(file))
            values = read_toml(path, "cluster")
            for name in values:
                if name not in launcher.model_fields:
                    hint = nearest_hint(name, launcher.model_fields)
                    raise UserError(f"{path}: {name} is not a setting of {kind}: {hint}")
            try:
                return launcher.model_validate(values)
            except ValidationError as error:
                raise UserError(f"{path}: {describe_errors(error)}") from error
    return None
