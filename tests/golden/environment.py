"""What decides the last bits of a result beside the program: the name that results are kept by."""

import platform
from importlib.metadata import version
from pathlib import Path

import torch

_LIBRARIES = ("torch", "numpy", "optuna", "scikit-learn")
_FACTS = ("model name", "cpu family", "model")


def environment_name() -> str:
    """Return Python, libraries and processor in one line."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    python = ".".join(platform.python_version_tuple()[:2])
    return f"Python {python}, {libraries}; {_processor()}"


def _processor() -> str:
    facts = {}
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    for line in reversed(lines):
        name, _, value = line.partition(":")
        facts[name.strip()] = value.strip()
    known = [facts.get(name, "?") for name in _FACTS]
    capability = torch.backends.cpu.get_cpu_capability()
    return " ".join((platform.machine(), *known, capability))
