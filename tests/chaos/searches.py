"""The search that is disturbed, as its user starts it: the same command until it is done."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import final

from search.paths import RunPaths
from search.tuning.records import StudyRecord
from search.tuning.storage import open_storage, storage_url
from search.tuning.store import find_study, read_study

WORKERS = 4
_SPACE = f"{Path(__file__).with_name('space.py')}:SMALL"
_NAME = "chaos"

Running = subprocess.Popen[bytes]


@final
@dataclass(frozen=True)
class Search:
    """A random search on digits by holdout, with four workers of one thread.

    What it says goes to files in `said`, by default beside `runs_dir`. `storage` is a URL, None
    for the SQLite file in `runs_dir`; `place` are options that say where it trains.
    """

    runs_dir: Path
    data_dir: Path
    plans: int = 24
    epochs: int = 5
    storage: str | None = None
    said: Path | None = None
    place: tuple[str, ...] = ()

    @property
    def paths(self) -> RunPaths:
        """Return where the study keeps its files."""
        return RunPaths(self.runs_dir, _NAME)

    def start(self) -> Running:
        """Start it, or go on with it, in a process of its own; each start forgets what was said."""
        self._said("out").parent.mkdir(parents=True, exist_ok=True)
        with self._said("out").open("wb") as out, self._said("err").open("wb") as err:
            return subprocess.Popen(self._command(), stdout=out, stderr=err)

    def errors(self) -> list[str]:
        """Return the lines on standard error since the last start."""
        return self._said("err").read_text(encoding="utf-8").splitlines()

    def n_ended(self) -> int:
        """Return how many trials have ended since the last start, as it says."""
        said = self._said("out").read_text(encoding="utf-8").splitlines()
        return sum(line.startswith("trial ") for line in said)

    def record(self) -> StudyRecord:
        """Return the study as stored; raises LookupError where there is none."""
        storage = open_storage(storage_url(self.storage, self.paths.database))
        try:
            study = find_study(storage, _NAME)
            if study is None:
                raise LookupError(f"there is no study in {self.runs_dir}")
            return read_study(study)
        finally:
            storage.engine.dispose()  # a server's connections are not left to the collector

    def _said(self, stream: str) -> Path:
        return (self.said or self.runs_dir.parent) / f"{_NAME}.{stream}"

    def _command(self) -> list[str]:
        settings: dict[str, object] = {
            "space": _SPACE,
            "dataset": "digits",
            "trials": self.plans,
            "epochs": self.epochs,
            "workers": WORKERS,
            "threads": 1,
            "device": "cpu",
            "precision": "fp32",
            "study-name": _NAME,
            "runs-dir": self.runs_dir,
            "data-dir": self.data_dir,
        }
        if self.storage is not None:
            settings["storage"] = self.storage
        options = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
        return [sys.executable, "-m", "search", "run", *options, *self.place, "--no-baseline"]
