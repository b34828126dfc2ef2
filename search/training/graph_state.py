"""The state that steps change: kept in place for a recording, and put back after a rehearsal."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch.optim import Optimizer

from search.training.step import Learner


def make_recordable(optimizer: Optimizer, device: str) -> torch.Tensor:
    """Give the optimizer a learning rate that a recording can read, float32 () on the device.

    A number would be recorded as it is at that moment. The rate is rounded to float32, as fused
    optimizers on a GPU read it. Returns the rate, of all parameter groups together.
    """
    rate = torch.zeros((), dtype=torch.float32, device=device)
    for group in optimizer.param_groups:
        group["lr"] = rate
        if "capturable" in group:  # Adam and AdamW; SGD keeps no count of steps
            group["capturable"] = True
    return rate


@contextmanager
def rehearsal(learner: Learner) -> Iterator[None]:
    """Undo whatever steps the block takes, also where it fails.

    Weights, batch-norm buffers and optimizer state get their old values in their present tensors,
    so that a recording of these stays true; optimizer state that the block made is set to zero,
    with which a first step of SGD, Adam or AdamW is the same as with none. Gradients are dropped,
    the random state is put back. The sums are left: every epoch begins them anew.
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
