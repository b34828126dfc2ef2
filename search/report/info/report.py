"""Everything a report says, gathered from a study's record. Pure, but for reading the study."""

from dataclasses import dataclass
from typing import final

from search.reference.reported import ReportedRow, reported_rows
from search.report.evidence import Evidence
from search.report.findings import find_all
from search.report.findings.base import Finding
from search.report.findings.importances import Importances
from search.report.info.baseline_study import baseline_command
from search.report.info.confusion import ConfusionInfo, confusion_info
from search.report.info.cost import CostInfo, TrialRow, cost_info, top_trials
from search.report.info.curves import LearningCurvesInfo, learning_curves_info
from search.report.info.history import OptimizationHistoryInfo, optimization_history_info
from search.report.info.mistakes import MistakesInfo, mistakes_info
from search.report.info.next import NextInfo, next_info
from search.report.info.optimism import OptimismInfo, optimism_info
from search.report.info.parallel import ParallelCoordinatesInfo, parallel_coordinates_info
from search.report.info.repeats import RepeatsInfo, repeats_info
from search.report.info.shared import SharedInfo, shared_info
from search.report.info.slices import SlicesInfo, slices_info
from search.report.info.versus import VersusInfo, versus_info
from search.report.info.winner import BaselineInfo, WinnerInfo, baseline_info, winner_info
from search.report.trials import ENDED, ModelKind, model_kind
from search.text import plural
from search.tuning.records import StudyRecord


@final
@dataclass(frozen=True)
class SearchInfo:
    """What a search shows of its trials; a baseline study, whose trials are one point, has none."""

    history: OptimizationHistoryInfo
    top: tuple[TrialRow, ...]
    slices: SlicesInfo
    parallel: ParallelCoordinatesInfo
    shared: SharedInfo
    advice: NextInfo


@final
@dataclass(frozen=True)
class ReportInfo:
    """What the figures and the page show; a part that does not apply (yet) is None.

    `baseline` is the hand-tuned candidate within the search, `versus` the winner beside a baseline
    study, and `baseline_command` makes one. `repeats` are the trainings of a baseline study,
    `reported` their figures beside those of the hand-tuned report.
    """

    evidence: Evidence
    found: tuple[Finding, ...]
    record: StudyRecord
    kind: ModelKind | None
    status: str | None
    winner: WinnerInfo | None
    baseline: BaselineInfo | None
    versus: VersusInfo | None
    baseline_command: str | None
    repeats: RepeatsInfo | None
    reported: tuple[ReportedRow, ...]
    search: SearchInfo | None
    cost: CostInfo
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
        status=study_status(record),
        winner=winner_info(record),
        baseline=baseline_info(record),
        versus=None if baseline is None else versus_info(ours, baseline),
        baseline_command=baseline_command(record) if baseline is None else None,
        repeats=repeats_info(record),
        reported=reported_rows(record),
        search=search_info(evidence),
        cost=cost_info(record),
        curves=learning_curves_info(record),
        confusion=confusion_info(record.test),
        mistakes=mistakes_info(record.test, evidence.mistakes),
        optimism=optimism_info(record),
    )


def search_info(evidence: Evidence) -> SearchInfo | None:
    """Return what a search shows of its trials, None for a baseline study."""
    record, study, importances = evidence.record, evidence.study, evidence.once(Importances.of)
    if importances is None:
        return None
    names = [one.name for one in importances.parameters]
    parallel = parallel_coordinates_info(record, study, names)
    return SearchInfo(
        history=optimization_history_info(record),
        top=top_trials(record),
        slices=slices_info(record, importances, parallel),
        parallel=parallel,
        shared=shared_info(evidence),
        advice=next_info(evidence),
    )


def study_status(record: StudyRecord) -> str | None:
    """Return one sentence on what is still missing, or None where the study has ended."""
    if record.test is not None:
        return None
    ended = sum(trial.kind in ENDED for trial in record.trials)
    done = f"{ended} of {plural(len(record.trials), 'trial')} ended"
    if record.winner() is None:
        return f"No trial is complete yet ({done})."
    protocol = record.recipe.protocol
    if record.refit is None or not protocol.refits:
        lacking = "no refit and no test result" if protocol.refits else "no test result"
        return f"The {protocol.kind} has not ended ({done}): {lacking} yet."
    return "The winner is trained anew, but the test set has not been evaluated yet."
