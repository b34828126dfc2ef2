"""Copies of images, as the report tells them."""

from dataclasses import replace

from search.data.copies import CopyCounts
from search.report.blocks import Paragraph, Table
from search.report.evidence import Evidence
from search.report.findings.copies import DuplicateImages
from tests.report import report_fakes as fakes


def _evidence(
    copies: CopyCounts, duplicates: str = "together", validation: str = "holdout"
) -> Evidence:
    recipe = {"duplicates": duplicates, "validation": validation}
    record = fakes.study_record([fakes.complete_trial(0, [0.5])], recipe=recipe)
    return fakes.evidence(replace(record, quality=replace(record.quality, copies=copies)))


def test_without_copies_nothing_is_said() -> None:
    assert DuplicateImages.of(_evidence(CopyCounts())) is None


def test_examples_are_listed_where_there_are_several() -> None:
    """One is named in the sentence already."""
    pairs = (("a/1.png", "b/2.png"), ("c/3.png", "c/4.png"))
    for n_examples, expected in ((1, []), (2, [pairs])):
        found = DuplicateImages.of(_evidence(CopyCounts(n_train=2, examples=pairs[:n_examples])))
        assert found is not None
        assert [one.rows for one in found.blocks() if isinstance(one, Table)] == expected


def test_what_copies_mean_depends_on_where_they_are() -> None:
    """On one side of every split they make no score too good."""
    told = []
    for how in (("together",), ("independent",), ("together", "given")):
        found = DuplicateImages.of(_evidence(CopyCounts(n_train=1, examples=(("a", "b"),)), *how))
        assert found is not None
        told.append([one.text for one in found.blocks() if isinstance(one, Paragraph)])
    assert told[0][0] == told[1][0]
    assert told[0][1] != told[1][1]
    assert told[2] == told[1], "a split that was given may divide them"
