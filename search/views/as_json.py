"""What `show --json` prints, in the names of report.json. Pure, but for reading the study."""

from pathlib import Path
from typing import Any, Literal, final

from search.catalog.studies import find_trial
from search.report.evidence import Evidence
from search.report.finding import Number, ReportPart, Settings
from search.report.findings.result import Result
from search.report.findings.trials import TrialPart
from search.tuning.records import StudyRecord, TrialRecord
from search.views.study import read_shown, study_state
from search.views.trial import trial_rank


@final
class ShownTrial(ReportPart):
    """One trial with its curve."""

    trial: TrialPart
    """What report.json says of it."""
    rank: int | None
    """Its place among the trials that can win, from 1; null where it cannot."""
    curve: tuple[Number, ...]
    """The mean over folds of the validation figure, one value an epoch."""
    fold_curves: tuple[tuple[Number, ...], ...]
    """The same of each fold."""


@final
class ShownStudy(ReportPart):
    """A study and its trials; everything else that is known stands in its report.json."""

    study: str
    """The study's name."""
    state: Literal["running", "ended", "interrupted"]
    """Whether a run goes on with it, it has its test result, or neither."""
    holder: str | None
    """Which process runs it, in words."""
    recipe: Settings
    """Every setting; a database's password is left out."""
    winner: int | None
    """The number of the best complete trial."""
    test: Result | None
    """The one evaluation on the test images."""
    trials: tuple[TrialPart, ...]
    """Every trial: the complete ones by rank, then the others by number."""


def study_json(name: str, runs_dir: Path, storage: str | None) -> str:
    """Return a study as one JSON object; raises UserError where there is none."""
    record, holder = read_shown(name, runs_dir, storage)
    ranked = record.complete()
    others = [trial for trial in record.trials if trial not in ranked]
    shown = ShownStudy(
        study=record.name,
        state=study_state(record, holder),
        holder=holder,
        recipe=record.recipe.model_dump(mode="json"),
        winner=ranked[0].number if ranked else None,
        test=Result.of(Evidence(record)),
        trials=tuple(TrialPart.of(t, record.recipe.metric) for t in (*ranked, *others)),
    )
    return shown.model_dump_json(indent=2)


def trial_json(name: str, runs_dir: Path, storage: str | None, number: int) -> str:
    """Return a trial as one JSON object; raises UserError where there is none."""
    record, _ = read_shown(name, runs_dir, storage)
    trial = find_trial(record, number)
    return ShownTrial(**_curves(record, trial)).model_dump_json(indent=2)


def _curves(record: StudyRecord, trial: TrialRecord) -> dict[str, Any]:
    metric = record.recipe.metric
    return {
        "trial": TrialPart.of(trial, metric),
        "rank": trial_rank(record, trial),
        "curve": trial.history.mean_curve(metric),
        "fold_curves": trial.history.fold_curves(metric),
    }
