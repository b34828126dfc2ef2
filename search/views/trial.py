"""What `show --trial` says of one trial."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import fill, indent

from rich.console import RenderableType
from rich.text import Text

from search.catalog.study import find_trial, open_stored
from search.evaluation.code import constructor
from search.formatting import format_score, format_seconds, printable
from search.tuning.records import StudyRecord, TrialRecord
from search.views.again import again_commands
from search.views.outcome import describe_outcome
from search.views.study import read_shown
from search.views.terminal_plot import draw_curve
from spaces.candidate import Candidate
from spaces.describe import describe_candidate

_PIPE_COLUMNS = 80
_MOST_COLUMNS = 100  # a wider curve shows no more


def describe_trial(
    name: str, runs_dir: Path, storage: str | None, number: int, *, width: int | None, braille: bool
) -> Iterator[RenderableType]:
    """Yield everything about one trial; `width` is that of the terminal, None for a pipe.

    Raises UserError where there is no such study or trial.
    """
    record, _ = read_shown(name, runs_dir, storage)
    trial = find_trial(record, number)
    stored = trial.history.mean_curve(record.recipe.metric)
    curve = stored or _reported(name, runs_dir, storage, number)
    yield Text(f"trial {number} of study {name}: {_ending(record, trial, curve)}", style="bold")
    if trial.candidate is not None:
        yield Text(describe_candidate(trial.candidate))
    yield ""
    yield from _describe_facts(record, trial, width)
    heading = _heading(record, trial)
    yield from _describe_curve(
        curve, heading, record.recipe.metric, width or _PIPE_COLUMNS, braille=braille
    )
    if trial.candidate is None:
        return
    yield from _describe_candidate(trial.candidate)
    yield Text("\nto run it again:", style="bold")
    yield from again_commands(record, trial, runs_dir, storage)


def trial_rank(record: StudyRecord, trial: TrialRecord) -> int | None:
    """Return the trial's place among those that can win, from 1; None where it cannot."""
    numbers = [one.number for one in record.complete()]
    return numbers.index(trial.number) + 1 if trial.number in numbers else None


def _reported(name: str, runs_dir: Path, storage: str | None, number: int) -> list[float]:
    """Return the validation figure of each epoch that a trial reported as it trained."""
    trial = open_stored(name, runs_dir, storage).get_trials(deepcopy=False)[number]
    return [value for _, value in sorted(trial.intermediate_values.items())]


def _ending(record: StudyRecord, trial: TrialRecord, curve: Sequence[float]) -> str:
    rank = trial_rank(record, trial)
    place = "" if rank is None else f", rank {rank} of {len(record.complete())}"
    return printable(describe_outcome(trial, record, curve)) + place


def _describe_facts(
    record: StudyRecord, trial: TrialRecord, width: int | None
) -> Iterator[RenderableType]:
    rows = list(_facts(record, trial))
    margin = max(len(name) for name, _ in rows) + 2
    for name, value in rows:
        line = f"{name:<{margin}}{printable(value)}"
        yield Text(line if width is None else fill(line, width, subsequent_indent=" " * margin))


def _facts(record: StudyRecord, trial: TrialRecord) -> Iterator[tuple[str, str]]:
    again = f", attempt {trial.attempt + 1}" if trial.attempt else ""
    yield "plan", f"point {trial.plan}{again}"
    if trial.same_as is not None:
        yield "same as", f"trial {trial.same_as}, whose result it has"
    if len(trial.fold_scores) > 1:
        scores = (format_score(score, record.recipe.metric) for score in trial.fold_scores)
        yield f"score of {len(trial.fold_scores)} folds", " ".join(scores)
    if trial.n_parameters:
        yield "parameters", f"{trial.n_parameters:,}"
    earlier = ", with what earlier attempts left in its checkpoints" if trial.attempt else ""
    if trial.seconds or trial.state in ("complete", "pruned"):
        yield "trained", format_seconds(trial.seconds) + earlier
    if trial.started is not None:
        ended = "" if trial.finished is None else f" to {trial.finished:%Y-%m-%d %H:%M:%S}"
        yield "from", f"{trial.started:%Y-%m-%d %H:%M:%S}{ended}"
    if trial.params:
        yield "sampled", ", ".join(f"{n} {_shown(value)}" for n, value in trial.params.items())


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _heading(record: StudyRecord, trial: TrialRecord) -> str:
    folds = trial.history.n_folds()
    mean = f", mean of {folds} folds" if folds > 1 else ""
    best = "" if trial.best_epoch is None else f"; best after epoch {trial.best_epoch}"
    so_far = "" if trial.history.epochs else ", as reported so far"
    return f"validation {record.recipe.metric}{mean}{best}{so_far}"


def _describe_curve(
    curve: Sequence[float], heading: str, metric: str, width: int, *, braille: bool
) -> Iterator[RenderableType]:
    lines = draw_curve(
        curve, min(width, _MOST_COLUMNS), lambda value: format_score(value, metric), braille=braille
    )
    if lines:
        yield Text(f"\n{heading}", style="bold")
        yield from (Text(line, no_wrap=True) for line in lines)


def _describe_candidate(candidate: Candidate) -> Iterator[RenderableType]:
    yield Text("\ncandidate", style="bold")
    yield Text(indent(constructor(candidate), "  "))
