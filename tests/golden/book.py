"""golden.json: what was recorded, and how what is found now differs from it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.golden.found import Digests, Found, FoundStudy

BOOK = Path(__file__).with_name("golden.json")

Book = dict[str, Any]


def read_book() -> Book:
    """Return what was recorded; nothing where there is no file yet."""
    empty: Book = {"names": {}, "statuses": {}, "fixed": {}, "environments": {}}
    return json.loads(BOOK.read_text(encoding="utf-8")) if BOOK.exists() else empty


def write_book(found: Found, environment: str) -> None:
    """Record everything for this environment; other environments' results are kept."""
    book = read_book()
    book["names"], book["statuses"] = found.names, found.statuses
    book["fixed"] = {name: study.fixed for name, study in found.studies.items()}
    book["environments"][environment] = {
        "summary": {name: study.summary for name, study in found.studies.items()},
        "results": {name: all_results(study) for name, study in found.studies.items()},
    }
    BOOK.write_text(json.dumps(book, indent=1) + "\n", encoding="utf-8")


def all_results(study: FoundStudy) -> Digests:
    """Return all that another machine may round otherwise."""
    return study.results | study.run


def differences(recorded: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """Yield which entries differ, such as "random-holdout: plan 3 curve"."""
    for name in sorted({*recorded, *found}):
        then, now = recorded.get(name), found.get(name)
        if isinstance(then, Mapping) and isinstance(now, Mapping):
            yield from (f"{name}: {entry}" for entry in differences(then, now))
        elif then is None and not _may_grow(name):
            yield f"{name}: is new"
        elif then is not None and now is None:
            yield f"{name}: is gone"
        elif then is not None and then != now:
            yield from (f"{name}{which}" for which in _which(then, now, grows=_may_grow(name)))


def _may_grow(name: str) -> bool:
    """Return whether something may be added under this name: to a report, or files beside it."""
    return name.startswith("report ") or name == "files"


def _which(then: Any, now: Any, *, grows: bool) -> Iterator[str]:
    """Yield how two values differ: which entries of lists of names, nothing more of digests."""
    if not (isinstance(then, list) and isinstance(now, list)):
        yield ""
        return
    gone, new = [one for one in then if one not in now], [one for one in now if one not in then]
    if gone or (new and not grows):
        yield f": gone {gone}, new {new}"
    elif not new:
        yield ": in another order"
