"""Certificates of a cluster: who is turned away without them, and what can be read without."""

import gc
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from distributed import LocalCluster as DaskCluster

from search.errors import UserError
from search.executors import DaskExecutor
from search.executors.cluster.certificates import make_certificates
from search.executors.cluster.serving import Workers, serve
from search.executors.cluster.session import Session
from search.executors.cluster.settings import ClusterSettings, TlsFiles, read_settings
from tests.conftest import Command
from tests.executors.conftest import LocalCluster
from tests.executors.test_executors_contract import Counting

Change = Callable[[ClusterSettings, Path], ClusterSettings]


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the certificates of another authority."""
    folder = tmp_path_factory.mktemp("others") / "tls"
    make_certificates(folder, days=1)
    return folder


def _with(settings: ClusterSettings, files: TlsFiles) -> ClusterSettings:
    return replace(settings, tls_ca=files.ca, tls_cert=files.cert, tls_key=files.key)


@pytest.fixture
def serving_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep Dask's settings as they are: commands that serve change them for their process."""
    monkeypatch.setattr("search.executors.cluster.serving._configure", lambda settings: None)


def _handshake(listening: TlsFiles, connecting: TlsFiles) -> None:
    """Have two processes with these certificates meet; raises ssl.SSLError if one refuses."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False  # as Dask does
    for context, files in ((server, listening), (client, connecting)):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(files.ca)
        context.load_cert_chain(files.cert, files.key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(to_client, to_server),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for side in (*sides, *sides):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue


def test_certificates_are_valid_for_their_role_only(others: Path, tmp_path: Path) -> None:
    """Who stole a client's cannot play the scheduler; those of two authorities never meet."""
    scheduler, worker, client = (
        TlsFiles.of(others, role) for role in ("scheduler", "worker", "client")
    )
    for listening, connecting in ((scheduler, client), (scheduler, worker), (worker, scheduler)):
        _handshake(listening, connecting)
    with pytest.raises(ssl.SSLError):
        _handshake(client, worker)
    make_certificates(tmp_path / "new", days=1)
    with pytest.raises(ssl.SSLError):
        _handshake(scheduler, TlsFiles.of(tmp_path / "new", "client"))


def test_the_command_makes_certificates_once(command: Command, tmp_path: Path) -> None:
    """Keys are their owner's; what there is already is never replaced."""
    folder = tmp_path / "tls"
    made = command("certificates", folder, "--days", "30")
    assert made.status == 0
    assert "valid for 30 days" in made.out
    assert "python -m search worker tls://HOST:8786 --tls-ca" in made.out
    assert str(TlsFiles.of(folder, "worker").key) in made.out
    keys = sorted(folder.glob("*-key.pem"))
    assert [oct(key.stat().st_mode & 0o777) for key in keys] == ["0o600"] * 3
    before = {path: path.read_bytes() for path in folder.iterdir()}
    again = command("certificates", folder)
    assert "exists; accepted: a folder without certificates" in again.error()
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.slow
@pytest.mark.usefixtures("serving_here")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_port_that_is_taken_is_named(command: Command) -> None:
    """As are names of other machines; nothing is served."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = command("scheduler", "--port", str(taken.getsockname()[1]))
    gc.collect()  # Dask leaves the socket open
    assert "already in use); accepted: a name of this machine and a free port" in ended.error()


CHANGES: dict[str, tuple[Change, str]] = {
    "none": (
        lambda settings, _: ClusterSettings(settings.address),
        "needs certificates: give `tls_ca`, `tls_cert` and `tls_key`",
    ),
    "another authority": (
        lambda settings, others: _with(settings, TlsFiles.of(others, "client")),
        r"scheduler's certificate was not accepted \(self-signed certificate in certificate",
    ),
    "signed by another": (
        lambda settings, others: replace(
            settings, tls_cert=others / "client.pem", tls_key=others / "client-key.pem"
        ),
        r"does not accept tls_cert '.*client.pem'",
    ),
    "another's key": (
        lambda settings, others: replace(settings, tls_key=others / "client-key.pem"),
        r"tls_key '.*client-key.pem' is not the key of '.*client.pem'",
    ),
    "no certificate": (
        lambda settings, _: replace(settings, tls_cert=settings.tls_key),
        r"tls_cert '.*client-key.pem' is not a certificate; accepted: a PEM file of one",
    ),
    "no key": (
        lambda settings, _: replace(settings, tls_key=settings.tls_cert),
        r"tls_key '.*client.pem' is not a private key; accepted: a PEM file of one",
    ),
    "unencrypted": (
        lambda settings, _: ClusterSettings(settings.address.replace("tls:", "tcp:")),
        "closes the connection; if it has certificates, give tls://",
    ),
}


@pytest.mark.slow
@pytest.mark.usefixtures("serving_here")
@pytest.mark.parametrize("name", CHANGES)
def test_who_has_not_the_right_certificate_is_turned_away(
    name: str, cluster: LocalCluster, others: Path, tmp_path: Path
) -> None:
    """A coordinator and a worker, each with the same line."""
    change, message = CHANGES[name]
    settings = change(cluster.settings, others)
    with pytest.raises(UserError, match=message):
        Session(settings, threads=1)
    with pytest.raises(UserError, match=message):
        serve(Workers(settings, tmp_path / "worker"), print)


@contextmanager
def _overheard(address: str) -> Iterator[tuple[str, bytearray]]:
    """Yield the address of a relay to this one, and what passes it in both directions."""
    heard, (host, _, port) = bytearray(), address.partition("//")[2].partition(":")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def relay() -> None:
            with suppress(OSError):  # the listener was closed
                while True:
                    near, _ = listener.accept()
                    far = socket.create_connection((host, int(port)))
                    for one, other in ((near, far), (far, near)):
                        threading.Thread(target=pump, args=(one, other), daemon=True).start()

        def pump(source: socket.socket, target: socket.socket) -> None:
            with source, suppress(OSError):
                while content := source.recv(1 << 16):
                    heard.extend(content)
                    target.sendall(content)
                target.shutdown(socket.SHUT_WR)

        threading.Thread(target=relay, daemon=True).start()
        scheme = address.partition("//")[0]
        yield f"{scheme}//127.0.0.1:{listener.getsockname()[1]}", heard


@pytest.mark.slow
def test_nothing_can_be_read_on_the_way(cluster: LocalCluster) -> None:
    """Of a job on an encrypted cluster; on another one its client's name can."""
    settings = cluster.settings
    with _overheard(settings.address) as (address, heard):
        with DaskExecutor.start(1, 1, replace(settings, address=address)) as executor:
            assert executor.run(Counting(3)) == 3
        assert len(heard) > 10_000
        assert b"cifar-search" not in heard
        assert b"Counting" not in heard
    plain = {"n_workers": 0, "processes": False, "protocol": "tcp://", "dashboard_address": ":0"}
    with DaskCluster(**plain) as unencrypted:
        with _overheard(unencrypted.scheduler_address) as (address, heard):
            Session(read_settings(address), threads=1).close()
        assert b"cifar-search" in heard
