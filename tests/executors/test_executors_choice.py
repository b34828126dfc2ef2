"""Where a run's jobs run, as the command line says it."""

import json
from pathlib import Path

import pytest

from search.cli.cluster_options import CLUSTER
from search.errors import UserError
from search.executors import EXECUTORS, ExecutorChoice, choose_executor
from search.executors.cluster.settings import ClusterSettings, read_address, read_settings
from tests.conftest import Command


def test_a_cluster_means_dask() -> None:
    """Without options jobs run in processes of this machine."""
    assert choose_executor() == ExecutorChoice("processes")
    assert choose_executor().is_local
    chosen = choose_executor(cluster="tcp://localhost:1", worker_timeout="2m")
    assert chosen == ExecutorChoice("dask", ClusterSettings("tcp://localhost:1", 120.0))
    assert not chosen.is_local


def test_the_help_names_every_executor() -> None:
    """It cannot import them, as it answers at once."""
    (option,) = CLUSTER["executor"].__metadata__
    assert all(kind.name in option.help for kind in EXECUTORS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"executor": "cloud"},
            f"executor must be one of {', '.join(one.name for one in EXECUTORS)}, got 'cloud'",
        ),
        (
            {"executor": "inline", "cluster": "tcp://localhost:1"},
            "cluster is only for executor 'dask', got executor 'inline'",
        ),
        ({"worker_timeout": "5m"}, "worker_timeout is only for executor 'dask'"),
        (
            {"cluster": "tcp://localhost:1", "worker_timeout": "5"},
            "worker_timeout must have a unit",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose_executor(**options)


def test_dask_needs_a_cluster() -> None:
    """The message says what to give."""
    with pytest.raises(UserError, match="give `cluster` tcp://HOST:PORT"):
        ExecutorChoice("dask").start(1, 1)


@pytest.mark.parametrize(
    "given",
    ["tcp://127.0.0.1:8786", "tcp://localhost:1", "tcp://[::1]:5", "tls://far.example:8786"],
)
def test_addresses_are_taken_as_they_are(given: str) -> None:
    """Those of this machine, and encrypted ones."""
    assert read_address(given) == given


@pytest.mark.parametrize(
    "given", ["tcp://", "tcp://host", "http://localhost:1", "tcp://localhost:x", "tls://:8786"]
)
def test_other_addresses_are_refused(given: str) -> None:
    """What would be accepted is named."""
    with pytest.raises(UserError, match="must be tcp://HOST:PORT, tls://HOST:PORT, a sch"):
        read_address(given)


@pytest.mark.parametrize("host", ["10.0.0.7", "far.example", "0.0.0.0"])  # noqa: S104
def test_other_machines_need_encryption(host: str) -> None:
    """Unless the user accepts the risk."""
    given = f"tcp://{host}:8786"
    with pytest.raises(UserError, match="is not encrypted, and whoever reaches it can run code"):
        read_address(given)
    assert read_address(given, insecure=True) == given


def test_scheduler_files_are_read(tmp_path: Path) -> None:
    """Their address is checked like one that is given."""
    file = tmp_path / "scheduler.json"
    with pytest.raises(UserError, match="does not exist"):
        read_address(str(file))
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match="is not a scheduler file"):
        read_address(str(file))
    file.write_text(json.dumps({"address": "tcp://127.0.0.1:7"}), encoding="utf-8")
    assert read_address(str(file)) == "tcp://127.0.0.1:7"
    file.write_text(json.dumps({"address": "tcp://10.0.0.1:7"}), encoding="utf-8")
    with pytest.raises(UserError, match="is not encrypted"):
        read_address(str(file))


def test_certificates_belong_together(tmp_path: Path) -> None:
    """All three or none, and each is a file."""
    pem = tmp_path / "a.pem"
    with pytest.raises(UserError, match=r"tls_ca .* is not a file"):
        read_settings("tls://far:1", tls_ca=pem, tls_cert=pem, tls_key=pem)
    pem.touch()
    with pytest.raises(UserError, match="tls_key is missing"):
        read_settings("tls://far:1", tls_ca=pem, tls_cert=pem)
    assert read_settings("tls://far:1", tls_ca=pem, tls_cert=pem, tls_key=pem).tls_key == pem


@pytest.mark.slow
def test_an_unencrypted_cluster_is_warned_of(command: Command) -> None:
    """Accepting it is said, before anything is sent."""
    where = ("--cluster", "tcp://192.0.2.1:8786", "--insecure-cluster")
    result = command("run", "--space", "missing.py:SPACE", *where)
    assert result.status == 2
    assert result.err.startswith("warning: ")
    assert "not encrypted" in result.err.splitlines()[0]
