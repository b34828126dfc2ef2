"""How long a user waits for the report of many trials, and how large its page is."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from search.paths import RunPaths
from tests.benchmarks.checks import Bound, Check, show_checks
from tests.benchmarks.commands import command
from tests.benchmarks.machine import machine_facts
from tests.report.report_fakes import realistic
from tests.views import showing_fakes

_REPORT_SECONDS = {1_000: 10.0, 10_000: 60.0}
_PAGE_MEGABYTES = {1_000: 2.0}


def run(results_dir: Path, *, trials: Sequence[int], epochs: int = 30) -> None:
    """Time real commands on made-up studies of so many trials."""
    checks: list[Check] = []
    for n_trials in trials:
        with TemporaryDirectory() as name:
            fake = realistic(n_trials, epochs=epochs)
            showing_fakes.store(fake.record, Path(name), fake.study)
            checks += _checks(n_trials, RunPaths(Path(name), fake.record.name))
    facts = machine_facts() | {"epochs": epochs}
    show_checks("reports", "Reports of many trials", checks, facts, results_dir)


def _checks(n_trials: int, paths: RunPaths) -> Iterator[Check]:
    words = f"{n_trials:,} trials"
    report = ("report", paths.study_name)
    # A search has published its trials as they ended; here, nothing is published yet.
    yield _check(f"first report, {words}", "s", _seconds(paths, *report))
    seconds = _seconds(paths, *report)
    yield _check(f"report, {words}", "s", seconds, _REPORT_SECONDS.get(n_trials))
    size = paths.report_page.stat().st_size / 1e6
    yield _check(f"page, {words}", "MB", size, _PAGE_MEGABYTES.get(n_trials))
    yield _check(f"show, {words}", "s", _seconds(paths, "show", paths.study_name))
    yield _check(f"list, {words}", "s", _seconds(paths, "list"))


def _seconds(paths: RunPaths, *arguments: str) -> float:
    """Return the wall time of a whole command."""
    begin = time.perf_counter()
    whole = command(*arguments, "--runs-dir", str(paths.runs_dir))
    subprocess.run(whole, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def _check(name: str, unit: str, measured: float, most: float | None = None) -> Check:
    return Check(name, unit, (measured,), None if most is None else Bound("<=", most))
