"""The same search wherever its trials run: in one process, in several, on a cluster's workers."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from tests.chaos.local_cluster import Place, running_cluster
from tests.chaos.results import results_hash
from tests.chaos.searches import Search

_WORKERS = (1, 2, 4)
_PATIENCE_SECONDS = 600.0


@final
@dataclass(frozen=True)
class Sameness:
    """What a search came to.

    Attributes:
        place: Where its trials ran.
        results: The hash of its trials, winner, refit, test result and weights.
        same: Whether it is that of the search in processes of this machine.
    """

    place: str
    results: str
    same: bool


def run() -> Iterator[Sameness]:
    """Yield what the same search comes to in each place."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        expected = _results(folder, "processes", ())
        yield Sameness("processes", expected, same=True)
        inline = _results(folder, "inline", ("--executor", "inline"))
        yield Sameness("inline", inline, inline == expected)
        for workers in _WORKERS:
            place = f"Dask, workers {workers}"
            with running_cluster(folder / place / "cluster", Place(), workers) as cluster:
                found = _results(folder, place, cluster.options)
            yield Sameness(place, found, found == expected)


def _results(folder: Path, name: str, options: tuple[str, ...]) -> str:
    search = Search(folder / name / "runs", folder / "data", place=options)
    running = search.start()
    if status := running.wait(_PATIENCE_SECONDS):
        raise RuntimeError(f"{name}: exit status {status}: {' / '.join(search.errors())}")
    return results_hash(search)
