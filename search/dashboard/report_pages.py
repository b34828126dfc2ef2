"""Serves the reports of studies next to optuna-dashboard, so that a study's note can link them."""

import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import final
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from search.paths import RunPaths

_PREFIX = "/reports/"


def report_address(study_name: str) -> str:
    """Return the address of a study's report on the dashboard's server."""
    return f"{_PREFIX}{quote(study_name, safe='')}/report.html"


@final
@dataclass(frozen=True)
class ReportPages:
    """Answers requests for files of reports, and passes on the others.

    Args:
        app: What answers the others.
        runs_dir: The folder of the studies' folders.
    """

    app: WSGIApplication
    runs_dir: Path

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        path = _decoded(environ.get("PATH_INFO", ""))
        if not path.startswith(_PREFIX) or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self.app(environ, start_response)
        file = self._file(path.removeprefix(_PREFIX))
        if file is None:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"there is no such report\n"]
        content = file.read_bytes()
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        kind = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
        headers = [("Content-Type", kind), ("Content-Length", str(len(content)))]
        start_response("200 OK", [*headers, ("X-Content-Type-Options", "nosniff")])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [content]

    def _file(self, place: str) -> Path | None:
        """Return the file of a report; None if there is none, or if it is not in its folder."""
        study, _, name = place.partition("/")
        if not study or study.startswith(".") or "/" in name or "\0" in place:
            return None
        folder = RunPaths(self.runs_dir, study).report_dir
        file = folder / name
        return file if name and not name.startswith(".") and file.is_file() else None


def _decoded(path: str) -> str:
    """Return a path as Unicode: WSGI has its bytes as Latin-1."""
    return path.encode("latin-1", errors="replace").decode("utf-8", errors="replace")
