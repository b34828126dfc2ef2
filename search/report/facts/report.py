"""report.json: what the page says, for other programs. Pure.

Fractions and seconds are plain numbers, every digit kept; what is not there (yet), or not a finite
number, is null. Paths of the machine are left out. `format` counts up whenever a field changes its
meaning or goes; fields may be added without that. The JSON Schema is report.schema.json.
"""

import json
from typing import Any, Literal, Self, final

from search.reference.reported import reported_infos
from search.report.facts.base import Facts, Settings, without_folders
from search.report.facts.baseline import RepeatsFacts, ReportedFacts, VersusFacts
from search.report.facts.lessons import AdviceFacts, SharedFacts, WeakClassFacts
from search.report.facts.optimism import OptimismFacts
from search.report.facts.result import ResultFacts
from search.report.facts.search import ImportancesFacts
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
from search.tuning.records import StudyRecord

_FOLDERS = {"data_dir", "runs_dir", "storage"}


@final
class ReportFacts(Facts):
    """Everything that a study's report says."""

    format: Literal[1]
    """The version of this format."""
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
    importances: ImportancesFacts | None
    """Which parameters matter; null for a baseline study."""
    shared: SharedFacts | None
    """What the best trials have in common; null for a baseline study."""
    optimism: OptimismFacts | None
    """How far the winner's score flatters it; null where nothing was chosen."""
    weakest_classes: tuple[WeakClassFacts, ...]
    """The classes that the model is worst at, the worst first."""
    advice: AdviceFacts | None
    """What to try next; null for a baseline study."""
    trials: tuple[TrialFacts, ...]
    """Every trial, by number."""
    cost: CostFacts
    """What the trials and the refit took."""

    @classmethod
    def of(cls, info: ReportInfo) -> Self:
        """Return a report's facts."""
        record, search, winner = info.record, info.search, info.record.winner()
        known = None if winner is None else winner.candidate
        return cls(
            format=1,
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
            importances=None if search is None else ImportancesFacts.of(search.importances),
            shared=None if search is None else search.shared,
            optimism=OptimismFacts.of(info.optimism),
            weakest_classes=info.weakest,
            advice=None if search is None else AdviceFacts.of(search.advice),
            trials=tuple(TrialFacts.of(trial, record.recipe.metric) for trial in record.trials),
            cost=info.cost,
        )


def report_json(info: ReportInfo) -> str:
    """Return report.json."""
    return ReportFacts.of(info).model_dump_json(indent=2) + "\n"


def report_schema() -> str:
    """Return report.schema.json, the JSON Schema (2020-12) of report.json."""
    schema = ReportFacts.model_json_schema(mode="serialization")
    return json.dumps(schema, indent=2) + "\n"


def _study(info: ReportInfo) -> StudyFacts:
    record = info.record
    return StudyFacts(
        name=record.name,
        kind="baseline" if record.recipe.sampler == "baseline" else "search",
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
