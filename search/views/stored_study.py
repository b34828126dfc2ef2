"""What `show` tells about a study: settings, progress, trials, result."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import final

from rich.console import RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.syntax import Syntax
from rich.text import Text

from search import text
from search.catalog.listing import StudyState, state_of
from search.catalog.studies import open_stored, stored_repetitions
from search.command_lines import run_command, with_options
from search.objectives import LATENCY, MULTIPLY_ADDS, Cost
from search.paths import RunPaths
from search.progress.words import describe_end, describe_number
from search.report.evidence import Evidence
from search.report.finding import ReportPart, Settings
from search.report.findings.result import Result
from search.report.findings.trials import TrialPart
from search.report.scoring import last_attempts
from search.text import printable
from search.tuning.attempts import INTERRUPTED
from search.tuning.endings import why_no_winner
from search.tuning.locks import study_holder
from search.tuning.plan import disk_use
from search.tuning.records import StudyRecord, TrialRecord
from search.tuning.store import read_study
from search.views.running import describe_result, marked_number, who_won
from search.views.selected_trials import (
    KIND_STYLES,
    Selection,
    describe_selection,
    selection_csv,
)
from spaces.candidate import describe_candidate

_NONE = "-"
_HEADINGS = (
    "rank",
    "trial",
    "index",
    "score",
    "spread",
    "E*/epochs",
    "parameters",
    "multiply-adds",
    "latency",
    "time",
    "folds",
)


def leaderboard(record: StudyRecord, most: int | None, *, narrow: bool) -> Iterator[RenderableType]:
    """Yield the best complete trials as a table, best first.

    Args:
        record: The study.
        most: How many trials; None means all.
        narrow: Whether folds and candidate stand on lines of their own. Otherwise each trial is
            one line, however long, for pipes.
    """
    trials, winner = record.complete()[:most], record.winner()
    if not trials:
        return
    yield from (Text(words) for words in who_won(record))
    rows = [_figures(rank, trial, record) for rank, trial in enumerate(trials, start=1)]
    columns = [column for column in zip(_HEADINGS, *rows, strict=True) if {*column[1:]} != {_NONE}]
    if narrow:
        columns = [column for column in columns if column[0] != "folds"]
    widths = [max(map(len, column)) for column in columns]
    heading, *lines = (
        "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
        for cells in zip(*columns, strict=True)
    )
    yield Text(heading if narrow else f"{heading}  candidate", style="bold")
    for trial, figures, line in zip(trials, rows, lines, strict=True):
        candidate = _candidate_words(trial)
        style = "bold green" if trial is winner else ""
        yield Text(line if narrow else f"{line}  {candidate}", style=style)
        if narrow:
            folds = "" if figures[-1] == _NONE else f"folds {figures[-1]}\n"
            yield Padding(Text(f"{folds}{candidate}", style="dim"), (0, 0, 0, 6))


def _figures(rank: int, trial: TrialRecord, record: StudyRecord) -> tuple[str, ...]:
    """Return a trial's cells in the order of the headings."""
    metric, folds = record.metric, trial.fold_scores
    several = len(folds) > 1
    return (
        str(rank),
        marked_number(trial, record),
        str(trial.plan) if _numbers_differ(record) else _NONE,
        text.score(trial.mean, metric),
        f"+- {text.score(trial.fold_deviation, metric)}" if several else _NONE,
        f"{trial.best_epoch}/{len(trial.history.epochs)}",
        f"{trial.n_parameters:,}" if trial.n_parameters else _NONE,
        *(_cost(trial, cost) for cost in (MULTIPLY_ADDS, LATENCY)),
        text.duration(trial.seconds),
        " ".join(text.score(score, metric) for score in folds) if several else _NONE,
    )


def _cost(trial: TrialRecord, cost: Cost) -> str:
    return cost.write(trial.costs[cost.name]) if cost.name in trial.costs else _NONE


def _candidate_words(trial: TrialRecord) -> str:
    words = "" if trial.candidate is None else describe_candidate(trial.candidate)
    return words if trial.same_as is None else f"As trial {trial.same_as}: {words}"


def _numbers_differ(record: StudyRecord) -> bool:
    """Return whether trial numbers differ from plan indices, as they do after a retry."""
    return any(trial.number != trial.plan for trial in record.trials)


def count_trials(record: StudyRecord) -> str:
    """Return how many trials ended in each way: "16 trials: 1 complete, 15 pruned".

    Attempts at the same index of the plan count as one trial, which ended as the last of them;
    earlier attempts are counted after that.
    """
    last = last_attempts(record)
    kinds = Counter(trial.kind for trial in last)
    earlier = Counter(trial.kind for trial in record.trials) - kinds
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    total = f"{text.plural(len(last), 'trial')}: {counts}" if last else "no trials yet"
    retried = (
        f"{text.plural(count, f'{kind} attempt')} retried"
        for kind, count in sorted(earlier.items())
    )
    return "; ".join((total, *retried))


def describe_outcome(
    trial: TrialRecord, record: StudyRecord, reported: Sequence[float] = ()
) -> str:
    """Return how a trial ended or how far it is.

    Args:
        trial: The trial.
        record: Its study.
        reported: Validation figures by epoch that an unfinished trial has reported.
    """
    if trial.kind not in ("running", "interrupted"):
        return (
            trial.kind
            if trial.state == "waiting"
            else describe_end(trial, record.recipe, record.metric)
        )
    if not reported:
        return trial.kind
    score = text.score(reported[-1], record.metric)
    if trial.kind == "running":
        return f"running: epoch {len(reported)} of {record.recipe.epochs} at {score}"
    return f"interrupted after {text.plural(len(reported), 'epoch')} at {score}"


def draw_unranked(record: StudyRecord) -> Iterator[Text]:
    """Yield a line for each unranked trial: how it ended, or its state."""
    ranked = {trial.number for trial in record.complete()}
    for trial in record.trials:
        if trial.number not in ranked:
            words = f"{describe_number(trial)} {printable(describe_outcome(trial, record))}"
            yield Text(words, style=KIND_STYLES[trial.kind])


_MOST_LEADERS = 10


def read_shown(name: str, runs_dir: Path, storage: str | None) -> tuple[StudyRecord, str | None]:
    """Return a stored study and the process that runs it, None if there is none.

    Trials that a killed run left running count as interrupted. Raises UserError if there is no
    such study.
    """
    study = open_stored(name, runs_dir, storage)
    holder = study_holder(RunPaths(runs_dir, name), storage)
    record = read_study(study)
    if holder is not None:
        return record, printable(holder)
    return replace(record, trials=tuple(_settled(trial) for trial in record.trials)), None


def describe_trials(
    name: str, runs_dir: Path, storage: str | None, selection: Selection, *, as_csv: bool
) -> Iterator[RenderableType]:
    """Yield some trials of a stored study as a table or as CSV.

    Raises UserError if there is no such study or column, or if values cannot be compared.
    """
    record, _ = read_shown(name, runs_dir, storage)
    if as_csv:
        yield selection_csv(record, selection)
    else:
        yield from describe_selection(record, selection)


def describe_study(
    name: str, runs_dir: Path, storage: str | None, *, every: bool, narrow: bool
) -> Iterator[RenderableType]:
    """Yield the result of a stored study, its trials by rank and its recipe.

    `every` also lists unranked trials; `narrow` is for terminals.
    """
    record, holder = read_shown(name, runs_dir, storage)
    nested = stored_repetitions(open_stored(name, runs_dir, storage), record)
    yield from _describe_state(record, holder, nested)
    yield Text(count_trials(record))
    yield from _describe_trials(record, every=every, narrow=narrow)
    yield from (Text(change.line()) for change in record.changes)
    recipe = Syntax(record.recipe.toml().rstrip(), "toml", background_color="default")
    yield Panel.fit(recipe, title=f"recipe of {record.name}")
    yield f"disk:  {text.size(disk_use(RunPaths(runs_dir, name).study_dir))}"


def study_state(record: StudyRecord, holder: str | None) -> StudyState:
    """Return the state of a study.

    A study whose trials all failed, timed out or diverged has ended, without a winner.
    """
    return state_of(
        running=holder is not None,
        ended=record.test is not None or record.has_no_winner(),
        searched=record.winner() is not None and record.n_planned() <= record.n_done(),
    )


_STATES = {"searched": "searched, not tested yet"}
_NEXT = {"interrupted": "to resume:", "searched": "to retrain the winner and test it:"}


def _describe_state(
    record: StudyRecord, holder: str | None, nested: tuple[StudyRecord, ...]
) -> Iterator[RenderableType]:
    state = study_state(record, holder)
    if state == "ended" and record.winner() is None:
        yield Text("status: ended without a winner", style="bold")
        yield Text(printable(with_options(why_no_winner(record))))
        return
    yield Text(f"status: {_STATES.get(state, state)}" + (f" ({holder})" if holder else ""))
    yield from describe_result(record, nested)
    if state in _NEXT:
        yield Text(_NEXT[state])
        yield f"  {run_command(record.recipe, record.recipe.trials)}"
        if (record.recipe.storage or "").startswith("postgresql"):
            yield Text("the database password is not stored: set PGPASSWORD")


def _describe_trials(record: StudyRecord, *, every: bool, narrow: bool) -> Iterator[RenderableType]:
    most = None if every else _MOST_LEADERS
    n_shown = len(record.complete()[:most])
    yield ""
    yield from leaderboard(record, most, narrow=narrow)
    if n_shown and _numbers_differ(record):
        yield Text("trial numbers depend on interruptions, indices in the plan do not", style="dim")
    if every:
        yield from draw_unranked(record)
    elif n_shown < (planned := len({trial.plan for trial in record.trials})):
        shown = f"the best {n_shown} of" if n_shown else "no rank for any of"
        yield Text(f"{shown} {text.plural(planned, 'trial')}; --all lists every trial", style="dim")
    yield ""


def _settled(trial: TrialRecord) -> TrialRecord:
    """Return a trial of a study that no process runs."""
    if trial.state != "running":
        return trial
    return replace(trial, state="failed", reason=INTERRUPTED)


@final
class ShownStudy(ReportPart):
    """A study and its trials; report.json has everything else."""

    study: str
    """The study's name."""
    state: StudyState
    """Whether a process runs it, all is done, only refit and test are left, or trials too."""
    holder: str | None
    """Which process runs it, in words."""
    recipe: Settings
    """Every setting; a database's password is left out."""
    winner: int | None
    """The number of the trial that has won."""
    test: Result | None
    """The one evaluation on the test images."""
    trials: tuple[TrialPart, ...]
    """Every trial: the complete ones by rank, then the others by number."""


def study_json(name: str, runs_dir: Path, storage: str | None) -> str:
    """Return a study as one JSON object; raises UserError if there is none."""
    record, holder = read_shown(name, runs_dir, storage)
    ranked, winner = record.complete(), record.winner()
    others = [trial for trial in record.trials if trial not in ranked]
    shown = ShownStudy(
        study=record.name,
        state=study_state(record, holder),
        holder=holder,
        recipe=record.recipe.model_dump(mode="json"),
        winner=None if winner is None else winner.number,
        test=Result.of(Evidence(record)),
        trials=tuple(TrialPart.of(t, record.metric) for t in (*ranked, *others)),
    )
    return shown.model_dump_json(indent=2)
