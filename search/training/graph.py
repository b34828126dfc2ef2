"""Recording of what a device is told to do, so that it can be told again in one go."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import final

import torch

WARM_UP_RUNS = 3  # libraries choose algorithms and allocate workspaces in their first runs


class Recorder(ABC):
    """Records one function, to be repeated on the very tensors that it used then."""

    @abstractmethod
    def capture(self, function: Callable[[], None]) -> None:
        """Record the function; it may really run meanwhile, any number of times.

        Raises RuntimeError where something that it does cannot be recorded.
        """

    @abstractmethod
    def replay(self) -> None:
        """Do again what the function did."""


@final
class CudaRecorder(Recorder):
    """A CUDA graph: all kernels of the function in one launch.

    What the function allocates lives in a memory pool of the graph's own and keeps its place, as
    the gradients do. Random numbers come from the device's default generator, which the graph is
    registered with: a replay draws from its seed and offset of that moment.
    """

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        self._graph = torch.cuda.CUDAGraph()

    def capture(self, function: Callable[[], None]) -> None:
        """Run the function three times on a side stream, then record it there, not run."""
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
        """Launch the graph on the current stream."""
        self._graph.replay()


def choose_recorder(device: str) -> Recorder | None:
    """Return what records steps on the device; None for a CPU, which has nothing to record."""
    return CudaRecorder(device) if device.startswith("cuda") else None
