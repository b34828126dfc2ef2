"""Everything a report says, gathered from a study's record. Pure, but for reading the study."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
import optuna

from search.report.info_confusion import ConfusionInfo, confusion_info
from search.report.info_cost import CostInfo, TrialRow, cost_info, top_trials
from search.report.info_curves import LearningCurvesInfo, learning_curves_info
from search.report.info_history import OptimizationHistoryInfo, optimization_history_info
from search.report.info_importances import ImportancesInfo, importances_info
from search.report.info_mistakes import MistakesInfo, mistakes_info
from search.report.info_parallel import ParallelCoordinatesInfo, parallel_coordinates_info
from search.report.info_winner import BaselineInfo, WinnerInfo, baseline_info, winner_info
from search.report.kinds import ENDED, trial_kind
from search.report.text import plural
from search.study.records import StudyRecord


@final
@dataclass(frozen=True)
class ReportInfo:
    """What the figures and the page show; a part that does not apply (yet) is None."""

    record: StudyRecord
    status: str | None
    winner: WinnerInfo | None
    baseline: BaselineInfo | None
    cost: CostInfo
    top: tuple[TrialRow, ...]
    history: OptimizationHistoryInfo
    curves: LearningCurvesInfo | None
    importances: ImportancesInfo
    parallel: ParallelCoordinatesInfo
    confusion: ConfusionInfo | None
    mistakes: MistakesInfo | None


def report_info(
    record: StudyRecord, study: optuna.Study, mistakes: npt.NDArray[np.uint8] | None
) -> ReportInfo:
    """Return what the report says of a study.

    `study` gives the parameters' distributions; `mistakes` are uint8 images (M, 3, H, W) in the
    order of the test's mistakes. Raises MachineError where those two do not belong together.
    """
    importances = importances_info(record, study)
    return ReportInfo(
        record=record,
        status=study_status(record),
        winner=winner_info(record),
        baseline=baseline_info(record),
        cost=cost_info(record),
        top=top_trials(record),
        history=optimization_history_info(record),
        curves=learning_curves_info(record),
        importances=importances,
        parallel=parallel_coordinates_info(record, study, importances.names),
        confusion=confusion_info(record.test),
        mistakes=mistakes_info(record.test, mistakes),
    )


def study_status(record: StudyRecord) -> str | None:
    """Return one sentence on what is still missing, or None where the search has ended."""
    if record.test is not None:
        return None
    ended = sum(trial_kind(trial) in ENDED for trial in record.trials)
    done = f"{ended} of {plural(len(record.trials), 'trial')} ended"
    if record.winner() is None:
        return f"No trial is complete yet ({done}), so nothing has won."
    if record.refit is None:
        return f"The search has not ended ({done}): no refit and no test result yet."
    return "The winner is trained anew, but the test set has not been evaluated yet."
