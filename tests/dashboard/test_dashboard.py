"""The dashboard: whom it answers, what it lets through, and what read-only keeps."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import optuna
import pytest

from search.dashboard.report_pages import report_address
from search.dashboard.serving import (
    Guard,
    bind,
    check_host,
    dashboard_app,
    is_loopback,
    open_browser,
    serve,
)
from search.errors import UserError
from search.paths import RunPaths
from search.tuning.storage import open_storage
from tests.conftest import Command

Asker = Callable[..., tuple[int, str]]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Return a folder with the database of one study and one artifact."""
    folder = tmp_path / "odd {name}"
    (folder / "artifacts").mkdir(parents=True)
    (folder / "artifacts" / "0a-1").write_text("figure")
    storage = open_storage(f"sqlite:///{folder / 'studies.db'}")
    study = optuna.create_study(study_name="mine", storage=storage)
    meta = {"artifact_id": "0a-1", "filename": "a.txt", "mimetype": "text/plain", "encoding": None}
    storage.set_study_system_attr(study._study_id, "artifacts:0a-1", json.dumps(meta))
    storage.engine.dispose()
    return folder


@contextmanager
def served(runs: Path, *, read_only: bool = False, public: bool = False) -> Iterator[Asker]:
    """Serve the folder on a free port of the loopback address; yields what asks it."""
    url = f"sqlite:///{runs / 'studies.db'}"
    app = dashboard_app(url, runs / "artifacts", public=public, read_only=read_only)
    with bind(app, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def ask(method: str, path: str, **headers: str) -> tuple[int, str]:
            connection = HTTPConnection("127.0.0.1", server.server_port, timeout=60)
            connection.request(method, path, b"{}", {"Content-Type": "application/json"} | headers)
            answer = connection.getresponse()
            content = answer.read().decode()
            connection.close()
            return answer.status, content

        yield ask
        server.shutdown()


@pytest.mark.slow
def test_studies_are_shown_and_may_be_deleted(runs: Path) -> None:
    """The dashboard is whole: it lists, and it deletes for its own pages."""
    with served(runs) as ask:
        assert '"mine"' in ask("GET", "/api/studies")[1]
        assert ask("DELETE", "/api/studies/1")[0] == 204
        assert '"mine"' not in ask("GET", "/api/studies")[1]


@pytest.mark.slow
def test_read_only_keeps_everything(runs: Path) -> None:
    """Neither studies nor artifacts nor notes can be changed; everything can be seen."""
    with served(runs, read_only=True) as ask:
        assert ask("GET", "/artifacts/1/0a-1") == (200, "figure")
        for method, path in (
            ("DELETE", "/api/studies/1"),
            ("DELETE", "/api/artifacts/1/0a-1"),
            ("POST", "/api/studies"),
            ("PUT", "/api/studies/1/note"),
        ):
            assert ask(method, path) == (403, "this dashboard is read-only\n")
        assert '"mine"' in ask("GET", "/api/studies")[1]
    assert (runs / "artifacts" / "0a-1").exists()


@pytest.mark.slow
def test_read_only_opens_the_database_so_that_nothing_can_write(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Behind the guard SQLite itself refuses: a change that came through would fail."""
    monkeypatch.setattr("search.dashboard.serving.Guard", lambda app, *_: app)
    with served(runs, read_only=True) as ask:
        assert ask("DELETE", "/api/studies/1")[0] == 500
        assert '"mine"' in ask("GET", "/api/studies")[1]


@pytest.mark.slow
def test_other_host_names_are_not_answered(runs: Path) -> None:
    """A page that had its own name point here (DNS rebinding) reads and deletes nothing."""
    with served(runs) as ask:
        for host in ("evil.example", "evil.example:8080", "[", "", "127.0.0.1.evil"):
            for method in ("GET", "DELETE"):
                assert ask(method, "/api/studies/1", Host=host)[0] == 403
        for host in ("localhost:9", "127.0.0.1", "[::1]:8080"):
            assert ask("GET", "/api/studies", Host=host)[0] == 200
    with served(runs, public=True) as ask:
        assert ask("GET", "/api/studies", Host="evil.example")[0] == 200


@pytest.mark.slow
def test_changes_from_pages_of_other_sites_are_refused(runs: Path) -> None:
    """A form on another page cannot delete, and the dashboard's own pages can."""
    with served(runs, public=True) as ask:
        for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
            assert ask("DELETE", "/api/studies/1", Origin=origin, Host="here:80")[0] == 403
        assert ask("DELETE", "/api/studies/1", Origin="http://here:80", Host="here:80")[0] == 204


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True)]
    + [(host, False) for host in ("", "0.0.0.0", "::", "10.0.0.1", "localhost.evil", "0x7f.1")],  # noqa: S104
)
def test_only_loopback_addresses_need_no_flag(host: str, loopback: bool) -> None:
    """The empty host, which means every address, is none of them."""
    assert is_loopback(host) == loopback
    check_host(host, public=True)
    if loopback:
        check_host(host, public=False)
    else:
        with pytest.raises(UserError, match=r"^host: .* or add --insecure-public$"):
            check_host(host, public=False)


def test_a_taken_port_and_a_strange_address_are_named() -> None:
    """The line says whether it is the port or the host."""
    app = Guard(lambda *_: [], public=False, read_only=False)
    with (
        bind(app, "127.0.0.1", 0) as server,
        pytest.raises(UserError, match=r"^port: \d+ is in use on 127.0.0.1"),
    ):
        bind(app, "127.0.0.1", server.server_port)
    for host in ("192.0.2.1", "x" * 80, "::ffff:192.0.2.1"):
        with pytest.raises(UserError, match=r"^host: .* is not an address of this machine"):
            bind(app, host, 0)


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:///{}/empty.db", "holds no studies"),
        ("sqlite:///{}/text.db", "not a database"),
        ("nonsense://me:s3cret@host/x", "neither SQLite nor PostgreSQL"),
        ("postgresql://me:s3cret@host:x/y", "not a database URL"),
        ("s3cret", "not a database URL"),
    ],
)
def test_a_storage_without_studies_is_named(
    tmp_path: Path, url: str, words: str, read_only: bool
) -> None:
    """One line without a password, and nothing is written."""
    (tmp_path / "empty.db").touch()
    (tmp_path / "text.db").write_text("something else entirely\n" * 100)
    with pytest.raises(UserError, match=rf"^storage: .*{words}") as caught:
        dashboard_app(url.format(tmp_path), tmp_path / "artifacts", read_only=read_only)
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} == {"empty.db", "text.db"}


def test_a_public_dashboard_warns(
    command: Command, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flag is obeyed, and what it means is said on the error stream; otherwise nothing is."""
    monkeypatch.setattr("search.dashboard.serving.bind", lambda app, host, port: None)
    monkeypatch.setattr("search.dashboard.serving.serve", lambda server, announce: announce())
    port = ("--port", "48731")
    result = command("dashboard", "--insecure-public", "--runs-dir", runs, *port)
    assert result.status == 0
    assert result.err.startswith("warning: no password is needed: anyone who can reach")
    assert "can read, change and delete" in result.err
    quiet = command("dashboard", "--read-only", "--runs-dir", runs, *port)
    assert (quiet.status, quiet.err) == (0, "")
    assert quiet.out == "dashboard: http://127.0.0.1:48731/ (Ctrl-C to stop)\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_quietly(number: signal.Signals) -> None:
    """From the first moment on, with nothing raised, and the port is free again."""
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    app = Guard(lambda *_: [], public=False, read_only=False)
    server = bind(app, "127.0.0.1", 0)
    try:
        serve(server, lambda: signal.raise_signal(number))
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    bind(app, "127.0.0.1", server.server_port).server_close()


@pytest.mark.parametrize("display", ["DISPLAY", "WAYLAND_DISPLAY", None])
def test_a_browser_needs_a_display(display: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is none, a browser of the terminal is not let loose on it."""
    monkeypatch.setattr("search.dashboard.serving.sys.platform", "linux")
    monkeypatch.setattr(
        "search.dashboard.serving.webbrowser.open", lambda url: url == "http://here/"
    )
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if display is not None:
        monkeypatch.setenv(display, ":0")
    assert open_browser("http://here/") == (display is not None)


@pytest.mark.slow
def test_read_only_needs_no_folder_that_can_be_written(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an archive's: SQLite is told that nothing changes there, and no file is made."""
    before = {path.name for path in runs.iterdir()}
    allowed = os.access
    monkeypatch.setattr("os.access", lambda path, mode: path != runs and allowed(path, mode))
    with served(runs, read_only=True) as ask:
        assert '"mine"' in ask("GET", "/api/studies")[1]
        assert {path.name for path in runs.iterdir()} == before


@pytest.mark.slow
def test_long_attributes_are_not_shown_and_stay_stored(runs: Path) -> None:
    """Neither of a study nor of a trial, nor as columns; short ones are, and notes too."""
    storage = open_storage(f"sqlite:///{runs / 'studies.db'}")
    study = optuna.load_study(study_name="mine", storage=storage)
    study.set_user_attr("code", "x = 1\n" * 100)
    study.set_user_attr("short", "kept")
    trial = study.ask()
    trial.set_user_attr("history", {"epochs": list(range(200))})
    trial.set_user_attr("seconds", 1.5)
    study.tell(trial, 0.5)
    storage.engine.dispose()
    with served(runs) as ask:
        (listed,) = json.loads(ask("GET", "/api/studies")[1])["study_summaries"]
        shown = json.loads(ask("GET", "/api/studies/1")[1])
        later = json.loads(ask("GET", "/api/studies/1?after=1")[1])
    assert [one["key"] for one in listed["user_attrs"]] == ["short"]
    assert [one["key"] for one in shown["user_attrs"]] == ["short"]
    assert [one["key"] for one in shown["trials"][0]["user_attrs"]] == ["seconds"]
    assert [one["key"] for one in shown["union_user_attrs"]] == ["seconds"]
    assert later["union_user_attrs"] == shown["union_user_attrs"]
    stored = open_storage(f"sqlite:///{runs / 'studies.db'}")
    assert "history" in optuna.load_study(study_name="mine", storage=stored).trials[0].user_attrs
    stored.engine.dispose()


@pytest.mark.slow
def test_reports_are_served(runs: Path) -> None:
    """At the address that a study's note links, with what lies next to them."""
    folder = RunPaths(runs, "mein é").report_dir
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("<p>é</p>", encoding="utf-8")
    (folder / "trials.csv").write_text("trial\n", encoding="utf-8")
    address = report_address("mein é")
    with served(runs) as ask:
        assert ask("GET", address) == (200, "<p>é</p>")
        assert ask("HEAD", address) == (200, "")
        assert ask("GET", address.replace("report.html", "trials.csv")) == (200, "trial\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    ["mine/report.html", "mine/../studies.db", "../studies.db", "..%2Fstudies.db", ".%2E/x", "",
     "mine/", "mine/%2e%2e/%2e%2e/studies.db", "%00/x", "mine/.hidden"],
)  # fmt: skip
def test_nothing_but_reports_is_served(runs: Path, path: str) -> None:
    """No path leads out of a report's folder."""
    folder = RunPaths(runs, "mine").report_dir
    folder.mkdir(parents=True)
    (folder / ".hidden").write_text("hidden")
    with served(runs) as ask:
        assert ask("GET", f"/reports/{path}")[0] == 404
