"""Keras Tuner's Hyperband around a loop of PyTorch, by a `run_trial` of one's own.

At its defaults (brackets by 3 from a single epoch), repeated while there is time, one trial at a
time on all of torch's threads. A trial that is promoted goes on where it ended, as Keras Tuner's
own networks do, which it keeps on disk and these in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import keras_tuner

from tests.benchmarks.peers.candidates import candidate_at
from tests.benchmarks.peers.plain import train
from tests.benchmarks.peers.records import Recorder
from tests.benchmarks.peers.task import Arrays, Task

_ENDLESS = 10**6  # repetitions


@dataclass
class _Training:
    """A network's training so far."""

    number: int
    accuracies: Iterator[float]
    best: float = 0.0


@final
class PlainHyperband(keras_tuner.Hyperband):  # type: ignore[misc]  # the package has no types
    """Gives trials the random candidates in their order.

    Args:
        task: What is searched.
        arrays: Its images.
        recorder: Told of every epoch.
    """

    def __init__(self, task: Task, arrays: Arrays, recorder: Recorder) -> None:
        self._task, self._arrays, self._recorder = task, arrays, recorder
        self._trainings: dict[str, _Training] = {}
        self._n_started = 0
        drawn = keras_tuner.HyperParameters()
        drawn.Int("drawn", 0, _ENDLESS)  # it wants a parameter to draw
        super().__init__(
            objective=keras_tuner.Objective("accuracy", "max"),
            max_epochs=task.epochs,
            hyperband_iterations=_ENDLESS,
            seed=task.seed,
            hyperparameters=drawn,
            directory=str(task.scratch.absolute()),
            project_name="hyperband",
        )

    def run_trial(self, trial: keras_tuner.engine.trial.Trial) -> dict[str, float]:
        """Return a trial's best accuracy, after as many epochs as its round has."""
        values = trial.hyperparameters.values
        promoted = values.get("tuner/trial_id")
        training = self._start() if promoted is None else self._trainings.pop(promoted)
        for epoch in range(values["tuner/initial_epoch"] + 1, values["tuner/epochs"] + 1):
            accuracy = next(training.accuracies, None)
            if accuracy is None:  # it diverged
                break
            self._recorder.add(str(training.number), epoch, accuracy)
            training.best = max(training.best, accuracy)
        self._trainings[trial.trial_id] = training
        return {"accuracy": training.best}

    def _start(self) -> _Training:
        task, number = self._task, self._n_started
        self._n_started += 1
        candidate = candidate_at(task.space, task.seed, number)
        return _Training(number, train(candidate, self._arrays, task.epochs, number))


def search(task: Task) -> None:
    """Search until the process is killed."""
    PlainHyperband(task, task.load(), task.recorder()).search()
