"""The winner beside the hand-tuned baseline. Pure."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from search import text
from search.metric import Metric, is_better
from search.report.trials import trial_score
from search.text import plural, score, spread
from search.tuning.records import StudyRecord, TrialRecord
from spaces.candidate import Candidate
from spaces.describe import candidate_differences, describe_candidate, tell_candidate


class WinnerInfo(NamedTuple):
    """The best complete trial: its candidate, and its validation figures at E*.

    `words` are one sentence, `prose` is several. `settings` are groups of (name, value) rows;
    `changes` are (setting, baseline's value, winner's value), empty where there is no baseline to
    compare with.
    """

    number: int
    words: str
    prose: str
    candidate_json: str
    settings: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    changes: tuple[tuple[str, str, str], ...]
    n_parameters: int | None
    best_epoch: int
    fold_scores: tuple[float, ...]
    mean: float
    std: float | None
    accuracy: float | None
    loss: float | None
    seconds: float


class BaselineInfo(NamedTuple):
    """The hand-tuned candidate's trial; `mean` is None where it did not complete."""

    number: int
    mean: float | None
    outcome: str


def winner_info(record: StudyRecord) -> WinnerInfo | None:
    """Return the best complete trial, or None where there is none."""
    winner = record.winner()
    mean = None if winner is None else trial_score(winner)
    if winner is None or winner.best_epoch is None or mean is None:
        return None
    accuracy, loss = (_at_best(winner, "accuracy"), _at_best(winner, "loss"))
    candidate = winner.candidate
    return WinnerInfo(
        number=winner.number,
        words="" if candidate is None else describe_candidate(candidate),
        prose="" if candidate is None else tell_candidate(candidate),
        candidate_json="" if candidate is None else candidate.model_dump_json(indent=2),
        settings=() if candidate is None else _settings(candidate),
        changes=_changes(record, winner),
        n_parameters=winner.n_parameters,
        best_epoch=winner.best_epoch,
        fold_scores=winner.fold_scores,
        mean=mean,
        std=winner.std,
        accuracy=accuracy,
        loss=loss,
        seconds=winner.seconds,
    )


def baseline_info(record: StudyRecord) -> BaselineInfo | None:
    """Return what became of the baseline, the plan's first point, or None without one.

    A study of the baseline alone has none to compare with.
    """
    tries = [trial for trial in record.trials if trial.plan == 0]
    if not (record.recipe.protocol.is_search and record.recipe.with_baseline and tries):
        return None
    trial = max(tries, key=lambda t: t.attempt)
    winner = record.winner()
    mean = trial_score(trial) if trial in record.complete() else None
    return BaselineInfo(trial.number, mean, _outcome(record, trial, winner, mean))


def _outcome(
    record: StudyRecord, trial: TrialRecord, winner: TrialRecord | None, mean: float | None
) -> str:
    kind, metric = trial.kind, record.recipe.metric
    if kind == "pruned":
        folds = text.on_folds(trial.history.n_folds(), record.recipe.n_folds)
        return f"pruned after {plural(len(trial.history.epochs), 'epoch')}{folds}"
    best = None if winner is None else trial_score(winner)
    if winner is None or mean is None or best is None:
        return kind
    if winner.number == trial.number:
        return "unbeaten: the winner is the baseline itself"
    if not is_better(best, mean, metric):
        return "level with the winner"
    gap = 100 * (best - mean) if metric == "accuracy" else mean - best
    unit = f"{gap:.2f} points" if metric == "accuracy" else f"{gap:.4f}"
    return f"the winner is {unit} better"


def _at_best(trial: TrialRecord, metric: Metric) -> float | None:
    """Return the mean over folds at E*, from the history where it is stored."""
    if trial.best_epoch is None or len(trial.history.epochs) < trial.best_epoch:
        return None
    return trial.history.mean_curve(metric)[trial.best_epoch - 1]


def _changes(record: StudyRecord, winner: TrialRecord) -> tuple[tuple[str, str, str], ...]:
    if not record.recipe.with_baseline or winner.plan == 0 or winner.candidate is None:
        return ()
    known = (t.candidate for t in record.trials if t.plan == 0 and t.candidate is not None)
    baseline = next(known, None)
    return () if baseline is None else candidate_differences(baseline, winner.candidate)


def _settings(candidate: Candidate) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Return the candidate's fields: one group per part, then the rest as "training"."""
    values = candidate.model_dump(mode="json")
    groups = {name: value for name, value in values.items() if isinstance(value, dict)}
    groups["training"] = {k: v for k, v in values.items() if k not in groups}
    return tuple((name, tuple(_rows(group))) for name, group in groups.items())


def _rows(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        yield name.replace("_", " "), _shown(value)


def _shown(value: object) -> str:
    """Return a value to read, with four digits; the candidate's JSON is exact."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case list():
            return ", ".join(_shown(item) for item in value)
        case _:
            return str(value)


def fold_rows(winner: WinnerInfo, metric: Metric) -> tuple[tuple[str, str], ...]:
    """Return each fold's score at E*, their mean and spread, and E* itself as rows."""
    scores = [score(value, metric) for value in winner.fold_scores]
    best = ("E*, best epoch of the mean", str(winner.best_epoch))
    if len(scores) == 1:
        return (("validation score", scores[0]), best)
    return (
        *((f"fold {fold}", text) for fold, text in enumerate(scores, start=1)),
        ("mean", score(winner.mean, metric)),
        ("standard deviation (of these, n)", spread(winner.std, metric)),
        best,
    )
