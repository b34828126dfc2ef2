"""The names that `search` exports, and those that earlier versions documented."""

import subprocess
import sys

import pytest

import search
import search.final.export
import spaces


def test_every_public_name_is_there() -> None:
    """Also for completion, and each is the object of its module."""
    assert set(search.__all__) <= set(dir(search))
    for name in search.__all__:
        assert getattr(search, name) is not None
    with pytest.raises(AttributeError, match="'search' has no attribute 'nothing'"):
        _ = search.nothing


def test_all_parts_of_candidates_and_spaces_are_there() -> None:
    """A space can be written with `import search` alone; how spaces are loaded is internal."""
    internal = {"load_space", "space_identity", "space_source"}
    assert {*spaces.__all__} - internal <= {*search.__all__}
    assert all(
        getattr(search, name) is getattr(spaces, name) for name in {*spaces.__all__} - internal
    )


def test_importing_the_api_imports_nothing_else() -> None:
    """`python -m search --help` would wait for torch."""
    code = "import sys, search; sys.exit(any(n in sys.modules for n in ('torch', 'optuna')))"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_the_import_of_older_model_cards_works() -> None:
    """READMEs of exported models name it."""
    assert search.final.export.load_model is search.load_model
