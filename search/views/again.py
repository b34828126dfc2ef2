"""The commands that train a trial again."""

from collections.abc import Iterator
from pathlib import Path

from search.command_lines import command_line, place_options
from search.evaluation.recipe import export_name
from search.tuning.records import StudyRecord, TrialRecord


def again_commands(
    record: StudyRecord, trial: TrialRecord, runs_dir: Path, storage: str | None
) -> Iterator[str]:
    """Yield the commands, each whole: by this program, and by a script of its own."""
    name, places = export_name(record, trial), place_options(runs_dir, storage)
    export = ["export", record.name, "--trial", str(trial.number), *places]
    yield _line(*export, "--recipe", "--output", f"{name}.toml")
    yield _line("run", f"{name}.toml")
    yield "or, with torch alone:"
    yield _line(*export, "--python", "--output", f"train-{name}.py")


def _line(*arguments: str) -> str:
    return f"  {command_line(*arguments)}"
