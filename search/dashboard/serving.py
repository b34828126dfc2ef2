"""Serves optuna-dashboard on the studies, behind a guard: it trusts every request."""

import errno
import os
import signal
import socket
import sys
import webbrowser
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any, final
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import sqlalchemy
from optuna.artifacts import FileSystemArtifactStore
from optuna_dashboard import wsgi
from sqlalchemy.engine import URL

from search.dashboard.report_pages import ReportPages
from search.dashboard.short_attributes import ShortAttributes
from search.errors import UserError
from search.tuning.storage import opening, optuna_url, parse_url, show_url
from search.tuning.storage import read_only as to_read

_READING = ("GET", "HEAD")


def is_loopback(host: str) -> bool:
    """Return whether the address can only be reached from this machine; names are not looked up."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:  # another name
        return False


@final
@dataclass(frozen=True)
class Guard:
    """Refuses requests with 403 that a page of another site may have sent; passes on the others.

    DNS rebinding can make any host name point to 127.0.0.1, so only requests to loopback names
    are answered unless `public`. Browsers send forms across sites, so changes must come from the
    dashboard's own pages. With `read_only` there are no changes at all.
    """

    app: WSGIApplication
    public: bool
    read_only: bool

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on, or refuse it with the reason."""
        reason = self._refusal(environ)
        if reason is None:
            return self.app(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [f"{reason}\n".encode()]

    def _refusal(self, environ: WSGIEnvironment) -> str | None:
        host, origin = environ.get("HTTP_HOST", ""), environ.get("HTTP_ORIGIN")
        if not self.public and not is_loopback(_name(host)):
            return "this dashboard only answers requests to a loopback address"
        if environ["REQUEST_METHOD"] in _READING:
            return None
        if self.read_only:
            return "this dashboard is read-only"
        if origin is not None and origin.partition("://")[2] != host:
            return "changes are only accepted from the dashboard's own pages"
        return None


def _name(host: str) -> str:
    """Return the host of "host", "host:port" or "[host]:port"."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:  # unbalanced brackets
        return ""


def check_host(host: str, *, public: bool) -> None:
    """Raise UserError for an address that other machines can reach, unless `public`."""
    if not is_loopback(host) and not public:
        raise UserError(
            f"host: {host!r} would open the studies to the network, and optuna-dashboard has "
            "no password; use 127.0.0.1, ::1 or localhost, or add --insecure-public"
        )


def dashboard_app(
    url: str, artifacts_dir: Path, *, public: bool = False, read_only: bool = False
) -> WSGIApplication:
    """Return optuna-dashboard and the studies' reports behind a guard.

    The database is that of the URL; reports are in the folder that holds `artifacts_dir`.

    With `read_only` no file is created or opened for writing. Raises UserError if the
    database cannot be opened or holds no studies.
    """
    parsed = parse_url(url)
    if read_only and parsed.get_backend_name() == "sqlite":
        parsed = to_read(parsed)
    _check_studies(parsed)
    if not read_only:
        artifacts_dir.mkdir(parents=True, exist_ok=True)
    app = wsgi(optuna_url(parsed), artifact_store=FileSystemArtifactStore(str(artifacts_dir)))
    pages = ReportPages(ShortAttributes(app), artifacts_dir.parent)
    return Guard(pages, public, read_only)


def bind(app: WSGIApplication, host: str, port: int) -> WSGIServer:
    """Return a server that listens; port 0 takes a free one.

    Raises UserError if the address is not one of this machine or the port is taken.
    """
    kind = _Server6 if ":" in host else _Server
    try:
        return make_server(host, port, app, server_class=kind, handler_class=_Quiet)
    except (OSError, UnicodeError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise UserError(f"port: {port} is in use on {host}; give another --port") from error
        if isinstance(error, PermissionError):
            raise UserError(f"port: {port} is not permitted; give one above 1023") from error
        raise UserError(f"host: {host!r} is not an address of this machine: {error}") from error


def serve(server: WSGIServer, announce: Callable[[], None]) -> None:
    """Announce the server, then answer requests until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        announce()
        server.serve_forever()
    except KeyboardInterrupt:
        return
    finally:
        server.server_close()


def open_browser(address: str) -> bool:
    """Open the page in a browser; returns False if there is no browser or no display."""
    displays = ("DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform not in ("darwin", "win32") and not any(map(os.environ.get, displays)):
        return False  # a text browser would take over the terminal
    return webbrowser.open(address)


@final
class _Server(ThreadingMixIn, WSGIServer):
    """One thread per request; none keeps the program from ending."""

    daemon_threads = True


@final
class _Server6(ThreadingMixIn, WSGIServer):
    """The same on an IPv6 address."""

    daemon_threads = True
    address_family = socket.AF_INET6


@final
class _Quiet(WSGIRequestHandler):
    """Logs no requests."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Write nothing."""


def _check_studies(url: URL) -> None:
    with opening(url):
        engine = sqlalchemy.create_engine(url)
        known = sqlalchemy.inspect(engine).has_table("studies")
    engine.dispose()
    if not known:
        raise UserError(f"storage: {show_url(url)!r} holds no studies")
