"""Study names: only letters, digits, dot, dash and underscore, 64 at most."""

import re
from pathlib import Path

import pytest
from hypothesis import strategies as st

from search.recipe import Recipe
from tests.fuzz.fuzzing import fuzz, refusal

TAKEN = ("artifacts", "comparison", "studies.db", "studies.db-wal")
near = st.text("aZ09._-/ \\\n~é", min_size=0, max_size=66)


@pytest.mark.slow
@fuzz(300, name=st.text(max_size=10) | near | st.sampled_from(TAKEN))
def test_a_name_is_a_folder_of_its_own_or_refused(name: str) -> None:
    """What is accepted names one entry of runs_dir that is nobody else's."""
    allowed = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", name)
    words = refusal(lambda: Recipe.from_sources(None, {"space": "cnn", "study_name": name}))
    assert (words is None) == bool(allowed and name.lower() not in (*TAKEN, "studies.db-shm"))
    if words is None:
        assert (Path("/runs") / name).resolve().parent == Path("/runs").resolve()
    else:
        assert words.startswith("study_name: must ")
