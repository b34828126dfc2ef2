"""What a machine computes with, found without torch: its processor and its GPUs."""

import os
import platform
import shutil
import subprocess
from typing import NamedTuple, final

_QUERY = ("--query-gpu=index,uuid,name", "--format=csv,noheader")
_SECONDS = 30
_VISIBLE = "CUDA_VISIBLE_DEVICES"


@final
class Gpu(NamedTuple):
    """A GPU: its number and its UUID, by which CUDA_VISIBLE_DEVICES may name it, and its model."""

    number: str
    uuid: str
    name: str


def processor_name() -> str:
    """Return the processor's model."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def visible_gpus() -> list[Gpu]:
    """Return the GPUs that CUDA_VISIBLE_DEVICES leaves, all without it; none without a driver."""
    found = _all_gpus()
    given = os.environ.get(_VISIBLE)
    if given is None:
        return found
    names = [name.strip() for name in given.split(",") if name.strip()]
    return [one for name in names for one in found if _is_named(one, name)]


def _is_named(gpu: Gpu, name: str) -> bool:
    return name == gpu.number or gpu.uuid.startswith(name)


def _all_gpus() -> list[Gpu]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        done = subprocess.run(  # noqa: S603 - the driver's own
            [program, *_QUERY], check=True, capture_output=True, text=True, timeout=_SECONDS
        )
    except (OSError, subprocess.SubprocessError):  # a driver without devices
        return []
    rows = (line.split(",", 2) for line in done.stdout.splitlines() if line.count(",") >= 2)
    return [Gpu(*(cell.strip() for cell in row)) for row in rows]


def gpu_settings(number: int) -> dict[str, str]:
    """Return the environment of a machine's worker with this number, which gets one GPU if any.

    More workers than GPUs share them.
    """
    gpus = visible_gpus()
    return {_VISIBLE: gpus[number % len(gpus)].uuid} if gpus else {}


def hardware_kind() -> str:
    """Return what results are the same on to the last bit, in words: processor and GPUs."""
    models = dict.fromkeys(gpu.name for gpu in visible_gpus())
    return ", ".join([processor_name(), *models])
