"""Runs the golden studies through the command line, in as few processes as possible."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import IO, final

from tests.golden.images import draw_images
from tests.golden.studies import GoldenStudy

HERE = Path(__file__).parent
PATIENCE_SECONDS = 1800.0  # on a machine with much other work
# A refit takes a thread a core, and their number decides the last bits.
_ONE_CORE = {"LOKY_MAX_CPU_COUNT": "1", "OMP_NUM_THREADS": "1"}
_KILL_AFTER_EPOCHS = 3  # of the six of its first trial


@final
@dataclass(frozen=True)
class Ended:
    """What a command left."""

    status: int
    out: str
    err: str

    def events(self) -> list[dict[str, object]]:
        """Return the lines of `--json`; none where it was not asked for."""
        lines = [line for line in self.out.splitlines() if line.startswith("{")]
        return [json.loads(line) for line in lines]


@final
class Batch:
    """A process that runs commands in turn, in a folder."""

    def __init__(self, folder: Path, commands: Mapping[str, Sequence[str]]) -> None:
        asked, self._results = folder / "commands.json", folder / "results.json"
        asked.write_text(json.dumps(commands), encoding="utf-8")
        script = [sys.executable, "-P", str(HERE / "several.py")]
        self._process = _start(folder, [*script, asked.name, self._results.name], None)

    def wait(self) -> dict[str, Ended]:
        """Return what each command left, once all have ended."""
        try:
            status = self._process.wait(PATIENCE_SECONDS)
        finally:
            self._process.kill()
        assert status == 0, "the commands were not run: see the error above"
        done = json.loads(self._results.read_text(encoding="utf-8"))
        return {name: Ended(**one) for name, one in done.items()}


def study_commands(studies: Iterable[GoldenStudy]) -> dict[str, list[str]]:
    """Return the commands of a batch."""
    return {study.name: study.arguments() for study in studies}


def lay_out(folder: Path) -> None:
    """Make the folder that commands run in: images, and the user's file of spaces."""
    folder.mkdir(parents=True)
    draw_images(folder / "images")
    copyfile(HERE / "space.py", folder / "space.py")


def run_killed(folder: Path, study: GoldenStudy) -> int:
    """Run the study, kill it with SIGKILL in its middle; return its exit status."""
    process = _start(folder, _search(study.arguments("--json")), subprocess.PIPE)
    told = 0
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            told += json.loads(line)["event"] == "epoch"
            if told == _KILL_AFTER_EPOCHS:
                process.kill()
                break
    return process.returncode


def resume(folder: Path, study: GoldenStudy) -> int:
    """Run the same command again to its end; return its exit status."""
    process = _start(folder, _search(study.arguments("--quiet")), subprocess.DEVNULL)
    try:
        return process.wait(PATIENCE_SECONDS)
    finally:
        process.kill()


def _search(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "search", *arguments]


def _start(folder: Path, command: Sequence[str], out: int | IO[str] | None) -> "Running":
    """Start a process of plain output that takes this machine for one of a single core."""
    plain = {**_ONE_CORE, "NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
    left_out = ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE")
    known = {name: value for name, value in os.environ.items() if name not in left_out}
    return subprocess.Popen(command, cwd=folder, env=known | plain, stdout=out, text=True)


Running = subprocess.Popen[str]
