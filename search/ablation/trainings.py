"""Further trainings on a study's folds: candidates that the search did not try."""

import json
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from search.errors import MachineError
from search.events import Listener, StepProgress
from search.executors.base import Executor, FoldEpochs, JobChannel
from search.executors.training_jobs import TrialJob, TrialOutcome
from search.files import remove_folder
from search.stopping import StopRequest
from search.training.history import History, best_epoch
from search.tuning.opening import OpenStudy
from search.tuning.pruners import NoPruner
from search.tuning.running_trials import make_trial_job
from search.user_metric import get_metric
from spaces.candidate import Candidate

_POLL_SECONDS = 0.1


@final
class StoppedEarly(Exception):  # noqa: N818 - a request, no error
    """Trainings were stopped on request; what was finished is stored."""


@final
@dataclass
class _Running:
    candidate: str
    job: TrialJob
    channel: JobChannel
    future: "Future[TrialOutcome]"
    epochs: list[FoldEpochs]

    def receive(self) -> bool:
        """Receive its epochs; returns whether it has ended."""
        done = self.future.done()  # first, so that what came before the end is read below
        self.epochs += self.channel.receive()
        return done


@final
class StoredScores:
    """Scores of candidates, by their JSON and the index whose seeds they were trained with.

    They are kept in a file, one JSON object per line. None means that the training diverged.
    """

    def __init__(self, path: Path, index: int) -> None:
        self._path, self._index = path, index
        self._scores: dict[str, float | None] = {}
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        self._cut_off = bool(text) and not text.endswith("\n")
        for line in text.splitlines():
            with suppress(json.JSONDecodeError):  # a line that was cut off by a kill
                stored = json.loads(line)
                if stored["index"] == index:
                    self._scores[stored["candidate"]] = stored["score"]

    def __contains__(self, candidate: str) -> bool:
        return candidate in self._scores

    def __getitem__(self, candidate: str) -> float | None:
        return self._scores[candidate]

    def add(self, candidate: str, score: float | None) -> None:
        """Store a score; raises OSError."""
        self.know(candidate, score)
        line = {"index": self._index, "candidate": candidate, "score": score}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(("\n" if self._cut_off else "") + json.dumps(line) + "\n")
        self._cut_off = False

    def know(self, candidate: str, score: float | None) -> None:
        """Take a score that is stored elsewhere."""
        self._scores[candidate] = score


@final
class Trainings:
    """Trains candidates on the study's folds, by the seeds of one index of its plan.

    What was trained before is not trained again. With the same seeds the differences between
    candidates are less of chance.
    """

    def __init__(
        self,
        opened: OpenStudy,
        executor: Executor,
        scores: StoredScores,
        index: int,
        listener: Listener,
        stop: StopRequest,
        most: int,
    ) -> None:
        self._opened, self._executor, self._scores = opened, executor, scores
        self._index, self._listener, self._stop = index, listener, stop
        self._most, self._done = most, 0

    def __call__(self, candidates: Sequence[Candidate]) -> list[float | None]:
        """Return the candidates' scores; None where the training diverged.

        Raises:
            StoppedEarly: A stop was requested.
            MachineError: A training failed.
        """
        texts = [one.model_dump_json() for one in candidates]
        waiting = [one for one in dict.fromkeys(texts) if one not in self._scores]
        by_text = dict(zip(texts, candidates, strict=True))
        self._tell(len(set(texts)) - len(waiting))
        running: dict[int, _Running] = {}
        try:
            while waiting or running:
                for slot in sorted(set(range(self._executor.slots)) - set(running)):
                    if waiting and not self._stop.requested():
                        text = waiting.pop(0)
                        running[slot] = self._start(slot, text, by_text[text])
                if not running:
                    break
                self._wait(running)
        finally:
            for slot in running:
                self._executor.kill(slot)
        if self._stop.requested():
            raise StoppedEarly
        return [self._scores[text] for text in texts]

    def _start(self, slot: int, text: str, candidate: Candidate) -> _Running:
        opened, index = self._opened, self._index
        folds = tuple(range(opened.recipe.n_folds))
        job = make_trial_job(opened, 0, index, candidate, folds, NoPruner())
        paths = opened.paths
        job = replace(
            job,
            folder=paths.extra_dir(slot),
            checkpoints=paths.extra_checkpoints(slot),
            decision_epochs=frozenset(),
            measures_latency=False,
            network=None,
        )
        remove_folder(job.folder)
        channel = self._executor.channel(job.folder)
        return _Running(text, job, channel, self._executor.submit(slot, job), [])

    def _wait(self, running: dict[int, _Running]) -> None:
        """Wait a moment, and store the scores of trainings that have ended."""
        futures = [one.future for one in running.values()]
        wait(futures, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        for slot, one in list(running.items()):
            ended = one.receive()
            one.channel.answer(len(one.epochs), stop=self._stop.requested())
            if ended:
                del running[slot]
                self._store(one)

    def _store(self, one: _Running) -> None:
        outcome = one.future.result()
        if outcome.ended == "stopped":
            return
        if outcome.ended not in ("finished", "diverged"):
            raise MachineError(
                f"a training of the ablation failed: {outcome.reason}; what is finished is kept: "
                "run the same command again"
            )
        remove_folder(one.job.folder)
        remove_folder(one.job.checkpoints)
        diverged = outcome.ended == "diverged"
        self._scores.add(one.candidate, None if diverged else self._score(History((*one.epochs,))))
        self._tell(1)

    def _score(self, history: History) -> float:
        metric = get_metric(self._opened.recipe.metric)
        curve = history.mean_curve(metric)
        return curve[best_epoch(curve, metric) - 1]

    def _tell(self, n_more: int) -> None:
        self._done += n_more
        if n_more:
            self._listener(StepProgress("Ablation", self._done, max(self._most, self._done)))
