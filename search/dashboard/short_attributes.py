"""Hides long attributes from optuna-dashboard's pages, where they take thousands of pixels.

Learning curves, confusion matrices and code are attributes of trials and studies. They are stored
and can be read with Optuna as before; notes and pictures show what they hold.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_STUDIES = re.compile(r"/api/studies(/\d+)?")
_LONGEST = 100  # characters of a value that is shown


@final
class ShortAttributes:
    """Passes requests on, and leaves long attributes out of what is answered about studies."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self._hidden: set[str] = set()  # names of trials' attributes, known from earlier answers

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        reads = environ["REQUEST_METHOD"] == "GET"
        if not reads or _STUDIES.fullmatch(environ.get("PATH_INFO", "")) is None:
            return self._app(environ, start_response)
        answered: list[tuple[str, list[tuple[str, str]]]] = []

        def take(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            answered.append((status, headers))
            return lambda _: None

        parts = self._app(environ, take)
        content = b"".join(parts)
        ((status, headers),) = answered
        if status.startswith("200"):
            content = self._shortened(content)
        others = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start_response(status, [*others, ("Content-Length", str(len(content)))])
        return [content]

    def _shortened(self, content: bytes) -> bytes:
        answer: dict[str, Any] = json.loads(content)
        for study in (answer, *answer.get("study_summaries", ())):
            _drop_long(study)
        for trial in answer.get("trials", ()):
            self._hidden.update(_drop_long(trial))
        if "union_user_attrs" in answer:  # the columns of the table of trials
            columns = answer["union_user_attrs"]
            answer["union_user_attrs"] = [one for one in columns if one["key"] not in self._hidden]
        return json.dumps(answer).encode()


def _drop_long(holder: dict[str, Any]) -> list[str]:
    """Leave long attributes out of a study or a trial; returns their names."""
    attrs = holder.get("user_attrs", [])
    long = [one["key"] for one in attrs if len(one["value"]) > _LONGEST]
    if long:
        holder["user_attrs"] = [one for one in attrs if one["key"] not in long]
    return long
