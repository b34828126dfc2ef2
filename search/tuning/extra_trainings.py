"""Trainings on a study's folds beyond the search's trials: other candidates, or other seeds."""

import json
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from search.errors import MachineError
from search.events import Listener, StepProgress
from search.executors.base import Executor
from search.executors.training_jobs import TrialJob
from search.files import remove_folder
from search.stopping import StopRequest
from search.training.history import History
from search.tuning.opening import OpenStudy
from search.tuning.pruners import NoPruner
from search.tuning.running_trials import FoldGroup, make_trial_job
from search.user_metric import get_metric
from spaces.candidate import Candidate

_POLL_SECONDS = 0.1


@final
class StoppedEarly(Exception):  # noqa: N818 - a request, no error
    """Trainings were stopped on request; what was finished is stored."""


@final
@dataclass(frozen=True)
class ExtraTraining:
    """One training: a candidate, and what its random numbers follow from.

    Attributes:
        candidate: As JSON.
        index: An index of the study's plan.
        seed: In place of the study's seed; with that one and the index of a trial, the training is
            that trial's.
    """

    candidate: str
    index: int
    seed: int

    @classmethod
    def of(cls, candidate: Candidate, index: int, seed: int) -> "ExtraTraining":
        """Return the training of a candidate."""
        return cls(candidate.model_dump_json(), index, seed)


@final
@dataclass(frozen=True)
class _Running:
    """A training in its slot: all folds of its job in one group."""

    training: ExtraTraining
    job: TrialJob
    group: FoldGroup


@final
class StoredScores:
    """Scores of trainings, kept in a file, one JSON object per line; None: it diverged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._scores: dict[ExtraTraining, float | None] = {}
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        self._cut_off = bool(text) and not text.endswith("\n")
        for line in text.splitlines():
            with suppress(json.JSONDecodeError):  # a line that was cut off by a kill
                stored = json.loads(line)
                score = stored.pop("score")
                self._scores[ExtraTraining(**stored)] = score

    def __contains__(self, training: ExtraTraining) -> bool:
        return training in self._scores

    def __getitem__(self, training: ExtraTraining) -> float | None:
        return self._scores[training]

    def add(self, training: ExtraTraining, score: float | None) -> None:
        """Store a score; raises OSError."""
        self.know(training, score)
        line = {**vars(training), "score": score}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(("\n" if self._cut_off else "") + json.dumps(line) + "\n")
        self._cut_off = False

    def know(self, training: ExtraTraining, score: float | None) -> None:
        """Take a score that is stored elsewhere."""
        self._scores[training] = score


@final
class ExtraTrainings:
    """Trains what is not trained yet, on all folds of the study, several at once.

    Args:
        opened: The study.
        executor: Where it trains.
        listener: Receives how many trainings are done.
        stop: Ends the trainings early.
        step: What they are for, as a display calls it.
        most: How many there will be at most.
        scores: Where scores are stored.
    """

    def __init__(
        self,
        opened: OpenStudy,
        executor: Executor,
        listener: Listener,
        stop: StopRequest,
        *,
        step: str,
        most: int,
        scores: StoredScores,
    ) -> None:
        self._opened, self._executor = opened, executor
        self._listener, self._stop = listener, stop
        self._step, self._most, self._scores = step, most, scores
        self._done = 0

    def scores(self, trainings: Sequence[ExtraTraining]) -> list[float | None]:
        """Return the scores of trainings, in their order; None where one diverged.

        Raises:
            StoppedEarly: A stop was requested.
            MachineError: A training failed.
        """
        waiting = [one for one in dict.fromkeys(trainings) if one not in self._scores]
        self._tell(len(set(trainings)) - len(waiting))
        running: dict[int, _Running] = {}
        try:
            while waiting or running:
                for slot in sorted(set(range(self._executor.slots)) - set(running)):
                    if waiting and not self._stop.requested():
                        running[slot] = self._start(slot, waiting.pop(0))
                if not running:
                    break
                self._wait(running)
        finally:
            for slot in running:
                self._executor.kill(slot)
        if self._stop.requested():
            raise StoppedEarly
        return [self._scores[one] for one in trainings]

    def _start(self, slot: int, training: ExtraTraining) -> _Running:
        opened = self._opened
        candidate = Candidate.from_json(training.candidate, opened.space.families)
        folds, paths = tuple(range(opened.recipe.n_folds)), opened.paths
        job = replace(
            make_trial_job(opened, 0, training.index, candidate, folds, NoPruner()),
            study_seed=training.seed,
            folder=paths.extra_dir(slot),
            checkpoints=paths.extra_checkpoints(slot),
            decision_epochs=frozenset(),
            measures_latency=False,
            network=None,
        )
        remove_folder(job.folder)
        channel = self._executor.channel(job.folder)
        group = FoldGroup(folds, slot, channel, self._executor.submit(slot, job))
        return _Running(training, job, group)

    def _wait(self, running: dict[int, _Running]) -> None:
        """Wait a moment, and store the scores of trainings that have ended."""
        futures = [one.group.future for one in running.values()]
        wait(futures, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        for slot, one in list(running.items()):
            one.group.receive()
            one.group.channel.answer(len(one.group.epochs), stop=self._stop.requested())
            if one.group.ended:
                del running[slot]
                self._store(one)

    def _store(self, one: _Running) -> None:
        outcome = one.group.outcome()
        if outcome.ended == "stopped":
            return
        if outcome.ended not in ("finished", "diverged"):
            raise MachineError(
                f"{self._step}: a training failed: {outcome.reason}; what is finished is kept: "
                "run the same command again"
            )
        remove_folder(one.job.folder)
        remove_folder(one.job.checkpoints)
        diverged = outcome.ended == "diverged"
        score = None if diverged else self._score(History((*one.group.epochs,)))
        self._scores.add(one.training, score)
        self._tell(1)

    def _score(self, history: History) -> float:
        metric = get_metric(self._opened.recipe.metric)
        return metric.best(history.mean_curve(metric))

    def _tell(self, n_more: int) -> None:
        self._done += n_more
        if n_more:
            self._listener(StepProgress(self._step, self._done, max(self._most, self._done)))
