"""What a page packs: whole again afterwards, and harmless in HTML whatever it holds."""

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.report.evidence import Evidence
from search.report.render.packing import pack, unpack
from tests.report.conftest import PageReader

VALUES = st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@given(content=st.dictionaries(st.text(), VALUES, max_size=5))
def test_what_is_packed_is_whole_again(content: dict[str, Any]) -> None:
    """Values of every kind and length, so that the last bits fall in every place of a byte."""
    text = str(pack(content))
    assert unpack(text) == content
    assert not set(text) & {"\0", "\r", "<"}
    assert text.encode("utf-8").decode("utf-8") == text


def test_packed_text_survives_html() -> None:
    """A parser gives back what was written, although it holds control characters."""
    content = {"name": "</script><script>alert(1)</script> & é \0 \r\n" * 50}
    read: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            read.append(data)

    reader = Reader()
    reader.feed(f"<script>{pack(content)}</script>")
    reader.close()
    assert unpack("".join(read)) == content


@pytest.mark.slow
def test_every_mark_of_a_trial_has_its_story(
    kfold_page: PageReader, kfold_evidence: Evidence
) -> None:
    """Stories are packed once a trial, for all charts."""
    stories = kfold_page.packed()["stories"]
    assert set(stories) == {str(trial.number) for trial in kfold_evidence.record.trials}
    assert all(text.startswith(f"<b>trial {number}</b>, ") for number, text in stories.items())


@pytest.mark.slow
@pytest.mark.parametrize("key", ["plotly", "figures"])
def test_charts_are_packed(kfold_page: PageReader, key: str) -> None:
    """They are the larger part of the page."""
    assert kfold_page.packed()[key]
