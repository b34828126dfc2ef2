"""The list of studies in a storage; needs Optuna but not torch."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any, Literal, NamedTuple, Self, TypeAlias

from optuna.trial import FrozenTrial, TrialState
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from search import text
from search.metric import ACCURACY, Metric
from search.paths import RunPaths
from search.text import printable
from search.tuning.attempts import attempt_of, done_indices
from search.tuning.locks import study_holder
from search.tuning.samplers import get_sampler
from search.tuning.storage import open_storage, stored_url
from search.user_metric import stored_metric

StudyState: TypeAlias = Literal["running", "ended", "searched", "interrupted"]
"""Whether a process runs it, all is done, only refit and test are left, or trials too."""
_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


class ListedStudy(NamedTuple):
    """A study in brief; of another program's study, only its name and its ended trials."""

    study: str
    done: int
    """How many indices of the plan need no further trial."""
    asked: int | None = None
    """How many are requested; None without a limit."""
    space: str | None = None
    sampler: str | None = None
    validation: str | None = None
    """holdout or kfold."""
    folds: int | None = None
    """How many, with kfold."""
    holdout_fraction: float | None = None
    """The validation split's share, with holdout."""
    dataset: str | None = None
    metric: Metric | None = None
    """What trials are scored by."""
    best: float | None = None
    """The best validation score of a trial that can win: a fraction, or a loss."""
    test: float | None = None
    """The test accuracy, a fraction; of a baseline the mean over its trainings."""
    without_winner: bool = False
    """Whether everything is done and no trial can win."""
    damaged: bool = False
    """Whether its attributes cannot be read."""
    started: str | None = None
    """When its first trial started, ISO 8601, in the time zone of who asks, with its offset."""
    seconds: float | None = None
    """Seconds during which any trial ran, without pauses."""
    state: StudyState | None = None
    """What was done last, or that a process runs it."""
    repeats: str | None = None
    """The study whose search it repeats (`nested`)."""

    def __repr__(self) -> str:
        """Return one line: its name and what `list` shows of it."""
        facts = zip(_HEADINGS, _cells(self), strict=True)
        words = ", ".join(f"{heading} {fact}" for heading, fact in facts if fact not in ("", "-"))
        return f"<{type(self).__name__} {self.study!r}: {words}>"

    @classmethod
    def of(
        cls,
        name: str,
        attrs: Mapping[str, Any],
        trials: list[FrozenTrial],
        *,
        running: bool = False,
    ) -> Self:
        """Return a study in brief, read from its attributes and trials."""
        ended = sum(trial.state in _ENDED for trial in trials)
        if "recipe" not in attrs:
            return cls(name, ended)
        try:
            return cls._own(name, attrs, trials, running=running)
        except (KeyError, TypeError, AttributeError, ValueError):
            return cls(name, ended, damaged=True)

    @classmethod
    def _own(
        cls, name: str, attrs: Mapping[str, Any], trials: list[FrozenTrial], *, running: bool
    ) -> Self:
        recipe, test = attrs["recipe"], attrs.get("test")
        done, asked = _count_done(recipe, trials), recipe["trials"]
        metric = stored_metric(recipe["metric"], attrs.get("metric"))
        best = _listed_best(trials, metric)
        current = test if _is_winners(attrs, trials, best) else None
        tested = [one["accuracy"] for one in attrs.get("repeats") or [current] if one]
        kfold = recipe["validation"] == "kfold"
        without_winner = best is None and 0 < (asked or len(trials)) <= done
        spans = _spans(trials)
        return cls(
            study=name,
            done=done,
            asked=asked,
            space=recipe["space"],
            sampler=recipe["sampler"],
            validation=recipe["validation"],
            folds=recipe["folds"] if kfold else None,
            holdout_fraction=None if kfold else recipe["holdout_fraction"],
            dataset=attrs["dataset"]["name"],
            metric=metric,
            best=best,
            test=fmean(tested) if tested else None,
            without_winner=without_winner,
            started=spans[0][0].astimezone().isoformat() if spans else None,
            seconds=_busy_seconds(spans),
            state=state_of(
                running=running,
                ended=bool(tested) or without_winner,
                searched=best is not None and asked is not None and asked <= done,
            ),
            repeats=attrs.get("repeats_study"),
        )


def state_of(*, running: bool, ended: bool, searched: bool) -> StudyState:
    """Return a study's state, of which the first that holds counts."""
    if running:
        return "running"
    if ended:
        return "ended"
    return "searched" if searched else "interrupted"


def listed_studies(runs_dir: Path, storage: str | None) -> list[ListedStudy]:
    """Return every study by its name; raises UserError if there is no database."""
    backend = open_storage(stored_url(runs_dir, storage))
    # In a damaged database a name may be missing. Trials are read once: Optuna's summary and its
    # count of trials would load every curve twice.
    return [
        ListedStudy.of(
            str(study.study_name),
            study.user_attrs,
            backend.get_all_trials(study._study_id, deepcopy=False),
            running="recipe" in study.user_attrs
            and study_holder(RunPaths(runs_dir, str(study.study_name)), storage) is not None,
        )
        for study in sorted(backend.get_all_studies(), key=lambda one: str(one.study_name))
    ]


def _spans(trials: Sequence[FrozenTrial]) -> list[tuple[datetime, datetime]]:
    """When trials ran, in order of their start; of a trial that has not ended, only when."""
    starts = ((one.datetime_start, one.datetime_complete) for one in trials)
    return sorted((start, end or start) for start, end in starts if start is not None)


def _busy_seconds(spans: Sequence[tuple[datetime, datetime]]) -> float | None:
    """The time during which any trial ran; None if none has started."""
    if not spans:
        return None
    total, until = 0.0, spans[0][0]
    for start, end in spans:
        total += max((end - max(start, until)).total_seconds(), 0.0)
        until = max(until, end)
    return total


def _count_done(recipe: Mapping[str, Any], trials: list[FrozenTrial]) -> int:
    """Return how many indices need no further trial; older recipes have no time limit."""
    attempts = ((one.user_attrs.get("plan", one.number), attempt_of(one)) for one in trials)
    n_fixed = get_sampler(recipe["sampler"]).n_fixed(with_baseline=recipe["with_baseline"])
    return len(done_indices(attempts, recipe.get("trial_timeout"), n_fixed))


def _listed_best(trials: list[FrozenTrial], metric: Metric) -> float | None:
    """Return the best score: a pruned trial's value is its last report, a diverged one's chance."""
    values = [one.values[0] for one in trials if _can_win(one) and one.values]
    return metric.best(values) if values else None


def _is_winners(attrs: Mapping[str, Any], trials: list[FrozenTrial], best: float | None) -> bool:
    """Return whether the refit and its test are of the best trial, as far as scores tell."""
    refit = attrs.get("refit")
    if not refit or attrs.get("finalists") or attrs["recipe"].get("objective"):
        return True
    values = {one.number: one.values[0] for one in trials if _can_win(one) and one.values}
    return values.get(refit["trial"]) == best


def _can_win(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.COMPLETE and not trial.user_attrs.get("diverged")


_HEADINGS = (
    "space", "sampler", "validation", "dataset", "trials", "best validation", "test", "state",
    "started", "time",
)  # fmt: skip
_STYLES: Mapping[StudyState | None, str] = {
    "running": "cyan",
    "ended": "",
    "searched": "",
    "interrupted": "yellow",
}
_NUMBERS = ("trials", "best validation", "test", "time")  # right-aligned
_UNBROKEN = 10_000  # columns of a console on which no row wraps
_INDENT = (0, 0, 0, 4)


def studies_json(studies: Sequence[ListedStudy]) -> str:
    """Return a JSON array with one object per study, with the fields of `ListedStudy`."""
    named = (
        study._asdict() | {"metric": None if study.metric is None else study.metric.name}
        for study in studies
    )
    return json.dumps(list(named), indent=2)


def studies_table(studies: Sequence[ListedStudy]) -> Table:
    """Return one row per study: what it searches, how far it is, what it found."""
    table = Table(title="studies" if studies else "no studies yet")
    table.add_column("study", no_wrap=True, overflow="fold")  # whole, to be copied
    for heading in _HEADINGS:
        justify: Literal["left", "right"] = "right" if heading in _NUMBERS else "left"
        table.add_column(heading, justify=justify, overflow="fold")
    for study in studies:
        table.add_row(printable(study.study), *_cells(study), style=_style(study))
    return table


def without_repetitions(studies: Sequence[ListedStudy]) -> list[ListedStudy]:
    """Return the studies but for those that repeat the search of another of them."""
    names = {one.study for one in studies}
    return [one for one in studies if one.repeats not in names]


def draw_studies(table: Table, console: Console) -> Iterator[RenderableType]:
    """Yield the table, or two lines per study if the rows are wider than the console."""
    whole = console.options.update_width(_UNBROKEN)
    if console.measure(table, options=whole).maximum <= console.width:
        yield table
        return
    columns = (column.cells for column in table.columns)
    for row, (name, *facts) in zip(table.rows, zip(*columns, strict=True), strict=True):
        yield Text(str(name), style=f"bold {row.style}")
        named = zip(_HEADINGS, map(str, facts), strict=True)
        yield Padding(
            Text(", ".join(f"{heading} {fact}" for heading, fact in named if fact)), _INDENT
        )


def _style(study: ListedStudy) -> str:
    """Return how a terminal shows a study, as it shows trials."""
    if study.damaged or study.without_winner:
        return "red"
    return _STYLES.get(study.state, "dim")  # another program's have no state


def _cells(study: ListedStudy) -> tuple[str, ...]:
    if study.space is None:  # nothing more is known
        what = "damaged" if study.damaged else "not made by this program"
        return what, "", "", "", str(study.done), "", "", "", "", ""
    fraction, folds = study.holdout_fraction or 0.0, study.folds or 0
    return (
        study.space,
        study.sampler or "",
        text.validation_text(study.validation or "", fraction, folds),
        study.dataset or "",
        _progress(study.done, study.asked),
        _listing_best(study),
        text.score(study.test, ACCURACY),
        study.state or "",
        "" if study.started is None else study.started.partition("T")[0],
        "" if study.seconds is None else text.duration(study.seconds),
    )


def _listing_best(study: ListedStudy) -> str:
    if study.without_winner:
        return "no winner"
    metric = study.metric or ACCURACY
    score = text.score(study.best, metric)
    return score if metric is ACCURACY else f"{score} {metric}"


def _progress(ended: int, asked: int | None) -> str:
    """Return how many trials ended of those requested; more may have ended than are requested."""
    if asked is None:
        return str(ended)
    return f"{ended} of {asked}" if ended <= asked else f"{ended} ({asked} requested)"
