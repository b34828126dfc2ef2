"""Database URLs: accepted or refused in one line, and never shown with their passwords."""

import string
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from search.errors import MachineError, UserError
from search.tuning.storage import open_storage, parse_url, show_url, sqlite_file, storage_url

SECRET = "hunter2hunter2"  # noqa: S105

_NOISE = st.text(alphabet=st.characters(exclude_categories=()), max_size=12)
_SPECIAL = st.text(alphabet="@:/?#[]{}%&=+ \\\"'\n\0é" + string.digits, max_size=8)
_BITS = st.one_of(_NOISE, _SPECIAL, st.just(""), st.just("host"), st.just("localhost"))
_SCHEMES = st.sampled_from(["postgresql", "postgresql+psycopg", "mysql+pymysql", "x"])


def make_url(scheme: str, user: str, tail: str, host: str, path: str, query: str) -> str:
    """Return what may or may not be a URL, with SECRET in its password."""
    return f"{scheme}://{user}:{SECRET}{tail}@{host}/{path}?{query}"


def failure_of(use: Callable[[str], object], text: str) -> str | None:
    """Return the one line that a user would see, None where there is none."""
    try:
        use(text)
    except (UserError, MachineError) as error:
        return str(error)
    return None


def is_one_line(failure: str) -> bool:
    """Return whether it names the setting, on one line."""
    return failure.startswith("storage: ") and len(failure.splitlines()) == 1


@settings(max_examples=200, deadline=None)
@given(_NOISE | _SPECIAL.map("sqlite:///".__add__) | _SPECIAL.map("postgresql://".__add__))
@example("sqlite:///x\0y")
@example("sqlite:///file::memory:?uri=true")
@example("postgresql://[::1/x")
@example("postgresql://h:port/x")
def test_any_text_is_a_url_or_one_line(text: str) -> None:
    """Nothing but UserError comes of it, as one line that names the setting."""
    failure = failure_of(parse_url, text)
    assert failure is None or is_one_line(failure)


@settings(max_examples=200, deadline=None)
@given(st.builds(make_url, _SCHEMES, _BITS, _BITS, _BITS, _BITS, _BITS))
@example(f"postgresql://me:a@{SECRET}@host/x")
@example(f"postgresql://me:{SECRET}/x")
@example(f"postgresql://x/y:{SECRET}@host/z")
@example(f"postgresql://me:a@{SECRET}/x@host/z")
@example(f"postgresql://me:a?b@{SECRET}?c@host/z")
@example(f"postgresql://host/x?password={SECRET}")
@example(f"postgresql://host/x?p%61ssword={SECRET}")
@example(f"mysql+pymysql://me:{SECRET}@host/x")
def test_a_password_is_never_shown(text: str) -> None:
    """Neither a refusal nor the shown URL holds it, wherever in the URL it stood."""
    assert SECRET not in (failure_of(parse_url, text) or show_url(parse_url(text)))


@pytest.mark.slow
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=_SPECIAL | _NOISE, query=_SPECIAL | st.sampled_from(["timeout=x", "foo=1", "uri=true"]))
@example(name="", query="")
@example(name="x/y", query="foo=1")
@example(name="x", query="timeout=x")
@example(name="\ud800", query="")
def test_opening_any_sqlite_url_works_or_ends_in_one_line(
    tmp_path: Path, name: str, query: str
) -> None:
    """Odd names and unknown options make a database or one line, never a traceback."""
    failure = failure_of(open_storage, f"sqlite:///{tmp_path}/{name}?{query}")
    assert failure is None or is_one_line(failure)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nonsense", "not a database URL such as sqlite:///"),
        ("mysterious://host/name", "'mysterious://host/name' cannot be opened: it is neither"),
        ("sqlite://", "'sqlite://' is in memory and would be lost; name a file"),
        ("sqlite:///:memory:", "is in memory"),
        ("sqlite:///file:x?mode=memory&uri=true", "is in memory"),
        ("sqlite+aiosqlite:///x.db", "cannot be opened by that driver; give sqlite:///"),
        ("postgresql+psycopg2://me:secret@host/x", "by that driver; give .* or postgresql://user"),
        ("postgresql://me:a@b@host/x", "write @ as %40, except the one"),
        ("postgresql+psycopg://me:secret@127.0.0.1:1/x", r"me:\*\*\*@127.0.0.1:1/x' cannot be"),
        ("postgresql://me:secret@127.0.0.1:1/x", r"postgresql\+psycopg://me:\*\*\*@127.0.0.1:1/x"),
    ],
)
def test_a_bad_url_is_one_line_without_its_password(
    text: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A URL that cannot be used is named in one line that says what would be accepted."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=rf"^storage: .*{expected}") as caught:
        open_storage(text)
    assert len(str(caught.value).splitlines()) == 1
    assert "secret" not in str(caught.value)


def test_a_missing_driver_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's is no part of a plain installation."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    words = r"psycopg, its driver, is not installed: pip install 'cifar-search\[postgresql\]'$"
    with pytest.raises(UserError, match=rf"^storage: 'postgresql.*' cannot be opened: {words}"):
        open_storage("postgresql://me:secret@host/x")


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("sqlite:///runs/studies.db", "runs/studies.db"),
        ("sqlite:////abs/100%25.db", "/abs/100%.db"),
        ("sqlite:///file:/abs/x%2520y.db?mode=ro&uri=true", "/abs/x y.db"),
        ("postgresql://host/name", None),
    ],
)
def test_a_sqlite_url_names_its_file(text: str, file: str | None) -> None:
    """Also in the form of a URI, whose escapes are SQLite's own."""
    assert sqlite_file(parse_url(text)) == (file and Path(file))


def test_a_url_is_given_the_driver_that_is_installed() -> None:
    """The plain names mean psycopg 3, and the password is kept for connecting."""
    given_url = "postgresql://me:p%7B%40%7D@host/x?sslmode=require"
    expected = given_url.replace("postgresql", "postgresql+psycopg", 1)
    for one in (given_url, given_url.replace("postgresql", "postgres", 1)):
        assert storage_url(one, Path("unused")) == expected
