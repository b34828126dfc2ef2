"""Clusters that a run starts: what their files say, and what is started by it."""

import shlex
import socket
from pathlib import Path
from typing import Any

import pytest

from search.errors import UserError
from search.executors import choose_executor
from search.executors.base import FoldEpochs
from search.executors.cluster.launchers import LAUNCHERS, SlurmJobs, SshMachines, read_launcher
from search.executors.cluster.serving import Workers
from search.executors.cluster.settings import ClusterSettings
from search.executors.dask import _Once
from tests.executors.test_executors_contract import FIGURES


def _file(folder: Path, text: str) -> Path:
    path = folder / "cluster.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_files_are_read_by_their_kind(tmp_path: Path) -> None:
    """Addresses and scheduler files are not for a launcher."""
    assert read_launcher("tcp://localhost:1") is None
    assert read_launcher("scheduler.json") is None
    slurm = read_launcher(f"slurm:{_file(tmp_path, 'workers = 3')}")
    assert isinstance(slurm, SlurmJobs)
    assert slurm.workers == 3
    hosts = _file(tmp_path, 'hosts = ["a", "b"]')
    ssh = read_launcher(f"ssh:{hosts}")
    assert isinstance(ssh, SshMachines)
    assert ssh.hosts == ("a", "b")
    chosen = choose_executor(cluster=f"ssh:{tmp_path / 'cluster.toml'}", worker_timeout="2h")
    assert chosen.name == "dask"
    assert chosen.cluster == ClusterSettings("", 7200.0, launcher=ssh)


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("slurm", "wokers = 3", "wokers is not a setting of slurm: did you mean 'workers'"),
        ("slurm", "workers = 0", "workers"),
        ("slurm", 'walltime = "60"', "walltime: must have a unit"),
        ("slurm", 'walltime = "0s"', "walltime"),
        ("slurm", 'memory = "much"', "memory: must be a size such as 4GB or 500MB, got 'much'"),
        (
            "slurm",
            'walltime = "10m"\nleave_before = "20m"',
            "leave_before must be shorter than walltime, 600 s, got 1200 s",
        ),
        ("ssh", 'hosts = "a"', r"hosts: must be a list of machines such as"),
        ("ssh", "hosts = []", r"hosts: must be a list of machines such as"),
        ("slurm", 'folder = "a`rm b`"', "folder"),
        ("slurm", 'directives = ["a\\nb"]', "directives"),
        ("slurm", "workers", "cluster .* is not valid TOML"),
        ("ssh", "workers = 1", "hosts"),
        ("ssh", "hosts = []", "hosts"),
    ],
)
def test_mistakes_are_named(kind: str, text: str, message: str, tmp_path: Path) -> None:
    """With the file, in one line."""
    with pytest.raises(UserError, match=message) as error:
        read_launcher(f"{kind}:{_file(tmp_path, text)}")
    assert "cluster.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_launcher_needs_a_file() -> None:
    with pytest.raises(UserError, match=r"cluster must name a file, slurm:FILE.toml, got 'slurm:'"):
        read_launcher("slurm:")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none.toml does not exist"):
        read_launcher(f"slurm:{tmp_path / 'none.toml'}")


def test_options_of_a_running_scheduler_are_refused(tmp_path: Path) -> None:
    """Certificates are in the file, as workers need them too."""
    file = _file(tmp_path, "workers = 1")
    with pytest.raises(UserError, match="insecure_cluster is only for a scheduler that runs"):
        choose_executor(cluster=f"slurm:{file}", insecure_cluster=True)


@pytest.mark.parametrize("launcher", LAUNCHERS, ids=lambda one: one.kind)
def test_other_machines_need_encryption(launcher: Any, tmp_path: Path) -> None:
    """Before anything is started; as do certificates that are there."""
    given = {"hosts": ("far",)} if launcher is SshMachines else {}
    with pytest.raises(UserError, match=r"host 'far.example' is reached by other machines"):
        launcher(host="far.example", **given).launch(1)
    (tmp_path / "ca.pem").touch()
    with pytest.raises(UserError, match=r"certificates: '.*scheduler.pem' is not there") as error:
        launcher(host="far.example", certificates=tmp_path, **given).launch(1)
    assert "python -m search certificates" in str(error.value)


def test_a_job_of_slurm_runs_one_worker() -> None:
    """With what the file asks for; it leaves before its walltime ends."""
    jobs = SlurmJobs(
        walltime="2h",
        leave_before="10m",
        memory="8GB",
        partition="gpu",
        account="us",
        directives=("--gres=gpu:1",),
        prologue=("module load cuda",),
        folder="/scratch/$USER/search",
        certificates=Path("/home/tls"),
        python="/venv/bin/python",
    )
    job = jobs.job_class()("tls://head:1", name="worker-3", **jobs.job_options(threads=2))
    lines = job.job_script().splitlines()
    asked = {"-p gpu", "-A us", "--cpus-per-task=2", "--mem=8G", "-t 02:00:00", "--gres=gpu:1"}
    assert asked <= {line.removeprefix("#SBATCH ") for line in lines}
    command = shlex.split(lines[-1])
    assert lines.index("module load cuda") < len(lines) - 1
    assert command[:6] == ["exec", "/venv/bin/python", "-m", "search", "worker", "tls://head:1"]
    options = dict(zip(command[6::2], command[7::2], strict=True))
    assert options == {
        "--name": "worker-3",
        "--scheduler-timeout": "60s",
        "--lifetime": "6570s",
        "--tls-ca": "/home/tls/ca.pem",
        "--tls-cert": "/home/tls/worker.pem",
        "--tls-key": "/home/tls/worker-key.pem",
        "--folder": "/scratch/$USER/search",
    }


@pytest.mark.parametrize(("walltime", "lifetime"), [("60s", 42.0), ("1h", 3210.0), ("2s", 1.4)])
def test_a_worker_leaves_before_its_job_ends(walltime: str, lifetime: float) -> None:
    """Some time goes into its start, and some is for its last epoch."""
    assert SlurmJobs(walltime=walltime).lifetime() == pytest.approx(lifetime)


def test_workers_of_one_command_have_names_of_their_own() -> None:
    """By which a launcher knows them."""
    settings = ClusterSettings("tcp://localhost:1")
    assert Workers(settings, Path(), 2).names() == [None, None]
    assert Workers(settings, Path(), 1, name="a").names() == ["a"]
    assert Workers(settings, Path(), 2, name="a").names() == ["a-0", "a-1"]


def test_epochs_of_a_job_that_is_run_again_are_passed_on_once() -> None:
    """Those that it repeats from its checkpoint were reported."""
    passed = list[FoldEpochs]()
    once = _Once(passed.append)
    for n_epochs in (3, 2, 5):
        forward = once.restarted()
        for _ in range(n_epochs):
            forward(FIGURES)
    assert len(passed) == 5


def test_a_machine_that_cannot_be_reached_is_named() -> None:
    """In one line, and nothing of the cluster is left."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        machines = SshMachines(
            hosts=("127.0.0.1",), port=silent.getsockname()[1], host="127.0.0.1", user="nobody"
        )
        with pytest.raises(
            UserError, match=r"hosts: '127.0.0.1' cannot be reached by SSH: .* failed"
        ):
            machines.launch(1)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (None, "slurm needs the command sbatch, which is not found here"),
        ("echo sbatch: error: invalid partition >&2; exit 1", "such jobs: sbatch: error: invalid"),
    ],
)
def test_jobs_that_slurm_would_not_take_are_told(
    program: str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the search begins to wait for them."""
    if program is not None:
        (tmp_path / "sbatch").write_text(f"#!/bin/sh\n{program}\n", encoding="utf-8")
        (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=message):
        SlurmJobs(host="127.0.0.1").launch(1)
