"""report.json: what the page says, for other programs. Pure.

Fractions and seconds are plain numbers, every digit kept; what is not there (yet), or not a finite
number, is null. Paths of the machine are left out. `format` counts up whenever a field changes its
meaning or goes; fields may be added without that. The JSON Schema is report.schema.json.
"""

from abc import ABC
from typing import Any

from search.reference.reported import reported_infos
from search.report.facts.base import Facts
from search.report.facts.baseline import RepeatsFacts, ReportedFacts, VersusFacts
from search.report.facts.curves import LearningCurvesFacts, OpeningFacts, RefitFacts
from search.report.facts.optimism import OptimismFacts
from search.report.facts.result import ResultFacts
from search.report.info.report import ReportInfo
from search.report.render import json


class ReportFacts(Facts, ABC):
    """Everything that a study's report says."""

    refit: RefitFacts | None
    """The winner trained anew on all folds."""
    test: ResultFacts | None
    """The one evaluation on the test images."""
    openings: tuple[OpeningFacts, ...]
    """Every opening of the test set, the first first."""
    versus: VersusFacts | None
    """The winner beside a baseline study of the same data."""
    repeats: RepeatsFacts | None
    """The trainings of a baseline study; null for a search."""
    reported: tuple[ReportedFacts, ...]
    """Their figures beside those of the hand-tuned report."""
    curves: LearningCurvesFacts | None
    """The winner's learning curves."""
    optimism: OptimismFacts | None
    """How far the winner's score flatters it; null where nothing was chosen."""

    @staticmethod
    def of(info: ReportInfo) -> dict[str, Any]:
        """Return a report's facts."""
        record = info.record
        return dict(  # noqa: C408
            refit=record.refit,
            test=record.test,
            openings=record.openings,
            versus=VersusFacts.of(info.versus),
            repeats=info.repeats,
            reported=reported_infos(record),
            curves=info.curves,
            optimism=OptimismFacts.of(info.optimism),
        )


def report_json(info: ReportInfo) -> str:
    """Return report.json."""
    return json.report_json(info.found, ReportFacts, ReportFacts.of(info))


def report_schema() -> str:
    """Return report.schema.json, the JSON Schema (2020-12) of report.json."""
    return json.report_schema(ReportFacts)
