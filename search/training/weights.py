"""A network's weights as a safetensors file."""

from pathlib import Path

from safetensors.torch import save
from torch import nn

from search.durable import whole_file


def save_weights(path: Path, network: nn.Module) -> None:
    """Write the state dict whole or not at all, in folders that are made where missing.

    It is on the disk when this returns. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    state = network.state_dict().items()
    content = save({name: value.detach().cpu().contiguous() for name, value in state})
    with whole_file(path) as file:
        file.write(content)
