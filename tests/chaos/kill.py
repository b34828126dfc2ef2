"""Searches killed at random moments must end as the one that nobody disturbed."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from search.tuning.attempts import INTERRUPTED
from search.tuning.records import StudyRecord
from tests.chaos.effort import trained_again, trained_epochs
from tests.chaos.killing import Blow, Ordeal, draw_blows, endure
from tests.chaos.results import database_damage, results_hash, wrong_plans
from tests.chaos.searches import Search

MOST_ORPHAN_SECONDS = 10.0
MOST_IN_VAIN = 0.15


@final
@dataclass(frozen=True)
class Reference:
    """The undisturbed search: the hash of its results, and how many epochs it trained."""

    results: str
    epochs: int


@final
@dataclass(frozen=True)
class Survival:
    """What one killed search came to.

    `trained` counts epochs that were trained to their end, `again` those of them that had been
    trained before; `failed` counts trials that a worker's death ended, `interrupted` those that a
    coordinator's death did. `problems` says what is not as it should be.
    """

    ordeal: Ordeal
    trained: int
    again: int
    failed: int
    interrupted: int
    problems: tuple[str, ...]

    def in_vain(self) -> float:
        """Return the share of epochs in vain, at most: with all that were cut off, as if whole."""
        return (self.again + self.ordeal.cut_short) / (self.trained + self.ordeal.cut_short)


def undisturbed(search: Search) -> Reference:
    """Run the search to its end; raises RuntimeError where it fails."""
    ordeal = endure(search, [], np.random.default_rng(0))
    if ordeal.status != 0:
        raise RuntimeError(f"the undisturbed search ended with {ordeal.status}: {search.errors()}")
    epochs = trained_epochs(ordeal.epochs, search.record())
    return Reference(results_hash(search), len(epochs))


def survive(
    search: Search, reference: Reference, blows: Sequence[Blow], rng: np.random.Generator
) -> Survival:
    """Run the search under the blows to its end, and judge what came of it."""
    ordeal = endure(search, blows, rng)
    if ordeal.status != 0:
        problem = f"exit status {ordeal.status}: {' / '.join(search.errors())}"
        return Survival(ordeal, 0, 0, 0, 0, (problem,))
    record = search.record()
    epochs = trained_epochs(ordeal.epochs, record)
    reasons = [trial.reason for trial in record.trials if trial.state == "failed"]
    return Survival(
        ordeal=ordeal,
        trained=len(epochs),
        again=trained_again(epochs),
        failed=sum(reason != INTERRUPTED for reason in reasons),
        interrupted=reasons.count(INTERRUPTED),
        problems=tuple(_problems(search, record, ordeal, reference)),
    )


def _problems(
    search: Search, record: StudyRecord, ordeal: Ordeal, reference: Reference
) -> Iterator[str]:
    wrong = wrong_plans(record, search.plans)
    if wrong:
        yield f"plan indices without exactly one ended trial: {wrong}"
    if results_hash(search) != reference.results:
        yield "other results than the undisturbed search"
    if ordeal.orphan_seconds > MOST_ORPHAN_SECONDS:
        yield f"a {ordeal.orphan} outlived its coordinator by {ordeal.orphan_seconds:.1f} s"
    if search.errors():
        yield f"said on standard error: {search.errors()[-1]}"
    damage = database_damage(search.paths.database) if search.storage is None else None
    if damage is not None:
        yield f"the database is damaged: {damage}"


def besiege(searches: Sequence[Search], seed: int) -> Iterator[Survival]:
    """Yield the survival of each search but the first, which nobody disturbs.

    Each is killed two to five times: none, one or two of its workers, otherwise coordinators.
    """
    reference = undisturbed(searches[0])
    for number, search in enumerate(searches[1:]):
        rng = np.random.default_rng((seed, number))
        n_workers = int(rng.integers(3))
        n_coordinators = int(rng.integers(max(1, 2 - n_workers), 4))
        blows = draw_blows(rng, reference.epochs, n_workers, n_coordinators)
        yield survive(search, reference, blows, rng)


def searches_in(folder: Path, runs: int) -> list[Search]:
    """Return an undisturbed search and `runs` others, on one cache of data, in SQLite files."""
    return [Search(folder / f"run-{i}" / "runs", folder / "data") for i in range(runs + 1)]


def run(runs: int, seed: int) -> Iterator[Survival]:
    """Yield the survivals of `runs` searches with SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        yield from besiege(searches_in(Path(folder), runs), seed)
