"""The machine that a benchmark ran on: what its figures must be read beside."""

import torch

from search.executors.base import run_job
from search.executors.probes import DeviceProbe
from tests.benchmarks.measuring import peak_flops


def machine_facts() -> dict[str, str]:
    """Return processor, torch and the matrix-product peaks of one core and of all, measured."""
    facts = run_job(DeviceProbe("cpu")).hardware
    cores = int(facts["cores"])
    peaks = {f"peak of {n} core{'s'[: n > 1]}": _peaks(n) for n in sorted({1, cores})}
    return {"processor": facts["processor"], "torch": torch.__version__, **peaks}


def _peaks(threads: int) -> str:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        fp32, bf16 = (peak_flops(dtype) / 1e9 for dtype in (torch.float32, torch.bfloat16))
    finally:
        torch.set_num_threads(before)
    return f"{fp32:.0f} GFLOP/s fp32, {bf16:.0f} bf16"
