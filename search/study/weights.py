"""A network's weights as a safetensors file."""

from pathlib import Path

from safetensors.torch import save_file
from torch import nn


def save_weights(path: Path, network: nn.Module) -> None:
    """Write the state dict whole or not at all, in folders that are made where missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = network.state_dict().items()
    temporary = path.with_suffix(".tmp")
    save_file({name: value.detach().cpu().contiguous() for name, value in state}, temporary)
    temporary.replace(path)
