"""The page stays small enough to be sent to somebody."""

import pytest

from search.report.evidence import Evidence
from search.report.findings import find_all
from search.report.render.html import render_page
from tests.report import report_fakes as fakes

MOST_BYTES = 8_000_000


@pytest.mark.slow
def test_page_of_a_long_search_stays_below_eight_megabytes() -> None:
    """200 trials of 5 folds and 40 epochs, with images of 96 pixels, still fit."""
    fake = fakes.realistic(n_trials=200, n_folds=5, epochs=40)
    findings = find_all(Evidence(*fake, fakes.mistake_images(fake.record, side=96)))
    assert len(render_page(fake.record, findings).encode("utf-8")) < MOST_BYTES
