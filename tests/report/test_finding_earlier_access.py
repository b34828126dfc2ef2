"""What is said of earlier accesses to the test set."""

from datetime import UTC, datetime

from search.catalog.openings import DatasetAccess
from search.report.blocks import Paragraph
from search.report.findings.earlier_access import EarlierAccess
from tests.report import report_fakes as fakes


def access(study: str, minute: int = 0) -> DatasetAccess:
    return DatasetAccess(study, datetime(2026, 6, 1, 12, minute, tzinfo=UTC), "final evaluation")


def test_studies_are_named_with_how_often_each_opened_it() -> None:
    words = EarlierAccess.known([access("a"), access("b", 1), access("a", 2)]).words()
    assert words.startswith("The test set of this dataset had been opened 3 times before")
    assert words.endswith("by studies a (twice) and b.")
    assert EarlierAccess.known([access("a")]).words().endswith("opened once before, by study a.")


def test_many_studies_are_counted() -> None:
    words = EarlierAccess.known([access(f"s{i}", i) for i in range(8)]).words()
    assert words.endswith("s0, s1, s2, s3, s4 and 3 more.")


def test_an_earlier_access_is_a_warning_and_none_is_told() -> None:
    """Where other studies were not looked for, nothing is claimed."""
    (warning,) = EarlierAccess.known([access("a")]).blocks()
    assert isinstance(warning, Paragraph)
    assert warning.tone == "notice"
    (none,) = EarlierAccess.known([]).sentences()
    assert none.startswith("No other known study")
    assert EarlierAccess.of(fakes.evidence(fakes.study_record([]))) is None


def test_report_json_has_them_as_a_list() -> None:
    """It is empty where other studies were not looked for."""
    assert [one.study for one in EarlierAccess.known([access("a")]).part()] == ["a"]
    assert EarlierAccess.absent() == ()
