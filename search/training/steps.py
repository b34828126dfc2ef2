"""One step of training: eagerly, or captured once as a CUDA graph and replayed."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias, final

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from search.data.dataset import TrainSplit
from search.errors import describe_error
from search.training.evaluation import MetricAccumulator, Normalizer
from search.training.settings import TrainingSettings
from spaces.augmentation import Draws, Pipeline
from spaces.candidate import Candidate
from spaces.losses import TrainingLoss, probabilities


@final
@dataclass(frozen=True)
class Batch:
    """The images of one step, and its learning rate.

    `indices` is int64 (N,), into the training split; `draws` are the random numbers of the
    augmentations. All are on the split's device.
    """

    indices: torch.Tensor
    draws: Draws
    learning_rate: float


@final
@dataclass(frozen=True)
class Learner:
    """A network with everything that a step needs; `learn` expects it in training mode."""

    candidate: Candidate
    network: nn.Module
    optimizer: torch.optim.Optimizer
    data: TrainSplit
    normalize: Normalizer
    settings: TrainingSettings
    metrics: MetricAccumulator
    augmentation: Pipeline
    loss: TrainingLoss
    n_classes: int

    def learn(self, indices: torch.Tensor, draws: Draws) -> None:
        """Take one step on the images at `indices`, augmented as drawn.

        So that the step can be captured and replayed, nothing is read back from the device, and
        the only tensors replaced that outlive the step are the gradients.
        """
        pixels = self.augmentation.change_pixels(self.data.images.index_select(0, indices), draws)
        images = self.augmentation.change_normalized(self.normalize(pixels), draws)
        targets = self._targets(indices, draws)
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.settings.forward(self.network, images)
        loss = self.loss(logits, targets)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.candidate.gradient_clip is not None:
            clip_grad_norm_(self.network.parameters(), self.candidate.gradient_clip)
        self.optimizer.step()
        # of a mixed image, the class of the larger part is the right one
        labels = targets if targets.dim() == 1 else targets.argmax(1)
        plain = None if self.loss.is_plain else cross_entropy(logits.detach(), targets)
        self.metrics.add(loss.detach(), logits.detach(), labels, plain)

    def _targets(self, indices: torch.Tensor, draws: Draws) -> torch.Tensor:
        """Return labels, int64 (N,); if images are mixed, probabilities, float32 (N, classes)."""
        labels = self.data.labels.index_select(0, indices)
        if not self.augmentation.mixes_labels:
            return labels
        _, _, height, width = self.data.images.shape
        before = probabilities(labels, self.n_classes)
        return self.augmentation.mix_targets(before, draws, (height, width))


class TrainingStep(ABC):
    """How the steps of one training are carried out; the learner is the same for all.

    `fallback` says why steps are not captured on a device where they should be.
    """

    fallback: str | None = None

    @abstractmethod
    def run(self, batch: Batch) -> None:
        """Take one step."""


@final
class EagerStep(TrainingStep):
    """Launches every operation separately."""

    def __init__(self, learner: Learner, fallback: str | None = None) -> None:
        self._learner, self.fallback = learner, fallback

    def run(self, batch: Batch) -> None:
        for group in self._learner.optimizer.param_groups:
            group["lr"] = batch.learning_rate * _rate_share(group)
        self._learner.learn(batch.indices, batch.draws)


def _rate_share(group: Mapping[str, Any]) -> float:
    """Return at which share of the learning rate a group of parameters learns."""
    share: float = group.get("rate_share", 1.0)
    return share


StepBuilder: TypeAlias = Callable[[Learner, torch.Tensor], TrainingStep]
"""Takes a learner and the indices that it learns from, int64 (N,); returns its step."""


WARM_UP_RUNS = 3  # libraries choose algorithms and allocate workspaces in their first runs


class GraphCapture(ABC):
    """Captures a function once, then replays it on the same tensors."""

    @abstractmethod
    def capture(self, function: Callable[[], None]) -> None:
        """Capture the function; it may also run, any number of times.

        Raises RuntimeError if something that it does cannot be captured.
        """

    @abstractmethod
    def replay(self) -> None:
        """Repeat what the function did."""


@final
class CudaGraphCapture(GraphCapture):
    """A CUDA graph: all kernels of the function in one launch.

    What the function allocates stays at its address in a memory pool of the graph, as the
    gradients do. Random numbers come from the device's default generator, which the graph is
    registered with: a replay draws from the generator's current seed and offset.
    """

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        self._graph = torch.cuda.CUDAGraph()

    def capture(self, function: Callable[[], None]) -> None:
        """Warm up by running the function on a side stream, then capture it there."""
        with torch.cuda.device(self._device):
            side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            current = torch.cuda.current_stream()
            side.wait_stream(current)
            with torch.cuda.stream(side):
                for _ in range(WARM_UP_RUNS):
                    function()
            current.wait_stream(side)
            with torch.cuda.graph(self._graph, stream=side):
                function()

    def replay(self) -> None:
        self._graph.replay()


@final
@dataclass(frozen=True)
class CapturedRate:
    """The learning rate of a group of parameters, as a tensor that a graph reads.

    Attributes:
        tensor: float32 () on the optimizer's device.
        share: The share of the learning rate at which the group learns.
    """

    tensor: torch.Tensor
    share: float

    def set(self, learning_rate: float) -> None:
        """Set the rate of the next step."""
        self.tensor.fill_(learning_rate * self.share)


def make_capturable(optimizer: Optimizer, device: str) -> list[CapturedRate]:
    """Give each of the optimizer's groups a learning rate that a graph can read.

    A Python number would be captured as a constant. The rate is rounded to float32, as fused
    optimizers on a GPU read it.
    """
    rates = []
    for group in optimizer.param_groups:
        rate = torch.zeros((), dtype=torch.float32, device=device)
        rates.append(CapturedRate(rate, _rate_share(group)))
        group["lr"] = rate
        if "capturable" in group:  # optimizers that count steps; SGD does not
            group["capturable"] = True
    return rates


@contextmanager
def undo_warm_up(learner: Learner) -> Iterator[None]:
    """Undo the training steps that the block takes, even if it fails.

    Weights, batch-norm buffers and optimizer state are restored in place, so that a captured graph
    still refers to them. Optimizer state that the block created is set to zero, the initial state
    of every registered optimizer. Gradients are dropped and the random state is restored. Metrics
    are not: each epoch resets them.
    """
    device = learner.settings.device
    kept = [(tensor, tensor.clone()) for tensor in _state(learner)]
    known = {id(tensor) for tensor, _ in kept}
    with torch.random.fork_rng([device] if device.startswith("cuda") else []), torch.no_grad():
        try:
            with torch.enable_grad():
                yield
        finally:
            for tensor, before in kept:
                tensor.copy_(before)
            for tensor in _state(learner):
                if id(tensor) not in known:
                    tensor.zero_()
            learner.optimizer.zero_grad(set_to_none=True)


def _state(learner: Learner) -> list[torch.Tensor]:
    network, optimizer = learner.network, learner.optimizer
    values = chain.from_iterable(state.values() for state in optimizer.state.values())
    tensors = (value for value in values if isinstance(value, torch.Tensor))
    return [*network.parameters(), *network.buffers(), *tensors]


@final
class GraphStep(TrainingStep):
    """Replays one captured step, from gathering the images to the metrics, on full batches.

    A smaller batch (an epoch's last) runs the same code eagerly, on the same weights and optimizer
    state. It is not padded, because that would change batch norm's statistics and the mean loss. So
    the result does not depend on how steps are carried out.
    """

    def __init__(self, learner: Learner, example: Batch, capture: GraphCapture) -> None:
        """Capture on images of `example`, a full batch; the learner's state stays as it is.

        Raises RuntimeError if the step cannot be captured.
        """
        self._learner, self._capture = learner, capture
        self._indices = example.indices.clone()
        self._draws = tuple(drawn.clone() for drawn in example.draws)
        self._rates = make_capturable(learner.optimizer, learner.settings.device)
        learner.network.train()
        with undo_warm_up(learner):
            capture.capture(lambda: learner.learn(self._indices, self._draws))

    def run(self, batch: Batch) -> None:
        for rate in self._rates:
            rate.set(batch.learning_rate)
        if len(batch.indices) < len(self._indices):
            self._learner.learn(batch.indices, batch.draws)
            return
        self._indices.copy_(batch.indices)
        for kept, drawn in zip(self._draws, batch.draws, strict=True):
            kept.copy_(drawn)
        self._capture.replay()


def build_step(
    learner: Learner, train: torch.Tensor, capture: GraphCapture | None = None
) -> TrainingStep:
    """Return the fastest step for the learner's device.

    If capturing fails, the step is eager, starts from the untouched state, and its `fallback` says
    why.

    Args:
        learner: The network to train.
        train: Indices of the images to train on, int64 (N,).
        capture: Captures the step; None: a CUDA graph on a GPU, nothing on a CPU.

    Raises:
        torch.OutOfMemoryError: Only the user can decide to need less memory.
    """
    device, size = learner.settings.device, learner.candidate.batch_size
    if capture is None and device.startswith("cuda"):
        capture = CudaGraphCapture(device)
    if capture is None or len(train) < size:
        return EagerStep(learner)
    if (reason := learner.augmentation.why_not_capturable()) is not None:
        return EagerStep(learner, fallback=reason)
    try:
        return GraphStep(learner, _example(learner, train[:size]), capture)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        return EagerStep(learner, fallback=describe_error(error))


def _example(learner: Learner, indices: torch.Tensor) -> Batch:
    device = learner.data.images.device
    draws = learner.augmentation.example(len(indices), device)
    return Batch(indices.to(device), draws, learning_rate=0.0)
