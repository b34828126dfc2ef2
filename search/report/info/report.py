"""Everything a report says, gathered from a study's record. Pure, but for reading the study."""

from dataclasses import dataclass
from typing import final

from search.reference.reported import ReportedRow, reported_rows
from search.report.evidence import Evidence
from search.report.findings import find_all
from search.report.findings.base import Finding
from search.report.info.baseline_study import baseline_command
from search.report.info.confusion import ConfusionInfo, confusion_info
from search.report.info.curves import LearningCurvesInfo, learning_curves_info
from search.report.info.mistakes import MistakesInfo, mistakes_info
from search.report.info.optimism import OptimismInfo, optimism_info
from search.report.info.repeats import RepeatsInfo, repeats_info
from search.report.info.versus import VersusInfo, versus_info
from search.report.trials import ModelKind, model_kind
from search.tuning.records import StudyRecord


@final
@dataclass(frozen=True)
class ReportInfo:
    """What the parts of the report that are no findings yet show; None where it does not apply."""

    evidence: Evidence
    found: tuple[Finding, ...]
    record: StudyRecord
    kind: ModelKind | None
    versus: VersusInfo | None
    baseline_command: str | None
    repeats: RepeatsInfo | None
    reported: tuple[ReportedRow, ...]
    curves: LearningCurvesInfo | None
    confusion: ConfusionInfo | None
    mistakes: MistakesInfo | None
    optimism: OptimismInfo | None


def report_info(evidence: Evidence) -> ReportInfo:
    """Return what the report says of a study.

    Raises MachineError where the evidence does not belong to the record.
    """
    record, baseline = evidence.record, evidence.baseline
    ours = evidence.tested()
    return ReportInfo(
        evidence=evidence,
        found=find_all(evidence),
        record=record,
        kind=model_kind(record),
        versus=None if baseline is None else versus_info(ours, baseline),
        baseline_command=baseline_command(record) if baseline is None else None,
        repeats=repeats_info(record),
        reported=reported_rows(record),
        curves=learning_curves_info(record),
        confusion=confusion_info(record.test),
        mistakes=mistakes_info(record.test, evidence.mistakes),
        optimism=optimism_info(record),
    )
