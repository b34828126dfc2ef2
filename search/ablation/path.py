"""The path from one candidate to another, one change at a time.

Each step is the change that improves the score most, or harms it least, as in the ablation analysis
of Fawcett and Hoos ("Analysing differences between algorithm configurations through ablation",
Journal of Heuristics 22, 2016). So n changes need up to n (n + 1) / 2 - 1 trainings.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias, final

from pydantic import TypeAdapter, ValidationError

from search.ablation.changes import Change, changed, changes_between
from search.errors import MachineError
from search.files import write_file
from search.metric import Metric
from search.text import aligned
from spaces.candidate import Candidate
from spaces.families import Families

TrainAll: TypeAlias = Callable[[Sequence[Candidate]], Sequence[float | None]]
"""Trains candidates, and returns their scores in the same order; None for one that has none."""


@final
@dataclass(frozen=True)
class Step:
    """One change of the path.

    Attributes:
        change: What changes.
        score: The score after it; None where the training diverged.
        alone: The score if it is the only change to the first candidate; None where that was not
            trained, or these settings do not go together.
    """

    change: Change
    score: float | None
    alone: float | None = None


@final
@dataclass(frozen=True)
class AblationPath:
    """The path, from the first candidate's score.

    Attributes:
        start: Score of the first candidate; None where its training diverged.
        steps: The changes in the order of the path; the last one leads to the other candidate.
        trained: How many candidates were trained.
    """

    start: float | None
    steps: tuple[Step, ...]
    trained: int

    def gains(self) -> Iterator[tuple[Step, float | None]]:
        """Yield each step with the change of the score that it brings; None where it is unknown."""
        before = self.start
        for step in self.steps:
            yield step, _difference(step.score, before)
            before = step.score


@final
@dataclass(frozen=True)
class Ablation:
    """The path to a winner, as it is stored.

    Attributes:
        winner: The winner's trial.
        start: Where the path begins: "the hand-tuned network" or a trial.
        path: The path.
    """

    winner: int
    start: str
    path: AblationPath

    def __repr__(self) -> str:
        """Return the path for a terminal or a notebook, a line for each change."""
        begin = _written(self.path.start)
        rows = [
            (f"{s.change.name}:", f"{s.change.before} -> {s.change.after}", _written(s.score))
            for s in self.path.steps
        ]
        return "\n".join((f"from {self.start} ({begin}) to trial {self.winner}", *aligned(rows)))

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Return what was stored, None if nothing was.

        Raises:
            MachineError: The file is damaged.
        """
        if not path.exists():
            return None
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except ValidationError as error:
            raise MachineError(
                f"{path} is damaged; remove it and run the ablation again"
            ) from error

    def store(self, path: Path) -> None:
        """Write it; raises OSError."""
        write_file(path, TypeAdapter(type(self)).dump_json(self, indent=1))


def _written(score: float | None) -> str:
    return "diverged" if score is None else f"{score:.4f}"


def _difference(score: float | None, other: float | None) -> float | None:
    return None if score is None or other is None else score - other


def most_trainings(n_changes: int) -> int:
    """Return how many candidates a path of so many changes trains at most, the ends included."""
    return 1 if n_changes == 0 else n_changes * (n_changes + 1) // 2 + 1


def find_path(
    start: Candidate, end: Candidate, train_all: TrainAll, metric: Metric, families: Families = ()
) -> AblationPath:
    """Return the path between two candidates.

    Where no remaining change goes together with those made, the rest is one change.

    Raises: whatever `train_all` raises.
    """
    left = list(changes_between(start, end, families))
    first, *_ = train_all([start])
    made: list[Change] = []
    steps: list[Step] = []
    alone: dict[str, float | None] = {}
    trained = 1
    while left:
        options = [(one, changed(start, end, [*made, one], families)) for one in left]
        possible = [(one, candidate) for one, candidate in options if candidate is not None]
        if not possible:
            left = [_together(left)]
            continue
        scores = train_all([candidate for _, candidate in possible])
        trained += len(possible)
        found = dict(zip((one.name for one, _ in possible), scores, strict=True))
        alone = alone or found
        change = _best([one for one, _ in possible], found, metric)
        made.append(change)
        left.remove(change)
        steps.append(Step(change, found[change.name], alone.get(change.name)))
    return AblationPath(first, tuple(steps), trained)


def _best(changes: Sequence[Change], scores: dict[str, float | None], metric: Metric) -> Change:
    """Return the change with the best score, the first among equals; those without one are last."""
    known = {one.name: score for one in changes if (score := scores[one.name]) is not None}
    if not known:
        return changes[0]
    best = metric.best(known.values())
    return next(one for one in changes if known.get(one.name) == best)


def _together(changes: Sequence[Change]) -> Change:
    return Change(
        name=", ".join(one.name for one in changes),
        fields=tuple(path for one in changes for path in one.fields),
        before="; ".join(one.before for one in changes),
        after="; ".join(one.after for one in changes),
    )
