"""Dropout as the plain side of a comparison has it: written out, on the same random numbers."""

from typing import final

import torch
from torch import nn


@final
class PlainDropout(nn.Module):
    """Dropout or Dropout2d whose mask is read off 16-bit pieces of the generator's draws."""

    def __init__(self, layer: nn.Dropout | nn.Dropout2d) -> None:
        super().__init__()
        self.rate, self.per_channel = layer.p, isinstance(layer, nn.Dropout2d)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the inputs, each value or channel zeroed or scaled by 1 / (1 - rate)."""
        if not self.training or self.rate == 0:
            return inputs
        one = inputs[:, :, :1, :1] if self.per_channel else inputs
        draws = torch.empty(-(-one.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        uniform = (draws.view(torch.int16)[: one.numel()].double() + 32768) / 65536
        kept = round((1 - self.rate) * 65536) / 65536
        return torch.where(uniform.view(one.shape) < kept, inputs / kept, 0)


def with_plain_dropout(network: nn.Module) -> nn.Sequential:
    """Return the network with the same modules but for its dropouts; names stay as they are."""
    dropouts = (nn.Dropout, nn.Dropout2d)
    return nn.Sequential(
        *(PlainDropout(m) if isinstance(m, dropouts) else m for m in network.children())
    )
