"""The findings of a report, one file per question, listed in the order of the page."""

from search.progress.steps import Progress, Step, no_progress
from search.report.evidence import Evidence
from search.report.finding import Finding
from search.report.findings.ablation import Ablated
from search.report.findings.all_metrics import AllMetrics
from search.report.findings.baseline_comparison import BaselineComparison
from search.report.findings.baseline_suggestion import BaselineSuggestion
from search.report.findings.classes import ConfusionMatrix, WeakestClasses
from search.report.findings.common_traits import CommonTraits
from search.report.findings.copies import DuplicateImages
from search.report.findings.cost import Cost
from search.report.findings.earlier_access import EarlierAccess
from search.report.findings.ensemble import EnsembleResult
from search.report.findings.explanation import Explanation
from search.report.findings.finalists import Finalists
from search.report.findings.headline import Headline
from search.report.findings.importances import Importances
from search.report.findings.labels import DoubtfulLabels
from search.report.findings.learning_curves import LearningCurves
from search.report.findings.machines import Machines
from search.report.findings.margin import Margin
from search.report.findings.mistakes import Mistakes
from search.report.findings.nested import LostRepetitions, Nested
from search.report.findings.optimism import Optimism
from search.report.findings.origin import Origin
from search.report.findings.parallel_coordinates import ParallelCoordinates
from search.report.findings.pareto import ParetoFront
from search.report.findings.recommendations import Recommendations
from search.report.findings.repeats import Repeats, Reported
from search.report.findings.result import Classes, ConfusedPairs, Result, TestSetAccess
from search.report.findings.selection import SelectionScore
from search.report.findings.slices import Slices
from search.report.findings.study import (
    AcceptedChanges,
    Dataset,
    Hardware,
    HowTrialsWereMade,
    RecipeSettings,
    Study,
    Versions,
)
from search.report.findings.trials import Trials
from search.report.findings.trust import Trust
from search.report.findings.usage import Usage
from search.report.findings.verdict import Verdict
from search.report.findings.wider_ranges import WiderRanges
from search.report.findings.winner import FoldScores, Refit, SearchBaseline, Winner
from search.tuning.records import StudyRecord

FINDINGS: tuple[type[Finding], ...] = (
    Study,
    Verdict,
    Headline,
    Usage,
    Winner,
    SearchBaseline,
    Repeats,
    Reported,
    Result,
    BaselineComparison,
    BaselineSuggestion,
    EnsembleResult,
    AllMetrics,
    Trust,
    Optimism,
    SelectionScore,
    Nested,
    LostRepetitions,
    TestSetAccess,
    EarlierAccess,
    DuplicateImages,
    FoldScores,
    Refit,
    LearningCurves,
    ParetoFront,
    Explanation,
    Origin,
    Finalists,
    Margin,
    Ablated,
    CommonTraits,
    Importances,
    Slices,
    WeakestClasses,
    Classes,
    ConfusedPairs,
    Mistakes,
    DoubtfulLabels,
    ConfusionMatrix,
    ParallelCoordinates,
    Trials,
    Cost,
    Recommendations,
    WiderRanges,
    RecipeSettings,
    AcceptedChanges,
    HowTrialsWereMade,
    Dataset,
    Hardware,
    Machines,
    Versions,
)

FIGURE_NAMES: tuple[str, ...] = tuple(name for one in FINDINGS for name in one.figures)
"""Names of all files that plots may have next to the page."""

FILE_NAMES: tuple[str, ...] = tuple(name for one in FINDINGS for name in one.file_names)
"""Names of all other files that there may be next to the page, but for values of plots."""


def summaries(record: StudyRecord, nested: tuple[StudyRecord, ...] = ()) -> tuple[str, ...]:
    """The few sentences about a study for terminal, dashboard note and model card.

    `nested` are the studies that repeat it, where they are known.
    """
    evidence = Evidence(record, nested=nested)
    found = (one.of(evidence) for one in FINDINGS if one.brief)
    return tuple(words for one in found if one is not None for words in one.summary())


def find_all(evidence: Evidence, progress: Progress = no_progress) -> tuple[Finding, ...]:
    """Compute every finding that applies, in the order of the page.

    Raises MachineError if parts of the evidence do not belong together.
    """
    found: list[Finding] = []
    for place, one in enumerate(FINDINGS):
        progress(Step("findings", place, len(FINDINGS)))
        finding = evidence.once(one.of)
        if finding is not None:
            found.append(finding)
    return tuple(found)
