"""From an optimizer's configuration to torch's optimizer."""

from collections.abc import Iterable

import torch
from torch.optim import SGD, Adam, AdamW, Optimizer

from spaces.candidate import AdamConfig, OptimizerConfig, SGDConfig


def build_optimizer(config: OptimizerConfig, parameters: Iterable[torch.nn.Parameter]) -> Optimizer:
    """Return torch's fused optimizer: one kernel a step instead of one an operation."""
    rate, decay = config.learning_rate, config.weight_decay
    if isinstance(config, SGDConfig):
        return SGD(
            parameters,
            lr=rate,
            momentum=config.momentum,
            nesterov=config.nesterov,
            weight_decay=decay,
            fused=True,
        )
    build = Adam if isinstance(config, AdamConfig) else AdamW
    return build(parameters, lr=rate, betas=config.betas, weight_decay=decay, fused=True)


def set_learning_rate(optimizer: Optimizer, learning_rate: float) -> None:
    """Give every parameter group the rate."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
