"""report.json: what the page says, for other programs. Pure.

Fractions and seconds are plain numbers, every digit kept; what is not there (yet), or not a finite
number, is null. Paths of the machine are left out. `format` counts up whenever a field changes its
meaning or goes; fields may be added without that. The JSON Schema is report.schema.json.
"""

from abc import ABC
from typing import Any

from search.reference.reported import reported_infos
from search.report.facts.base import Facts, Settings, without_folders
from search.report.facts.baseline import RepeatsFacts, ReportedFacts, VersusFacts
from search.report.facts.lessons import AdviceFacts, SharedFacts
from search.report.facts.optimism import OptimismFacts
from search.report.facts.result import ResultFacts
from search.report.facts.study import CostFacts, DatasetFacts, OpeningFacts, StudyFacts
from search.report.facts.trials import TrialFacts
from search.report.facts.winner import (
    LearningCurvesFacts,
    RefitFacts,
    SearchBaselineFacts,
    WinnerFacts,
)
from search.report.info.facts import validation_words
from search.report.info.report import ReportInfo
from search.report.render import json
from search.tuning.records import StudyRecord

_FOLDERS = {"data_dir", "runs_dir", "storage"}


class ReportFacts(Facts, ABC):
    """Everything that a study's report says."""

    study: StudyFacts
    """What was searched or reproduced, and whether it has ended."""
    recipe: Settings
    """Every setting but those of folders and of the database; of other paths the last name."""
    dataset: DatasetFacts
    """The images that it belongs to."""
    versions: dict[str, str]
    """Versions of Python, the libraries and this program."""
    hardware: dict[str, str]
    """What the study ran on, in words."""
    winner: WinnerFacts | None
    """The best complete trial."""
    search_baseline: SearchBaselineFacts | None
    """The hand-tuned candidate within the search."""
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
    shared: SharedFacts | None
    """What the best trials have in common; null for a baseline study."""
    optimism: OptimismFacts | None
    """How far the winner's score flatters it; null where nothing was chosen."""
    advice: AdviceFacts | None
    """What to try next; null for a baseline study."""
    trials: tuple[TrialFacts, ...]
    """Every trial, by number."""
    cost: CostFacts
    """What the trials and the refit took."""

    @staticmethod
    def of(info: ReportInfo) -> dict[str, Any]:
        """Return a report's facts."""
        record, search, winner = info.record, info.search, info.record.winner()
        known = None if winner is None else winner.candidate
        return dict(  # noqa: C408
            study=_study(info),
            recipe=_recipe(record),
            dataset=record.dataset,
            versions=record.versions,
            hardware=record.hardware,
            winner=None if info.winner is None else WinnerFacts.of(info.winner, known),
            search_baseline=info.baseline,
            refit=record.refit,
            test=record.test,
            openings=record.openings,
            versus=VersusFacts.of(info.versus),
            repeats=info.repeats,
            reported=reported_infos(record),
            curves=info.curves,
            shared=None if search is None else search.shared,
            optimism=OptimismFacts.of(info.optimism),
            advice=None if search is None else AdviceFacts.of(search.advice),
            trials=tuple(TrialFacts.of(trial, record.recipe.metric) for trial in record.trials),
            cost=info.cost,
        )


def report_json(info: ReportInfo) -> str:
    """Return report.json."""
    return json.report_json(info.found, ReportFacts, ReportFacts.of(info))


def report_schema() -> str:
    """Return report.schema.json, the JSON Schema (2020-12) of report.json."""
    return json.report_schema(ReportFacts)


def _study(info: ReportInfo) -> StudyFacts:
    record = info.record
    return StudyFacts(
        name=record.name,
        kind=record.recipe.protocol.kind,
        ended=record.test is not None,
        missing=info.status,
        metric=record.recipe.metric,
        validation=validation_words(record),
        n_folds=record.recipe.n_folds,
        folds_hash=record.folds_hash,
        accepted_changes=record.changes,
    )


def _recipe(record: StudyRecord) -> dict[str, Any]:
    settings = record.recipe.model_dump(mode="json", exclude=_FOLDERS)
    return {n: without_folders(v) if isinstance(v, str) else v for n, v in settings.items()}
