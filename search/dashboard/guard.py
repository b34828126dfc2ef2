"""What stands before optuna-dashboard, which asks for no password and trusts every request."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import final
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_READING = ("GET", "HEAD")


def is_loopback(host: str) -> bool:
    """Return whether the name or address reaches this machine alone; names are not looked up."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:  # another name
        return False


@final
@dataclass(frozen=True)
class Guard:
    """Answers 403 in place of `app` to what a page of another site may have sent.

    A browser can be led to any page's host name at 127.0.0.1 (DNS rebinding), so only loopback
    names are answered unless `public`; it may send forms from one site to another, so a change
    must come from the dashboard's own pages. With `read_only` there are no changes at all.
    """

    app: WSGIApplication
    public: bool
    read_only: bool

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on, or say why not."""
        reason = self._refusal(environ)
        if reason is None:
            return self.app(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [f"{reason}\n".encode()]

    def _refusal(self, environ: WSGIEnvironment) -> str | None:
        host, origin = environ.get("HTTP_HOST", ""), environ.get("HTTP_ORIGIN")
        if not self.public and not is_loopback(_name(host)):
            return "only asked by a loopback address does this dashboard answer"
        if environ["REQUEST_METHOD"] in _READING:
            return None
        if self.read_only:
            return "this dashboard is read-only"
        if origin is not None and origin.partition("://")[2] != host:
            return "changes are taken from the dashboard's own pages alone"
        return None


def _name(host: str) -> str:
    """Return the host of "host", "host:port" or "[host]:port"."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:  # of brackets without their pair
        return ""
