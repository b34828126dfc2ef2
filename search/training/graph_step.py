"""Steps that are recorded once and repeated, and the choice between these and eager ones."""

from typing import final

import torch

from search.training.graph import Recorder, choose_recorder
from search.training.graph_state import make_recordable, rehearsal
from search.training.step import Batch, EagerStep, Learner, TrainingStep


@final
class GraphStep(TrainingStep):
    """Repeats one recorded step, from the gather of the images to the sums, on full batches.

    A smaller batch (an epoch's last) runs through the same code eagerly, on the same weights and
    optimizer state. It is not filled up: batch norm's statistics and the mean of the loss would
    be others. So what is learned does not depend on how steps are carried out.
    """

    def __init__(self, learner: Learner, example: Batch, recorder: Recorder) -> None:
        """Record on images of `example`, a full batch; the learner's state stays as it is.

        Raises RuntimeError where the step cannot be recorded.
        """
        self._learner, self._recorder = learner, recorder
        self._indices = example.indices.clone()
        self._draws = None if example.draws is None else example.draws.clone()
        self._rate = make_recordable(learner.optimizer, learner.settings.device)
        learner.network.train()
        with rehearsal(learner):
            recorder.capture(lambda: learner.learn(self._indices, self._draws))

    @property
    def fallback(self) -> None:
        """Return None."""

    def run(self, batch: Batch) -> None:
        """Take one step, on a batch of at most the example's size."""
        self._rate.fill_(batch.learning_rate)
        if len(batch.indices) < len(self._indices):
            self._learner.learn(batch.indices, batch.draws)
            return
        self._indices.copy_(batch.indices)
        if self._draws is not None and batch.draws is not None:
            self._draws.copy_(batch.draws)
        self._recorder.replay()


def build_step(learner: Learner, train: torch.Tensor) -> TrainingStep:
    """Return the fastest step for the learner's device; `train` holds the indices learned from."""
    return build_recorded_step(learner, train, choose_recorder(learner.settings.device))


def build_recorded_step(
    learner: Learner, train: torch.Tensor, recorder: Recorder | None
) -> TrainingStep:
    """Return a GraphStep if there is a recorder and a full batch, otherwise an EagerStep.

    Where recording fails, the EagerStep goes on from the untouched state and its `fallback` says
    why. Raises torch.OutOfMemoryError: smaller memory needs are the user's choice, not ours.
    """
    size = learner.candidate.batch_size
    if recorder is None or len(train) < size:
        return EagerStep(learner)
    try:
        return GraphStep(learner, _example(learner, train[:size]), recorder)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        first_line = (str(error).strip().splitlines() or [""])[0]
        return EagerStep(learner, fallback=f"{type(error).__name__}: {first_line}")


def _example(learner: Learner, indices: torch.Tensor) -> Batch:
    device = learner.data.images.device
    augmented = learner.candidate.augmentation != "none"
    draws = torch.zeros(3, len(indices), dtype=torch.int64, device=device) if augmented else None
    return Batch(indices.to(device), draws, learning_rate=0.0)
